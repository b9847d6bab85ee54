"""The linear operation: a worked example, comparison with the loops and with the complex step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, awkward, complex_step, draw

from minigooglenet.kernels import linear, loops

COUNTS = st.integers(1, 6)
BOTH = pytest.mark.parametrize("module", [linear, loops.linear])


@given(COUNTS, COUNTS, COUNTS, st.sampled_from([np.float32, np.float64]), st.booleans())
def test_product_agrees_with_the_loops(images, inputs, outputs, dtype, with_bias):
    x, weight = draw(images, inputs, dtype=dtype), draw(outputs, inputs, seed=1, dtype=dtype)
    bias = draw(outputs, dtype=dtype) if with_bias else None
    y, grad_y = linear.forward(x, weight, bias), draw(images, outputs, seed=2, dtype=dtype)
    assert y.dtype == dtype
    assert_close(y, loops.linear.forward(x, weight, bias))
    grads, expected = linear.backward(grad_y, x, weight, bias), loops.linear.backward(grad_y, x, weight, bias)
    for got, value in zip(grads[: 2 + with_bias], expected[: 2 + with_bias], strict=True):
        assert got.dtype == dtype
        assert_close(got, value)
    assert with_bias or grads[2] is None


@BOTH
def test_product_worked_by_hand(module):
    x, weight, bias = np.array([[1.0, 2]]), np.array([[10.0, 20], [30, 40], [50, 60]]), np.array([0.0, 1, 2])
    assert module.forward(x, weight, bias).tolist() == [[50, 111, 172]]
    grad_x, grad_weight, grad_bias = module.backward(np.array([[1.0, 0, 2]]), x, weight, bias)
    assert grad_x.tolist() == [[110, 140]]
    assert grad_weight.tolist() == [[1, 2], [0, 0], [2, 4]]
    assert grad_bias.tolist() == [1, 0, 2]


@BOTH
def test_gradients_match_finite_differences(module):
    x, weight, bias, grad_y = draw(3, 4), draw(2, 4), draw(2), draw(3, 2)
    grad_x, grad_weight, grad_bias = module.backward(grad_y, x, weight, bias)
    z = x.astype(complex)
    assert_close(grad_x, complex_step(lambda v: module.forward(v, weight, bias), x, grad_y))
    assert_close(grad_weight, complex_step(lambda v: module.forward(z, v, bias), weight, grad_y))
    assert_close(grad_bias, complex_step(lambda v: module.forward(z, weight, v), bias, grad_y))


def test_parameters_of_another_precision_follow_the_input():
    x, weight, bias = draw(2, 3, dtype=np.float32), draw(4, 3), draw(4)
    y = linear.forward(x, weight, bias)
    assert {a.dtype for a in (y, *linear.backward(y, x, weight, bias))} == {np.dtype(np.float32)}


def test_nan_stays_in_its_row():
    x = draw(3, 4)
    x[1, 2] = np.nan
    assert np.isnan(linear.forward(x, draw(2, 4))).all(axis=1).tolist() == [False, True, False]


def test_awkward_memory_works_and_nothing_given_is_changed():
    given_ = [draw(2, 3), draw(2, 4), draw(3, 4), draw(3)]
    odd = [awkward(a) for a in given_]
    results = (linear.forward(*odd[1:]), *linear.backward(*odd))
    for got, expected in zip(results, (linear.forward(*given_[1:]), *linear.backward(*given_)), strict=True):
        assert_close(got, expected)
        assert got.flags.writeable
        assert not any(np.shares_memory(got, array) for array in odd)
    assert all((a == b).all() for a, b in zip(odd, given_, strict=True))
