"""The face paint of ``core.camouflage`` as a way to make a patch, beside those of ``core.patches``.

Importing this module registers it: ``makers.create("camouflage")``. It is no patch that was optimised for its
place: it is what one of the shipped universal patterns, searched for whole faces, shows there.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from core.camouflage import presets
from core.camouflage.palette import PALETTE
from core.camouflage.presets import Preset
from core.camouflage.render import LEFT, SIDE, TEXTURE_SIZE, TOP, render
from core.errors import Code, UserError
from core.faces import topology
from core.faces.align import CANONICAL_SIZE, TEMPLATE, similarity
from core.patches import apply
from core.patches.makers import Maker, Task, makers
from core.patches.slots import Slot

NAME: Final = "camouflage"
FINE: Final = 2 * TEXTURE_SIZE  # texels a side, about those of a patch


@makers.register(NAME)
def camouflage(preset: str | None = None, ground: str | None = "white") -> Maker:
    """The part of a shipped face-paint pattern that lies in the slot, cut to the slot's outline.

    The pattern lies on the aligned face where its search put it (mean face onto the canonical frame). It is
    flat paint in its own colours without the light of the skin, as all patches here are, and covers what is
    behind it wholly. With a ground the whole slot is painted, so that its area is that of every other patch.

    Args:
        preset: a name of ``core.camouflage.presets``; None for the one that covers most of the slot.
        ground: the paint under the pattern, of ``core.camouflage.palette``; None for none: between the
            shapes the wearer's own picture shows, and less than the slot is covered.

    Returns:
        A maker for aligned faces. It looks at no recogniser and draws no chance: seed and target are unused.

    Raises:
        UserError: ``OPTION_RANGE``: no such preset or paint; from the maker, a picture that is no aligned
            face; ``FILE_UNREADABLE``: no pattern ships with this installation.
    """
    chosen = _presets(preset)
    if ground is not None and ground not in PALETTE:
        raise UserError(
            Code.OPTION_RANGE,
            f"There is no paint called {ground!r}.",
            f"Choose one of: {', '.join(PALETTE)}.",
        )

    def run(task: Task) -> Tensor:
        if task.slot.size != (CANONICAL_SIZE, CANONICAL_SIZE):
            raise UserError(
                Code.OPTION_RANGE,
                "Face paint goes on aligned faces only.",
                "Choose another way to make a patch.",
            )
        shown = [_shown(one, task.slot) for one in chosen]
        paint = max(shown, key=lambda one: float(covered(one, task.slot)))
        colour, alpha = paint[:3], paint[3:]
        if ground is None:
            under = apply.cut(task.probe[None], task.slot)[0]
        else:
            under = torch.tensor(PALETTE[ground]).view(3, 1, 1) / 255
        return (under * (1 - alpha) + colour).clamp(0, 1)

    return run


def covered(paint: Tensor, slot: Slot) -> Tensor:
    """The share of a slot's outline that 4×h×w paint (its last channel alpha) covers, 0..1."""
    outline = functional.interpolate(slot.stencil[None, None], paint.shape[1:], mode="area")[0, 0]
    return (paint[3] * outline).sum() / outline.sum()


def _presets(name: str | None) -> tuple[Preset, ...]:
    shipped = presets.load()
    if not shipped:
        raise UserError(
            Code.FILE_UNREADABLE, "No face-paint pattern ships with this installation.", "Choose another way."
        )
    chosen = tuple(one for one in shipped if name in (None, one.name))
    if not chosen:
        known = ", ".join(one.name for one in shipped)
        raise UserError(
            Code.OPTION_RANGE, f"There is no pattern called {name!r}.", f"Choose one of: {known}."
        )
    return chosen


def _shown(preset: Preset, slot: Slot) -> Tensor:
    """The pattern, fully opaque, at the places of a patch: 4×64×64, colours multiplied by alpha."""
    texture = render([preset.pattern], FINE) / preset.pattern.opacity
    mean = torch.from_numpy(similarity(topology.five_points(topology.mean_shape()), TEMPLATE))
    eyes = (apply.places(slot) - mean[:, 2]) @ torch.linalg.inv(
        mean[:, :2]
    ).T  # eye-distances of the mean face
    grid = (eyes - torch.tensor([LEFT, TOP])) * (2 / SIDE) - 1
    return functional.grid_sample(texture, grid[None].float(), padding_mode="zeros", align_corners=False)[0]
