"""Sentences of the camouflage tab."""

from collections.abc import Mapping
from types import MappingProxyType

LEAD = (
    "Paint a few simple shapes on a face so that face recognition no longer links its photos: for people who "
    "want to know how far such paint protects them, against which recognisers, and where it fails."
)

PRESETS: Mapping[str, str] = MappingProxyType(
    {"quick": "Quick: about 30 seconds", "thorough": "Thorough: about 2 minutes"}
)

LIMITS = """<ul>
<li>“Not recognised” means: this model, at a threshold where it confuses 1 in 100 pairs of strangers, no
longer accepts these photos as one person. Another model, threshold or photo of you, or a human, may.</li>
<li>Paint is simulated on the photo: shaded by your skin's light, seen under changed light, pose, blur and
JPEG. Real paint, sweat and a moving head are not tested here.</li>
<li>A pattern that only keeps a face from being <em>found</em> is another matter; both are told apart.</li>
<li>Random patterns of equal area already disturb some models, so the yellow band is what a found pattern must
beat. Models marked “never seen” took no part in the search.</li>
<li>The examples are synthetic faces; nobody's photo is needed.</li>
<li>Follows the idea of “Adversarial Camouflage” (arXiv:2603.21867), whose code and figures were not at hand;
the pattern space, the search and the figures here are our own.</li></ul>"""
