"""What a patch does to one encoder's view of one picture, ready to be shown.

Which rule shows a patch on which recogniser was measured on validation people and is bundled
(``core.patches.thresholds``); whether the maps may be believed is said with them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.faces import parts, topology
from core.faces.align import CANONICAL_SIZE, TEMPLATE, similarity
from core.patches import activation, clusters, overlays, thresholds
from core.patches.activation import RULES, Rule, placed, share_inside
from core.patches.base import Victim
from core.patches.clusters import Options
from core.patches.slots import Slot
from core.types import Face, Pixels

__all__ = ["RULES", "Explanation", "explain", "face_regions"]

RULE: Rule = "hirescam against"  # where nothing was measured
MOST = 12  # other pictures that clusters are fitted on
NAMED = 2  # regions in a row's words
WORTH = 0.1  # share of a cluster above which a region is named
BANDS = ("head and shoulders", "chest", "hips and thighs", "lower legs")  # quarters of a person from above


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One picture before and after, through the eyes of one encoder; shares are 0..1.

    Attributes:
        victim: its name.
        rule: how gradients weighed activations.
        believable: whether these maps showed patches on validation people; None where nobody measured.
        note: the same in a sentence.
        heat_clean: the weighted map over the clean picture, H×W×3.
        heat_attacked: over the attacked one.
        share_clean: share of the weighted map inside the patch's outline; nan where the map is empty.
        share_attacked: the same with the patch.
        all_clean: the plain map over the clean picture, H×W×3.
        all_attacked: over the attacked one.
        plain_clean: share of the plain map.
        plain_attacked: the same with the patch.
        area: what an even map would have there.
        clusters_clean: numbered clusters over the clean picture, H×W×3.
        clusters_attacked: over the attacked one.
        table: one row a cluster, see :func:`explain`.
    """

    victim: str
    rule: str
    believable: bool | None
    note: str
    heat_clean: Pixels
    heat_attacked: Pixels
    share_clean: float
    share_attacked: float
    all_clean: Pixels
    all_attacked: Pixels
    plain_clean: float
    plain_attacked: float
    area: float
    clusters_clean: Pixels
    clusters_attacked: Pixels
    table: list[dict[str, object]]


def explain(
    victim: Victim,
    clean: Tensor,
    attacked: Tensor,
    slot: Slot,
    references: Tensor | None = None,
    *,
    rule: Rule | None = None,
    others: Tensor | None = None,
    face: Face | None = None,
    count: int = 6,
) -> Explanation:
    """Look at a picture and at the same picture with a patch, one pass and one gradient each.

    Args:
        victim: the encoder.
        clean: 3×H×W RGB in 0..1.
        attacked: 3×H×W.
        slot: where the patch sits.
        references: G×D or D, the victim's unit vectors of clean pictures of the person; without them the
            clean picture's own, towards which the clean map is empty.
        rule: of the weighted maps; the one that showed patches best on validation people without it.
        others: N×3×H×W clean pictures on which clusters are fitted beside ``clean``; the first twelve count.
        face: with landmarks in pixels of the picture, for the regions; the mean face without it.
        count: of clusters, 2..8.

    Returns:
        The table's rows have ``cluster`` (from 1), ``colour``, ``rgb``, ``share clean``, ``share attacked``,
        ``in patch clean``, ``in patch attacked``, ``shift`` (in spreads of clean places, may be nan),
        ``where`` (words) and ``regions`` (share of the cluster's clean places in each region).

    Raises:
        UserError: ``OPTION_RANGE``: the number of clusters.
    """
    options = Options(count)
    known = thresholds.load().maps.get(victim.name)
    rule = rule or (known.rule if known else RULE)
    both = torch.stack([clean, attacked])
    if references is None:
        with torch.no_grad():
            references = victim.embed(clean[None])
    towards = functional.normalize(references.reshape(-1, references.shape[-1]).mean(0, keepdim=True), dim=1)
    seen = activation.read(victim, both, towards, rule)
    mask = slot.mask[None, None]
    weighted, plain = (share_inside(each, mask).tolist() for each in (seen.weighted, seen.plain))
    area = float(share_inside(placed(torch.ones(1, 1, 1), victim), mask))
    usual = seen.maps[:1]
    if others is not None and len(others):
        usual = torch.cat([usual, clusters.read_maps(victim, others[:MOST])])
    fitted = clusters.fit(victim.name, usual, options)
    rows = clusters.table(
        fitted, victim, seen.maps[:1], seen.maps[1:], mask, _regions(victim.height, victim.width, face)
    )
    measured = known is not None and known.rule == rule
    # one scale for before and after, so that the two can be compared
    top, most = (max(overlays.hottest(one) for one in maps) for maps in (seen.weighted, seen.plain))
    return Explanation(
        victim=victim.name,
        rule=rule,
        believable=known.believable if known is not None and measured else None,
        note=known.words
        if known is not None and measured
        else "Nobody measured whether these maps show patches.",
        heat_clean=overlays.heat(clean, seen.weighted[0], slot.mask, top),
        heat_attacked=overlays.heat(attacked, seen.weighted[1], slot.mask, top),
        share_clean=weighted[0],
        share_attacked=weighted[1],
        all_clean=overlays.heat(clean, seen.plain[0], slot.mask, most),
        all_attacked=overlays.heat(attacked, seen.plain[1], slot.mask, most),
        plain_clean=plain[0],
        plain_attacked=plain[1],
        area=area,
        clusters_clean=overlays.regions(fitted, victim, seen.maps[0], clean, slot.mask),
        clusters_attacked=overlays.regions(fitted, victim, seen.maps[1], attacked, slot.mask),
        table=[_row(row) for row in rows],
    )


