"""Faces whose truth is known: the mean face placed in a picture of any size, at any place and lean."""

from collections.abc import Callable

import numpy as np
import pytest

from core.faces import topology
from core.types import Face

Place = Callable[..., Face]


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
