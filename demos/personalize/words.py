"""Sentences of the tab of TTA-CaP, and the scripts that it needs."""

from typing import Final

LEAD: Final = (
    "A model that compares pictures with sentences knows nobody in particular. Here it gets used to one "
    "person while it watches: sure frames are kept in a small memory, three gates decide which, and no "
    "weight of the model changes. See every decision, switch parts off, and try to mislead it."
)

EMPTY: Final = """<div class="facet-empty"><b>The film of decisions appears here.</b><ol>
<li>Choose a synthetic example, or upload one or more clips of one person.</li>
<li>Press “Read the clips”: faces are found and described by the model, once.</li>
<li>Move along the film and change anything on the left; it is taken anew at once.</li>
</ol></div>"""

PERSON: Final = "Type a name to begin with another person. What is kept of one is never used for another."

SYNTHETIC: Final = "Or try a synthetic person, a clip and six photos; nobody is behind these faces:"

MODEL_SAW: Final = (
    "The model that comes with the app was trained on faces and sentences about expressions only. Of other "
    "words, such as pain or stress, it knows no more than how their meaning lies among those."
)

OWN: Final = (
    "One sentence a line, one line a class: two to ten of them. Other people's frames are labelled with the "
    "seven expressions alone, so with your own sentences there is no source cache, and the prototype gate "
    "is not asked."
)
EXPRESSIONS: Final = "The seven expressions"
MINE: Final = "My own sentences"
SPREAD: Final = "one by one"
IN_A_ROW: Final = "in a row"
OWN_EXAMPLE: Final = "a face in pain\na calm face"

METHOD: Final = (
    "A frame is kept only if all gates that are on let it pass: sure frames as examples of their class "
    "(positive cache), doubtful ones as examples of what it is not (negative cache). The source cache "
    "borrows labelled frames of other people whose embeddings lie near."
)
PRESET_NOTES: Final = {
    "ours": "Our choice: what the caches say of every class is added to the model's own scores, more "
    "people lend frames, and the gates judge the personalised answer.",
    "March 2026": "As the authors' code of March 2026: vectors are mixed, caches live as long as the person.",
    "June 2026": "As the authors' code of June 2026: caches are emptied when a clip begins.",
}

POISON: Final = (
    "What if frames with a wrong answer come in? This pushes some frames towards a class until the model is "
    "95 % sure of it, or as sure as it gets. Their pictures stay as they are. Then see how many get past the "
    "gates."
)

TRUTH: Final = (
    "If you know what a clip shows, say so, and the table of methods tells right from wrong. With two "
    "labelled clips Tip-Adapter joins in, which learns from labelled frames: each clip is asked with those "
    "of the others."
)
NO_TIP: Final = (
    "Tip-Adapter needs labelled frames: say what at least two clips show, under “What the clips really show”."
)

PEERS: Final = (
    "All methods read the same frames in the same order. Agreement: share of the frames at which the running "
    "answer is that of zero-shot. Time: of the method alone, on this machine, now."
)

IMPORT: Final = "A cache that was exported here, of the same model and the same classes."
NO_SOURCES: Final = "No source cache fits these classes, so the prototype gate is not asked."
IMPORT_UNUSED: Final = {
    "video": "The imported cache is not used now: caches are emptied when a clip begins.",
    "fit": "The imported cache is not used now: it is of other classes or another model.",
}

FIGURES: Final = (
    "Measured on 192 people of two photo sets whom no training saw: with one sentence a class that the "
    "training did not know it gains 9 to 16 points of macro-F1 on zero-shot; with the sentences that this "
    "tab starts with 0 to 3, which two of three intervals cannot tell from nothing. The gain comes from the "
    "borrowed frames, hardly from likeness, and not from the gates. On eight acted clips it named two, "
    "zero-shot four. All of it, with the controls, stands in benchmarks/RESULTS.md."
)
"""One line on measured figures, for the limits."""

LIMITS: Final = f"""<ul>
<li>An expression is what a face looks like to those who labelled it, not what the person feels.</li>
<li>Getting used to a person helps only where the model is right more often than not. Where it is wrong and
sure, wrong frames are kept: gates measure sureness and steadiness, not truth.</li>
<li>The answer to a frame depends on the frames before it: another order gives other answers.</li>
<li>{MODEL_SAW}</li>
<li>The source cache holds people of research photo sets. Whoever was rare among them is borrowed for
worse.</li>
<li>Faces that look away, are dark, small or covered are read worse. About five faces a second are read.</li>
<li>Time a frame is that of this machine, now, and shared with other visitors.</li>
<li>The poison is made of numbers, not of pictures: it shows the gates, not how a camera is fooled.</li>
<li>{FIGURES}</li>
<li>It must not be used to judge, hire, grade or watch people, nor to decide on anyone's pain.</li>
<li>Follows “Test-Time Adaptation via Cache Personalization for Facial Expression Recognition in Videos”
(arXiv:2603.21309); the model and the people are others than the paper's, and so are the figures.</li></ul>"""

TO_RESULT: Final = """() => { if (innerWidth < 700)
  document.querySelector("#personalize-working")?.scrollIntoView({behavior: "smooth", block: "center"}); }"""
