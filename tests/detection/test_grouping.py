"""Hierarchical grouping: 2n - 1 boxes, neighbours by pixels, and the merges of a search from scratch in every step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.detection import felzenszwalb, merge_tree, shapes_detection
from minigooglenet.detection.grouping import neighbours_of
from minigooglenet.detection.similarities import regions_of, similarities


@st.composite
def segmentations(draw):
    height, width, count = draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    labels = np.unique(rng.integers(0, count, (height, width)), return_inverse=True)[1].reshape(height, width)
    return labels, rng.random((3, height, width))


@given(segmentations())
def test_n_regions_give_2n_minus_1_boxes(segmentation):
    labels, image = segmentation
    tree, count = merge_tree(labels, image), labels.max() + 1
    assert tree.boxes.shape == (2 * count - 1, 4)
    assert tree.boxes[-1].tolist() == [0, 0, labels.shape[1], labels.shape[0]]
    assert tree.parents[-1] == -1
    assert sorted(tree.parents[:-1].tolist()) == sorted([*range(count, 2 * count - 1)] * 2)  # two children each
    assert (tree.parents[:-1] > np.arange(2 * count - 2)).all()
    for child, parent in enumerate(tree.parents[:-1]):
        assert (tree.boxes[child, :2] >= tree.boxes[parent, :2]).all()
        assert (tree.boxes[child, 2:] <= tree.boxes[parent, 2:]).all()


@given(segmentations())
def test_merges_match_a_search_from_scratch(segmentation):
    labels, image = segmentation
    tree, count = merge_tree(labels, image), labels.max() + 1
    for merge in range(count - 1):
        names, current = np.unique(tree.regions(labels, merge), return_inverse=True)
        regions = regions_of(image, current.reshape(labels.shape))
        pairs = {
            (i, j): similarities(regions, i, np.array([j]))[0]
            for i, others in enumerate(neighbours_of(current.reshape(labels.shape)))
            for j in others
        }
        children = np.flatnonzero(tree.parents == count + merge)
        i, j = np.searchsorted(names, children)
        assert pairs[i, j] == pytest.approx(max(pairs.values()), abs=1e-9)


def test_regions_of_each_level_are_one_fewer():
    image = shapes_detection(1, 48).images[0]
    labels = felzenszwalb(image, 25, 25)
    tree, count = merge_tree(labels, image), labels.max() + 1
    assert np.array_equal(tree.regions(labels, 0), labels)
    for merges in range(count):
        regions = tree.regions(labels, merges)
        assert len(np.unique(regions)) == count - merges
        rows, columns = np.nonzero(regions == regions.max())
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert tree.boxes[regions.max()].tolist() == box
    for merges in (-1, count):
        with pytest.raises(ValueError, match="merges must be"):
            tree.regions(labels, merges)


def test_overlapping_boxes_do_not_make_neighbours():
    labels = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 2, 2], [0, 1, 2, 2]])  # the box of 0 is the whole image
    assert neighbours_of(labels) == [{1}, {0, 2}, {1}]


def test_regions_that_meet_at_a_corner_are_not_neighbours():
    assert neighbours_of(np.array([[0, 1], [2, 3]])) == [{1, 2}, {0, 3}, {0, 3}, {1, 2}]


def test_smallest_indices_merge_first_if_all_are_equally_similar():
    tree = merge_tree(np.array([[0, 1, 2, 3]]), np.zeros((1, 1, 4)))
    assert tree.parents.tolist() == [4, 4, 5, 5, 6, 6, -1]


def test_image_of_one_region_gives_one_box():
    tree = merge_tree(np.zeros((3, 5), int), np.zeros((3, 3, 5), np.uint8))
    assert (tree.boxes.tolist(), tree.parents.tolist()) == ([[0, 0, 5, 3]], [-1])
    assert repr(tree) == "MergeTree(boxes=float64 (1, 4), parents=int64 (1,))"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((3, 4), int), r"integers of shape \(3, 5\), as the image, got int64 \(3, 4\)"),
        (np.zeros((3, 5)), r"integers of shape \(3, 5\), as the image, got float64"),
        (np.ones((3, 5), int), r"0 \.\. n - 1, and each must occur, got 1 values from 1 to 1"),
        (np.arange(15).reshape(3, 5) - 1, "got 15 values from -1 to 13"),
        (2 * np.arange(15).reshape(3, 5), "got 15 values from 0 to 28"),
    ],
)
def test_labels_that_are_not_superpixels_are_rejected(labels, message):
    with pytest.raises(ValueError, match=message):
        merge_tree(labels.astype(labels.dtype), np.zeros((3, 3, 5), np.uint8))
