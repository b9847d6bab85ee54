"""Gaussian smoothing and derivatives: the sums that define them, mirrored edges, and the height of a step."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.detection.gaussian import derivatives, smoothed


@given(height=st.integers(1, 7), width=st.integers(1, 7), sigma=st.floats(0.2, 1.5), seed=st.integers(0, 99))
def test_smoothing_is_a_weighted_mean_of_mirrored_pixels(height, width, sigma, seed):
    image = np.random.default_rng(seed).random((2, height, width))
    radius = math.floor(4 * sigma + 0.5)
    offsets = range(-radius, radius + 1)
    expected, total = np.zeros_like(image), 0.0
    rows, columns = np.indices((height, width))
    for down in offsets:
        for right in offsets:
            weight = math.exp(-(down**2 + right**2) / (2 * sigma**2))
            expected += weight * image[:, mirrored(rows + down, height), mirrored(columns + right, width)]
            total += weight
    np.testing.assert_allclose(smoothed(image, sigma), expected / total, rtol=1e-12)


def mirrored(positions, size):
    positions = positions % (2 * size)
    return np.minimum(positions, 2 * size - 1 - positions)


def test_derivatives_of_a_ramp_are_its_gradient():
    down, right = np.indices((20, 20))
    across, along = derivatives((3.0 * right - 2.0 * down)[None], 1.0)
    inside = (0, slice(5, -5), slice(5, -5))
    np.testing.assert_allclose(across[inside], 3)
    np.testing.assert_allclose(along[inside], -2)


def test_derivative_at_a_step_has_the_documented_height():
    image = np.zeros((1, 3, 41))
    image[:, :, 20:] = 1
    across, along = derivatives(image, 3.0)
    assert abs(across.max() * 3 * math.sqrt(2 * math.pi) - 1) < 0.02
    np.testing.assert_allclose(along, 0, atol=1e-15)


def test_small_sigma_keeps_the_image():
    image = np.random.default_rng(0).random((1, 4, 5))
    assert smoothed(image, 0) is image
    assert smoothed(image, 0.12) is image
