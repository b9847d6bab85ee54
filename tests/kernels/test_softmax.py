"""Softmax, log-softmax and cross-entropy: worked examples, loops, the complex step, and large logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, awkward, complex_step, draw

from minigooglenet.kernels import log_softmax, loops, softmax, softmax_cross_entropy

SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
DTYPES = st.sampled_from([np.float32, np.float64])
PAIRS = pytest.mark.parametrize("name", ["softmax", "log_softmax"])
FAST = {"softmax": softmax, "log_softmax": log_softmax}
SLOW = {"softmax": loops.softmax, "log_softmax": loops.log_softmax}


@PAIRS
@given(shape=SHAPES, dtype=DTYPES)
def test_both_forms_agree(name, shape, dtype):
    x, grad_y = draw(*shape, dtype=dtype), draw(*shape, seed=1, dtype=dtype)
    y = FAST[name].forward(x)
    grad_x = FAST[name].backward(grad_y, y)
    assert y.dtype == grad_x.dtype == dtype
    assert_close(y, SLOW[name].forward(x))
    assert_close(grad_x, SLOW[name].backward(grad_y, y))


@PAIRS
@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 2, 2)])
def test_gradient_matches_finite_differences(name, shape):
    x, grad_y = draw(*shape), draw(*shape, seed=1)
    for module in (FAST[name], SLOW[name]):
        assert_close(module.backward(grad_y, module.forward(x)), complex_step(module.forward, x, grad_y))


@pytest.mark.parametrize("module", [softmax, loops.softmax])
def test_softmax_of_logarithms_gives_their_fractions(module):
    assert_close(module.forward(np.log([[1.0, 2, 5]])), [[0.125, 0.25, 0.625]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_ten_thousand_stay_finite(dtype):
    x = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4]], dtype)
    np.testing.assert_allclose(softmax.forward(x), [[1, 0, 0], [1 / 3] * 3], rtol=1e-6)
    np.testing.assert_allclose(log_softmax.forward(x), [[0, -1e4, -2e4], [-np.log(3)] * 3], rtol=1e-6)


def test_logit_of_minus_infinity_has_probability_zero():
    x = np.array([[0.0, -np.inf, 0.0]])
    assert softmax.forward(x).tolist() == [[0.5, 0, 0.5]]
    assert log_softmax.forward(x)[0, 1] == -np.inf


@PAIRS
def test_nan_stays_in_its_row(name):
    x = draw(3, 4)
    x[1, 2] = np.nan
    assert np.isnan(FAST[name].forward(x)).all(axis=1).tolist() == [False, True, False]
    assert not np.isnan(FAST[name].forward(x)[[0, 2]]).any()


@given(st.integers(1, 3), st.integers(1, 6), DTYPES, st.integers(0, 50))
def test_cross_entropy_agrees_with_the_loops(images, classes, dtype, seed):
    logits = draw(images, classes, seed=seed, dtype=dtype)
    labels = np.random.default_rng(seed).integers(classes, size=images)
    loss, log_probabilities = softmax_cross_entropy.forward(logits, labels)
    grad = softmax_cross_entropy.backward(log_probabilities, labels)
    assert loss.dtype == log_probabilities.dtype == grad.dtype == dtype
    assert_close(loss, loops.softmax_cross_entropy.forward(logits, labels)[0])
    assert_close(grad, loops.softmax_cross_entropy.backward(log_probabilities, labels))


@pytest.mark.parametrize("module", [softmax_cross_entropy, loops.softmax_cross_entropy])
def test_cross_entropy_gradient_matches_finite_differences(module):
    logits, labels = draw(3, 4), np.array([3, 0, 0])
    _, log_probabilities = module.forward(logits, labels)
    numerical = complex_step(lambda z: module.forward(z, labels)[0], logits, 1.0)
    assert_close(module.backward(log_probabilities, labels), numerical)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_ten_thousand_stays_finite(dtype):
    logits, labels = np.array([[1e4, 0], [1e4, 0]], dtype), np.array([0, 1])
    loss, log_probabilities = softmax_cross_entropy.forward(logits, labels)
    assert loss == 5000
    assert softmax_cross_entropy.backward(log_probabilities, labels).tolist() == [[0, 0], [0.5, -0.5]]


@PAIRS
def test_awkward_memory_works_and_nothing_given_is_changed(name):
    x, grad_y = draw(2, 3, 4), draw(2, 3, 4, seed=1)
    odd, odd_grad = awkward(x), awkward(grad_y)
    y = FAST[name].forward(odd)
    grad_x = FAST[name].backward(odd_grad, awkward(y))
    assert_close(y, FAST[name].forward(x))
    assert_close(grad_x, FAST[name].backward(grad_y, y))
    assert (odd == x).all()
    assert (odd_grad == grad_y).all()
    assert not np.shares_memory(y, odd)
    assert not np.shares_memory(grad_x, odd_grad)
    assert not np.shares_memory(grad_x, y)
