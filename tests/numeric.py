"""Seeded arrays, gradients by numbers, and the one way to compare arrays that the tests use."""

import numpy as np
import pytest

from minigooglenet.kernels import compiled

COMPILED = () if compiled.why_not_fast() else ("numba", "winograd")  # the values of `algorithm=` that need Numba
needs_numba = pytest.mark.skipif(not COMPILED, reason="needs Numba")
TINY = 1e-30  # the complex step subtracts nothing, so it may be as small as one likes
TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-10, np.dtype(np.complex128): 1e-10}


def draw(*shape, seed=0, dtype=np.float64):
    """Return normal values; another shape or seed gives other values."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def distinct(*shape, seed=0, dtype=np.float64):
    """Return values around zero of which any two differ by 0.1 or more, and none is within 0.04 of zero."""
    count = int(np.prod(shape))
    ranks = np.random.default_rng([seed, *shape]).permutation(count)
    return ((ranks - count // 2) / 10 + 0.05).reshape(shape).astype(dtype)


def complex_step(f, x, grad_y):
    """Return the gradient of sum(f(x) * grad_y) for an analytic f, exact to rounding."""
    grad = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(np.complex128)
        moved[place] += TINY * 1j
        grad[place] = np.sum(f(moved) * grad_y).imag / TINY
    return grad


def differences(f, x, grad_y, step=1e-5):
    """Return the gradient of sum(f(x) * grad_y) by central differences, good to about 1e-9."""
    grad = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        grad[place] = np.sum((f(up) - f(down)) * grad_y) / (2 * step)
    return grad


def assert_close(actual, expected, tolerance=None):
    """Compare to the rounding of the actual dtype, or to `tolerance`, of the largest expected value."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    tolerance = TOLERANCE[actual.dtype] if tolerance is None else tolerance
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def awkward(x):
    """Return the values of x in memory that is read-only and not contiguous."""
    twice = np.repeat(x, 2, axis=-1)[..., ::2]
    twice.flags.writeable = False
    assert not twice.flags.c_contiguous or x.shape[-1] == 1
    return twice
