"""Helpers of the tests: seeded arrays, numerical gradients, and the comparison of arrays."""

import numpy as np
import pytest

from minigooglenet.kernels import compiled

COMPILED = () if compiled.why_not_fast() else ("numba", "winograd")  # the values of `algorithm=` that need Numba
# Reason why tests of compiled code cannot run, or an empty string. tests/kernels/fast skips all of its files for it.
NEEDS_NUMBA = "" if COMPILED else f"This tests compiled code, but {compiled.why_not_fast()}."
needs_numba = pytest.mark.skipif(not COMPILED, reason=NEEDS_NUMBA)
TINY = 1e-30  # the complex step has no cancellation, so its step size may be tiny
TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-10, np.dtype(np.complex128): 1e-10}


def draw(*shape, seed=0, dtype=np.float64):
    """Return normal values, which depend on shape and seed."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def distinct(*shape, seed=0, dtype=np.float64):
    """Return values around zero: any two differ by at least 0.1, and none is within 0.04 of zero."""
    count = int(np.prod(shape))
    ranks = np.random.default_rng([seed, *shape]).permutation(count)
    return ((ranks - count // 2) / 10 + 0.05).reshape(shape).astype(dtype)


def complex_step(f, x, grad_y):
    """Return the gradient of sum(f(x) * grad_y) for a complex-step safe f, exact up to round-off."""
    grad = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.astype(np.complex128)
        moved[index] += TINY * 1j
        grad[index] = np.sum(f(moved) * grad_y).imag / TINY
    return grad


def differences(f, x, grad_y, step=1e-5):
    """Return the gradient of sum(f(x) * grad_y) by central differences, accurate to about 1e-9."""
    grad = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        grad[index] = np.sum((f(up) - f(down)) * grad_y) / (2 * step)
    return grad


def assert_close(actual, expected, tolerance=None):
    """Assert equality up to a fraction of the largest expected value: `tolerance`, or the round-off of the dtype."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    tolerance = TOLERANCE[actual.dtype] if tolerance is None else tolerance
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def awkward(x):
    """Return a copy of x that is read-only and not contiguous."""
    twice = np.repeat(x, 2, axis=-1)[..., ::2]
    twice.flags.writeable = False
    assert not twice.flags.c_contiguous or x.shape[-1] == 1
    return twice
