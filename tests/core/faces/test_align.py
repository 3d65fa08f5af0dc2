"""The canonical frame: similarities recover what made them, crops land on the template."""

import numpy as np
import pytest
import torch

from core.faces import align
from core.types import Face


def _face(five: np.ndarray) -> Face:
    return Face(box=(0, 0, 1, 1), score=1.0, five=five.astype(np.float32))


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.2, 3.0])
@pytest.mark.parametrize("scale", [0.2, 1.0, 4.0])
def test_similarity_recovers_the_transform_that_made_the_points(angle: float, scale: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = align.TEMPLATE @ turn.T + [31.0, -7.0]
    back = align.similarity(moved)
    assert np.allclose(moved @ back[:, :2].T + back[:, 2], align.TEMPLATE, atol=1e-3)


def test_similarity_never_reflects() -> None:
    mirrored = align.TEMPLATE * [-1.0, 1.0]
    assert np.linalg.det(align.similarity(mirrored)[:, :2]) > 0


def test_a_face_that_lies_on_the_template_is_cut_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    assert np.array_equal(align.align(pixels, _face(align.TEMPLATE)), pixels)


@pytest.mark.parametrize("scale", [1.0, 2.0, 5.0])
def test_a_dot_on_an_eye_lands_on_the_templates_eye(scale: float) -> None:
    five = align.TEMPLATE * scale + 40
    pixels = np.zeros((int(224 * scale) + 80, int(224 * scale) + 80, 3), np.uint8)
    x, y = five[0]
    radius = max(1, round(2 * scale))
    pixels[round(y) - radius : round(y) + radius + 1, round(x) - radius : round(x) + radius + 1] = 255
    crop = align.align(pixels, _face(five)).astype(float)[..., 0]
    rows, columns = np.mgrid[:224, :224]
    centre = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
    assert np.abs(centre - align.TEMPLATE[0]).max() < 0.75


def test_a_large_photo_is_averaged_and_not_sampled_sparsely() -> None:
    five = align.TEMPLATE * 8
    noise = np.random.default_rng(1).integers(0, 256, (1792, 1792, 3), dtype=np.uint8)
    assert align.align(noise, _face(five)).std() < 0.35 * noise.std()


def test_the_batch_holds_the_same_pixels_in_unit_range() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (300, 260, 3), dtype=np.uint8)
    faces = [_face(align.TEMPLATE), _face(align.TEMPLATE + 12)]
    batch = align.align_batch([(pixels, face) for face in faces])
    assert batch.shape == (2, 3, 224, 224) and batch.dtype == torch.float32
    for row, face in zip(batch, faces, strict=True):
        assert np.array_equal((row.permute(1, 2, 0).numpy() * 255).round(), align.align(pixels, face))


def test_an_empty_batch_keeps_its_shape() -> None:
    assert align.align_batch([]).shape == (0, 3, 224, 224)
