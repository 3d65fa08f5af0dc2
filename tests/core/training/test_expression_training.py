from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core import __main__ as command
from core.datasets import expressions
from core.datasets.expressions import LabelledFaces, Part, part
from core.errors import UserError
from core.expression import facet
from core.expression.network import ExpressionNet
from core.recognition.mobilefacenet import MobileFaceNet
from core.training import expression_encoder as training
from core.training.export_expression import FILE, export
from core.training.expression_augment import _focus, augment

TINY = training.Options(epochs=3, size=32, batch=6, posed=1, film=1)


def faces(name: str, wanted: Part, size: int) -> LabelledFaces:
    """Bright halves that say the class, a little different in every set."""
    rng = np.random.default_rng(len(name) + len(wanted))
    labels = np.arange(10, dtype=np.int64) % 7
    pixels = rng.integers(0, 80, (10, size, size), dtype=np.uint8)
    for row, label in enumerate(labels):
        pixels[row, : 4 * (label + 1)] += 120
    return LabelledFaces(pixels, labels, tuple(map(str, labels)))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Part]]:
    """Small made-up data and an untrained recogniser; what was read."""
    asked: list[tuple[str, Part]] = []

    def read(
        path: Path, classes: tuple[str, ...], wanted: Part, size: int, spelling: dict[str, str]
    ) -> LabelledFaces:
        asked.append((path.name, wanted))
        return faces(path.name, wanted, size)

    def untrained() -> MobileFaceNet:
        return MobileFaceNet()

    monkeypatch.setattr(expressions, "read", read)
    monkeypatch.setattr(training, "recogniser", untrained)
    monkeypatch.setattr(Path, "is_file", lambda path: path.suffix == ".parquet" or path.exists())
    return asked


