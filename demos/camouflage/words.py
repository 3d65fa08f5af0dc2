"""Sentences of the camouflage tab, and the one script that it needs."""

from collections.abc import Mapping
from types import MappingProxyType

LEAD = (
    "For everyone who wonders whether face paint helps against face recognition: find a pattern for a face, "
    "and see which recognisers then no longer link its photos, and which still do."
)

MORE_PHOTOS = (
    "Up to 11 more, in other light and at other angles. A painted photo is then compared with the other "
    "clean ones, and every third photo takes no part in the search and only tests what was found."
)

MORE_LABEL = "More photos of the same person (better results)"

PRESETS: Mapping[str, str] = MappingProxyType(
    {"quick": "Quick: about 30 seconds", "thorough": "Thorough: about 4 minutes"}
)

# On a narrow screen the result lies below what was pressed; its picture appears when it is decoded.
TO_RESULT = """async () => { for (let turn = 0; turn < 30 && innerWidth < 700; turn++) {
  const picture = document.querySelector("#camouflage-slider img");
  if (picture) { picture.scrollIntoView({behavior: "smooth", block: "center"}); return; }
  await new Promise(later => setTimeout(later, 100)); } }"""

NOT_YET = '<div class="facet-note">Shown when there is a pattern.</div>'
MATRIX_PLAIN = "Share of the comparisons that each recogniser (column) accepts: green is mostly rejected."
MATRIX = f"{MATRIX_PLAIN} A dot: the search used this recogniser; cells without a dot show transfer."
LEFT_OUT = (
    "“Searched without …”: a shorter search from nothing, without that recogniser. Its cell in the "
    "row, without a dot, is what the pattern does to a recogniser it never saw."
)
SURVIVED = (
    "Share of the comparisons that each recogniser still accepts when this was done to the painted photo; "
    "what it does to a clean photo is not in it."
)
MORE = (
    "The “Thorough” preset also searches with each recogniser left out in turn, and saves, shrinks and blurs "
    "the painted photo and looks again."
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
