"""Superpixels: the definition of Felzenszwalb and Huttenlocher, step by step, and the same regions as scikit-image."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.detection import felzenszwalb, shapes_detection, superpixels
from minigooglenet.detection.colour_spaces import SPACES, converted
from minigooglenet.detection.superpixels import Forest


def test_regions_equal_those_of_scikit_image():
    pytest.importorskip("skimage")
    for image in shapes_detection(8, 48, seed=5).images:
        for space in SPACES:
            values = converted(image, space)
            for size in (12, 50):
                expected = superpixels(values, size, size, "skimage")
                assert expected.max() > 0
                assert np.array_equal(superpixels(values, size, size, "ours"), expected)


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1, 30, 300, 3000]), min_size=st.integers(1, 5))
def test_regions_match_the_definition(seed, scale, min_size):
    image = np.random.default_rng(seed).random((2, 5, 4))  # no two edges have equal weights
    regions = felzenszwalb(image, scale, min_size, sigma=0)
    assert {frozenset(np.flatnonzero(regions == label)) for label in np.unique(regions)} == by_definition(
        255 * image, scale, min_size
    )


def by_definition(image, scale, min_size):
    """Return the regions as sets of pixels. The heaviest inner edge is searched again for each comparison."""
    height, width = image.shape[1:]
    pixels = [(row, column) for row in range(height) for column in range(width)]
    pairs = [
        (a, b) for i, a in enumerate(pixels) for b in pixels[i + 1 :] if max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1
    ]
    weight = {pair: np.linalg.norm(image[:, *pair[0]] - image[:, *pair[1]]) for pair in pairs}
    regions, trees = {pixel: {pixel} for pixel in pixels}, {pixel: [] for pixel in pixels}

    def join(a, b, edges):
        united, tree = regions[a] | regions[b], trees[a] + trees[b] + edges
        for pixel in united:
            regions[pixel], trees[pixel] = united, tree

    for a, b in sorted(pairs, key=weight.get):
        limits = [max([weight[edge] for edge in trees[p]], default=0) + scale / len(regions[p]) for p in (a, b)]
        if regions[a] is not regions[b] and weight[a, b] <= min(limits):
            join(a, b, [(a, b)])
    for a, b in sorted(pairs, key=weight.get):
        if regions[a] is not regions[b] and min(len(regions[a]), len(regions[b])) < min_size:
            join(a, b, [])
    return {frozenset(row * width + column for row, column in region) for region in regions.values()}


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    min_size=st.integers(1, 200),
    levels=st.sampled_from([1, 2, 256]),
    seed=st.integers(0, 999),
)
def test_labels_ascend_and_regions_have_the_minimum_size(height, width, min_size, levels, seed):
    image = np.random.default_rng(seed).integers(0, levels, (3, height, width)).astype(np.uint8)
    labels = superpixels(image, 20, min_size, "ours")
    values, firsts, counts = np.unique(labels, return_index=True, return_counts=True)
    assert labels.dtype == np.int64
    assert np.array_equal(values, np.arange(len(values)))
    assert np.array_equal(firsts, np.sort(firsts))
    assert counts.min() >= min(min_size, height * width)


def test_larger_scale_gives_fewer_regions():
    image = shapes_detection(1, 64).images[0]
    counts = [felzenszwalb(image, scale, min_size=5).max() + 1 for scale in (10, 40, 160, 10_000)]
    assert counts == sorted({*counts}, reverse=True)


@given(count=st.integers(1, 20), pairs=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
def test_forest_keeps_the_sets_of_its_joins(count, pairs):
    forest, sets = Forest(count), {i: {i} for i in range(count)}
    for a, b in ((a % count, b % count) for a, b in pairs):
        if forest.find(a) != forest.find(b):
            forest.join(forest.find(a), forest.find(b))
        united = sets[a] | sets[b]
        sets |= dict.fromkeys(united, united)
    for i in range(count):
        assert {j for j in range(count) if forest.find(j) == forest.find(i)} == sets[i]
        assert forest.sizes[forest.find(i)] == len(sets[i])


def test_missing_scikit_image_leaves_our_superpixels(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    image = shapes_detection(1, 32).images[0]
    assert np.array_equal(superpixels(image, 25, 25), felzenszwalb(image, 25, 25))
    with pytest.raises(ModuleNotFoundError, match=r'needs skimage\. Run: pip install "minigooglenet\[detect\]"'):
        superpixels(image, 25, 25, "skimage")


@pytest.mark.parametrize("method", ["ours", "auto"])
@pytest.mark.parametrize(
    ("scale", "min_size", "error", "message"),
    [
        (0, 5, ValueError, "scale must be at least 1, got 0"),
        (float("nan"), 5, ValueError, "scale must be finite, got nan"),
        ("25", 5, TypeError, "scale must be a number, got '25'"),
        (25, 0, ValueError, "min_size must be at least 1, got 0"),
        (25, 2.5, TypeError, "min_size must be an integer, got 2.5"),
    ],
)
def test_sizes_of_superpixels_that_make_no_sense_raise(method, scale, min_size, error, message):
    with pytest.raises(error, match=message):
        superpixels(np.zeros((3, 4, 4), np.uint8), scale, min_size, method)


def test_unknown_method_of_superpixels_is_named():
    with pytest.raises(ValueError, match="unknown method 'scikit'; choose from auto, skimage, ours"):
        superpixels(np.zeros((3, 4, 4), np.uint8), 25, 25, "scikit")
    with pytest.raises(ValueError, match="sigma must be at least 0, got -1"):
        felzenszwalb(np.zeros((3, 4, 4), np.uint8), 25, 25, sigma=-1)
