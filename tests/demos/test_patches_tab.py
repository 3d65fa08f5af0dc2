"""The tab of patches without a page: drawings, patches on photos, who may be aimed at, what is shown."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from core import diffusion
from core.errors import Code, UserError
from core.patches import apply, bundled, generator, natural_makers, safety, session, slots
from core.patches.generator import About
from core.patches.latent_generator import LatentGenerator
from core.patches.session import Block, Scale, Session, Target, pixels, tensor
from core.types import Image
from demos.patches import api, canvas, exports, making, natural, people, showing, strokes, words
from demos.patches.bench import AIM, YOU, Aim, Bench, Probe, report, whole
from tests.core.patches.natural_fakes import CARD as TINY
from tests.core.patches.natural_fakes import TinyPrior
from tests.core.patches.patch_fakes import people as drawn_people
from tests.core.patches.patch_fakes import person_victim

BLACK = np.zeros((224, 224, 3), np.uint8)
FACE = Probe("faces", BLACK, BLACK, np.array([[1.0, 0, 0], [0, 1, 0]]), YOU)
ABOUT = About("impersonation", "persons", ("torso",), ("a",), 64, 32)
SQUARE = json.dumps([[0.1, 0.3, 0.5, 0.6, 0.5]])


def test_strokes_become_a_mask_where_they_were_drawn() -> None:
    mask = strokes.mask(SQUARE, 200, 100)
    rows, columns = np.nonzero(mask)
    assert abs(rows.mean() - 99.5) < 1 and abs(columns.mean() - 44.5) < 1.5
    assert 25 <= columns.min() < 30 and 8 <= np.ptp(rows) <= 12


@pytest.mark.parametrize(
    "text",
    ["", "x", "{}", "[]", "[[0.1, 2, 3]]", "[[0.1, 0.2]]", '[[0.1, "a", 0.2]]', "[[0.1, 0.2, true]]",
     json.dumps([[0.1, 0.2, 0.3]] * 61), "[[NaN, 0.2, 0.3]]", "[[0.001, 0.2, 0.3]]", "[[1, 0.5, 0.5]]"],
)  # fmt: skip
def test_what_is_no_drawing_is_refused(text: str) -> None:
    with pytest.raises(UserError) as problem:
        strokes.mask(text, 100, 100)
    assert problem.value.code == Code.PATTERN_INVALID


def test_a_patch_on_the_photo_is_where_encoders_see_it() -> None:
    slot, patch = slots.torso(256, 128), torch.rand(3, 64, 64)
    patch = torch.nn.functional.interpolate(torch.rand(1, 3, 4, 4), 64, mode="bilinear")[0]
    photo = np.full((256, 128, 3), 90, np.uint8)
    same = np.array([[1.0, 0, 0], [0, 1, 0]])
    mine = canvas.on_photo(photo, same, patch, slot, 0.8).astype(float)
    theirs = pixels(apply.paste(tensor(photo)[None], patch[None], slot, opacity=0.8).pictures[0]).astype(
        float
    )
    assert np.abs(mine - theirs).mean() < 0.35  # levels of 255; edges are sampled finer on the photo
    far = slot.mask.numpy() == 0
    far = cv2.erode(far.astype(np.uint8), np.ones((5, 5))) > 0
    assert np.array_equal(mine[far], photo[far])
    twice = canvas.on_photo(
        canvas.enlarged(photo, 2), 0.5 * np.array([[1, 0, -0.5], [0, 1, -0.5]]), patch, slot, 1
    )
    small = cv2.resize(twice, (128, 256), interpolation=cv2.INTER_AREA).astype(float)
    full = pixels(apply.paste(tensor(photo)[None], patch[None], slot).pictures[0]).astype(float)
    assert np.abs(small - full).mean() < 0.5


@pytest.mark.parametrize("size", [(256, 128), (600, 500), (300, 90), (100, 40), (128, 256)])
def test_a_whole_person_is_cut_about_the_middle(size: tuple[int, int]) -> None:
    photo = np.zeros((*size, 3), np.uint8)
    photo[..., 0] = np.linspace(0, 250, size[0])[:, None]
    photo[..., 1] = np.linspace(0, 250, size[1])[None]
    found, matrix = canvas.upright(photo, 256, 128)
    assert found.shape == (256, 128, 3)
    middle = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    moved = matrix[:, :2] @ middle + matrix[:, 2]
    np.testing.assert_allclose(moved, [63.5, 127.5], atol=1)
    assert abs(int(found[128, 64, 0]) - 125) < 6 and abs(int(found[128, 64, 1]) - 125) < 6


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A whole person of a made-up street, with tiny encoders."""
    monkeypatch.setattr(session, "scale", lambda kind, victim: Scale(0.9, 0.2, 0.95))
    given = drawn_people(6, 3, 256, 128)
    rest = given.take([n for n in range(18) if n % 3])
    desk = Bench()
    desk.start(Probe("persons", pixels(given.pictures[0]), pixels(given.pictures[0]),
                     np.array([[1.0, 0, 0], [0, 1, 0]]), "person-0"))  # fmt: skip
    desk._work = Session(
        "persons", given.pictures[0], "person-0", [Block(rest.pictures, rest.identities)],
        [person_victim("a", 1), person_victim("b", 2)], [person_victim("c", 3)],
    )  # fmt: skip
    return desk


