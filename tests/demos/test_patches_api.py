"""Patches as programs make them: real weights, nobody's faces, consent and limits."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from core.patches import bundled, safety
from core.settings import ROOT
from tests.serving import Server

pytestmark = pytest.mark.weights

FACES = ROOT / "demos" / "examples" / "faces"
PROBE, OTHER = FACES / "person-b_frontal.jpg", FACES / "person-e_frontal.jpg"
WALKER = ROOT / "demos" / "examples" / "walkers" / "walker-1.jpg"
CALL = "/attack_with_patch"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    yield Client(server.url, verbose=False)


@pytest.fixture
def encoders(weight) -> None:
    for name in (*bundled.load("faces", "evasion").about.victims, "yunet", "face-landmarker", "sface"):
        weight(name)


def test_a_program_hides_a_face_and_gets_a_marked_picture_and_the_patch(client: Client, encoders) -> None:
    picture, files, report = client.predict(handle_file(PROBE), api_name=CALL)
    assert [Path(str(path)).name for path in files] == ["with-patch.png", "report.json", "patch.png"]
    assert safety.marked(Path(str(files[0])).read_bytes())["mode"] == "evasion"
    assert safety.marked(Path(str(picture)).read_bytes())["mode"] == "evasion"
    told = report["patches"]["generator"]
    seen = [one for one in told["encoders"] if one["seen"]]
    assert len(seen) == 3 and sum(one["own"][1] < one["own"][0] - 0.2 for one in seen) == 3
    assert report["compared with"] == "the clean photo itself" and len(report["random squares"]) > 1


def test_a_program_searches_for_a_patch_on_a_whole_person(client: Client) -> None:
    _, _, report = client.predict(
        handle_file(WALKER), kind="persons", place="shirt", way="iterative", seed=2, api_name=CALL
    )
    search = report["patches"]["pgd"]
    assert search["options"] == {"seed": 2, "steps of an iterative way": 40}
    for one in search["encoders"]:
        assert not one["seen"] or one["own"][1] < one["own"][0] - 0.2
    assert {"facet-patch-persons-evasion", "facet-person"} <= set(report["weights"])
    assert {"torch", "gradio"} <= set(report["versions"])


def test_a_program_gets_a_natural_patch_and_how_natural_it_is(client: Client, encoders, weight) -> None:
    for name in ("facet-flowers", "vit-s14"):
        weight(name)
    _, _, report = client.predict(handle_file(PROBE), way="latent generator", strength=0.5, api_name=CALL)
    made = report["patches"]["latent generator"]
    assert made["naturalness"]["within natural crops"] and made["options"]["radius"] == 0.5
    assert {"facet-patch-faces-natural", "facet-flowers", "facet-sticker-detector"} <= set(report["weights"])


def test_impersonation_is_open_towards_synthetic_people_and_gives_no_patch(client: Client, encoders) -> None:
    _, files, report = client.predict(handle_file(PROBE), target="person-c", api_name=CALL)
    assert [Path(str(path)).name for path in files] == ["with-patch.png", "report.json"]
    assert report["mode"] == "impersonation" and report["target"] == "person-c"
    seen = [one for one in report["patches"]["generator"]["encoders"] if one["seen"]]
    assert all(one["target"][1] > one["target"][0] for one in seen)
    with pytest.raises(AppError, match="synthetic people only"):
        client.predict(handle_file(PROBE), target="a film star", api_name=CALL)


def test_a_second_photo_needs_consent(client: Client, encoders) -> None:
    with pytest.raises(AppError, match=r"consent|agree"):
        client.predict(handle_file(PROBE), second_photo=handle_file(OTHER), api_name=CALL)
    _, files, report = client.predict(
        handle_file(PROBE), second_photo=handle_file(OTHER), consent=True, api_name=CALL
    )
    assert report["target"] == "the second photo" and len(files) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [({"place": "nowhere"}, "no such place"), ({"kind": "cats"}, "no such place"),
     ({"way": "by magic"}, "no such way"), ({"strength": 3}, "no such way"),
     ({"kind": "persons", "place": "torso", "target": "person-c"}, "Only faces")],
)  # fmt: skip
def test_a_program_gets_a_sentence(client: Client, options: dict[str, object], told: str) -> None:
    with pytest.raises(AppError, match=told):
        client.predict(handle_file(PROBE), **options, api_name=CALL)


def test_the_models_are_listed(client: Client) -> None:
    models = client.predict(api_name="/list_patch_models")
    assert {"facet-patch-faces-evasion", "facet-flowers", "sface"} <= {model["name"] for model in models}
