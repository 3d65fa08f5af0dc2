"""Windows at the ends of a clip, and an encoder that is never used untrained."""

import numpy as np
import pytest
import torch

from core.errors import Code, UserError
from core.personalize.temporal import TemporalEncoder, encode, windows
from tests.core.personalize.personalize_fakes import DIM, stream


def small():
    torch.manual_seed(0)
    return TemporalEncoder(DIM, layers=2, heads=2, hidden=32, longest=16)


def trained():
    made = small()
    made.restore(small().state_dict())
    return made


def test_windows_repeat_the_ends():
    rows = np.arange(5, dtype=np.float32)[:, None]
    causal = windows(rows, 3, "causal")[..., 0]
    np.testing.assert_array_equal(causal, [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]])
    centred = windows(rows, 4, "centred")[..., 0]
    np.testing.assert_array_equal(centred[[0, 2, 4]], [[0, 0, 0, 1], [0, 1, 2, 3], [2, 3, 4, 4]])


def test_random_weights_are_refused():
    with pytest.raises(UserError) as caught:
        encode(small(), stream(4))
    assert caught.value.code == Code.WEIGHTS_MISSING


def test_trained_weights_give_unit_vectors_that_follow_the_window():
    frames = stream(12)
    out = encode(trained(), frames)
    assert out.shape == frames.shape
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-6)
    later = frames.copy()
    later[8:] = later[8:][::-1]
    changed = np.abs(encode(trained(), later) - out).max(axis=1) > 1e-6
    assert not changed[:8].any()  # causal: what comes later does not matter
    assert changed[8:].any()
    centred = np.abs(encode(trained(), later, 8, "centred") - encode(trained(), frames, 8, "centred"))
    assert centred[6].max() > 1e-6


def test_order_within_a_window_matters():
    frames = stream(8)
    a, b = encode(trained(), frames)[-1], encode(trained(), frames[[1, 0, *range(2, 8)]])[-1]
    assert np.abs(a - b).max() > 1e-6


def test_restored_weights_stay_as_they_are():
    made = trained()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    encode(made, stream(4))
    assert all(torch.equal(before[name], value) for name, value in made.state_dict().items())
    assert not any(parameter.requires_grad for parameter in made.parameters())
    with pytest.raises(RuntimeError):
        small().restore({})
    with pytest.raises(ValueError, match="at most 16"):
        encode(made, stream(30), 17)
