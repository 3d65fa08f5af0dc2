"""Sentences of the tab of patches, and the scripts that it needs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LEAD: Final = (
    "A small printed patch can make a recogniser lose a person, or take them for somebody else. Here a "
    "network makes it in one forward pass: put it on a face, see what recognisers and a gallery say, compare "
    "it with a slow search and with chance, look at what was attacked, and switch a defence on."
)

EMPTY: Final = """<div class="facet-empty"><b>The result appears here.</b><ol>
<li>Choose a synthetic face or a drawn pedestrian, or bring a photo of your own.</li>
<li>Choose a place for the patch, and whether to hide or to pass for somebody else.</li>
<li>Press “Make a patch”: one forward pass, judged at once by every encoder that is here.</li>
</ol></div>"""

KINDS: Final = (("A face", "faces"), ("A whole person", "persons"))
MODES: Final = (("Hide (evasion)", "evasion"), ("Pass for somebody else (impersonation)", "impersonation"))
PLACES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "faces": {
            "glasses": "Glasses", "medical mask": "Mask", "forehead": "Forehead", "cheek": "Cheek",
            "drawn": "Draw it",
        },
        "persons": {"shirt": "Shirt front", "torso": "Chest", "drawn": "Draw it"},
    }
)  # fmt: skip

BEST: Final = "medical mask"  # of impersonation, see RESULTS.md

PHOTO: Final = "Photo of a face"
WHOLE: Final = "Picture of one whole person, upright, cut close"
SYNTHETIC: Final = "Or try a synthetic face; nobody is behind these:"
DRAWN: Final = "Or try a drawn pedestrian; nobody is behind these:"

TARGETS: Final = (
    "Who the person is to be taken for. The targets are synthetic faces, so that nobody is impersonated. "
    "The one-pass generator learnt these ten, with a mask or glasses. On test photos (40 people) each "
    "attacked encoder then accepted 71 to 88 % of the pairs behind the mask, 51 to 66 % behind glasses. "
    "Towards a second photo other generators work: 12 to 27 % with a mask, all three taken together 28 %, "
    "where the target’s own picture, pasted, brings 19 %; with glasses 27 to 28 %, together 37 % (9 %)."
)
SECOND: Final = (
    "For a demonstration with somebody in the room: a second photo, only with that person’s consent. It "
    "stays in your session, and in this mode nothing print-ready is given out."
)
CONSENT: Final = "The person in the second photo knows about this and agrees, or it is me."

SLOW: Final = (
    "Gradient descent through the attacked encoders, for this one picture: the yardstick that the one pass "
    "is compared with. Both are made to hold under a third of the usual changes of place, light and print, "
    "and are judged sitting still."
)
NATURAL: Final = (
    "A free patch looks like a sticker. A latent-diffusion model of flowers, trained here, can paint one "
    "that looks like a picture instead: either its latent is moved a little, no further than the slider "
    "allows, or the attack’s gradient steers every step of denoising. To hide a face behind glasses or a "
    "mask a generator moves the latent of one sunflower in a single pass: three quarters of a free "
    "patch’s effect or more, and by the measure below as natural as a photograph (12 test people), though a "
    "person sees a nose and lips in it. The face generator paints skin and eyes instead, rather like "
    "make-up. All of this was measured hiding faces; elsewhere it is a demonstration."
)
DEFENCE: Final = (
    "What an operator could do: look for signs of a patch, and cover what looks like one before comparing."
)
EXPLAIN: Final = (
    "Where an encoder looks before and after, and which kind of feature the patch turns its places into."
)

WAYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "generator": "One pass of the generator",
        "pgd": "Iterative search",
        "latent generator": "Natural, in one pass",
        "latent offset": "Natural, by an offset in the latent",
        "guided sample": "Natural, by guided denoising",
        "natural sample": "The same prior without an attack",
        "natural crop": "A crop of a photograph",
        "camouflage": "Face paint of system 1, in this place",
        "target crop": "The target’s own picture, pasted",
    }
)
CHANCE: Final = "Random squares"

FACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "seen": "with the patch, attacked encoders",
        "unseen": "with the patch, encoders never seen",
        "before": "without",
        "band": "behind random squares, lowest to highest",
        "threshold": "accepted from here",
    }
)

LIMITS: Final = """<ul>
<li>Patches are pasted into pictures. Nothing here was printed, worn or photographed; the generators
learnt under only a third of the usual changes of place, light and print, or a fifth, so expect less of a
real print.</li>
<li>On other people's photos the one-pass generator leaves the attacked encoders together a seventeenth of
what random squares leave with glasses, and a fifteenth with a mask; there one alone keeps up to a ninth. On
forehead and cheek it does little, and the slow search no more: these encoders mind what lies about eyes and
nose. In a drawn place it does something where the drawing covers the nose, though less than the search does
there, and next to nothing elsewhere.</li>
<li>Here the patch is bent over the face’s mesh, while the generators learnt, and the figures were made,
with flat ones. That costs something: of the pairs of the ten synthetic faces the attacked encoders then
accept 60 to 77 % with the mask (flat 63 to 77 %) and 47 to 57 % with glasses (flat 57 to 70 %), and a hidden
face stays up to .04 nearer to itself.</li>
<li>Towards a second photo mask and glasses are accepted more often than that person’s own picture, cut out
and pasted (28 and 19 %, 37 and 9 % of pairs, 40 people; the mask’s intervals overlap).</li>
<li>“Attacked” encoders were looked at while the patch or its generator was made. Only those “never seen”
say what a patch does to a system that nobody has opened.</li>
<li>An encoder accepts at its own threshold, where it confuses 1 in 100 pairs of strangers. Deployed
systems are stricter against impersonation and laxer against hiding than that.</li>
<li>The galleries are small: ten synthetic faces in three views, or twelve drawn pedestrians by three
cameras. Among so few, whoever is like nobody any more is still found early. A photo of your own is
compared with itself, which is harder to hide from than another photo.</li>
<li>Person encoders that come with the app learnt from drawn people and a few crops of street videos.</li>
<li>For research, privacy and teaching. Impersonation is open towards synthetic faces only, or with
consent; results are marked as adversarial in the file, and in that mode no patch is given out.</li>
<li>After “Adversarial patches against re-identification in one forward pass” (arXiv:2603.15396), whose
code was not at hand: the networks, their training and all figures are our own.</li></ul>"""

# On a narrow screen the result lies below what was pressed.
TO_RESULT: Final = """() => { if (innerWidth < 700)
  document.querySelector("#patches-working")?.scrollIntoView({behavior: "smooth", block: "center"}); }"""
