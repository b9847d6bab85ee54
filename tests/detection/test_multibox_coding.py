"""Offsets of boxes from their priors, and the priors: k-means and boxes on a grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close

from minigooglenet import detection
from minigooglenet.detection.multibox import decode, encode, grid_priors, kmeans


def boxes_of(seed, count):
    rng = np.random.default_rng(seed)
    corners, sides = rng.uniform(0, 1, (count, 2)), rng.uniform(0.01, 1, (count, 2))
    return np.concatenate([corners, corners + sides], axis=1)


@given(st.integers(0, 1000), st.integers(0, 9))
def test_decoding_inverts_encoding(seed, count):
    boxes, priors = boxes_of(seed, count), boxes_of(seed + 1, count)
    assert_close(decode(encode(boxes, priors), priors), boxes)


@given(st.integers(0, 1000), st.floats(0.1, 50), st.floats(-9, 9))
def test_offsets_do_not_change_if_everything_is_scaled(seed, scale, shift):
    boxes, priors = boxes_of(seed, 4), boxes_of(seed + 1, 4)
    assert_close(encode(boxes * scale + shift, priors * scale + shift), encode(boxes, priors), 1e-8)


def test_offsets_are_in_sides_of_the_prior():
    offsets = encode([[10, 20, 30, 80]], [[0, 0, 10, 20]])
    assert_close(offsets, np.array([[1.5, 2.0, np.log(2), np.log(3)]]))


def test_huge_offsets_decode_to_finite_boxes():
    assert np.isfinite(decode(np.full((1, 4), 1e6, np.float32), [[0, 0, 1, 1]])).all()


def test_kmeans_finds_clusters_that_are_far_apart():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0]])
    points = np.repeat(centres, 30, axis=0) + rng.uniform(-1, 1, (120, 2))
    centroids = kmeans(points, 4, rng=1)
    order = np.lexsort(centroids.T.round(-1))
    assert_close(centroids[order], points.reshape(4, 30, 2).mean(axis=1))


@given(st.integers(0, 1000), st.integers(1, 6))
def test_each_centroid_is_the_mean_of_its_points(seed, count):
    points = np.random.default_rng(seed).uniform(0, 1, (40, 2))
    centroids = kmeans(points, count, rng=seed)
    nearest = ((points[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
    assert_close(centroids, np.stack([points[nearest == k].mean(axis=0) for k in range(count)]))


def test_kmeans_of_as_many_points_returns_them():
    points = np.array([[3.0], [1.0], [2.0], [1.0]])
    assert sorted(kmeans(points, 3, rng=0).ravel()) == [1, 2, 3]


def test_kmeans_is_the_same_for_the_same_seed():
    points = boxes_of(3, 200)
    assert kmeans(points, 7, rng=5).tobytes() == kmeans(points, 7, rng=5).tobytes()


def test_kmeans_rejects_more_centroids_than_points():
    with pytest.raises(ValueError, match=r"3 centroids need at least 3 different points, got 2 of 5\. Use more"):
        kmeans([[1.0], [1.0], [2.0], [2.0], [2.0]], 3)


def test_grid_priors_follow_the_order_of_a_feature_map():
    priors = grid_priors(3, [[0.2, 0.4], [0.5, 0.1]])
    centres = detection.to_centre(priors).reshape(3, 3, 2, 4)
    assert_close(centres[1, 2, 0], [5 / 6, 0.5, 0.2, 0.4])
    assert_close(centres[2, 0, 1], [1 / 6, 5 / 6, 0.5, 0.1])
