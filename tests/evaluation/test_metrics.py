"""Errors and calibration, compared with manual calculations."""

import numpy as np
import pytest

from minigooglenet.evaluation import accuracy, calibration, ranks, top_k_error

FOUR = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2], [0.2, 0.5, 0.3]])


def test_rank_counts_the_likelier_classes():
    assert ranks(FOUR, [1, 0, 0, 1]).tolist() == [1, 2, 0, 0]


def test_tied_probabilities_rank_as_in_argmax():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 3, (200, 4)) / 2
    labels = rng.integers(0, 4, 200)
    assert np.array_equal(ranks(coarse, labels) == 0, coarse.argmax(axis=1) == labels)


def test_top_k_error_matches_a_manual_calculation():
    assert [top_k_error(FOUR, [1, 0, 0, 1], k) for k in (1, 2, 3)] == [0.5, 0.25, 0]
    assert accuracy(FOUR, [1, 0, 0, 1]) == 0.5


def test_ranks_reject_nan():
    broken = FOUR.copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        ranks(broken, [0, 0, 0, 0])


def test_ranks_reject_labels_without_a_probability():
    with pytest.raises(ValueError, match=r"labels must .* 0 \.\. 2"):
        ranks(FOUR, [0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"labels must have shape \(4,\)"):
        top_k_error(FOUR, [0, 1], 1)


def test_calibration_matches_a_manual_calculation():
    # Confidence 0.5 right, 0.7 right, 0.4 right (a tie), 0.5 wrong; a bin contains its upper edge.
    result = calibration(FOUR, [0, 2, 0, 0], bins=5)
    assert result.counts.tolist() == [0, 1, 2, 1, 0]
    assert result.confidence == pytest.approx([0, 0.4, 0.5, 0.7, 0])
    assert result.accuracy.tolist() == [0, 1, 0.5, 1, 0]
    assert result.error == pytest.approx((1 * 0.6 + 2 * 0 + 1 * 0.3) / 4)


def test_calibration_error_is_small_for_calibrated_predictions():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 100_000)
    labels = (rng.random(100_000) > confidence).astype(int)
    assert calibration(np.stack([confidence, 1 - confidence], axis=1), labels).error < 0.01
    assert calibration(np.stack([confidence**0.2, 1 - confidence**0.2], axis=1), labels).error > 0.1


def test_probabilities_0_and_1_are_in_bins():
    assert calibration(np.array([[1.0, 0.0]]), [0], bins=3).counts.tolist() == [0, 0, 1]
    assert calibration(np.array([[0.0, 0.0]]), [0], bins=3).counts.tolist() == [1, 0, 0]


def test_calibration_bin_contains_only_its_upper_edge():
    # torchmetrics puts each of these probabilities one bin higher.
    def bin_of(probability):
        return int(calibration(np.array([[probability, 1 - probability]]), [0], bins=10).counts.argmax())

    edges = np.linspace(0, 1, 11)
    assert [bin_of(edge) for edge in edges[5:]] == [4, 5, 6, 7, 8, 9]
    assert [bin_of(np.nextafter(edge, 2)) for edge in edges[5:10]] == [5, 6, 7, 8, 9]


def test_uniform_predictions_have_the_error_of_chance():
    same = np.full((10, 10), 0.1)
    assert [top_k_error(same, np.arange(10), k) for k in (1, 5, 10, 12)] == [0.9, 0.5, 0, 0]
    assert calibration(same, np.arange(10)).error == pytest.approx(0)
