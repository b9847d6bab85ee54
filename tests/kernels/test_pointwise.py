"""ReLU, dropout, addition and concatenation: worked examples, comparison with loops and numerical gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, awkward, complex_step, differences, distinct, draw

from minigooglenet import parallel
from minigooglenet.kernels import add, concat, dropout, loops, relu
from minigooglenet.kernels import numpy as readable

SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
DTYPES = st.sampled_from([np.float32, np.float64])


@given(SHAPES, DTYPES)
def test_relu_agrees_with_the_loops(shape, dtype):
    x, grad_y = draw(*shape, dtype=dtype), draw(*shape, seed=1, dtype=dtype)
    (y, mask), (expected, expected_mask) = relu.forward(x), loops.relu.forward(x)
    assert y.dtype == relu.backward(grad_y, mask).dtype == dtype
    assert mask.dtype == expected_mask.dtype == bool
    assert (y == expected).all()
    assert (mask == expected_mask).all()
    assert (relu.backward(grad_y, mask) == loops.relu.backward(grad_y, expected_mask)).all()


@pytest.mark.parametrize("module", [relu, loops.relu, readable.relu])
def test_relu_gradient_is_zero_at_zero(module):
    x = np.array([[-np.inf, -1.0, -0.0, 0.0, 2.0, np.inf, np.nan]])
    y, mask = module.forward(x)
    np.testing.assert_array_equal(y, [[0, 0, 0, 0, 2, np.inf, np.nan]])
    np.testing.assert_array_equal(module.backward(np.full((1, 7), 3.0), mask), [[0, 0, 0, 0, 3, 3, 3]])


def test_relu_keeps_a_nan_in_the_gradient():
    np.testing.assert_array_equal(relu.backward(np.array([np.nan, 1.0]), np.array([True, True])), [np.nan, 1])


def test_relu_gradient_matches_finite_differences():
    x, grad_y = distinct(2, 3, 4), draw(2, 3, 4)
    analytic = relu.backward(grad_y, relu.forward(x)[1])
    assert_close(analytic, differences(lambda x: relu.forward(x)[0], x, grad_y), 1e-8)


@given(SHAPES, DTYPES, st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_dropout_agrees_with_the_loops(shape, dtype, p):
    x, grad_y = draw(*shape, dtype=dtype), draw(*shape, seed=1, dtype=dtype)
    y, mask = dropout.forward(x, p, np.random.default_rng(0))
    grad_x = dropout.backward(grad_y, mask, p)
    assert mask.dtype == bool
    assert y.dtype == grad_x.dtype == dtype
    assert_close(y, loops.dropout.forward(x, mask, p))
    assert_close(grad_x, loops.dropout.backward(grad_y, mask, p))


def test_dropout_keeps_the_fraction_and_the_expected_value():
    y, mask = dropout.forward(np.ones((200, 300)), 0.7, np.random.default_rng(0))
    np.testing.assert_allclose(mask.mean(), 0.3, atol=0.01)
    np.testing.assert_allclose(y.mean(), 1, atol=0.03)
    assert_close(np.unique(y), [0, 1 / 0.3])


def test_dropout_masks_match_for_both_precisions():
    rng = np.random.default_rng(0)
    first = dropout.forward(np.ones((9, 9)), 0.5, rng)[1]
    second = dropout.forward(np.ones((9, 9)), 0.5, rng)[1]
    single = dropout.forward(np.ones((9, 9), np.float32), 0.5, np.random.default_rng(0))[1]
    assert (first == single).all()
    assert (first != second).any()


def test_dropout_shows_a_nan_even_where_it_drops():
    x = np.full((3, 50), np.nan)
    assert np.isnan(dropout.forward(x, 0.5, np.random.default_rng(0))[0]).all()


def test_dropout_gradient_matches_finite_differences():
    x, grad_y = draw(3, 5), draw(3, 5, seed=1)
    _, mask = dropout.forward(x, 0.4, np.random.default_rng(3))
    numerical = complex_step(lambda z: dropout.forward(z, 0.4, np.random.default_rng(3))[0], x, grad_y)
    assert_close(dropout.backward(grad_y, mask, 0.4), numerical)


@given(SHAPES, DTYPES, st.integers(1, 4))
def test_addition_agrees_with_the_loops(shape, dtype, count):
    xs = [draw(*shape, seed=i, dtype=dtype) for i in range(count)]
    y = add.forward(*xs)
    assert y.dtype == dtype
    assert_close(y, loops.add.forward(*xs))
    for got, expected in zip(add.backward(y, count), loops.add.backward(y, count), strict=True):
        assert (got == expected).all()


def test_every_term_of_a_sum_gets_the_full_gradient():
    grad_y = draw(2, 3)
    assert all((grad == grad_y).all() for grad in add.backward(grad_y, 3))
    assert not np.shares_memory(add.forward(grad_y), grad_y)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), SHAPES, DTYPES)
def test_concatenation_agrees_with_the_loops(channels, shape, dtype):
    xs = [draw(shape[0], count, *shape[2:], seed=i, dtype=dtype) for i, count in enumerate(channels)]
    y = concat.forward(*xs)
    assert y.dtype == dtype
    assert (y == loops.concat.forward(*xs)).all()
    grad_y = draw(*y.shape, seed=9, dtype=dtype)
    for x, got, expected in zip(
        xs, concat.backward(grad_y, channels), loops.concat.backward(grad_y, channels), strict=True
    ):
        assert got.shape == x.shape
        assert got.dtype == dtype
        assert (got == expected).all()


def test_concatenation_keeps_the_order_of_its_inputs():
    y = concat.forward(np.full((2, 1, 1, 1), 1.0), np.full((2, 2, 1, 1), 2.0), np.full((2, 1, 1, 1), 3.0))
    assert y[:, :, 0, 0].tolist() == [[1, 2, 2, 3]] * 2


@pytest.mark.parametrize("which", [0, 1, 2])
def test_concat_and_add_gradients_match_finite_differences(which):
    xs = [draw(2, 2, 3, seed=i) for i in range(3)]

    def among(forward):
        return lambda z: forward(*(z if i == which else x.astype(complex) for i, x in enumerate(xs)))

    grad_y = draw(2, 6, 3)
    assert_close(concat.backward(grad_y, [2, 2, 2])[which], complex_step(among(concat.forward), xs[which], grad_y))
    grad_y = draw(2, 2, 3, seed=7)
    assert_close(add.backward(grad_y, 3)[which], complex_step(among(add.forward), xs[which], grad_y))


def test_awkward_memory_works_and_nothing_given_is_changed():
    x, other = draw(2, 3, 4), draw(2, 3, 4, seed=1)
    odd, odd_other = awkward(x), awkward(other)
    mask = dropout.forward(x, 0.5, np.random.default_rng(0))[1]
    results = [
        (relu.forward(odd)[0], relu.forward(x)[0]),
        (relu.backward(odd_other, odd > 0), relu.backward(other, x > 0)),
        (dropout.forward(odd, 0.5, np.random.default_rng(0))[0], dropout.forward(x, 0.5, np.random.default_rng(0))[0]),
        (dropout.backward(odd, mask, 0.5), dropout.backward(x, mask, 0.5)),
        (add.forward(odd, odd_other), add.forward(x, other)),
        (add.forward(odd), x),
        (concat.forward(odd, odd_other), concat.forward(x, other)),
        (concat.forward(odd), x),
    ]
    for got, expected in results:
        assert (got == expected).all()
        assert got.flags.writeable
        assert not any(np.shares_memory(got, given) for given in (odd, odd_other))
    for got, expected in ((add.backward(odd, 2)[1], x), (concat.backward(odd, [1, 2])[1], x[:, 1:])):
        assert (got == expected).all()  # these may be views, and read-only
    assert (odd == x).all()
    assert (odd_other == other).all()


@given(SHAPES, DTYPES)
def test_relu_without_save_has_the_same_output(shape, dtype):
    x = draw(*shape, dtype=dtype)
    y, mask = relu.forward(x, save=False)
    assert mask is None
    assert (y == relu.forward(x)[0]).all()


@given(SHAPES, DTYPES)
def test_relu_reads_a_slice_of_a_larger_array(shape, dtype):
    joint = draw(shape[0], shape[1] + 3, *shape[2:], dtype=dtype)
    x, grad_y = joint[:, 1:-2], joint[:, 3:]
    y, mask = relu.forward(x)
    assert (y == loops.relu.forward(x)[0]).all()
    assert (relu.backward(grad_y, mask) == loops.relu.backward(grad_y, x > 0)).all()


def test_large_arrays_are_bit_identical_for_any_thread_count(own_threads):
    x, other = draw(3, 100, 97, 41, dtype=np.float32), draw(3, 100, 97, 41, seed=1, dtype=np.float32)

    def compute(threads):
        parallel.set_num_threads(threads)
        y, mask = relu.forward(x)
        joint = concat.forward(x, other)
        arrays = y, mask, relu.backward(other, mask), joint, *concat.backward(joint, [100, 100])
        return [array.tobytes() for array in (*arrays, add.forward(x, other, x), *add.backward(x, 2))]

    expected = compute(1)
    assert compute(2) == compute(5) == expected
    assert (concat.forward(x, other) == np.concatenate([x, other], axis=1)).all()
    assert (add.forward(x, other, x) == x + other + x).all()


def test_gradients_of_a_concatenation_are_views():
    grad_y = draw(2, 6, 3)
    first = 0
    for view, count in zip(concat.backward(grad_y, [1, 3, 2]), [1, 3, 2], strict=True):
        assert np.shares_memory(view, grad_y)
        assert (view == grad_y[:, first : first + count]).all()
        first += count
