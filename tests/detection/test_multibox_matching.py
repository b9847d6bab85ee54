"""Matching of objects and priors: the bipartite matching is the cheapest, and overlapping priors are added."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet import detection
from minigooglenet.detection.multibox import bipartite, match


def total(costs, rows):
    return costs[rows[rows >= 0], np.flatnonzero(rows >= 0)].sum()


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6), st.booleans())
def test_bipartite_matching_is_the_cheapest_of_all(count, columns, seed, ties):
    rng = np.random.default_rng(seed)
    costs = rng.integers(-2, 3, (count, columns)).astype(float) if ties else rng.standard_normal((count, columns))
    rows = bipartite(costs)
    wide = costs if count <= columns else costs.T
    every = [wide[np.arange(len(wide)), list(p)].sum() for p in itertools.permutations(range(wide.shape[1]), len(wide))]
    np.testing.assert_allclose(total(costs, rows), min(every), atol=1e-12)


@given(st.integers(1, 30), st.integers(1, 120), st.integers(0, 10**6))
def test_bipartite_matching_costs_as_much_as_that_of_scipy(count, columns, seed):
    optimize = pytest.importorskip("scipy.optimize")
    costs = np.random.default_rng(seed).integers(0, 50, (count, columns)).astype(float)
    assert total(costs, bipartite(costs)) == costs[optimize.linear_sum_assignment(costs)].sum()


@given(st.integers(0, 8), st.integers(0, 8))
def test_bipartite_matching_uses_each_row_at_most_once(count, columns):
    rows = bipartite(np.zeros((count, columns)))
    used = rows[rows >= 0]
    assert rows.shape == (columns,)
    assert len(set(used)) == len(used) == min(count, columns)


@pytest.mark.parametrize(
    ("costs", "message"),
    [([1.0], r"shape \(N, K\), got \(1,\)"), ([[1.0, np.nan]], "must be finite, but 1 of 2 are not")],
)
def test_bipartite_matching_rejects_other_costs(costs, message):
    with pytest.raises(ValueError, match=message):
        bipartite(np.array(costs))


def test_two_objects_at_one_prior_get_two_priors():
    priors = np.array([[0.0, 0.0, 4.0, 4.0], [20.0, 20.0, 24.0, 24.0], [1.0, 1.0, 6.0, 6.0]])
    boxes = np.array([[0.0, 0.0, 4.0, 4.1], [0.0, 0.0, 4.0, 4.2]])
    matched = match(boxes, priors)
    assert sorted(matched) == [-1, 0, 1]
    assert matched[1] == -1


def test_threshold_adds_the_best_object_of_each_prior():
    boxes = np.array([[0.0, 0.0, 4.0, 4.0], [10.0, 10.0, 14.0, 14.0]])
    priors = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [10, 10, 14, 13], [10, 10, 14, 14], [2, 2, 6, 6]], float)
    assert match(boxes, priors).tolist() == [0, -1, -1, 1, -1]
    assert match(boxes, priors, threshold=0.5).tolist() == [0, 0, 1, 1, -1]


def test_object_keeps_its_own_prior_next_to_a_better_object():
    boxes = np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 5.0]])
    priors = np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 4.2]])
    assert detection.iou(boxes, priors).argmax(axis=0).tolist() == [0, 0]
    assert match(boxes, priors, threshold=0.5).tolist() == [0, 1]


def test_image_without_objects_matches_nothing():
    assert match(np.zeros((0, 4)), np.array([[0.0, 0.0, 1.0, 1.0]]), threshold=0.5).tolist() == [-1]


def test_more_objects_than_priors_leave_some_unmatched():
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 6.0, 6.0], [9.0, 9.0, 10.0, 10.0]])
    assert match(boxes, boxes[2:]).tolist() == [2]