def tried(bench: Bench, name: str = "noise") -> None:
    from core.patches.makers import makers

    bench.throw()
    bench.try_out(name, name.capitalize(), makers.create(name))


def test_a_patch_is_shown_with_chance_beside_it(bench: Bench) -> None:
    tried(bench)
    tried(bench, "natural crop")
    assert bench.shown == "natural crop" and len(bench.chance) == 4
    assert "3 encoders" in showing.verdict(bench) and "random squares" in showing.verdict(bench)
    table = showing.ways(bench)
    assert table.count("<tr") == 4 and "Random squares" in table and "chosen" in table
    assert showing.hits(bench).count("<li") == 20
    before, after = showing.views(bench)
    assert before.shape == after.shape == (512, 256, 3) and (before != after).any()
    assert "never seen" in showing._bars(bench, "own")


def test_opacity_acts_on_the_screen_and_not_on_the_table(bench: Bench) -> None:
    tried(bench)
    table = showing.ways(bench)
    bench.fade(0)
    assert bench.now is not None and all(one.own[0] == one.own[1] for one in bench.now.figures)
    before, after = showing.views(bench)
    assert np.array_equal(before, after)
    assert showing.ways(bench) == table
    bench.fade(7)
    assert bench.opacity == 1


def test_what_was_made_for_somebody_chosen_before_is_dropped(bench: Bench) -> None:
    """The visitor goes back to hiding while a patch towards a target is made."""
    from core.patches.makers import makers

    squares = makers.create("random")

    def slow(task: Any) -> torch.Tensor:
        bench.reset()
        return squares(task)

    bench.try_out("pgd", "Iterative search", slow)
    assert bench.tried == {} and bench.shown == ""


def test_a_refused_drawing_leaves_everything_as_it_was(bench: Bench) -> None:
    tried(bench)
    held = dict(bench.tried)
    for text in ("", "[[1, 0, 0, 1, 1], [1, 1, 0, 0, 1]]"):
        if text == bench.strokes:
            continue
        with pytest.raises(UserError):
            bench.draw(text)
        assert bench.tried == held and bench.strokes == ""


def test_another_place_or_drawing_forgets_patches(bench: Bench) -> None:
    tried(bench)
    bench.fade(0.5)
    bench.draw(SQUARE)
    assert bench.opacity == 1  # as the slider says that begins anew
    assert not bench.tried and not bench.chance and bench.now is None
    with pytest.raises(UserError):
        bench.current()


