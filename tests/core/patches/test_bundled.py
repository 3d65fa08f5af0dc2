"""The generators that ship: what they are for, and that they do it to faces that nobody has."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from core import weights
from core.errors import Code, UserError
from core.faces import align, find
from core.patches import apply, bundled, generator, makers, naturalness, slots, victims
from core.patches.generator import one_pass
from core.patches.latent_generator import LatentGenerator
from core.reid import pedestrians
from core.reid.protocol import as_input
from core.settings import ROOT


@pytest.mark.parametrize(
    "kind, mode, natural",
    [(*purpose, False) for purpose in bundled.NAMES] + [(*purpose, True) for purpose in bundled.NATURAL],
)
def test_each_says_what_it_is_for_and_is_small(kind: str, mode: str, natural: bool) -> None:
    first, *others = (bundled.NATURAL if natural else bundled.NAMES)[kind, mode]
    assert bundled.load(kind, mode, natural).about.slots[0] == {"faces": "glasses", "persons": "shirt"}[kind]
    for name in (first, *others, *bundled.STRANGERS.get((kind, mode), ())):
        about = generator.load(weights.resolve(name)).about
        assert (about.kind, about.mode, bool(about.prior)) == (kind, mode, natural)
        assert about.victims == bundled.load(kind, mode, natural).about.victims and len(about.victims) == 3
        assert all(file.bytes <= 10_000_000 for file in weights.entry(name).files)


def test_every_place_has_its_generator_and_a_new_one_that_of_drawings() -> None:
    for kind, mode in bundled.NAMES:
        for place in bundled.places(kind, mode):
            assert place in bundled.load(kind, mode, place=place).about.slots
            assert bundled.name(kind, mode, place=place) in bundled.NAMES[kind, mode]
    assert {*slots.FACE_SHAPES, "drawn"} == set(bundled.places("faces", "evasion"))
    assert "drawn" in bundled.load("faces", "evasion", place="a drawing").about.slots
    assert bundled.load("faces", "impersonation", place="cheek") is bundled.load("faces", "impersonation")
    assert bundled.places("persons", "impersonation") == ()


def test_of_those_that_know_a_place_the_one_with_fewest_places_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"two": ("glasses", "medical mask"), "one": ("medical mask",), "any": ("cheek", "drawn")}
    monkeypatch.setattr(bundled, "NAMES", {("faces", "evasion"): tuple(known)})
    read = {name: SimpleNamespace(about=SimpleNamespace(slots=places)) for name, places in known.items()}
    monkeypatch.setattr(bundled, "_read", read.__getitem__)
    wanted = {"": "two", "glasses": "two", "medical mask": "one", "cheek": "any", "forehead": "any"}
    assert {place: bundled.name("faces", "evasion", place=place) for place in wanted} == wanted


def test_whoever_does_not_come_with_facet_is_aimed_at_by_another_generator() -> None:
    known, other = (bundled.load("faces", "impersonation", stranger=one) for one in (False, True))
    assert known is not other and known.about == other.about
    for purpose in (("faces", "evasion"), ("persons", "evasion")):
        assert bundled.load(*purpose, stranger=True) is bundled.load(*purpose)


@pytest.mark.parametrize(
    "name", [*bundled.NAMES["faces", "impersonation"], *bundled.STRANGERS["faces", "impersonation"]]
)
def test_the_target_matters_to_those_for_impersonation(name: str) -> None:
    """Swapped targets give another patch, in every place that they know; the same ones the same."""
    model = generator.load(weights.resolve(name))
    chance = torch.Generator().manual_seed(0)
    source, *targets = torch.rand(3, 1, 3, 224, 224, generator=chance)
    faces = [functional.interpolate(one[..., ::32, ::32], 224, mode="bilinear") for one in targets]
    told = torch.randn(1, 2 * model.about.told, generator=chance)
    for place in model.about.slots:
        slot = slots.face(place)
        first, second, again = (model(source, slot, face, told) for face in (*faces, faces[0]))
        assert torch.equal(first, again) and not torch.allclose(first, second, atol=0.02)


def test_what_does_not_ship_is_said() -> None:
    with pytest.raises(UserError) as problem:
        bundled.load("persons", "impersonation")
    assert problem.value.code == Code.WEIGHTS_MISSING


@pytest.fixture(scope="module")
def synthetic() -> torch.Tensor:
    """Three of the bundled faces, aligned, N×3×224×224."""
    files = sorted((ROOT / "demos" / "examples" / "faces").glob("person-*_frontal.jpg"))[:3]
    photos = [np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8) for file in files]
    return align.align_batch([(pixels, find(pixels)[0]) for pixels in photos])


def hidden_further(
    faces: torch.Tensor,
    patches: torch.Tensor,
    control: torch.Tensor,
    slot: slots.Slot,
    judges: tuple[str, ...] = ("edgeface-s", "sface"),
) -> bool:
    """Whether an attacked recogniser and one never seen know faces less, by .1, than behind the control."""
    known = [victims.face(name) for name in judges]
    clean, cosines = victims.embed(known, faces), []
    for worn in (patches, control):
        seen = victims.embed(known, apply.paste(faces, worn, slot).pictures)
        cosines.append({name: float((seen[name] * clean[name]).sum(1).mean()) for name in clean})
    return all(cosines[0][name] < cosines[1][name] - 0.1 for name in clean)


@pytest.mark.weights
def test_a_natural_patch_hides_more_than_the_picture_that_it_changes_and_looks_as_natural(
    weight: Callable[[str], Path], synthetic: torch.Tensor
) -> None:
    model = bundled.load("faces", "evasion", natural=True)
    assert isinstance(model, LatentGenerator)
    for name in (*model.about.victims, "sface", "vit-s14"):
        weight(name)
    slot = slots.face("glasses")
    made, plain = one_pass(model, synthetic, slot), model.natural().expand(len(synthetic), -1, -1, -1)
    assert hidden_further(synthetic, made, plain, slot)
    assert np.median(naturalness.score(made).within) == 1
    random = makers.blind("random", synthetic, slot)
    assert not naturalness.score(random).within.any()


@pytest.mark.weights
@pytest.mark.parametrize(
    ("place", "judges"),
    [
        ("glasses", ("edgeface-s", "sface")),
        ("medical mask", ("edgeface-s", "sface")),
        ("cheek", ("edgeface-s",)),  # it does little there, and next to nothing to others
    ],
)
def test_synthetic_people_are_known_less_than_behind_a_random_patch(
    weight: Callable[[str], Path], synthetic: torch.Tensor, place: str, judges: tuple[str, ...]
) -> None:
    model = bundled.load("faces", "evasion", place=place)
    for name in {*model.about.victims, *judges}:
        weight(name)
    slot = slots.face(place)
    made = one_pass(model, synthetic, slot)
    assert hidden_further(synthetic, made, makers.blind("random", synthetic, slot), slot, judges)


@pytest.mark.weights
def test_a_drawing_over_nose_and_cheek_hides_more_than_a_random_one_there(
    weight: Callable[[str], Path], synthetic: torch.Tensor
) -> None:
    model = bundled.load("faces", "evasion", place="drawn")
    for name in (*model.about.victims, "sface"):
        weight(name)
    drawing = cv2.ellipse(np.zeros((224, 224), np.uint8), (100, 130), (40, 25), 0, 0, 360, 1, -1)
    slot = slots.drawn(drawing > 0)
    made = one_pass(model, synthetic, slot)
    assert model.about.canvas
    assert hidden_further(synthetic, made, makers.blind("random", synthetic, slot), slot, model.about.victims)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("place", "stranger", "bound"),
    [
        ("medical mask", False, 0.2),
        ("medical mask", True, 0.2),
        ("glasses", False, 0.2),
        ("glasses", True, 0.15),  # it does less there
    ],
)
def test_synthetic_people_are_taken_for_the_target_rather_than_behind_a_random_patch(
    weight: Callable[[str], Path], synthetic: torch.Tensor, place: str, stranger: bool, bound: float
) -> None:
    model = bundled.load("faces", "impersonation", place=place, stranger=stranger)
    for name in model.about.victims:
        weight(name)
    slot, seen = slots.face(place), [victims.face(name) for name in model.about.victims]
    targets = synthetic.roll(1, 0)
    theirs = victims.embed(seen, targets)
    made = one_pass(model, synthetic, slot, targets, seen)
    for patches, reached in ((made, True), (makers.blind("random", synthetic, slot), False)):
        worn = victims.embed(seen, apply.paste(synthetic, patches, slot).pictures)
        cosines = [float((worn[name] * theirs[name]).sum(1).mean()) for name in theirs]
        assert all((one > bound) == reached for one in cosines), cosines


def test_drawn_people_are_known_less_than_behind_a_random_patch() -> None:
    model = bundled.load("persons", "evasion", place="shirt")
    rows = np.array([(person, 0, 0) for person in range(8)])
    walkers = as_input(pedestrians.batch(1, rows))
    slot = slots.named("persons", "shirt", *walkers.shape[2:])
    seen = [victims.person(name) for name in model.about.victims]
    clean = victims.embed(seen, walkers)
    made = one_pass(model, walkers, slot, seen_by=seen)
    cosines = []
    for patches in (made, makers.blind("random", walkers, slot)):
        worn = victims.embed(seen, apply.paste(walkers, patches, slot).pictures)
        cosines.append({name: float((worn[name] * clean[name]).sum(1).mean()) for name in clean})
    assert all(cosines[0][name] < cosines[1][name] - 0.1 for name in clean), cosines
