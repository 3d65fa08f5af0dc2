"""Sentences of the video tab, and the scripts that it needs."""

from demos.strips import follow, press

LEAD = (
    "For everyone who asks what software reads from a moving face: see expression, valence and arousal and "
    "action units frame by frame, which part of the system decided each frame, and what smoothing changes."
)

EMPTY = """<div class="facet-empty"><b>The timeline appears here.</b><ol>
<li>Choose one of the synthetic clips, upload your own or record one.</li>
<li>Press “Analyse the clip”: faces are found, followed and read once.</li>
<li>Move along the clip and change the sliders; they act at once.</li>
</ol></div>"""

CONTEMPT = (
    "Contempt is not among the classes that the encoder knows: such a face is put under another name, "
    "most often neutral or happiness."
)

NO_HEAD = {
    "mlp": "The expression head is not here, so the pretrained classes decide alone.",
    "valence_arousal": "Valence and arousal: this head needs the published checkpoint, or training on "
    "AffWild2.",
    "units": "Action units: this head needs the published checkpoint, or training on AffWild2.",
    "violence": "Violence: this head needs the published checkpoint, or training on the DVD data set; there "
    "is no honest stand-in for it.",
}
"""What is said in the place of a head that is not here."""

_TRAIN = (
    "python -m core train abaw {0} --data ANNOTATIONS --features DIR --out HEADS/{0}\n"
    "FACET_ABAW_HEADS=HEADS python app.py"
)
TRAIN = {
    "mlp": _TRAIN.format("expr"),
    "valence_arousal": _TRAIN.format("va"),
    "units": _TRAIN.format("au"),
    "violence": _TRAIN.format("violence"),
}
"""The commands that make a head from a data set that one has, and put it to use."""

FETCH_SPEECH = "python -m core weights fetch whisper-tiny-en"

SOUND = {
    "heard": "At 1 the picture decides alone. Move w down to let the sound vote wherever the trained head "
    "decides; silence has no vote. It begins at 1 because the audio head is a stand-in:",
    "ready": "The sound is heard when a clip with speech is analysed.",
    "fetch": "The sound is not heard: the speech encoder (Whisper tiny.en, 70 MB) is optional and not here. "
    "Fetch it, then analyse the clip:",
    "again": "The speech encoder is here. Analyse the clip again to hear it.",
    "no sound": "This clip has no sound, so there is nothing to weigh against the picture.",
    "silent": "No speech was heard in this clip: it is silent, or the encoder came after the analysis.",
    "no head": "The sound is blended with the trained head, and this encoder has none.",
}
"""What stands beside the weight w of the picture against the sound."""

LANES = (
    "Raw: most probable class of each frame. Smoothed: after averaging the probabilities. Final: after the "
    "choice of the branch. Controls: the same clip with a part switched off."
)

UNITS = "Full colour: strong. A line below: above the threshold. At the right: share of the frames above it."

LABELS = (
    "A text file in the layout of AffWild2: a header line, then one line a frame. Expressions as 0 to 7 "
    "(-1 is ignored), valence and arousal as two numbers (-5 is ignored), or twelve action units as 0 and 1 "
    "(-1 is ignored)."
)

LIVE = (
    "One face at a time, about three pictures a second for at most two minutes. Pictures are looked at and "
    "dropped. Only what came before is averaged, for nothing after it is known: record a clip for the full "
    "method."
)

LIMITS = """<ul>
<li>An expression is what a face looks like to annotators, not what the person feels.</li>
<li>The encoder knows six basic expressions and neutral. Contempt, boredom, pain, irony or a talking mouth
come out as one of those.</li>
<li>Measured: on eight acted clips of a known class the whole method named six, as did the head alone, the
method without smoothing and mini-XCEPTION (eight clips say little). Fear came out as surprise, one disgust
as happiness.</li>
<li>The sound is heard by a head that learned from six actors speaking German; other languages and untrained
voices may carry feelings differently. Music and noise pass for speech, so does whoever speaks off screen, and
in a clip of several people all get the same sound.</li>
<li>Faces that look away, are dark, small or covered are read worse, and so may be people who were rare in the
training photos.</li>
<li>Smoothing looks at frames before and after: it suits recordings, not a live decision.</li>
<li>Thresholds and windows that were tuned on a set of clips look better on that set than on yours.</li>
<li>It must not be used to judge, hire, grade or watch people.</li>
<li>Follows “HSEmotion Team at ABAW-10 Competition” (arXiv:2603.12693); heads marked as stand-ins were trained
on other data than the paper's, and their figures are not the paper's.</li></ul>"""

# While the clip plays the slider goes along; media events do not bubble, they are caught on their way down.
PLAY = """
if (!window.facetFollowsClip) {
  window.facetFollowsClip = true;
  document.addEventListener('timeupdate', event => {
    const film = event.target, line = document.querySelector('#abaw-cursor input[type=range]');
    if (!line || film.paused || !film.duration || !film.closest('#abaw-clip')) return;
    line.value = Math.round(film.currentTime / film.duration * Number(line.max));
    line.dispatchEvent(new Event('input', {bubbles: true}));
  }, true);
}
"""

FOLLOW = follow("abaw-cursor", "#abaw-figures")
PRESS = press("abaw-cursor")

TO_RESULT = """() => { if (innerWidth < 700)
  document.querySelector("#abaw-working")?.scrollIntoView({behavior: "smooth", block: "center"}); }"""