def test_nobody_is_aimed_at_themselves_and_only_faces_at_anybody(bench: Bench) -> None:
    bench.mode, bench.aim = "impersonation", Aim("synthetic", "person-d", np.zeros((224, 224, 3), np.uint8))
    with pytest.raises(UserError) as problem:
        bench.ready()
    assert "Only faces" in problem.value.message
    assert bench.probe is not None
    bench.probe = replace(bench.probe, kind="faces", name="person-d")
    with pytest.raises(UserError) as problem:
        bench.ready()
    assert "wears the patch" in problem.value.message


def test_in_impersonation_the_patch_is_not_on_the_page_and_the_picture_is_small_and_labelled(
    bench: Bench, tmp_path: Path
) -> None:
    tried(bench)
    given = drawn_people(6, 3, 256, 128)
    bench._work = Session(
        "persons", given.pictures[0], "person-0", [Block(given.pictures, given.identities)],
        [person_victim("a", 1)], [], Target("person-2", given.pictures[6:7]),
    )  # fmt: skip
    alone = showing.labelled(pixels(bench.tried["noise"].made.patch), bench.tried["noise"])
    mark = safety.marked(base64.b64decode(alone.split(",")[1]))
    assert mark is not None and mark["mode"] == "evasion"
    assert alone in showing._thumb(bench.tried["noise"])  # to hide, it is given out
    bench.tried["noise"] = replace(bench.tried["noise"], mode="impersonation")
    assert alone not in showing._thumb(bench.tried["noise"])

    class Visitor:
        def write(self, name: str, content: bytes, *, slot: str) -> str:
            (tmp_path / name).write_bytes(content)
            return str(tmp_path / name)

    before, after = showing.pictures(Visitor(), bench)  # type: ignore[arg-type]
    shapes = [cv2.imread(one).shape for one in (before, after)]
    assert shapes[0] == shapes[1] and max(shapes[0]) == safety.SCREEN
    label = safety.marked(Path(after).read_bytes())
    assert label is not None and label["mode"] == "impersonation"


def test_nobody_and_no_target_are_told() -> None:
    with pytest.raises(UserError, match="nobody yet"):
        Bench().ready()
    bench = Bench()
    bench.start(whole(Image(np.zeros((256, 128, 3), np.uint8))))
    assert bench.place == "shirt"
    bench.start(FACE)
    bench.mode = "impersonation"
    with pytest.raises(UserError, match="no target"):
        bench.ready()


def test_a_second_photo_needs_consent() -> None:
    bench = Bench()
    bench.start(FACE)
    bench._slot = slots.face("glasses")
    bench.mode, bench.aim = "impersonation", Aim("photo", AIM, np.zeros((224, 224, 3), np.uint8))
    with pytest.raises(UserError) as problem:
        bench.ready()
    assert problem.value.code == Code.CONSENT_MISSING
    bench.consent = True
    bench.ready()


def test_the_api_reads_no_second_photo_without_consent() -> None:
    def untouched(*_: Any) -> None:
        raise AssertionError("a photo was read")

    services: Any = SimpleNamespace(photo=untouched)
    for second, target, code in (
        ({"path": "x"}, "", Code.CONSENT_MISSING),
        (None, "somebody famous", Code.OPTION_RANGE),
    ):
        with pytest.raises(UserError) as problem:
            api.bench_for(services, None, {"path": "y"}, "faces", "glasses", target, second, False)  # type: ignore[arg-type]
        assert problem.value.code == code
    with pytest.raises(UserError):
        api.bench_for(services, None, {"path": "y"}, "faces", "drawn", "", None, False)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="second photo were given"):
        api.bench_for(services, None, {"path": "y"}, "faces", "glasses", "person-c", {"path": "x"}, True)  # type: ignore[arg-type]


def test_files_say_that_they_are_adversarial_and_impersonation_gives_no_patch(
    bench: Bench, tmp_path: Path
) -> None:
    from core.patches import safety

    class Visitor:
        def write(self, name: str, content: bytes, slot: str = "") -> str:
            (tmp_path / name).write_bytes(content)
            return str(tmp_path / name)

    tried(bench)
    made = exports.files(Visitor(), bench)  # type: ignore[arg-type]
    assert [Path(one).name for one in made] == ["with-patch.png", "report.json", "patch.png"]
    assert all(safety.marked(Path(one).read_bytes()) for one in made if one.endswith(".png"))
    told = json.loads(Path(made[1]).read_text())
    assert told["adversarial"] and told["patches"]["noise"]["encoders"][0]["name"] == "a"
    bench.tried["noise"] = replace(bench.tried["noise"], mode="impersonation")
    made = exports.files(Visitor(), bench)  # type: ignore[arg-type]
    assert [Path(one).name for one in made] == ["with-patch.png", "report.json"]