def crops(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 24, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_augmentation_keeps_shape_and_range_and_follows_its_generator() -> None:
    once, again, other = (augment(crops(40), torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert once.shape == (40, 1, 24, 24)
    assert -1 <= once.min() < once.max() <= 1
    torch.testing.assert_close(once, again, rtol=0, atol=0)
    assert (once - other).abs().mean() > 0.1
    assert (once - crops(40)).abs().mean((1, 2, 3)).min() > 0.01  # every crop is changed


def test_half_of_the_crops_are_mirrored() -> None:
    ramp = torch.linspace(-0.5, 0.5, 24).expand(400, 1, 24, 24)
    changed = augment(ramp, torch.Generator().manual_seed(0))
    mirrored = changed[..., -4:].mean((1, 2, 3)) < changed[..., :4].mean((1, 2, 3))
    assert 0.4 < mirrored.float().mean() < 0.6


def test_some_crops_get_sharper_and_some_softer() -> None:
    edge = torch.zeros(300, 1, 24, 24)
    edge[..., 12:] = 0.5
    steep = _focus(edge, torch.Generator().manual_seed(0)).diff(dim=3).amax((1, 2, 3))
    assert (steep > 0.55).float().mean() > 0.3
    assert (steep < 0.45).float().mean() > 0.2


def test_going_on_gives_what_an_uninterrupted_run_gives(tiny: list[tuple[str, Part]], tmp_path: Path) -> None:
    whole = list(training.run(tmp_path, tmp_path / "whole", TINY))
    stopped = training.run(tmp_path, tmp_path / "stopped", TINY)
    before = [next(stopped)]
    stopped.close()
    torch.manual_seed(99)  # another process has another chance
    parts = [*before, *training.run(tmp_path, tmp_path / "stopped", TINY)]
    assert [(e.number, e.loss, e.accuracy) for e in parts] == [(e.number, e.loss, e.accuracy) for e in whole]
    one, other = (torch.load(tmp_path / n / "last.pt", weights_only=True) for n in ("whole", "stopped"))
    for key in ("net", "mean"):
        for name, value in one[key].items():
            torch.testing.assert_close(value, other[key][name], rtol=0, atol=0, msg=name)
    assert not list(training.run(tmp_path, tmp_path / "whole", TINY))  # nothing is left to do


def test_private_test_is_never_read(tiny: list[tuple[str, Part]], tmp_path: Path) -> None:
    list(training.run(tmp_path, tmp_path / "run", training.Options(epochs=1, size=32, batch=15)))
    assert {wanted for _, wanted in tiny} == {"training", "validation"}
    # and only FER2013's PublicTest is looked at
    assert [name for name, wanted in tiny if wanted == "validation"] == ["fer2013.parquet"]


def material() -> training._Material:
    """20 of FER2013, 3 of CK+, and LFW/film with 12 of one class and 2 of another."""
    labels = np.array([0] * 20 + [1] * 3 + [6] * 12 + [5] * 2)
    return training._Material(np.zeros((37, 2, 2), np.uint8), labels, (20, 3, 14), faces("x", "test", 8))


def test_an_epoch_bounds_each_class_of_film_and_repeats_the_posed_stills() -> None:
    options = training.Options(posed=2, film=4)
    order = material().order(np.random.default_rng(0), options)
    counts = np.bincount(order, minlength=37)
    assert (counts[:20] == 1).all()
    assert (counts[20:23] == 2).all()
    assert counts[23:35].sum() == 4 and counts[23:35].max() == 1
    assert (counts[35:] == 1).all()
    other = material().order(np.random.default_rng(1), options)
    assert sorted(order) != sorted(other)  # another draw


def test_the_prior_is_that_of_an_epoch() -> None:
    prior = material().prior(training.Options(posed=2, film=4)).exp()
    torch.testing.assert_close(prior[[0, 1, 5, 6]], torch.tensor([20.0, 6.0, 2.0, 4.0]) / 32)
    assert torch.isfinite(prior.log()).all()


def test_logit_adjustment_raises_the_scores_of_rare_classes() -> None:
    """Where nothing tells classes apart, the best constant scores are the data's odds, or even ones at 1."""
    labels = torch.tensor([0] * 9 + [1])
    prior = torch.tensor([0.9, 0.1]).log()
    for strength, odds in ((0.0, 9.0), (0.5, 3.0), (1.0, 1.0)):
        scores = torch.zeros(2, requires_grad=True)
        loss_of = training._loss(strength * prior, 0.0)
        optimiser = torch.optim.LBFGS([scores], max_iter=50)

        def closure(scores=scores, loss_of=loss_of, optimiser=optimiser):  # type: ignore[no-untyped-def]
            optimiser.zero_grad()
            loss = loss_of(scores.expand(10, 2), labels)
            loss.backward()
            return loss

        optimiser.step(closure)
        assert float((scores[0] - scores[1]).detach().exp()) == pytest.approx(odds, rel=0.02)


def test_a_missing_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fer2013"):
        next(training.run(tmp_path, tmp_path / "run", TINY))


def test_people_are_in_one_part_each() -> None:
    people = [f"person {number}" for number in range(4000)]
    shares = {
        wanted: {p for p in people if part(p) == wanted} for wanted in ("training", "validation", "test")
    }
    assert sum(map(len, shares.values())) == len(people)
    assert [len(shares[w]) / 4000 for w in ("training", "validation", "test")] == pytest.approx(
        [0.5, 0.1, 0.4], abs=0.03
    )
    assert part("S005") == part("S005")


@pytest.mark.data
@pytest.mark.parametrize("name", ["ckplus", "lfw-film"])
def test_parts_share_nobody(data_dir: Path, name: str) -> None:
    people = [set(training.gather(data_dir, name, w, 8).people) for w in ("training", "validation", "test")]
    assert all(people)
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])


@pytest.mark.weights
def test_the_trunk_is_taken_over_exactly(weight: Callable[[str], Path]) -> None:
    weight("mobilefacenet-ms1m")
    source, net = training.recogniser().eval(), ExpressionNet(7).eval()
    net.start_from(source)
    grey = torch.rand(2, 1, 112, 112, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.inference_mode():
        theirs = torch.nn.Sequential(*list(source)[:-4])(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(net.trunk(grey), theirs, rtol=1e-3, atol=1e-4)
    names = list(source.state_dict())
    own = list(net.trunk.state_dict().values())
    for value, name in zip(own[1:], names[1:], strict=False):  # all but the first filters: the same numbers
        torch.testing.assert_close(value, source.state_dict()[name], rtol=0, atol=0)


def test_an_exported_mean_loads_and_says_the_same(tiny: list[tuple[str, Part]], tmp_path: Path) -> None:
    list(training.run(tmp_path, tmp_path / "run", training.Options(epochs=1, size=32, batch=15)))
    line = export(tmp_path / "run", tmp_path)
    body = (tmp_path / FILE).read_bytes()
    assert f"bytes = {len(body)}" in line
    assert len(body) < 3e6
    net = facet.network(load_file(tmp_path / FILE)).eval()
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in net.modules())
    assert {value.dtype for value in net.state_dict().values()} == {torch.float32, torch.int64}
    plain = ExpressionNet(7).eval()
    mean = torch.load(tmp_path / "run" / "last.pt", weights_only=True)["mean"]
    plain.load_state_dict({name.removeprefix("module."): v for name, v in mean.items() if "." in name})
    some = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.inference_mode():
        features, scores = net(some)
        torch.testing.assert_close(features, plain.features(some), rtol=0.02, atol=0.02)
        torch.testing.assert_close(scores, plain(some), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"smoothing": 1.5}, {"mixup": -0.1}, {"rate": 0.0}])
def test_options_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="range"):
        training.Options(**wrong)  # type: ignore[arg-type]


def test_the_command_trains_and_exports(
    tiny: list[tuple[str, Part]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "settings", lambda: SimpleNamespace(weights_dir=tmp_path))
    out = str(tmp_path / "run")
    assert command.main(["train", "expression", "--data", str(tmp_path), "--out", out, "--epochs", "1"]) == 0
    assert command.main(["train", "export-expression", "--run", out]) == 0
    assert (tmp_path / FILE).stat().st_size > 1e6


def test_nothing_to_export_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="checkpoint"):
        export(tmp_path, tmp_path)


def test_the_manifest_learns_of_the_new_file(tiny: list[tuple[str, Part]], tmp_path: Path) -> None:
    list(training.run(tmp_path, tmp_path / "run", training.Options(epochs=1, size=32, batch=15)))
    manifest = tmp_path / "manifest.toml"
    before = f'[a]\nfiles = [\n  {{ path = "{FILE}", sha256 = "00", bytes = 1 }},\n]\n'
    manifest.write_text(before)
    line = export(tmp_path / "run", tmp_path)
    assert manifest.read_text() == f"[a]\nfiles = [\n  {line}\n]\n"
