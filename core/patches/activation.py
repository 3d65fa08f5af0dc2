"""Where an encoder looks: plain activation maps and those that carry its likeness to somebody.

A victim's maps show its native crop, which on a canonical face is less than the picture. All maps here are
put back in the place of the picture that they show; outside it the encoder sees nothing, and they are 0.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from core.patches.base import Victim

Kind = Literal["absolute", "positive"]
Rule = Literal["grad-cam", "hirescam", "grad-cam against", "hirescam against"]
RULES: Final[tuple[Rule, ...]] = ("grad-cam", "hirescam", "grad-cam against", "hirescam against")
BATCH = 16  # pictures at a time
FINE = 8  # points a side of a cell, where a mask of the picture is brought to the cells


def plain(maps: Tensor, kind: Kind = "absolute") -> Tensor:
    """Channel mean of the activations' sizes ("activation-based attention", arXiv 1612.03928, section 3.1).

    Args:
        maps: N×C×h×w.
        kind: "absolute" takes |a|, "positive" max(0, a).

    Returns:
        N×h×w of 0 and more, differentiable.
    """
    return (maps.abs() if kind == "absolute" else maps.clamp_min(0)).mean(1)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one pass and its gradient say of N pictures.

    Attributes:
        maps: N×C×h×w, the victim's own.
        plain: N×H×W of 0 and more, in the picture: channel means of sizes.
        weighted: N×H×W of 0 and more, in the picture.
    """

    maps: Tensor
    plain: Tensor
    weighted: Tensor


def read(victim: Victim, pictures: Tensor, references: Tensor, rule: Rule = "grad-cam") -> Reading:
    """Maps, plain maps and weighted maps together, without gradients.

    The weighted ones are Grad-CAM (arXiv 1610.02391, eq. 1 and 2) with the cosine to a reference in place of
    a class score. Each channel weighs as much as the mean gradient of the cosine over its places; the sum is
    cut at 0, so a map shows what speaks for the reference. Where an encoder weighs places one by one
    (MobileFaceNet's last layer does), that mean may say the wrong thing and leave an empty map; HiResCAM
    (arXiv 2011.08891) multiplies place by place instead. "Against" turns the sign (the counterfactual maps
    of arXiv 1610.02391, section 3.3): what speaks against the reference, as a patch does that hides somebody.

    Args:
        victim: whose.
        pictures: N×3×H×W RGB in 0..1.
        references: N×D or 1×D unit vectors.
        rule: how gradients weigh activations.

    Raises:
        ValueError: the victim's maps do not lie on the way to its embedding.
    """
    maps, gradient = slopes(victim, pictures, references)
    return Reading(maps, placed(plain(maps), victim), placed(weighed(maps, gradient, rule), victim))


