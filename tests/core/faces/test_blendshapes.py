"""Facial actions follow the points that show them and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.faces import blendshapes, outlines
from core.types import Face

Place = Callable[..., Face]


def test_names_and_points_fit_the_net() -> None:
    assert len(set(blendshapes.NAMES)) == 52
    assert list(blendshapes.POINTS) == sorted(set(blendshapes.POINTS)) and len(blendshapes.POINTS) == 146


def test_answers_are_those_of_the_original_graph(oracles: ModuleType) -> None:
    golden = np.load(oracles.GOLDEN)["actions"]
    with torch.inference_mode():
        actions = blendshapes.net()(torch.from_numpy(oracles.shapes()))
    assert np.abs(actions.numpy() - golden).max() < 1e-4


def test_place_and_size_cancel(place: Place) -> None:
    found = blendshapes.measure([place(), place(unit=31.0, x=900.0, y=-20.0)])
    assert np.abs(found[0] - found[1]).max() < 1e-3
    assert blendshapes.measure([]).shape == (0, 52)


def test_closing_the_eye_at_the_pictures_left_blinks_the_persons_right(place: Place) -> None:
    face = place()
    assert face.landmarks is not None
    closed = face.landmarks.copy()
    lids = list(outlines.LEFT_EYE)
    closed[lids, 1] = closed[lids, 1].mean() + 0.1 * (closed[lids, 1] - closed[lids, 1].mean())
    before, after = blendshapes.measure([face, replace(face, landmarks=closed)])
    right, left = (blendshapes.NAMES.index(f"eyeBlink{side}") for side in ("Right", "Left"))
    assert after[right] - before[right] > 0.3
    assert abs(after[left] - before[left]) < 0.3


def test_a_face_without_landmarks_is_refused(place: Place) -> None:
    with pytest.raises(UserError):
        blendshapes.measure([replace(place(), landmarks=None)])
