"""Kinks: one-sided derivatives reveal them although a central difference gives 0."""

import numpy as np
import pytest

from minigooglenet.gradcheck import check_function


def row_norm(x):
    return np.sqrt((x**2).sum(axis=1))


SYMMETRIC = {
    "abs": (np.abs, lambda g, x: (g * np.sign(x),), np.zeros((1, 3))),
    "abs of a single value": (np.abs, lambda g, x: (g * np.sign(x),), np.array(0.0)),
    "root of the square": (lambda x: np.sqrt(x**2), lambda g, x: (0 * x,), np.zeros(3)),
    "maximum of x and -x": (lambda x: np.maximum(x, -x), lambda g, x: (g * np.sign(x),), np.zeros(4)),
    "L1 norm": (lambda x: np.abs(x).sum(), lambda g, x: (g * np.sign(x),), np.zeros((2, 2))),
    "L2 norm": (row_norm, lambda g, x: (np.zeros_like(x),), np.zeros((2, 3))),
    "maximum of equal inputs": (lambda x: x.max(), lambda g, x: (g * (x == x.max()) / x.size,), np.ones(4)),
    "maximum of equal inputs, each with a gradient": (
        lambda x: x.max(),
        lambda g, x: (g * (x == x.max()),),
        np.ones(4),
    ),
    "distance of two equal inputs": (
        lambda x: np.abs(x[0] - x[1]),
        lambda g, x: (np.stack([g, -g]) * np.sign(x[0] - x[1]),),
        np.ones((2, 3)),
    ),
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_symmetric_kink_is_inconclusive(name):
    forward, backward, x = SYMMETRIC[name]
    report = check_function(forward, backward, x)
    assert report.verdict == "INCONCLUSIVE"
    assert f"{x.size} of {x.size} indices are at a kink or a tie" in str(report)


def test_single_symmetric_kink_is_skipped_and_counted():
    report = check_function(np.abs, lambda g, x: (g * np.sign(x),), np.array([0.0, 1.0, -2.0]))
    assert report.verdict == "PASS"
    assert "1 of 3 indices are at a kink or a tie" in str(report)


def test_gradient_outside_the_one_sided_derivatives_is_inconclusive():
    report = check_function(np.abs, lambda g, x: (g * np.where(x == 0, 17, np.sign(x)),), np.array([0.0, 1.0, -2.0]))
    assert report.verdict == "INCONCLUSIVE"
    assert "outside the two one-sided derivatives" in str(report)


@pytest.mark.parametrize("power", [2, 3, 4])
def test_flat_minimum_counts_as_smooth(power):
    x = np.array([0.0, 1.0, -0.5])
    report = check_function(lambda x: x**power, lambda g, x: (power * g * x ** (power - 1),), x)
    assert report.verdict == "PASS"
    assert "at a kink" not in str(report)


def test_narrow_smooth_corner_counts_as_smooth():
    x = np.array([0.0, 1e-7, 1.0])
    report = check_function(lambda x: np.sqrt(x**2 + 1e-12), lambda g, x: (g * x / np.sqrt(x**2 + 1e-12),), x)
    assert report.verdict == "PASS", str(report)
