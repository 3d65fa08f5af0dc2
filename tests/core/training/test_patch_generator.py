"""Training of patch generators on tiny people and victims, and where the people come from."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core import diffusion
from core.__main__ import main
from core.datasets import mot_crops
from core.datasets.expressions import part
from core.errors import Code, UserError
from core.patches import generator, makers, slots, victims
from core.patches.base import Victim
from core.patches.evaluate import Outcome
from core.patches.evaluate import run as evaluate
from core.patches.generator import About
from core.patches.latent_generator import LatentGenerator
from core.patches.pgd import Objective
from core.training import (
    loop,
    patch_evaluation,
    patch_generator,
    patch_people,
    patch_places,
    patch_thresholds,
)
from core.training.patch_generator import Attack, Rates
from core.training.patch_people import People
from tests.core.patches.natural_fakes import TinyPrior
from tests.core.patches.patch_fakes import people, person_victim

SLOT = slots.torso(64, 32)
ABOUT = About("evasion", "persons", ("torso",), ("a", "b"), 32, 32)
AIMING = About("impersonation", "persons", ("torso",), ("a",), 32, 32)
PLACES = {"torso": (SLOT,)}


def made_up(count: int, seed: int) -> People:
    given = people(count, 3, 64, 32, seed)
    pixels = given.pictures.mul(255).byte().permute(0, 2, 3, 1).numpy()
    return People(pixels, given.identities)


def trained(folder: Path, about: About = ABOUT, **changes: Any) -> tuple[loop.Outcome, list[Victim]]:
    seen: list[Victim] = [person_victim("a", 1), person_victim("b", 2)]
    options = loop.Options(epochs=changes.pop("epochs", 4), batch=8, cpu=True)
    objective = Objective(push_margin=-1.0, **changes)
    given = patch_generator.recipe(about, seen, PLACES, made_up(12, 0), made_up(4, 1), objective,
                                   rates=Rates(network=2e-3, common=0.1))  # fmt: skip
    *_, last = loop.run(given, folder, options)
    assert isinstance(last, loop.Outcome)
    return last, seen


def test_a_generator_learns_to_hurt_people_it_never_saw_and_leaves_victims_alone(tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in person_victim("a", 1).model.state_dict().items()}
    found, seen = trained(tmp_path)
    assert isinstance(found.model, Attack)
    after = seen[0].model.state_dict()  # type: ignore[attr-defined]
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(name.startswith("generator.") for name in load_file(tmp_path / "best.safetensors"))
    held = people(6, 3, 64, 32, seed=2)  # other people than in training and validation
    probes, gallery = held.take(range(0, 18, 3)), held.take([n for n in range(18) if n % 3])
    cosines = {}
    for name, given in (("random", ()), ("generator", (found.model.generator.eval(),))):
        *_, last = evaluate(
            name, makers.makers.create(name, *given), probes, gallery, SLOT, seen, fars=(0.1,)
        )
        assert isinstance(last, Outcome)
        cosines[name] = last.verdicts[-1].genuine
    assert cosines["generator"] < cosines["random"] - 0.03
    assert found.history[-1]["effect"] > found.history[0]["effect"]


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole, _ = trained(tmp_path / "whole", epochs=2, naturalness=0.1)
    seen: list[Victim] = [person_victim("a", 1), person_victim("b", 2)]
    objective = Objective(push_margin=-1.0, naturalness=0.1)
    for _ in range(2):  # the second ends what the first was stopped in
        torch.manual_seed(99)
        given = patch_generator.recipe(ABOUT, seen, PLACES, made_up(12, 0), made_up(4, 1), objective,
                                       rates=Rates(network=2e-3, common=0.1))  # fmt: skip
        for event in loop.run(given, tmp_path / "parts", loop.Options(epochs=2, batch=8, cpu=True)):
            if not isinstance(event, loop.Outcome) and event.data:
                break
    states = [load_file(tmp_path / name / "best.safetensors") for name in ("whole", "parts")]
    assert all(torch.allclose(states[0][name], states[1][name], atol=1e-6) for name in states[0])
    assert any(name.startswith("judge.") for name in states[0])
    assert whole.history[-1]["loss"] > 0


def test_targets_are_other_people_and_galleries_other_pictures() -> None:
    given = made_up(4, 0)
    pairs = patch_generator.pairs(given, [person_victim("a")], AIMING)
    torch.manual_seed(0)
    batch = pairs.rows(np.arange(12))
    pictures, natural, told, target = batch.inputs
    source, aimed = batch.labels
    assert pictures.shape == target.shape == (12, 3, 64, 32) and natural.shape == (12, 3, 64, 64)
    assert told.shape == (12, 0)
    assert source.shape == aimed.shape == (12, 2, 24)
    own = victims.embed([person_victim()], target)["tiny"]
    assert (torch.einsum("nd,ngd->ng", own, aimed) > 0.99).all()  # the target's gallery is the target's
    for row in range(12):
        others = given.others(row)
        assert row not in others and set(given.identities[others]) == {given.identities[row]}
    assert People(given.pixels[:1], given.identities[:1]).others(0).tolist() == [0]


def test_where_an_epoch_is_chosen_a_picture_keeps_its_target_in_every_batch() -> None:
    drawn = patch_generator.pairs(made_up(12, 0), [person_victim("a")], AIMING)
    pairs = replace(drawn, still=True)
    whole = pairs.rows(np.arange(36))
    torch.manual_seed(0)
    for rows in ([35, 3], [7], range(8, 16)):
        part = pairs.rows(np.array(rows))
        for one, all_of_them in zip(
            (*part.inputs, *part.labels), (*whole.inputs, *whole.labels), strict=True
        ):
            assert torch.equal(one, all_of_them[list(rows)])
    assert len(whole.inputs[3].flatten(1).unique(dim=0)) > 15  # not the same few for everybody
    assert not torch.equal(drawn.rows(np.arange(36)).inputs[3], drawn.rows(np.arange(36)).inputs[3])


def test_a_generator_that_is_told_hears_the_vectors_of_the_very_pictures() -> None:
    seen = [person_victim("a", 1), person_victim("b", 2)]
    about = replace(AIMING, victims=("b", "a"), told=48)
    batch = patch_generator.pairs(made_up(4, 0), seen, about).rows(np.arange(12))
    pictures, _, told, target = batch.inputs
    expected = generator.heard(victims.embed(seen, pictures), victims.embed(seen, target), about)
    torch.testing.assert_close(told, expected, atol=1e-5, rtol=1e-4)


def test_victims_take_part_by_lot_and_those_who_do_not_look_cost_nothing() -> None:
    seen = [person_victim(name, number) for number, name in enumerate("abc")]
    about = replace(ABOUT, victims=("a", "b", "c"))
    model = Attack(generator.PatchGenerator(about), seen, PLACES, Objective(), together=1)
    given = patch_generator.pairs(made_up(4, 0), seen, about).rows(np.arange(4))
    who = []
    for seed in range(30):
        torch.manual_seed(seed)
        *vectors, looks = model.train()(*given.inputs)
        looked = [number for number, one in enumerate(vectors) if one.shape[1]]
        assert [one.shape[1] for one in vectors].count(24) == 1 and looks.shape == (4,)
        who += looked
        cost = patch_generator._attack(Objective(), seen, vectors, given.labels)
        alone = Objective().attack({"x": vectors[looked[0]]}, {"x": given.labels[looked[0]]}, None)
        torch.testing.assert_close(cost, alone)
    assert set(who) == {0, 1, 2}
    assert all(one.shape[1] == 24 for one in model.eval()(*given.inputs)[:-1])  # all judge


def test_one_victim_can_look_at_every_batch_and_the_others_share_the_rest() -> None:
    seen = [person_victim(name, number) for number, name in enumerate("abc")]
    about = replace(ABOUT, victims=("a", "b", "c"))
    model = Attack(generator.PatchGenerator(about), seen, PLACES, Objective(), together=2, always="b").train()
    with_b = set()
    for seed in range(30):
        torch.manual_seed(seed)
        first, *others = model._asked()
        assert first == "b"
        with_b |= set(others)
    assert with_b == {"a", "c"}
    people = made_up(4, 0)
    for options in ({"always": "d", "together": 2}, {"always": "b"}):
        with pytest.raises(UserError) as raised:
            patch_generator.recipe(about, seen, PLACES, people, people, Objective(), **options)
        assert raised.value.code is Code.OPTION_RANGE


def test_it_can_begin_as_one_that_knows_less_or_other_places_but_not_as_one_for_something_else() -> None:
    first = generator.PatchGenerator(ABOUT)
    begun = patch_generator._begun(replace(ABOUT, told=48), first)
    held = begun.state_dict()
    assert begun.about.told == 48
    assert all(torch.equal(held[name], value) for name, value in first.state_dict().items())
    other = patch_generator._begun(replace(ABOUT, slots=("drawn", "torso")), first).state_dict()
    assert torch.equal(other["common"][1], first.common[ABOUT.number("torso")])
    assert not torch.equal(other["common"][0], other["common"][1])
    assert torch.equal(other["whole.weight"], first.whole.weight)
    mixing = generator.PatchGenerator(replace(ABOUT, told=48, basis=2))
    torch.nn.init.normal_(mixing.basis)
    moved = patch_generator._begun(replace(mixing.about, slots=("drawn", "torso")), mixing)
    assert torch.equal(moved.basis[1], mixing.basis[0]) and not moved.basis[0].any()
    assert torch.equal(moved.weigh.weight, mixing.weigh.weight)
    aims = generator.PatchGenerator(AIMING)
    cut = patch_generator._begun(replace(AIMING, cut=True), aims).state_dict()
    assert torch.equal(cut["whole.weight"], aims.whole.weight)
    assert not cut["last.weight"].any() and not cut["common"].any()  # begins as the target's picture
    with pytest.raises(UserError) as problem:
        patch_generator._begun(AIMING, first)
    assert "same mode" in problem.value.hint


def test_people_who_are_targets_only_wear_nothing_and_are_every_second_target() -> None:
    given, idols = made_up(4, 0), made_up(2, 5)
    idols = People(idols.pixels, np.array([f"idol-{name}" for name in idols.identities]))
    pairs = patch_generator.pairs(given, [person_victim("a")], AIMING, idols)
    assert len(pairs) == 12
    chance = np.random.default_rng(0)
    names = pairs.people.identities[[pairs._target(0, chance) for _ in range(400)]]
    share = np.mean([name.startswith("idol-") for name in names])
    assert 0.4 < share < 0.6 and given.identities[0] not in names
    alone = patch_generator.pairs(given, [person_victim("a")], AIMING, idols, 1)
    assert all(alone._target(row, chance) >= 12 for row in range(12) for _ in range(5))


def test_a_basis_begins_by_the_targets_and_learns_while_one_that_has_learnt_goes_on() -> None:
    given, idols, seen = made_up(4, 0), made_up(2, 5), [person_victim("a", 1)]
    idols = People(idols.pixels, np.array([f"idol-{name}" for name in idols.identities]))
    about = replace(AIMING, told=24, basis=2)

    def begun(**changes: Any) -> Attack:
        found = patch_generator.recipe(about, seen, PLACES, given, given, Objective(), **changes).model
        assert isinstance(found, Attack)
        return found

    model = begun(idols=idols, share=1)
    told = patch_generator.pairs(idols, seen, about).told()
    assert told.shape == (6, 24)
    weights = model.generator.weigh(torch.cat([torch.zeros_like(told), told], 1))
    torch.testing.assert_close(weights.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(weights.square().sum(1).mean(), torch.tensor(2.0))
    batch = patch_generator.pairs(given, seen, about, idols, 1).rows(np.arange(4))
    *vectors, _ = model(*batch.inputs)
    patch_generator._attack(Objective(), seen, vectors, batch.labels).backward()
    slope = model.generator.basis.grad
    assert slope is not None and slope.abs().amax((2, 3, 4)).min() > 0
    assert [group["lr"] for group in model.groups(Rates(common=0.1))] == [1e-3, 0.1, 0.1 / 2**0.5]
    assert [group["lr"] for group in model.groups(Rates(common=0.1, basis=0.2))] == [1e-3, 0.1, 0.2]
    with torch.no_grad():
        model.generator.weigh.weight.fill_(0.5)
    assert torch.equal(begun(start=model.generator).generator.weigh.weight, model.generator.weigh.weight)
    with pytest.raises(UserError, match="share"):
        begun(share=1.5)


def test_a_canvas_learns_from_drawn_places_at_the_common_patchs_rate() -> None:
    places = patch_places.places("persons", ("torso", "drawn"), 64, 32)
    about = About("evasion", "persons", ("torso", "drawn"), ("a",), 32, 32, canvas=True)
    seen = [person_victim("a", 1)]
    model = Attack(generator.PatchGenerator(about), seen, places, Objective(push_margin=-1))
    batch = patch_generator.pairs(made_up(4, 0), seen, about).rows(np.arange(4))
    for learns, turn in ((False, 0), (True, 1)):
        model.eval()  # turns begin with the first place
        model._turn = turn
        *vectors, _ = model(*batch.inputs)
        model.zero_grad()
        patch_generator._attack(model.objective, seen, vectors, batch.labels).backward()
        slopes = [one.grad for one in (model.generator.canvas, model.generator.common)]
        assert [bool(slope.any()) for slope in slopes if slope is not None] == [learns, not learns]
    rates = {id(one): group["lr"] for group in model.groups(Rates()) for one in group["params"]}  # type: ignore[attr-defined]
    assert rates[id(model.generator.canvas)] == rates[id(model.generator.common)] == Rates().common


def test_the_first_place_gets_half_of_the_batches_and_judging_takes_turns() -> None:
    places = patch_places.places("persons", ("torso", "drawn"), 64, 32)
    assert len(places["drawn"]) == patch_places.DRAWINGS
    about = About("evasion", "persons", ("torso", "drawn"), ("a",), 32, 32)
    model = Attack(generator.PatchGenerator(about), [person_victim("a", 1)], places, Objective())
    torch.manual_seed(0)
    taken = [model.train()._place().name for _ in range(200)]
    assert 80 < taken.count("torso") < 120
    model.eval()
    assert [model._place().name for _ in range(4)] == ["torso", "drawn", "torso", "drawn"]
    model.eval()
    assert model._place().name == "torso"


@pytest.mark.parametrize("kind, size", [("faces", (224, 224)), ("persons", (256, 128))])
def test_drawings_are_of_a_size_that_a_person_would_draw(kind: str, size: tuple[int, int]) -> None:
    found = patch_places.drawings(kind, *size, 0, 6)
    assert all(0.02 < slot.share < 0.14 and slot.size == size for slot in found)
    assert len({round(slot.share, 5) for slot in found}) == 6
    again = patch_places.drawings(kind, *size, 0, 6)
    assert all(torch.equal(one.mask, other.mask) for one, other in zip(found, again, strict=True))


def write_persons(data: Path, *sequences: str) -> None:
    """A parquet of forty people, three pictures each; the sequences take turns."""
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    chance = np.random.default_rng(0)
    rows = []
    for identity in range(40):
        colour = chance.integers(0, 255, 3)
        for frame in range(3):
            pixels = np.clip(colour + chance.integers(-9, 9, (64, 32, 3)), 0, 255).astype(np.uint8)
            image = cv2.imencode(".png", pixels)[1].tobytes()
            sequence = sequences[identity % len(sequences)] if sequences else "S"
            rows.append({"sequence": sequence, "identity": identity, "frame": frame, "image": image})
    (data / "reid").mkdir(parents=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), data / mot_crops.FILE)


def test_people_of_one_part_only(tmp_path: Path) -> None:
    write_persons(tmp_path)
    found = {}
    for wanted in ("training", "validation", "test"):
        *_, one = patch_people.gather(tmp_path, "persons", wanted, tmp_path, (64, 32), each=2)  # type: ignore[arg-type]
        assert isinstance(one, People)
        assert one.pixels.shape == (len(one), 64, 32, 3)
        assert {part(name) for name in one.identities} == {wanted}
        assert max(np.unique(one.identities, return_counts=True)[1]) == 2
        found[wanted] = set(one.identities)
    assert not found["training"] & found["test"] and sum(map(len, found.values())) == 40
    *_, few = patch_people.gather(tmp_path, "persons", "training", tmp_path, (64, 32), limit=3)
    assert isinstance(few, People) and len(set(few.identities)) == 3
    *_, one = patch_people.gather(tmp_path, "persons", "test", tmp_path, (64, 32), each=1, least=3)
    assert isinstance(one, People) and set(one.identities) == found["test"] and len(one) == len(found["test"])
    both = patch_people.joined([few, few])
    assert len(both) == 2 * len(few)


def test_drawn_people_are_one_town_s_and_have_several_pictures() -> None:
    here, there = (patch_people.drawn(town, 3, 2) for town in (0, 1))
    assert here.pixels.shape == (6, 256, 128, 3)
    assert len(set(here.identities)) == 3
    assert not set(here.identities) & set(there.identities)
    assert all(len(here.others(row)) == 1 for row in range(6))
    assert (here.pixels != there.pixels).any()


def test_photographed_people_of_the_training_sequences_are_seen_by_drawn_cameras(tmp_path: Path) -> None:
    write_persons(tmp_path, "MOT17-04", "MOT17-02")  # the second is held out
    found = patch_people.filmed(tmp_path, 0, 5)
    names, counts = np.unique(found.identities, return_counts=True)
    assert found.pixels.shape == (5 * 20, 256, 128, 3) and set(counts) == {5}
    assert set(names) == {f"MOT17-{4000 + number}" for number in range(0, 40, 2)}
    assert all(len(found.others(row)) == 4 for row in range(10))
    assert len({one.tobytes() for one in found.pixels}) == 100
    own, other = (patch_people.filmed(tmp_path, town, 5).pixels for town in (0, 1))
    assert (own == found.pixels).all() and (other != own).any()


def test_the_command_trains_and_writes_a_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_persons(tmp_path)
    monkeypatch.setattr(victims, "KINDS", {"persons": lambda name: person_victim(name, len(name))})
    out = tmp_path / "out"
    command = ["train", "patch-generator", "--kind", "persons", "--victims", "a,bb", "--data", str(tmp_path)]
    command += ["--out", str(out), "--epochs", "1", "--batch", "8", "--cpu", "--mode", "impersonation"]
    assert main(command) == 0
    net = generator.load(out / "generator.safetensors")
    assert net.about == About("impersonation", "persons", ("torso", "shirt", "drawn"), ("a", "bb"), 128, 64)
    command = ["evaluate", "patch-generator", str(out / "generator.safetensors"), "--data", str(tmp_path)]
    command += ["--unseen", "ccc", "--iterative", "2", "--steps", "2", "--out", str(tmp_path / "found.json")]
    assert main(command) == 0
    table = json.loads((tmp_path / "found.json").read_text())
    ways = ["generator", "random", "noise", "natural crop", "generator (few)", "random (few)", "pgd (few)"]
    assert list(dict.fromkeys(row["maker"] for row in table)) == ways
    assert [row["encoder"] for row in table[:4]] == ["a", "bb", "ccc", "ensemble"]
    assert {row["probes"] for row in table[-4:]} == {2} and table[-1]["victim passes"] == 2 * 2 * 2


def test_the_command_goes_on_from_a_generator_and_tells_it_who_it_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_persons(tmp_path)
    monkeypatch.setattr(victims, "KINDS", {"persons": lambda name: person_victim(name, len(name))})
    first = tmp_path / "first.safetensors"
    about = About("evasion", "persons", ("torso",), ("a",), 128, 64)
    generator.save(generator.PatchGenerator(about), first)
    out = tmp_path / "out"
    command = ["train", "patch-generator", "--kind", "persons", "--victims", "a,bb"]
    command += ["--data", str(tmp_path), "--out", str(out), "--epochs", "1", "--batch", "8", "--cpu"]
    command += ["--told", "--together", "1", "--start", str(first), "--rate", "0.0001"]
    command += ["--slots", "torso,drawn", "--canvas"]
    assert main(command) == 0
    net = generator.load(out / "generator.safetensors")
    assert net.about == replace(about, slots=("torso", "drawn"), victims=("a", "bb"), told=48, canvas=True)
    assert any((layer.weight != 0).any() for layer in net.turns)  # type: ignore[union-attr]
    begun, grown = generator.load(first).state_dict(), net.state_dict()
    kept = [name for name in begun if name != "common" and not name.startswith("last.")]
    assert max((grown[name] - begun[name]).abs().max() for name in kept) < 0.01  # it has not begun anew
    assert grown["last.weight"].abs().max() < 0.01  # what it added would lie on a canvas now


def test_the_command_passes_margins_rates_and_how_many_pictures_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_persons(tmp_path)
    monkeypatch.setattr(victims, "KINDS", {"persons": lambda name: person_victim(name, len(name))})
    asked: dict[str, Any] = {}

    def recipe(*given: Any, **named: Any) -> None:
        asked.update(objective=given[5], people=given[3], rates=named["rates"])
        raise UserError(Code.OPTION_RANGE, "Enough.", "Nothing.")

    monkeypatch.setattr(patch_generator, "recipe", recipe)
    command = ["train", "patch-generator", "--kind", "persons", "--victims", "a", "--data", str(tmp_path)]
    command += ["--out", str(tmp_path / "out"), "--each", "1", "--least", "3"]
    command += ["--push-margin", "-0.1", "--pull-margin", "0.4", "--push", "0.2"]
    assert main([*command, "--rate", "0.01", "--basis-rate", "0.02"]) != 0
    objective = asked["objective"]
    assert (objective.push_margin, objective.pull_margin, objective.push) == (-0.1, 0.4, 0.2)
    assert asked["rates"] == Rates(0.01, basis=0.02)
    assert len(asked["people"]) == len(set(asked["people"].identities)) > 0


def test_the_command_films_photographed_people_beside_drawn_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_persons(tmp_path, "MOT17-04", "MOT17-02")
    monkeypatch.setattr(victims, "KINDS", {"persons": lambda name: person_victim(name, len(name))})
    asked: list[People] = []

    def recipe(*given: Any, **_: Any) -> None:
        asked.append(given[3])
        raise UserError(Code.OPTION_RANGE, "Enough.", "Nothing.")

    monkeypatch.setattr(patch_generator, "recipe", recipe)
    command = ["train", "patch-generator", "--kind", "persons", "--victims", "a", "--data", str(tmp_path)]
    assert main([*command, "--out", str(tmp_path / "out"), "--drawn", "2", "--filmed", "3"]) != 0
    names, counts = np.unique(asked[0].identities, return_counts=True)
    kinds = [name.partition("-")[0] for name in names]
    assert (kinds.count("drawn"), kinds.count("MOT17")) == (2, 20)
    assert set(counts[:20]) == {3} and set(counts[20:]) == {6}


def test_the_command_trains_natural_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_persons(tmp_path)
    prior = TinyPrior()
    monkeypatch.setattr(victims, "KINDS", {"persons": lambda name: person_victim(name, len(name))})
    monkeypatch.setattr(diffusion, "load", lambda name: {"tiny": prior}[name])
    out = tmp_path / "out"
    command = ["train", "patch-generator", "--kind", "persons", "--victims", "a", "--data", str(tmp_path)]
    command += ["--out", str(out), "--epochs", "1", "--batch", "8", "--cpu", "--slots", "torso"]
    assert main([*command, "--prior", "tiny", "--radius", "0.3", "--label", "rose", "--sample", "2"]) == 0
    net = generator.load(out / "generator.safetensors")
    assert isinstance(net, LatentGenerator)
    assert net.about == About("evasion", "persons", ("torso",), ("a",), 128, 64, "tiny", 0.3, "rose", 2)
    torch.testing.assert_close(net.start, prior.sample(["rose"], 2), atol=2e-3, rtol=0)


def test_without_data_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError) as problem:
        list(patch_people.gather(tmp_path, "faces", "training", tmp_path, (224, 224)))
    assert "lfw_expressions" in problem.value.hint


@pytest.mark.data
def test_faces_are_found_once_and_aligned(data_dir: Path, tmp_path: Path) -> None:
    given = data_dir, "faces", "validation", tmp_path, (224, 224)
    *first, people_found = patch_people.gather(*given, each=2, limit=2)  # type: ignore[arg-type]
    *second, again = patch_people.gather(*given, each=2, limit=2)  # type: ignore[arg-type]
    assert first and not second  # no face is looked for twice
    assert isinstance(people_found, People) and isinstance(again, People)
    assert people_found.pixels.shape == (4, 224, 224, 3)
    assert np.array_equal(people_found.pixels, again.pixels)


def test_pictures_that_judge_an_impersonation_are_not_the_attackers() -> None:
    probes, gallery = (
        people(6, 3, 64, 32).take(rows) for rows in (range(0, 18, 3), [n for n in range(18) if n % 3])
    )
    rest, lent, targets = patch_evaluation.strangers(probes, gallery)
    assert len(rest) + len(lent) == len(gallery)
    assert not any(torch.equal(one, other) for one in lent.pictures for other in rest.pictures)
    assert all(targets != probes.identities) and set(targets) <= set(rest.identities)
    assert set(lent.identities) == set(gallery.identities)
    with pytest.raises(ValueError, match="too few"):
        patch_evaluation.strangers(probes, gallery.take([0, 1]))


def test_comparing_an_impersonation_lends_the_attacker_other_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = []

    def note(*args: Any, **options: Any) -> Any:
        given.append((args, options))
        return iter(())

    monkeypatch.setattr(patch_evaluation, "run", note)
    about = replace(AIMING, height=64, width=32)
    probes, gallery = patch_evaluation.parts(made_up(6, 3))
    model = generator.PatchGenerator(about)
    list(patch_evaluation.compare(model, probes, gallery, [person_victim("a")], []))
    assert given
    for args, options in given:
        gallery, targets, lent = args[3], args[7], options["lent"]
        assert set(targets) <= set(lent.identities)
        assert not any(torch.equal(one, other) for one in lent.pictures for other in gallery.pictures)


def test_comparing_asks_an_encoder_about_a_large_gallery_once() -> None:
    about = replace(ABOUT, victims=("a",), height=64, width=32)
    probes, gallery = patch_evaluation.parts(made_up(6, 3))
    watched = victims.Counted(person_victim("b", 2))
    model = generator.PatchGenerator(about)
    *_, last = patch_evaluation.compare(model, probes, gallery, [person_victim("a")], [watched])
    assert watched.pictures == len(gallery) + 4 * 2 * len(probes)  # clean and attacked, four ways
    asked = [person_victim("a")], [person_victim("b", 2)]
    maker = makers.makers.create("natural crop")
    *_, alone = evaluate("natural crop", maker, probes, gallery, slots.torso(64, 32), *asked)
    assert isinstance(last, Outcome) and isinstance(alone, Outcome)
    maps = [one.verdicts[1].attacked.mean_average_precision for one in (last, alone)]
    assert maps[0] == maps[1]


def test_who_has_no_other_picture_is_asked_nothing_that_needs_one() -> None:
    everybody = people(4, 2, 64, 32)
    probes, gallery = everybody.take([0, 2, 4, 6]), everybody.take([1, 3, 7])
    kept, same = patch_evaluation.answerable(probes, gallery)
    assert kept.identities.tolist() == ["person-0", "person-1", "person-3"] and same is gallery
    victim = person_victim()
    assert patch_thresholds.references(victim, kept, gallery).isfinite().all()
    with pytest.raises(ValueError, match="no other picture"):
        patch_thresholds.references(victim, probes, gallery)
