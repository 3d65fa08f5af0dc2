"""The benchmark of waiting presses what the tab presses."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import patch_presets
from benchmarks.patch_presets import PRESSES, Press
from core.types import Progress
from demos.patches import natural
from demos.patches.bench import Bench


class Noted(Bench):
    """A bench that notes what is tried on it."""

    def try_out(self, name: str, *_: Any, **__: Any) -> Any:
        self.tried = {**self.tried, name: SimpleNamespace(made=SimpleNamespace(seconds=0.5))}  # type: ignore[dict-item]


def test_every_press_makes_the_baselines_first_and_then_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def first(bench: Bench, seed: int = 0, steps: int = 40) -> Iterator[Progress]:
        bench.try_out("generator", "", lambda task: task.probe)
        yield Progress(1, "")

    def paint(bench: Bench, prior: str, label: str, way: str, *_: float) -> Iterator[Progress]:
        assert "generator" in bench.tried
        asked.append((prior, label, way))
        bench.try_out(way, "", lambda task: task.probe)
        yield Progress(1, "")

    def search(bench: Bench) -> Iterator[Progress]:
        yield from first(bench)
        bench.try_out("pgd", "", lambda task: task.probe)

    monkeypatch.setattr(patch_presets.making, "first", first)
    monkeypatch.setattr(patch_presets.making, "search", search)
    monkeypatch.setattr(patch_presets.natural, "paint", paint)
    monkeypatch.setattr(patch_presets, "bench_for", lambda press, number: Noted())
    for press in PRESSES:
        assert patch_presets.waited(press)[2] == 0.5
    known = {(prior, way) for _, prior in natural.priors() for _, way in natural.ways(prior)}
    assert {(prior, way) for prior, _, way in asked} <= known
    assert all(label in natural.labels(prior) or not natural.labels(prior) for prior, label, _ in asked)
    assert {press.way for press in PRESSES} == {way for _, _, way in asked} | {"generator", "pgd"}


def test_the_slower_of_both_presses_counts() -> None:
    press = Press("search", "pgd", kind="persons")
    assert patch_presets.row(press, 20.1, 9.0, 8.0)[-1] == "20 (missed)"
    assert patch_presets.row(press, 20.0, 9.0, 8.0) == [
        "a drawn person", "search", "20.0", "9.0", "8.0", "20 (met)",
    ]  # fmt: skip
    assert patch_presets.row(Press("eyes", "latent offset", prior="x"), 1, 60.5, 8.0)[-1] == "60 (missed)"
