"""Faces whose truth is known: the mean face placed in a picture of any size, at any place and lean."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from core import recognition
from core.faces import topology
from core.faces.track import Embed
from core.types import Face, Pixels

Place = Callable[..., Face]
RECOGNISER = "mobilefacenet-ms1m"
ORACLES = Path(__file__).with_name("landmark_oracles.py")


@pytest.fixture
def place() -> Place:
    """A function (unit, x, y, lean) -> the mean face with ``unit`` pixels between its eyes."""

    def build(unit: float = 80.0, x: float = 160.0, y: float = 130.0, lean: float = 0.0) -> Face:
        turn = unit * np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
        points = (topology.mean_face() @ turn.T + [x, y]).astype(np.float32)
        box = (*points.min(0).tolist(), *points.max(0).tolist())
        depth = (topology.mean_shape()[:, 2] * unit).astype(np.float32)
        return Face(box=box, score=1.0, five=topology.five_points(points), landmarks=points, depth=depth)

    return build


@pytest.fixture(scope="session")
def oracles() -> ModuleType:
    """The script that made the golden answers of the landmark nets, for its drawn inputs."""
    spec = importlib.util.spec_from_file_location("landmark_oracles", ORACLES)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def drawn(oracles: ModuleType) -> Pixels:
    """256×256×3 uint8: a face of a few ellipses, eyes 51 pixels apart, that the detector takes for one."""
    return np.asarray((oracles.drawings()[1] * 255).round(), np.uint8)


@pytest.fixture(scope="session")
def embed(weight: Callable[[str], Path]) -> Embed:
    """A recogniser as the tracker takes it; for tests marked ``weights``."""
    weight(RECOGNISER)

    return recognition.embedder(RECOGNISER)
