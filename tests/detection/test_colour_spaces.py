"""Colour spaces: known colours, the hue of the standard library, and a range of 0 to 1 for every channel."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.detection.colour_spaces import SPACES, converted, fractions

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


@given(COLOURS)
def test_hue_saturation_and_value_match_the_standard_library(colour):
    image = np.array(colour, np.uint8).reshape(3, 1, 1)
    expected = colorsys.rgb_to_hsv(*(value / 255 for value in colour))
    np.testing.assert_allclose(converted(image, "hsv").ravel(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.74, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
        ((5, 5, 5), (1.37, 0, 0)),
    ],
)
def test_lab_of_known_colours(colour, lab):
    lightness, a, b = converted(np.array(colour, np.uint8).reshape(3, 1, 1), "lab").ravel()
    np.testing.assert_allclose((100 * lightness, 256 * a - 128, 256 * b - 128), lab, atol=0.03)


@pytest.mark.parametrize("space", SPACES)
def test_channels_are_in_0_to_1(space):
    values = np.arange(0, 256, 15)
    image = np.stack(np.meshgrid(values, values, values)).reshape(3, 1, -1).astype(np.uint8)
    channels = converted(image, space)
    assert channels.shape == image.shape
    assert channels.dtype == np.float64
    assert channels.min() >= 0
    assert channels.max() <= 1
    assert all(np.ptp(channel) > 0.6 for channel in channels)


def test_floats_and_uint8_give_the_same_colours():
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 5)).astype(np.uint8)
    assert np.array_equal(converted(image / 255, "lab"), converted(image, "lab"))


@pytest.mark.parametrize(
    ("image", "space", "error", "message"),
    [
        (np.zeros((3, 2, 2), np.uint8), "hvs", ValueError, "unknown colour space 'hvs'"),
        (np.zeros((1, 2, 2), np.uint8), "hsv", ValueError, r"got shape \(1, 2, 2\)\. Grey: np\.repeat"),
        (np.zeros((4, 5, 3), np.uint8), "hsv", ValueError, r"seem to come last: image\.transpose\(2, 0, 1\)"),
    ],
)
def test_images_of_other_channels_are_rejected(image, space, error, message):
    with pytest.raises(error, match=message):
        converted(image, space)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((4, 5), np.uint8), ValueError, r"must be \(C, H, W\) with at least one pixel, got shape \(4, 5\)"),
        (np.zeros((3, 0, 5), np.uint8), ValueError, r"at least one pixel, got shape \(3, 0, 5\)"),
        (np.zeros((3, 4, 5), np.int64), TypeError, "must be uint8, or floats of 0 to 1, got int64"),
        (np.full((3, 4, 5), 200.0), ValueError, r"floats of 0 to 1, got 200 to 200\. Pass uint8"),
        (np.full((3, 4, 5), np.nan), ValueError, "floats of 0 to 1, got nan to nan"),
        (np.ma.masked_equal(np.zeros((3, 4, 5)), 0), TypeError, "image is a masked array"),
    ],
)
def test_values_that_are_not_an_image_are_rejected(image, error, message):
    with pytest.raises(error, match=message):
        fractions(image)
