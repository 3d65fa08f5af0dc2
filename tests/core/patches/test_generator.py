"""The generator: one pass, what it depends on, its size and its file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.errors import Code, UserError
from core.patches import apply, generator, makers, slots, victims
from core.patches.generator import About, PatchGenerator, heard, load, one_pass, save
from core.patches.victims import Counted
from tests.core.patches.patch_fakes import face_victim

EVASION = About("evasion", "persons", ("torso",), ("tiny",), 64, 32)
IMPERSONATION = About("impersonation", "faces", ("glasses", "drawn"), ("tiny", "other"), 64, 64)

TORSO = slots.torso(96, 80)
PLACE = slots.Slot("glasses", TORSO.grid, TORSO.stencil, TORSO.extent, TORSO.allowed)


def built(about: About) -> PatchGenerator:
    torch.manual_seed(0)
    return PatchGenerator(about).eval().requires_grad_(False)


def pictures(seed: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, 96, 80, generator=torch.Generator().manual_seed(seed))


def test_the_target_matters_in_impersonation() -> None:
    net, source, first, second = built(IMPERSONATION), pictures(0), pictures(1), pictures(2)
    assert not torch.allclose(net(source, PLACE, first), net(source, PLACE, second), atol=1e-4)
    assert not torch.allclose(
        net(source, PLACE, first), net(first, PLACE, source), atol=1e-4
    )  # the two are no peers


def test_identical_inputs_give_identical_patches() -> None:
    net, source, target = built(IMPERSONATION), pictures(0), pictures(1)
    assert torch.equal(net(source, PLACE, target), net(source.clone(), PLACE, target.clone()))
    plain = built(EVASION)
    assert torch.equal(plain(source, TORSO), plain(source, TORSO))
    assert not torch.allclose(plain(source, TORSO), plain(target, TORSO), atol=1e-4)


def test_a_picture_does_not_hang_on_its_neighbours() -> None:
    net, source, target = built(IMPERSONATION), pictures(0, 3), pictures(1, 3)
    torch.testing.assert_close(
        net(source, PLACE, target)[1:2], net(source[1:2], PLACE, target[1:2]), atol=1e-5, rtol=0
    )


def test_evasion_takes_no_target_and_impersonation_needs_one() -> None:
    with pytest.raises(ValueError, match="do not go together"):
        built(EVASION)(pictures(0), TORSO, pictures(1))
    with pytest.raises(ValueError, match="do not go together"):
        built(IMPERSONATION)(pictures(0), PLACE)


def test_with_the_cut_it_begins_as_the_targets_own_picture_and_can_leave_it() -> None:
    net, target = PatchGenerator(replace(IMPERSONATION, cut=True)).eval(), pictures(1)
    shown = apply.cut(target, PLACE)
    torch.testing.assert_close(net(pictures(0), PLACE, target), 0.5 + 0.95 * (shown - 0.5))
    slope = torch.autograd.grad(net(pictures(0), PLACE, torch.ones_like(target)).sum(), net.last.weight)[0]
    assert slope.abs().min() > 0  # even where the target is white


def test_only_a_free_patch_that_aims_begins_with_a_target() -> None:
    for other in ({"mode": "evasion"}, {"prior": "facet-flowers", "radius": 0.5}):
        with pytest.raises(UserError, match="target's picture"):
            replace(IMPERSONATION, cut=True, **other)


def test_maps_are_at_strides_4_8_16_and_32_and_every_scale_reaches_the_patch() -> None:
    net = built(IMPERSONATION)
    maps = net.features(torch.rand(2, 4, 96, 80))
    assert [64 // one.shape[2] for one in maps] == [4, 8, 16, 32]
    assert [one.shape[1] for one in maps] == list(generator.WIDTHS)
    patch = net(pictures(0), PLACE, pictures(1))
    assert patch.shape == (2, 3, 64, 64) and patch.min() >= 0 and patch.max() <= 1
    kept = PatchGenerator.features
    for scale in range(4):

        def deaf(self: PatchGenerator, given: torch.Tensor, scale: int = scale) -> list[torch.Tensor]:
            return [torch.zeros_like(m) if n == scale else m for n, m in enumerate(kept(self, given))]

        with pytest.MonkeyPatch.context() as patching:
            patching.setattr(PatchGenerator, "features", deaf)
            assert not torch.allclose(net(pictures(0), PLACE, pictures(1)), patch, atol=1e-4)


@pytest.mark.parametrize("mode", generator.MODES)
def test_it_weighs_at_most_ten_megabytes_and_comes_back_from_its_file(mode: str, tmp_path: Path) -> None:
    about = About(mode, "faces", ("glasses",), ("a", "b"))  # type: ignore[arg-type]
    net, path = built(about), tmp_path / "generator.safetensors"
    save(net, path)
    assert path.stat().st_size < 10_000_000
    back = load(path)
    assert back.about == about and not back.training
    target = pictures(1) if mode == "impersonation" else None
    torch.testing.assert_close(
        back(pictures(0), PLACE, target), net(pictures(0), PLACE, target), atol=5e-3, rtol=0
    )


def test_the_place_matters_and_one_it_does_not_know_is_drawn_or_refused() -> None:
    net, source, target = built(IMPERSONATION), pictures(0), pictures(1)
    mask = np.zeros((96, 80), bool)
    mask[10:30, 10:40] = True
    drawn = slots.drawn(mask)
    assert not torch.allclose(net(source, PLACE, target), net(source, drawn, target), atol=1e-4)
    mask[30:60, 10:40] = True  # another drawing is another patch: the encoder sees where it sits
    assert not torch.allclose(net(source, drawn, target), net(source, slots.drawn(mask), target), atol=1e-4)
    assert IMPERSONATION.number("torso") == IMPERSONATION.number("drawn") == 1
    with pytest.raises(UserError) as problem:
        built(EVASION)(source, PLACE)
    assert problem.value.code == Code.OPTION_RANGE and "torso" in problem.value.hint


def test_another_file_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError) as problem:
        load(tmp_path / "other.safetensors")
    assert problem.value.code == Code.WEIGHTS_CORRUPT
    with pytest.raises(UserError):
        About("evasion", "faces", ("glasses",), (), 100, 100)


TOLD = replace(IMPERSONATION, told=48)
VICTIMS = face_victim("tiny", 1), face_victim("other", 2)


def faces(seed: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(seed))


def listening(seed: int = 0) -> PatchGenerator:
    """One that has learnt to listen."""
    net = built(TOLD)
    torch.manual_seed(seed)
    for layer in (net.begin, *net.turns):
        torch.nn.init.normal_(layer.weight, std=0.05)
    return net


def test_what_it_is_told_is_every_victims_vector_of_source_and_then_of_target() -> None:
    source, target = (victims.embed(VICTIMS, faces(seed)) for seed in (0, 1))
    told = heard(source, target, TOLD)
    assert told is not None and told.shape == (2, 96)
    parts = [source["tiny"], source["other"], target["tiny"], target["other"]]
    torch.testing.assert_close(told, torch.cat(parts, 1) * 24**0.5)
    assert heard(source, target, IMPERSONATION) is None
    alone = heard(source, None, replace(TOLD, mode="evasion"))
    assert alone is not None and alone.shape == (2, 48)


def test_one_that_has_not_learnt_to_listen_is_the_generator_it_began_as() -> None:
    net, place = built(TOLD), slots.face("glasses")
    plain = built(IMPERSONATION)
    plain.load_state_dict({n: v for n, v in net.state_dict().items() if n in plain.state_dict()})
    told = torch.randn(2, 96)
    expected = plain(faces(0), place, faces(1))
    torch.testing.assert_close(net(faces(0), place, faces(1), told), expected)
    assert not torch.allclose(listening()(faces(0), place, faces(1), told), expected, atol=1e-3)


def test_vectors_go_exactly_to_one_that_is_told_them() -> None:
    with pytest.raises(ValueError, match="told"):
        built(TOLD)(pictures(0), PLACE, pictures(1))
    with pytest.raises(ValueError, match="told"):
        built(IMPERSONATION)(pictures(0), PLACE, pictures(1), torch.zeros(2, 96))


def test_one_pass_lets_every_victim_look_once_and_loads_those_that_are_not_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, place, watched = listening(), slots.face("glasses"), [Counted(one) for one in VICTIMS]
    monkeypatch.setattr(victims, "KINDS", {"faces": lambda name: {v.name: v for v in watched}[name]})
    patches = one_pass(net, faces(0), place, faces(1), watched)
    assert [one.pictures for one in watched] == [4, 4] and patches.shape == (2, 3, 64, 64)
    torch.testing.assert_close(one_pass(net, faces(0), place, faces(1), watched[:1]), patches)
    torch.testing.assert_close(
        one_pass(net, faces(0)[1:], place, faces(1)[1:]), patches[1:], atol=1e-5, rtol=0
    )
    assert not torch.allclose(one_pass(net, faces(0), place, faces(2), watched), patches, atol=1e-3)
    before = [one.pictures for one in watched]
    task = makers.Task(
        faces(0)[0],
        makers.Gallery.of(faces(0), VICTIMS),
        makers.Gallery.of(faces(1), VICTIMS),
        place,
        watched,
    )
    made = makers.make(makers.makers.create("generator", net), task)
    torch.testing.assert_close(made.patch, patches[0], atol=1e-5, rtol=0)
    assert made.victim_passes == 4 and [one.pictures for one in watched] == [count + 2 for count in before]


def test_one_that_is_told_comes_back_from_its_file(tmp_path: Path) -> None:
    net, path = listening(), tmp_path / "generator.safetensors"
    save(net, path)
    back, place = load(path), slots.face("glasses")
    assert back.about == TOLD
    told = torch.randn(2, 96)
    expected = net(faces(0), place, faces(1), told)
    torch.testing.assert_close(back(faces(0), place, faces(1), told), expected, atol=5e-3, rtol=0)
    large = replace(TOLD, told=1536, height=128, width=128)
    save(built(large), path)
    assert path.stat().st_size < 10_000_000


MIXING = replace(TOLD, basis=3)


def mixing() -> PatchGenerator:
    """One whose patches differ, and whose decoder has not learnt to listen."""
    net = built(MIXING)
    torch.manual_seed(1)
    torch.nn.init.normal_(net.basis)
    return net


def test_vectors_mix_the_patches_of_a_basis_linearly_and_an_empty_one_says_nothing() -> None:
    place, told = slots.face("glasses"), torch.randn(2, 96)
    plain = built(TOLD)
    plain.load_state_dict({n: v for n, v in built(MIXING).state_dict().items() if n in plain.state_dict()})
    bare = plain.drawn(faces(0), place, faces(1), told)
    torch.testing.assert_close(built(MIXING).drawn(faces(0), place, faces(1), told), bare)
    net = mixing()
    net.last.load_state_dict(plain.last.state_dict())

    def mixed(vectors: torch.Tensor) -> torch.Tensor:
        return net.drawn(faces(0), place, faces(1), vectors) - bare

    nothing = mixed(torch.zeros(2, 96))
    halves = (mixed(2 * told) + nothing) / 2
    torch.testing.assert_close(mixed(told), halves, atol=1e-4, rtol=1e-4)
    by_hand = sum(weight * patch for weight, patch in zip(net.weigh(told)[1], net.basis[0], strict=True))
    torch.testing.assert_close(mixed(told)[1, :, ::2], torch.as_tensor(by_hand) / 3**0.5, atol=1e-5, rtol=0)
    assert not torch.allclose(mixed(told), nothing, atol=1e-2)


def test_a_basis_begins_with_the_distances_among_the_targets() -> None:
    net, vectors = built(replace(MIXING, basis=8)), torch.randn(5, 48)
    net.weigh_by(vectors)
    source = torch.randn(5, 48)
    weights = net.weigh(torch.cat([source, vectors], 1))
    torch.testing.assert_close(weights, net.weigh(torch.cat([source.flip(0), vectors], 1)))  # targets alone
    torch.testing.assert_close(weights.square().sum(1).mean(), torch.tensor(8.0))
    scale = torch.pdist(weights) / torch.pdist(vectors)
    torch.testing.assert_close(scale, scale[:1].expand_as(scale), atol=1e-4, rtol=0)


def test_only_a_free_patch_of_one_that_is_told_has_a_basis(tmp_path: Path) -> None:
    for other in ({"told": 0}, {"mode": "evasion", "prior": "facet-flowers", "radius": 0.5}, {"basis": -1}):
        with pytest.raises(UserError, match="basis"):
            replace(MIXING, **other)
    path = tmp_path / "generator.safetensors"
    large = replace(TOLD, slots=("glasses",), told=1536, height=128, width=128, cut=True, basis=120)
    save(built(large), path)
    assert path.stat().st_size < 10_000_000 and load(path).about == large


def painted() -> PatchGenerator:
    """One that has learnt nothing but a canvas: bright on the left, dark on the right, red above."""
    net = built(About("evasion", "faces", ("glasses", "drawn"), ("a",), 64, 64, canvas=True))
    with torch.no_grad():
        for value in (*net.last.parameters(), net.common[0]):
            value.zero_()
        net.canvas += torch.linspace(2, -2, net.canvas.shape[2])
        net.canvas[0] += torch.linspace(2, -2, net.canvas.shape[1])[:, None]
    return net


def test_drawn_places_show_their_parts_of_one_canvas(tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    save(painted(), path)
    net, worn, masks = load(path), [], []
    assert net.about.canvas
    whole = (torch.tanh(torch.nn.functional.interpolate(net.canvas[None], (224, 224))) + 1) / 2
    for rows, columns in ((slice(40, 140), slice(30, 120)), (slice(80, 200), slice(60, 200))):
        mask = np.zeros((224, 224), bool)
        mask[rows, columns] = True
        place = slots.drawn(mask)
        pasted = apply.paste(faces(0), net(faces(0), place), place)
        worn.append(pasted.pictures)
        masks.append(pasted.mask[:, 0] == 1)
    for pictures, mask in zip(worn, masks, strict=True):
        assert mask.sum() > 1000
        off = (pictures - whole).abs().amax(1)[mask]
        assert off.max() < 0.05
    both = masks[0] & masks[1]
    assert both.any() and (worn[0] - worn[1]).abs().amax(1)[both].max() < 0.05
    assert (net(faces(0), slots.face("glasses")) == 0.5).all()  # other places have none


def test_only_free_patches_for_drawn_places_have_a_canvas() -> None:
    for other in ({"slots": ("glasses",)}, {"prior": "facet-flowers", "radius": 0.5}):
        with pytest.raises(UserError, match="canvas"):
            replace(painted().about, **other)