def _row(row: clusters.Row) -> dict[str, object]:
    return {
        "cluster": row.cluster + 1,
        "colour": row.colour,
        "rgb": row.rgb,
        "share clean": row.clean,
        "share attacked": row.attacked,
        "in patch clean": row.patch_clean,
        "in patch attacked": row.patch_attacked,
        "shift": row.shift,
        "where": _where(row.regions) if row.clean > 0 else "nowhere on the clean picture",
        "regions": dict(row.regions),
    }


def _where(regions: Mapping[str, float]) -> str:
    """The largest regions in words."""
    ranked = sorted(((share, name) for name, share in regions.items() if not math.isnan(share)), reverse=True)
    named = [f"{name} {share:.0%}" for share, name in ranked[:NAMED] if share >= WORTH]
    return ", ".join(named) if named else "spread over everything"


def _regions(height: int, width: int, face: Face | None) -> dict[str, Tensor]:
    """1×1×H×W masks by region: of a face, or quarters of a person from above."""
    if (height, width) == (CANONICAL_SIZE, CANONICAL_SIZE):
        return face_regions(face)
    found = {}
    for number, name in enumerate(BANDS):
        mask = torch.zeros(1, 1, height, width)
        mask[:, :, number * height // len(BANDS) : (number + 1) * height // len(BANDS)] = 1
        found[name] = mask
    return found


def face_regions(face: Face | None = None) -> dict[str, Tensor]:
    """Where each region of an aligned face lies, 1×1×224×224 of 0 and 1; disjoint, together the picture.

    Args:
        face: with landmarks in canonical pixels; None for the mean face.

    Raises:
        UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    masks = parts.masks(face or _mean_face(), CANONICAL_SIZE, CANONICAL_SIZE)
    around = ~np.any(list(masks.values()), axis=0)
    return {
        name: torch.from_numpy(mask)[None, None].float()
        for name, mask in (masks | {"mouth opening, hair and background": around}).items()
    }


@lru_cache(maxsize=1)
def _mean_face() -> Face:
    """The mean face in the canonical frame, aligned like any other."""
    matrix = similarity(topology.five_points(topology.mean_shape()), TEMPLATE)
    points = (topology.mean_face() @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return Face((x0, y0, x1, y1), 1.0, topology.five_points(points), points)
