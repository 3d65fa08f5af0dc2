"""Face paint as a patch: in the slot, where the pattern lies on a face, and as large as any other patch."""

import numpy as np
import pytest
import torch

from core.camouflage import presets
from core.camouflage.palette import PALETTE
from core.camouflage.pattern import Pattern, Shape
from core.camouflage.presets import Preset
from core.errors import Code, UserError
from core.patches import apply, slots
from core.patches.makers import Gallery, Task, make, makers
from core.patches.slots import Slot
from core.training import patch_camouflage
from tests.core.patches.patch_fakes import people

PROBE = people(1, 1, 224, 224).pictures[0]


def painted(slot: Slot, **options: str | None) -> torch.Tensor:
    maker = makers.create(patch_camouflage.NAME, **options)
    return make(maker, Task(PROBE, Gallery(PROBE[None], {}), None, slot, [])).patch


def mark(monkeypatch: pytest.MonkeyPatch, *shapes: Shape) -> None:
    known = presets.load()[0]
    given = {key: getattr(known, key) for key in Preset.__slots__}
    only = Preset(**given | {"name": "mark", "pattern": Pattern(shapes, opacity=0.5)})
    monkeypatch.setattr(patch_camouflage.presets, "load", lambda: (only,))


@pytest.mark.parametrize("name", slots.FACE_SHAPES)
def test_shipped_patterns_give_opaque_paint_in_their_own_colours(name: str) -> None:
    patch = painted(slots.face(name))
    assert patch.shape == (3, 64, 64) and torch.equal(patch, painted(slots.face(name)))
    colours = torch.tensor(list(PALETTE.values())) / 255
    apart = torch.cdist(patch.flatten(1).T, colours).amin(1)
    assert (apart < 0.02).float().mean() > 0.7  # the rest are soft edges between two paints
    assert patch.flatten(1).std(1).min() > 0.05  # more than the ground


def test_the_pattern_lies_where_it_lies_on_a_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disc on the mean face's eye must come out on the aligned face's eye (ArcFace's template)."""
    mark(monkeypatch, Shape("disc", 0.5, 0.0, 0.2, 0.2, 0.0, "red"))
    mask = np.zeros((224, 224), bool)
    mask[60:140, 100:200] = True
    slot = slots.drawn(mask)
    worn = apply.paste(torch.zeros(1, 3, 224, 224), painted(slot)[None], slot).pictures[0]
    red = (worn[0] > 0.5) & (worn[1] < 0.4)
    rows, columns = red.nonzero().float().mean(0)
    eye = patch_camouflage.TEMPLATE[1]
    assert abs(float(columns) - eye[0]) < 3 and abs(float(rows) - eye[1]) < 3
    assert 60 < int(red.sum()) < 160  # pi * (0.1 * 56)^2 is 99


def test_without_ground_the_wearer_shows_between_the_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    mark(monkeypatch, Shape("disc", 0.5, 0.0, 0.2, 0.2, 0.0, "red"))
    slot = slots.face("medical mask")  # far from the disc
    assert torch.equal(painted(slot, ground=None), apply.cut(PROBE[None], slot)[0])
    white = torch.tensor(PALETTE["white"]).view(3, 1, 1) / 255
    torch.testing.assert_close(painted(slot), white.expand(3, 64, 64))


def test_the_preset_that_covers_most_is_taken() -> None:
    slot = slots.face("glasses")
    each = {one.name: patch_camouflage._shown(one, slot) for one in presets.load()}
    best = max(each, key=lambda name: float(patch_camouflage.covered(each[name], slot)))
    assert len(each) > 1 and torch.equal(painted(slot), painted(slot, preset=best))
    worst = next(name for name in each if name != best)
    assert not torch.equal(painted(slot), painted(slot, preset=worst))


def test_what_cannot_be_painted_is_said() -> None:
    for options in ({"preset": "nothing"}, {"ground": "mauve"}):
        with pytest.raises(UserError) as problem:
            makers.create(patch_camouflage.NAME, **options)
        assert problem.value.code == Code.OPTION_RANGE
    with pytest.raises(UserError):
        painted(slots.torso(64, 32))