def test_an_unknown_place_of_the_generator_is_searched_instead(
    monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    monkeypatch.setattr(bundled, "places", lambda *purpose: ("glasses",))
    assert not making.knows(bench)
    bench.place = "glasses"
    assert making.knows(bench)
    monkeypatch.setattr(bundled, "places", lambda *purpose: ("glasses", "drawn"))
    bench.place = "drawn"
    assert making.knows(bench)


@pytest.mark.parametrize("known", [False, True])
def test_a_search_is_made_anew_each_time_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, known: bool
) -> None:
    """Also in a place that no generator knows, where the first patch is a search already."""
    seeds: list[int] = []

    def counted(task: Any) -> torch.Tensor:
        seeds.append(task.seed)
        return torch.full((3, 64, 64), 0.1 * task.seed)

    def ways(bench: Bench, name: str) -> Any:
        return counted if name == "pgd" else lambda task: torch.zeros(3, 64, 64)

    monkeypatch.setattr(making, "knows", lambda bench: known)
    monkeypatch.setattr(making, "maker", ways)
    for seed in (1, 2):
        list(making.search(bench, seed, 5))
        assert bench.shown == "pgd" and seeds[-1] == seed
        assert bench.tried["pgd"].options == {"seed": seed, "steps of an iterative way": 5}
    assert seeds == [1, 2] and ("generator" in bench.tried) == known


