"""What is shown of a patch: shares, pictures and words belong to the maps that they are made of."""

import numpy as np
import pytest
import torch

from core.patches import activation, apply, clusters, explain, overlays, slots, thresholds
from core.patches.explain import Explanation
from core.patches.thresholds import Maps
from core.patches.victims import FaceVictim
from tests.core.patches.patch_fakes import face_victim, people, person_victim


@pytest.fixture
def scene() -> tuple[FaceVictim, torch.Tensor, torch.Tensor, slots.Slot]:
    given, slot = people(1, 3, 224, 224), slots.face("cheek")
    patch = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    attacked = apply.paste(given.pictures[:1], patch, slot).pictures[0]
    return face_victim(), given.pictures, attacked, slot


def explained(scene: tuple, **more: object) -> Explanation:  # type: ignore[type-arg]
    victim, pictures, attacked, slot = scene
    return explain.explain(victim, pictures[0], attacked, slot, victim.embed(pictures[1:]), **more)


def test_shares_are_those_of_the_maps(scene: tuple) -> None:  # type: ignore[type-arg]
    victim, pictures, attacked, slot = scene
    found = explained(scene, rule="hirescam against")
    reference = torch.nn.functional.normalize(victim.embed(pictures[1:]).mean(0, keepdim=True), dim=1)
    both = torch.stack([pictures[0], attacked])
    mask = slot.mask[None, None]
    weighted = activation.read(victim, both, reference, "hirescam against").weighted
    plain = activation.mean_maps(victim, both)
    by_hand = [
        *activation.share_inside(weighted, mask).tolist(),
        *activation.share_inside(plain, mask).tolist(),
    ]
    assert [
        found.share_clean,
        found.share_attacked,
        found.plain_clean,
        found.plain_attacked,
    ] == pytest.approx(by_hand, abs=1e-5)
    assert found.area == pytest.approx(float(mask.mean()), abs=1e-5)  # this victim sees the whole picture


def test_rules_for_and_against_part_the_map(scene: tuple) -> None:  # type: ignore[type-arg]
    victim, pictures, *_ = scene
    maps, gradient = activation.slopes(victim, pictures, victim.embed(pictures[1:2]))
    for rule in ("grad-cam", "hirescam"):
        speaks, against = (
            activation.weighed(maps, gradient, name)  # type: ignore[arg-type]
            for name in (rule, f"{rule} against")
        )
        assert float((speaks * against).abs().max()) == 0
        assert float(speaks.max()) > 0 and float(against.max()) > 0


def test_one_pass_looks_at_both_pictures(scene: tuple) -> None:  # type: ignore[type-arg]
    victim, pictures, attacked, slot = scene
    reference, seen = victim.embed(pictures[1:]), list[int]()
    hook = victim.model.net.register_forward_hook(lambda _, __, output: seen.append(len(output)))
    assert victim._layer is not None  # finding the layer is a pass too, once for all
    seen.clear()
    explain.explain(victim, pictures[0], attacked, slot, reference)
    hook.remove()
    assert seen == [2]


def test_nothing_changes_where_there_is_no_patch(scene: tuple) -> None:  # type: ignore[type-arg]
    victim, pictures, _, slot = scene
    found = explained((victim, pictures, pictures[0], slot))
    assert np.array_equal(found.heat_clean, found.heat_attacked)
    assert np.array_equal(found.clusters_clean, found.clusters_attacked)
    assert found.share_clean == pytest.approx(found.share_attacked)
    for row in found.table:
        assert row["share clean"] == row["share attacked"]


def test_rows_are_counted_from_one_and_shares_add_up(scene: tuple) -> None:  # type: ignore[type-arg]
    found = explained(scene, others=scene[1][1:], count=4)
    assert [row["cluster"] for row in found.table] == [1, 2, 3, 4]
    for column in ("share clean", "share attacked"):
        assert sum(float(row[column]) for row in found.table) == pytest.approx(1)  # type: ignore[arg-type]
    for row in found.table:
        regions = row["regions"]
        assert isinstance(regions, dict) and sum(regions.values()) == pytest.approx(1, abs=1e-3)
    for picture in (found.heat_clean, found.heat_attacked, found.clusters_clean, found.clusters_attacked):
        assert picture.shape == (224, 224, 3) and picture.dtype == np.uint8


def test_persons_have_bands_in_place_of_regions() -> None:
    given, slot = people(1, 2, 64, 32), slots.torso(64, 32)
    found = explain.explain(person_victim(), given.pictures[0], given.pictures[1], slot, count=3)
    assert found.heat_clean.shape == (64, 32, 3)
    regions = found.table[0]["regions"]
    assert isinstance(regions, dict) and set(regions) == set(explain.BANDS)


def test_the_regions_of_a_face_tile_the_picture() -> None:
    whole = sum(explain.face_regions().values())
    assert isinstance(whole, torch.Tensor) and bool((whole == 1).all())
    eyes = explain.face_regions()["eyes"][0, 0]
    rows = torch.nonzero(eyes)[:, 0].float()
    assert 95 < float(rows.mean()) < 115  # the template's eyes stand at 104


def test_a_row_names_its_largest_regions() -> None:
    assert explain._where({"chin": 0.2, "cheeks": 0.7, "jaw": 0.05}) == "cheeks 70%, chin 20%"
    assert explain._where({"chin": 0.05, "jaw": float("nan")}) == "spread over everything"


def test_what_was_measured_chooses_the_rule_and_is_told(
    scene: tuple,  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = Maps("grad-cam", clean=0.1, attacked=0.12, random=0.1, area=0.1, sure=True)
    held = thresholds.Thresholds(0.05, "", {}, {"tiny": known})
    monkeypatch.setattr(thresholds, "load", lambda: held)
    found = explained(scene)
    assert found.rule == "grad-cam" and found.believable is False and "not show" in found.note
    assert explained(scene, rule="hirescam").believable is None


def test_heat_of_an_empty_map_is_the_grey_picture() -> None:
    picture = torch.rand(3, 20, 30)
    found = overlays.heat(picture, torch.zeros(20, 30))
    grey = np.rint(picture.mean(0).numpy() * 255)
    assert np.abs(found.astype(float) - grey[..., None]).max() <= 1


def test_clusters_at_the_places_are_those_of_the_assignment() -> None:
    class Plain:
        name, height, width = "plain", 40, 40

    maps = torch.randn(3, 6, 5, 5, generator=torch.Generator().manual_seed(0))
    fitted = clusters.fit("plain", maps, clusters.Options(clusters=3))
    smooth = overlays.numbered(fitted, Plain(), maps[0])  # type: ignore[arg-type]
    assert smooth.min() >= 1
    # the middle of a cell lies between four pixels, which see it with a weight of (15 / 16)²
    agree = smooth[4::8, 4::8] == fitted.assign(maps)[0] + 1
    assert agree.mean() > 0.9
