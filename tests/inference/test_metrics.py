"""Errors, calibration and intervals, against numbers worked by hand and brute force."""

import numpy as np
import pytest

from minigooglenet.inference import accuracy, bootstrap_interval, calibration, ranks, top_k_error

FOUR = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2], [0.2, 0.5, 0.3]])


def test_a_rank_is_the_number_of_likelier_classes():
    assert ranks(FOUR, [1, 0, 0, 1]).tolist() == [1, 2, 0, 0]


def test_of_equal_probabilities_the_first_class_wins_as_argmax_has_it():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 3, (200, 4)) / 2
    labels = rng.integers(0, 4, 200)
    assert np.array_equal(ranks(coarse, labels) == 0, coarse.argmax(axis=1) == labels)


def test_top_k_error_is_the_share_that_is_not_among_the_first_k():
    assert [top_k_error(FOUR, [1, 0, 0, 1], k) for k in (1, 2, 3)] == [0.5, 0.25, 0]
    assert accuracy(FOUR, [1, 0, 0, 1]) == 0.5


def test_a_nan_is_no_right_answer():
    broken = FOUR.copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        ranks(broken, [0, 0, 0, 0])


def test_labels_must_fit_the_probabilities():
    with pytest.raises(ValueError, match=r"labels must lie in 0 \.\. 2"):
        ranks(FOUR, [0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"labels must have shape \(4,\)"):
        top_k_error(FOUR, [0, 1], 1)


def test_calibration_is_worked_by_hand():
    # Likeliest 0.5 right, 0.7 right, 0.4 right (a tie), 0.5 wrong; a bin holds its upper edge.
    found = calibration(FOUR, [0, 2, 0, 0], bins=5)
    assert found.counts.tolist() == [0, 1, 2, 1, 0]
    assert found.confidence == pytest.approx([0, 0.4, 0.5, 0.7, 0])
    assert found.accuracy.tolist() == [0, 1, 0.5, 1, 0]
    assert found.error == pytest.approx((1 * 0.6 + 2 * 0 + 1 * 0.3) / 4)


def test_a_network_that_is_right_as_often_as_it_is_sure_is_calibrated():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 100_000)
    labels = (rng.random(100_000) > sure).astype(int)
    assert calibration(np.stack([sure, 1 - sure], axis=1), labels).error < 0.01
    assert calibration(np.stack([sure**0.2, 1 - sure**0.2], axis=1), labels).error > 0.1


def test_probabilities_of_0_and_1_have_their_bins():
    assert calibration(np.array([[1.0, 0.0]]), [0], bins=3).counts.tolist() == [0, 0, 1]
    assert calibration(np.array([[0.0, 0.0]]), [0], bins=3).counts.tolist() == [1, 0, 0]


@pytest.mark.parametrize("values", [np.repeat([0, 1], [70, 30]), np.random.default_rng(3).normal(2, 1, 50)])
def test_the_interval_is_that_of_drawing_the_pictures_again(values):
    rng = np.random.default_rng(1)
    means = values[rng.integers(0, len(values), (20_000, len(values)))].mean(axis=1)
    expected = np.quantile(means, [0.025, 0.975])
    assert bootstrap_interval(values) == pytest.approx(expected, abs=0.1 * (expected[1] - expected[0]))


def test_what_is_hard_for_both_settings_cancels_out_in_the_paired_difference():
    rng = np.random.default_rng(0)
    hard = rng.random(500) < 0.4
    better = hard & (rng.random(500) > 0.1)
    low, high = bootstrap_interval(better.astype(float) - hard)
    assert high < 0
    assert high - low < 0.6 * np.diff(bootstrap_interval(hard))[0]


def test_the_same_seed_gives_the_same_interval_and_equal_values_no_width():
    values = np.repeat([0, 1], [7, 3])
    assert bootstrap_interval(values, seed=5) == bootstrap_interval(values, seed=5)
    assert bootstrap_interval(np.zeros(9)) == (0, 0)
    assert bootstrap_interval([1.0]) == (1, 1)


def test_a_higher_confidence_is_wider():
    values = np.repeat([0, 1], [70, 30])
    low, high = bootstrap_interval(values, 0.8)
    lower, higher = bootstrap_interval(values, 0.99)
    assert lower < low < 0.3 < high < higher


def test_an_interval_needs_numbers():
    with pytest.raises(ValueError, match=r"one finite number a picture, got an array of shape \(0,\)"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1, got 95"):
        bootstrap_interval([0, 1], 95)