def test_two_pictures_of_a_prior_stand_side_by_side_and_the_report_says_what_each_shows(
    monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    monkeypatch.setattr(diffusion, "load", lambda name: TinyPrior())
    monkeypatch.setattr(diffusion, "cards", {natural.FLOWERS: TINY})
    monkeypatch.setattr(natural, "score", lambda bench: None)
    bench.place = "torso"
    bench.throw()
    for label in ("rose", "rose", "tulip"):
        list(natural.paint(bench, natural.FLOWERS, label, "latent offset", 0.5, 3))
    samples = [one for one in bench.tried.values() if one.way == natural.SAMPLE]
    assert [one.options["label"] for one in samples] == ["rose", "tulip"]
    assert all(one.options["label"] in one.title for one in samples)
    told = report(bench)["patches"]["latent offset"]["options"]
    assert told == {
        "seed": 3, "steps of an iterative way": 40, "prior": natural.FLOWERS, "label": "tulip", "radius": 0.5,
    }  # fmt: skip
    assert {"torch", "diffusers"} <= set(report(bench)["versions"])
    assert natural.FLOWERS in report(bench)["weights"]


def test_an_offset_by_one_pass_starts_from_the_generators_own_picture(
    monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    about = About("evasion", "persons", ("torso",), ("a",), 64, 32, "facet-flowers", 0.5, "sunflower", 3)
    torch.manual_seed(0)
    model = LatentGenerator(about).eval().requires_grad_(False)
    model.common.mul_(100)
    monkeypatch.setattr(bundled, "NATURAL", {("persons", "evasion"): ("made-up",)})
    monkeypatch.setattr(bundled, "_read", lambda name: model)
    monkeypatch.setattr(natural, "score", lambda bench: None)
    assert natural.ONE_PASS in {name for _, name in natural.ways(natural.FLOWERS)}
    bench.place = "torso"
    bench.throw()
    found = {}
    for strength in (0.0, 0.5):
        steps = natural.paint(bench, natural.FLOWERS, "daisy", natural.ONE_PASS, strength, seed=9)
        assert [one.done for one in steps] == [0.2, 0.4, 0.9]
        found[strength] = bench.tried[natural.ONE_PASS].made.patch
        (own,) = (one.made.patch for one in bench.tried.values() if one.way == natural.SAMPLE)
        torch.testing.assert_close(own, model.natural()[0])
    torch.testing.assert_close(found[0.0], own)
    assert (found[0.5] - own).abs().mean() > 0.01
    bench.place = "shirt"
    with pytest.raises(UserError) as problem:
        natural.predictor(bench)
    assert "offset in the latent" in problem.value.hint


@pytest.mark.parametrize("aim, wanted", [("synthetic", "NAMES"), ("photo", "STRANGERS")])
def test_a_second_photo_is_aimed_at_by_the_generator_that_knows_nobody_by_heart(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, aim: str, wanted: str
) -> None:
    read: list[str] = []
    monkeypatch.setattr(bundled, "_read", lambda name: read.append(name) or generator.PatchGenerator(ABOUT))
    monkeypatch.setattr(bundled, "NAMES", {("persons", "impersonation"): ("NAMES",)})
    monkeypatch.setattr(bundled, "STRANGERS", {("persons", "impersonation"): ("STRANGERS",)})
    bench.mode, bench.aim = "impersonation", Aim(aim, AIM, np.zeros((256, 128, 3), np.uint8))
    making.maker(bench, "generator")
    assert set(read) == {wanted}


def test_without_a_predictor_its_way_is_not_offered(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    monkeypatch.setattr(bundled, "NATURAL", {})
    assert natural.ONE_PASS not in {name for _, name in natural.ways(natural.FLOWERS)}
    with pytest.raises(UserError):
        natural.predictor(bench)


def test_the_pedestrians_on_the_screen_are_those_that_are_drawn() -> None:
    for number, picture in enumerate(people.walkers()):
        file = people.WALKING / f"{people.walker(number)}.jpg"
        shown = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        assert np.abs(shown.astype(int) - picture).mean() < 4
    names = [name for block in people.street() for name in block.identities]
    assert set(names) == {people.walker(number) for number in range(people.WALKERS)}
    assert people.CAMERA not in people.OTHERS


def test_an_upload_is_compared_with_itself_and_a_second_photo_is_in_the_gallery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from demos.patches import bench as module

    given = drawn_people(3, 2, 256, 128)
    monkeypatch.setattr(module.people, "street", lambda: [Block(given.pictures, given.identities)])
    monkeypatch.setattr(module.people, "album", lambda: [Block(given.pictures, given.identities)])
    monkeypatch.setattr(module.readers, "attacked", lambda kind, mode: ("a",))
    monkeypatch.setattr(module.readers, "judges", lambda kind, mode: ())
    monkeypatch.setattr(module.readers, "victim", lambda kind, name: person_victim(name, 1))
    one = whole(Image(np.zeros((256, 128, 3), np.uint8)))
    assert not one.bundled
    assert module._session(one, "evasion", None).names[-1] == YOU
    aim = Aim("photo", AIM, np.zeros((256, 128, 3), np.uint8))
    found = module._session(one, "impersonation", aim)
    assert found.names[-2:].tolist() == [YOU, AIM] and isinstance(found.target, Target)


def test_every_way_has_a_name_for_people(bench: Bench) -> None:
    for names in making.BESIDE.values():
        assert all(name in words.WAYS for name in names)
    tried(bench)
    assert report(bench)["place"] == "shirt"


def test_a_report_has_the_hash_of_the_generator_that_drew_and_of_no_other(bench: Bench) -> None:
    tried(bench)
    assert not report(bench)["weights"]
    bench.place, bench.tried["generator"] = "shirt", bench.tried["noise"]
    assert list(report(bench)["weights"]) == ["facet-patch-persons-evasion"]


def test_the_priors_and_labels_on_the_page_are_those_that_are_registered() -> None:
    """The page names them before torch is imported."""
    assert natural_makers.NAMES  # its import registers the face generator
    for _, name in natural.priors():
        assert tuple(natural.labels(name)) == diffusion.cards[name].classes
