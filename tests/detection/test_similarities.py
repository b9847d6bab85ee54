"""Similarities of regions: bins that are used, boxes up to the last pixel, and merged regions without their pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.detection import similarities as measures
from minigooglenet.detection.colour_spaces import converted
from minigooglenet.detection.similarities import regions_of

ALL = (measures.colour, measures.texture, measures.size, measures.fill)


def random_regions(seed, count=5, size=(9, 11)):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, count, size)
    labels.flat[:count] = np.arange(count)
    return rng.random((3, *size)), labels


@given(seed=st.integers(0, 10**6))
def test_merged_region_equals_a_region_of_the_same_pixels(seed):
    image, labels = random_regions(seed)
    regions = regions_of(image, labels)
    regions.merge(3, 4, 5)
    expected = regions_of(image, np.minimum(labels, 3))
    for name in ("colour", "texture", "sizes", "boxes"):
        np.testing.assert_allclose(getattr(regions, name)[5], getattr(expected, name)[3], rtol=1e-12, atol=1e-15)


@given(seed=st.integers(0, 10**6))
def test_similarities_are_symmetric_fractions(seed):
    image, labels = random_regions(seed)
    regions = regions_of(image, labels)
    for measure in ALL:
        matrix = np.array([measure(regions, i, np.arange(5)) for i in range(5)])
        assert np.array_equal(matrix, matrix.T)
        off_diagonal = matrix[~np.eye(5, dtype=bool)]
        assert off_diagonal.min() >= 0
        assert off_diagonal.max() <= 1 + 1e-12
    total = sum(measure(regions, 2, np.arange(5)) for measure in ALL)
    assert np.array_equal(measures.similarities(regions, 2, np.arange(5)), total)


def test_hues_of_the_colour_wheel_fill_every_bin():
    sixth = np.arange(256)
    full, none = np.full(256, 255), np.zeros(256, int)
    edges = [(full, sixth, none), (255 - sixth, full, none), (none, full, sixth)]
    edges += [(none, 255 - sixth, full), (sixth, none, full), (full, none, 255 - sixth)]
    wheel = np.concatenate([np.stack(edge) for edge in edges], axis=1).astype(np.uint8)[:, None]
    regions = regions_of(converted(wheel, "hsv"), np.zeros((1, 6 * 256), int))
    hue, saturation, value = regions.colour[0].reshape(3, 25)
    np.testing.assert_allclose(hue, 1 / 75, rtol=0.05)
    assert saturation.tolist() == value.tolist() == [0.0] * 24 + [1 / 3]  # the largest value is in the last bin


def test_texture_of_opposite_edges_differs():
    image = np.zeros((1, 8, 24))
    image[:, :, 8:16] = 1  # from dark to light, and from light to dark
    labels = np.repeat([[0] * 12 + [1] * 12], 8, axis=0)
    regions = regions_of(image, labels)
    assert regions.texture.shape == (3, 8 * 10)
    assert measures.colour(regions, 0, np.array([1]))[0] == pytest.approx(1)
    assert measures.texture(regions, 0, np.array([1]))[0] < 0.9
    assert (regions.texture[:2] > 0).sum() > 20  # several bins of several directions


def test_strongest_edge_is_in_the_last_bin_of_texture():
    image = np.zeros((1, 16, 16))
    image[:, :, 8:] = 1
    texture = regions_of(image, np.zeros((16, 16), int)).texture[0].reshape(8, 10)
    assert texture[0, 9] > 0
    assert texture[2:7, 1:].sum() == 0  # downwards, to the left and upwards nothing becomes lighter


def test_box_ends_after_the_last_pixel():
    labels = np.zeros((4, 6), int)
    labels[2, 3] = 1
    labels[1:3, 4:] = 2
    boxes = regions_of(np.zeros((1, 4, 6)), labels).boxes
    assert boxes[:3].tolist() == [[0, 0, 6, 4], [3, 2, 4, 3], [4, 1, 6, 3]]


def test_ring_and_its_hole_fill_their_box():
    labels = np.zeros((6, 10), int)
    labels[1:5, 1:5] = 1
    labels[2:4, 2:4] = 2
    labels[5, 9] = 3
    regions = regions_of(np.zeros((1, 6, 10)), labels)
    assert measures.fill(regions, 1, np.array([2]))[0] == 1
    assert measures.fill(regions, 2, np.array([3]))[0] == 1 - (8 * 4 - 5) / 60
    assert measures.size(regions, 1, np.array([2, 3])).tolist() == [1 - 16 / 60, 1 - 13 / 60]


def test_equal_regions_have_full_colour_and_texture():
    image = np.full((3, 4, 4), 1.0)  # 1 is in the last bin, not after it
    regions = regions_of(image, np.arange(16).reshape(4, 4) // 8)
    for measure in (measures.colour, measures.texture):
        assert measure(regions, 0, np.array([1]))[0] == pytest.approx(1)
