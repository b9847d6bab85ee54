"""Local response and batch normalisation: worked examples, comparison with the loops and the complex step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, awkward, complex_step, draw

from minigooglenet import parallel
from minigooglenet.kernels import batch_norm2d, local_response_norm, loops
from minigooglenet.kernels import numpy as readable

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 4), st.integers(1, 4))
DTYPES = st.sampled_from([np.float32, np.float64])
BY_STOREY = loops.local_response_norm, readable.local_response_norm
BOTH_LRN = pytest.mark.parametrize("module", [local_response_norm, *BY_STOREY])


@given(SHAPES, DTYPES, st.integers(1, 6), st.sampled_from([(1e-4, 0.75, 1.0), (1.5, 0.5, 2.0)]))
def test_local_response_norm_agrees_with_the_loops(shape, dtype, size, constants):
    x, grad_y = draw(*shape, dtype=dtype), draw(*shape, seed=1, dtype=dtype)
    alpha, beta, k = constants
    y, scale = local_response_norm.forward(x, size, alpha, beta, k)
    grad_x = local_response_norm.backward(grad_y, x, scale, size, alpha, beta)
    assert y.dtype == scale.dtype == grad_x.dtype == dtype
    double, grad_double = x.astype(np.float64), grad_y.astype(np.float64)
    expected, expected_scale = loops.local_response_norm.forward(double, size, alpha, beta, k)
    assert_close(y, expected)
    assert_close(scale, expected_scale)
    assert_close(grad_x, loops.local_response_norm.backward(grad_double, double, expected_scale, size, alpha, beta))


@BOTH_LRN
def test_alpha_is_divided_by_the_size_of_the_window(module):
    x = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    y = module.forward(x, 3, 3.0, 1.0, 1.0)[0]
    assert_close(y.ravel(), [1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)])


@BOTH_LRN
def test_even_window_has_one_more_channel_below(module):
    x = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    assert_close(module.forward(x, 2, 2.0, 1.0, 1.0)[0].ravel(), [1 / (1 + 1), 2 / (1 + 1 + 4), 3 / (1 + 4 + 9)])


@pytest.mark.parametrize("size", [1, 2, 5, 9])
@pytest.mark.parametrize(("alpha", "beta", "k"), [(1.0, 0.75, 1.0), (2.5, 0.5, 2.0), (1e-4, 0.75, 1.0)])
def test_lrn_gradient_matches_finite_differences(size, alpha, beta, k):
    x, grad_y = draw(1, 7, 2, 1), draw(1, 7, 2, 1, seed=1)
    _, scale = local_response_norm.forward(x, size, alpha, beta, k)
    numerical = complex_step(lambda z: local_response_norm.forward(z, size, alpha, beta, k)[0], x, grad_y)
    for module in (local_response_norm, *BY_STOREY):
        assert_close(module.backward(grad_y, x, scale, size, alpha, beta), numerical, 1e-13)


def test_constants_of_local_response_norm_are_googlenets():
    x = draw(1, 6, 2, 2) * 10
    assert (local_response_norm.forward(x)[0] == local_response_norm.forward(x, 5, 1e-4, 0.75, 1.0)[0]).all()


@BOTH_LRN
def test_nan_stays_within_its_window_of_channels(module):
    x = np.ones((1, 7, 1, 2))
    x[0, 3, 0, 0] = np.nan
    y = module.forward(x, 3, 1.0, 0.75, 1.0)[0]
    assert np.argwhere(np.isnan(y)).tolist() == [[0, c, 0, 0] for c in (2, 3, 4)]


@given(SHAPES, DTYPES, st.booleans())
def test_batch_norm_agrees_with_the_loops(shape, dtype, training):
    if training and shape[0] * shape[2] * shape[3] == 1:
        shape = (2, *shape[1:])
    x, grad_y = draw(*shape, dtype=dtype) + dtype(3), draw(*shape, seed=1, dtype=dtype)
    weight, bias, mean = (draw(shape[1], seed=i, dtype=dtype) for i in range(3))
    statistics = () if training else (mean, np.abs(mean) + dtype(0.1))
    y, *used = batch_norm2d.forward(x, weight, bias, *statistics, eps=1e-2)
    grads = batch_norm2d.backward(grad_y, x, weight, *used, 1e-2, training)
    double = [a.astype(np.float64) for a in (x, weight, bias)]
    expected, *others = loops.batch_norm2d.forward(*double, *(s.astype(np.float64) for s in statistics), eps=1e-2)
    expected_grads = loops.batch_norm2d.backward(grad_y.astype(np.float64), *double[:2], *others, 1e-2, training)
    for got, value in zip((y, *used, *grads), (expected, *others, *expected_grads), strict=True):
        assert got.dtype == dtype
        assert_close(got, value, 2e-4 if dtype == np.float32 else 1e-10)


def test_training_gives_zero_mean_and_unit_variance():
    x = draw(4, 3, 5, 6) * 7 + 100
    y, mean, var = batch_norm2d.forward(x, np.ones(3), np.zeros(3), eps=0)
    assert_close(y.mean(axis=(0, 2, 3)), np.zeros(3))
    assert_close(y.var(axis=(0, 2, 3)), np.ones(3))
    assert_close(mean, x.mean(axis=(0, 2, 3)))
    assert_close(var, x.var(axis=(0, 2, 3)))


def test_inference_uses_the_statistics_that_it_is_given():
    x = np.array([1.0, 2, 3, 4]).reshape(1, 2, 1, 2)
    y, *_ = batch_norm2d.forward(x, np.array([2.0, 1]), np.array([0.0, 5]), np.ones(2), np.array([4.0, 1]), eps=0)
    assert y.ravel().tolist() == [0, 1, 7, 8]


def test_constant_channel_becomes_its_bias():
    y, *_ = batch_norm2d.forward(np.full((2, 1, 2, 2), 3.0), np.ones(1), np.full(1, 0.5))
    assert (y == 0.5).all()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("module", [batch_norm2d, loops.batch_norm2d, readable.batch_norm2d])
def test_batch_norm_gradients_match_finite_differences(module, training):
    x, weight, bias, grad_y = draw(3, 2, 2, 3), draw(2), draw(2, seed=1), draw(3, 2, 2, 3, seed=1)
    statistics = () if training else (draw(2, seed=2), np.array([0.5, 2.0]))
    _, mean, var = module.forward(x, weight, bias, *statistics)
    grads = module.backward(grad_y, x, weight, mean, var, batch_statistics=training)

    def forward(x, weight, bias):
        arrays = [np.asarray(a, complex) for a in (x, weight, bias, *statistics)]
        return module.forward(*arrays)[0]

    assert_close(grads[0], complex_step(lambda z: forward(z, weight, bias), x, grad_y))
    assert_close(grads[1], complex_step(lambda z: forward(x, z, bias), weight, grad_y))
    assert_close(grads[2], complex_step(lambda z: forward(x, weight, z), bias, grad_y))


def test_batch_norm_gradient_is_orthogonal_to_the_output():
    x, grad_y = draw(4, 2, 3, 3), draw(4, 2, 3, 3, seed=1) + 2
    y, mean, var = batch_norm2d.forward(x, np.ones(2), np.zeros(2), eps=0)
    grad_x, *_ = batch_norm2d.backward(grad_y, x, np.ones(2), mean, var, 0)
    assert_close(grad_x.sum(axis=(0, 2, 3)), np.zeros(2))
    assert_close((grad_x * y).sum(axis=(0, 2, 3)), np.zeros(2))


def test_nan_stays_in_its_channel():
    x = draw(2, 2, 2, 2)
    x[0, 1, 0, 0] = np.nan
    y, *_ = batch_norm2d.forward(x, np.ones(2), np.zeros(2))
    assert np.isnan(y).all(axis=(0, 2, 3)).tolist() == [False, True]
    assert not np.isnan(y[:, 0]).any()


def test_awkward_memory_works_and_nothing_given_is_changed():
    x, grad_y, weight = draw(2, 3, 4, 4), draw(2, 3, 4, 4, seed=1), draw(3)
    odd, odd_grad, odd_weight = awkward(x), awkward(grad_y), awkward(weight)
    y, scale = local_response_norm.forward(x)
    odd_y, odd_scale = local_response_norm.forward(odd)
    normal, mean, var = batch_norm2d.forward(x, weight, weight)
    results = [
        (odd_y, y),
        (
            local_response_norm.backward(odd_grad, odd, awkward(odd_scale)),
            local_response_norm.backward(grad_y, x, scale),
        ),
        (batch_norm2d.forward(odd, odd_weight, odd_weight)[0], normal),
        *zip(
            batch_norm2d.backward(odd_grad, odd, odd_weight, mean, var),
            batch_norm2d.backward(grad_y, x, weight, mean, var),
            strict=True,
        ),
    ]
    for got, expected in results:
        assert_close(got, expected)
        assert got.flags.writeable
        assert not any(np.shares_memory(got, given) for given in (odd, odd_grad, odd_weight))
    assert (odd == x).all()
    assert (odd_grad == grad_y).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_local_response_norm_of_many_pixels_matches_loops(dtype, beta):
    x, grad_y = draw(2, 6, 25, 43, dtype=dtype), draw(2, 6, 25, 43, seed=1, dtype=dtype)
    double, grad_double = x.astype(np.float64), grad_y.astype(np.float64)
    y, scale = local_response_norm.forward(x, 5, 1.5, beta, 2.0)
    expected, expected_scale = loops.local_response_norm.forward(double, 5, 1.5, beta, 2.0)
    assert_close(y, expected)
    assert_close(scale, expected_scale)
    grad_x = local_response_norm.backward(grad_y, x, scale, 5, 1.5, beta)
    assert_close(grad_x, loops.local_response_norm.backward(grad_double, double, expected_scale, 5, 1.5, beta))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_local_response_norm_without_save_has_the_same_output(dtype):
    x = draw(3, 4, 5, 6).astype(dtype)
    y, scale = local_response_norm.forward(x, 5, 1.0, save=False)
    assert scale is None
    assert (y == local_response_norm.forward(x, 5, 1.0)[0]).all()


def test_local_response_norm_reads_slices_of_larger_arrays():
    x, grad_y = draw(3, 9, 4, 5)[:, 1:7], draw(3, 9, 4, 5, seed=1)[:, 3:]
    y, scale = local_response_norm.forward(x, 5, 1.0)
    assert (y == local_response_norm.forward(x.copy(), 5, 1.0)[0]).all()
    grad_x = local_response_norm.backward(grad_y, x, scale, 5, 1.0)
    assert (grad_x == local_response_norm.backward(grad_y.copy(), x.copy(), scale, 5, 1.0)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variance_is_accurate_far_from_zero(dtype):
    offset = 1000 if dtype == np.float32 else 1e6
    x = (draw(4, 2, 9, 7) + offset).astype(dtype)
    _, mean, var = batch_norm2d.forward(x, np.ones(2, dtype), np.zeros(2, dtype))
    exact = x.astype(np.longdouble)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-6 if dtype == np.float32 else 1e-15)
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3)), rtol=1e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_normalisation_is_bit_identical_for_any_thread_count(own_threads, training):
    x, grad_y = draw(3, 33, 41, 41, dtype=np.float32), draw(3, 33, 41, 41, seed=1, dtype=np.float32)
    weight = draw(33, dtype=np.float32)
    statistics = () if training else (weight, weight * weight)

    def compute(threads):
        parallel.set_num_threads(threads)
        y, scale = local_response_norm.forward(x)
        normal, mean, var = batch_norm2d.forward(x, weight, weight, *statistics)
        grads = batch_norm2d.backward(grad_y, x, weight, mean, var, batch_statistics=training)
        arrays = y, scale, normal, mean, var, *grads, local_response_norm.backward(grad_y, x, scale)
        return [array.tobytes() for array in arrays]

    assert compute(1) == compute(2) == compute(5)
