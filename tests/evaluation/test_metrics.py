"""Errors and calibration, against numbers worked by hand."""

import numpy as np
import pytest

from minigooglenet.evaluation import accuracy, calibration, ranks, top_k_error

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
    with pytest.raises(ValueError, match=r"labels must be in 0 \.\. 2"):
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


def test_a_calibration_bin_contains_its_upper_edge_only():
    # torchmetrics puts each of these probabilities one bin higher.
    def place(probability):
        return int(calibration(np.array([[probability, 1 - probability]]), [0], bins=10).counts.argmax())

    edges = np.linspace(0, 1, 11)
    assert [place(edge) for edge in edges[5:]] == [4, 5, 6, 7, 8, 9]
    assert [place(np.nextafter(edge, 2)) for edge in edges[5:10]] == [5, 6, 7, 8, 9]


def test_equal_answers_for_all_images_have_the_error_of_chance():
    same = np.full((10, 10), 0.1)
    assert [top_k_error(same, np.arange(10), k) for k in (1, 5, 10, 12)] == [0.9, 0.5, 0, 0]
    assert calibration(same, np.arange(10)).error == pytest.approx(0)
