"""A drawn face and small random recognisers, so that searches can be tested without any weights."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core.camouflage.evaluate import Portrait, embed
from core.camouflage.objective import Objective, ObjectiveOptions, Standard, Subject
from core.camouflage.project import Surface
from core.faces import topology
from core.faces.align import CANONICAL_SIZE, TEMPLATE, align_batch
from core.types import Face


class Tiny(nn.Module):
    """A smooth random embedding of the canonical frame."""

    def __init__(self, seed: int, dim: int = 12) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(dim, 3 * 14 * 14, generator=generator), requires_grad=False)

    def forward(self, aligned: Tensor) -> Tensor:
        small = nn.functional.avg_pool2d(aligned, 16).flatten(1) - 0.5
        return nn.functional.normalize(small @ self.weight.T, dim=1)


def face() -> Face:
    """The mean face, laid on the canonical frame by its eyes."""
    unit = float(TEMPLATE[1, 0] - TEMPLATE[0, 0])
    points = topology.mean_face() * unit + TEMPLATE[:2].mean(0)
    points = points.astype(np.float32)
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return Face(box=(x0, y0, x1, y1), score=1.0, five=topology.five_points(points), landmarks=points)


def portrait(seed: int, person: str = "one") -> Portrait:
    """Smooth random colours in a 224 px picture whose face is the mean face."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(60, 200, (1, 3, 8, 8)).astype(np.float32))
    smooth = nn.functional.interpolate(coarse, CANONICAL_SIZE, mode="bicubic", align_corners=False)
    pixels = smooth[0].permute(1, 2, 0).clamp(0, 255).byte().numpy()
    return Portrait(person, np.ascontiguousarray(pixels), face())


def models(count: int = 2) -> dict[str, nn.Module]:
    """Tiny recognisers by name."""
    return {f"tiny-{index}": Tiny(index) for index in range(count)}


def subject(seeds: Sequence[int] = (0, 1), count: int = 2) -> Subject:
    """One person whose gallery centres are the clean photos' own embeddings."""
    photos = [portrait(seed) for seed in seeds]
    rows = embed(models(count), align_batch([(one.pixels, one.face) for one in photos]))
    surfaces = tuple(Surface.canonical(one.pixels, one.face) for one in photos)
    return Subject("one", surfaces, rows)


def objective(options: ObjectiveOptions | None = None, count: int = 2) -> Objective:
    """Two photos, ``count`` tiny recognisers."""
    options = options or ObjectiveOptions(augmentation=None)
    standards = {name: Standard(0.5, 0.1) for name in models(count)}
    return Objective([subject(count=count)], models(count), standards, options)