def slopes(victim: Victim, pictures: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """Maps, and how the cosine to a reference changes with each of their values: twice N×C×h×w."""
    references = references.expand(len(pictures), -1)
    parts = zip(torch.split(pictures, BATCH), torch.split(references, BATCH), strict=True)
    found = [_slopes(victim, part, towards) for part, towards in parts]
    maps, gradient = (torch.cat(column) for column in zip(*found, strict=True))
    return maps, gradient


def weighed(maps: Tensor, gradient: Tensor, rule: Rule) -> Tensor:
    """Both of :func:`slopes` -> N×h×w of 0 and more, see :func:`read`."""
    weights = gradient.mean((2, 3), keepdim=True) if rule.startswith("grad-cam") else gradient
    sign = -1 if rule.endswith("against") else 1
    return (sign * weights * maps).sum(1).clamp_min(0)


def mean_maps(victim: Victim, pictures: Tensor, kind: Kind = "absolute") -> Tensor:
    """Plain maps in the picture.

    Args:
        victim: whose.
        pictures: N×3×H×W RGB in 0..1.
        kind: see :func:`plain`.

    Returns:
        N×H×W of 0 and more, without gradients.
    """
    with torch.no_grad():
        return torch.cat(
            [placed(plain(victim.maps(part), kind), victim) for part in torch.split(pictures, BATCH)]
        )


def _slopes(victim: Victim, pictures: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        embeddings, parts = _look(victim, pictures.detach().requires_grad_())
        cosine = (embeddings * references.detach()).sum()
        gradient = torch.cat(torch.autograd.grad(cosine, parts))
    return torch.cat([part.detach() for part in parts]), gradient


def _look(victim: Victim, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Embeddings, and the maps of which they are made: by the victim's own ``look``, else watched for."""
    look = getattr(victim, "look", None)
    if look is not None:
        return look(pictures)  # type: ignore[no-any-return]
    with torch.no_grad():
        wanted = victim.maps(pictures)
    with _Watch(wanted) as watch:
        embeddings = victim.embed(pictures)
    if sum(len(part) for part in watch.found) != len(wanted):
        raise ValueError(f"the maps of {victim.name} are not what its embedding is made of")
    return embeddings, watch.found


class _Watch(TorchFunctionMode):
    """Notes, while an embedding is computed, the tensors that equal given maps.

    A victim answers for maps and embedding in two calls, and the gradient needs both in one graph; so the
    maps are recognised by their values on the embedding's own way. A victim may take a batch in parts.
    """

    def __init__(self, wanted: Tensor) -> None:
        super().__init__()
        self.wanted, self.found = wanted, list[Tensor]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.ndim == 4 and result.requires_grad:
            done = sum(len(part) for part in self.found)
            rows = self.wanted[done : done + len(result)]
            with torch._C.DisableTorchFunction():
                if result.shape == rows.shape and torch.allclose(result, rows, 1e-3, 1e-5):
                    self.found.append(result)
        return result


def frame(victim: Victim) -> tuple[float, float, float, float]:
    """What of its picture a victim's maps show: ``(x0, y0, x1, y1)`` in pixels, half-open.

    The attribute ``box`` of the victim or of the model that it wraps (a recogniser's native crop); the
    whole picture where there is none.
    """
    holder = victim if hasattr(victim, "box") else getattr(victim, "model", None)
    x0, y0, x1, y1 = getattr(holder, "box", (0.0, 0.0, float(victim.width), float(victim.height)))
    return x0, y0, x1, y1


def placed(maps: Tensor, victim: Victim, mode: Literal["bilinear", "nearest"] = "bilinear") -> Tensor:
    """Maps of what a victim sees, in the picture that it was cut from.

    Args:
        maps: N×h×w; cells divide the victim's crop evenly.
        victim: whose.
        mode: of the enlargement; "nearest" keeps labels whole.

    Returns:
        N×height×width, differentiable; 0 outside the crop.
    """
    x0, y0, x1, y1 = frame(victim)
    x = _places(victim.width, x0, x1, maps.device)
    y = _places(victim.height, y0, y1, maps.device)
    grid = _grid(x, y).expand(len(maps), -1, -1, -1)
    values = functional.grid_sample(maps[:, None], grid, mode, "border", align_corners=False)
    inside = (x.abs() <= 1)[None, :] & (y.abs() <= 1)[:, None]
    return values[:, 0] * inside


def _places(count: int, start: float, end: float, device: torch.device) -> Tensor:
    """Centres of pixels in the crop's own measure, -1 at its start and 1 at its end."""
    return (torch.arange(count, device=device) + 0.5 - start) / (end - start) * 2 - 1


def _grid(x: Tensor, y: Tensor) -> Tensor:
    """1×h×w×2, as ``grid_sample`` takes it."""
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([columns, rows], -1)[None]


def cells(mask: Tensor, victim: Victim, size: tuple[int, int]) -> Tensor:
    """A mask of the picture as a victim's cells see it, the reverse of :func:`placed`.

    Args:
        mask: N×1×height×width in 0..1.
        victim: whose cells.
        size: h and w of its maps.

    Returns:
        N×h×w in 0..1, the share of each cell inside the mask.
    """
    x0, y0, x1, y1 = frame(victim)
    x, y = (
        (start + (torch.arange(count * FINE) + 0.5) / (count * FINE) * (end - start)) / side * 2 - 1
        for start, end, count, side in ((x0, x1, size[1], victim.width), (y0, y1, size[0], victim.height))
    )
    grid = _grid(x, y).to(mask).expand(len(mask), -1, -1, -1)
    fine = functional.grid_sample(mask, grid, "nearest", align_corners=False)
    return functional.avg_pool2d(fine, FINE)[:, 0]


def share_inside(maps: Tensor, mask: Tensor) -> Tensor:
    """Share of each map's mass inside a mask.

    Args:
        maps: N×H×W of 0 and more.
        mask: N×1×H×W, or 1×1×H×W for all, in 0..1.

    Returns:
        N in 0..1, differentiable; nan where a map is 0 everywhere.
    """
    return (maps * mask[:, 0]).sum((1, 2)) / maps.sum((1, 2))
