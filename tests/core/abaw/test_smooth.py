import numpy as np
import pytest

from core.abaw.smooth import box_average, interpolate

RNG = np.random.default_rng(0)
ROWS = RNG.dirichlet(np.ones(8), 300)
SEEN = RNG.random(300) > 0.3


def slow_average(rows, half, seen):
    windows = [slice(max(i - half, 0), i + half + 1) for i in range(len(rows))]
    return np.array([rows[w][seen[w]].mean(axis=0) if seen[w].any() else 0 * rows[0] for w in windows])


@pytest.mark.parametrize("half", [1, 5, 50, 299, 1000])
def test_box_average_is_the_mean_of_the_window_truncated_at_the_ends(half):
    everywhere = np.ones(300, dtype=bool)
    np.testing.assert_allclose(box_average(ROWS, half), slow_average(ROWS, half, everywhere), atol=1e-12)
    np.testing.assert_allclose(box_average(ROWS, half, SEEN), slow_average(ROWS, half, SEEN), atol=1e-12)


def test_box_average_by_hand():
    assert box_average(np.array([1.0, 2.0, 6.0, 0.0]), 1).tolist() == pytest.approx([1.5, 3, 8 / 3, 3])


def test_delta_of_0_is_the_identity_to_the_bit():
    np.testing.assert_array_equal(box_average(ROWS, 0), ROWS)
    single = ROWS.astype(np.float32)
    np.testing.assert_array_equal(box_average(single, 0), single.astype(np.float64))


@pytest.mark.parametrize("half", [1, 7, 400])
def test_a_constant_sequence_is_unchanged_by_smoothing_to_the_bit(half):
    constant = np.tile(ROWS[3], (5400, 1))
    np.testing.assert_array_equal(box_average(constant, half), constant)


@pytest.mark.parametrize("half", [1, 5, 100])
@pytest.mark.parametrize("seen", [None, SEEN])
def test_window_output_rows_sum_to_1(half, seen):
    averaged = box_average(ROWS, half, seen)
    reached = np.ones(300, dtype=bool) if seen is None else slow_average(ROWS, half, SEEN).any(axis=1)
    np.testing.assert_allclose(averaged[reached].sum(axis=1), 1, atol=1e-12)
    assert averaged.min() >= 0


def test_a_spike_of_an_hour_long_clip_leaves_no_negative_probability():
    rows = np.zeros((100_000, 2))
    rows[::7, 0] = 1 / 3
    assert box_average(rows, 2).min() >= 0


def test_a_negative_width_is_refused():
    with pytest.raises(ValueError, match="negative"):
        box_average(ROWS, -1)


def test_missing_frames_are_interpolated_convexly_with_the_nearer_one_weighing_more():
    values = np.array([[0.0, 1.0], [9, 9], [9, 9], [9, 9], [1.0, 0.0]])
    filled = interpolate(values, np.array([True, False, False, False, True]))
    np.testing.assert_allclose(filled[:, 0], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(filled.sum(axis=1), 1)


def test_a_leading_gap_copies_the_first_and_a_trailing_one_the_last():
    values = np.array([0.0, 0, 0.7, 0, 0.1, 0])
    filled = interpolate(values, np.array([False, False, True, False, True, False]))
    assert filled.tolist() == pytest.approx([0.7, 0.7, 0.7, 0.4, 0.1, 0.1])


def test_interpolation_leaves_seen_rows_and_stays_within_its_neighbours():
    filled = interpolate(ROWS, SEEN)
    np.testing.assert_array_equal(filled[SEEN], ROWS[SEEN])
    known = np.flatnonzero(SEEN)
    for i in np.flatnonzero(~SEEN):
        before, after = known[known < i][-1:], known[known > i][:1]
        ends = ROWS[np.concatenate([before, after])]
        assert (filled[i] >= ends.min(axis=0) - 1e-12).all()
        assert (filled[i] <= ends.max(axis=0) + 1e-12).all()
        if len(before) and len(after):
            weight = 1 - (i - before[0]) / (after[0] - before[0])
            np.testing.assert_allclose(filled[i], weight * ROWS[before[0]] + (1 - weight) * ROWS[after[0]])


def test_interpolation_does_not_read_unseen_rows():
    spoiled = np.where(SEEN[:, None], ROWS, np.nan)
    np.testing.assert_array_equal(interpolate(spoiled, SEEN), interpolate(ROWS, SEEN))


def test_nothing_seen_gives_zeros_and_an_empty_clip_stays_empty():
    assert not interpolate(ROWS, np.zeros(300, dtype=bool)).any()
    empty = np.zeros((0, 8))
    assert interpolate(empty, np.zeros(0, dtype=bool)).shape == box_average(empty, 5).shape == (0, 8)
