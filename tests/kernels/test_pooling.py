"""Pooling: worked examples, comparison with the loops and with finite differences; ties, NaN, ceil mode."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, awkward, complex_step, differences, distinct, draw

from minigooglenet import parallel, shapes
from minigooglenet.kernels import adaptive_avg_pool2d, avg_pool2d, global_avg_pool2d, loops, max_pool2d
from minigooglenet.kernels import numpy as readable

GOOGLENET_MAX = {  # input size, kernel, stride, padding, ceil_mode
    "3x3 stride 2 ceil": ((6, 8), 3, 2, 0, True),
    "3x3 stride 2 ceil, nothing over": ((7, 5), 3, 2, 0, True),
    "3x3 stride 1 padding 1": ((4, 5), 3, 1, 1, False),
}


@st.composite
def pools(draw_):
    """Return (dtype, seed, input shape, kernel, stride, padding, ceil_mode)."""

    def pair(least, most):
        return draw_(st.tuples(st.integers(least, most), st.integers(least, most)))

    kernel, stride = pair(1, 4), pair(1, 4)
    padding = tuple(tuple(min(side, k - 1) for side in pair(0, 3)) for k in kernel)
    size = [max(1, k - sum(sides)) + more for k, sides, more in zip(kernel, padding, pair(0, 6), strict=True)]
    shape = (*pair(1, 3), *size)
    dtype = draw_(st.sampled_from([np.float32, np.float64]))
    return dtype, draw_(st.integers(0, 99)), shape, kernel, stride, padding, draw_(st.booleans())


def max_pool(form, x, kernel, stride, padding, ceil_mode=False):
    """Return (y, argmax) of one form, for hyperparameters in full."""
    return MAX[form].forward(x, *shapes.pool_settings(kernel, stride, padding), ceil_mode)


def max_pool_gradient(form, grad_y, argmax, size, kernel, stride, padding):
    return MAX[form].backward(grad_y, argmax, size, *shapes.pool_settings(kernel, stride, padding))


MAX = {"loops": loops.max_pool2d, "numpy": readable.max_pool2d, "as chosen": max_pool2d}
EVERY = pytest.mark.parametrize("form", MAX)


@given(pools())
def test_max_pooling_agrees_with_the_loops(case):
    dtype, seed, shape, *settings, ceil_mode = case
    x = draw(*shape, seed=seed, dtype=dtype).round(1)  # rounded: ties are common
    y, argmax = max_pool2d.forward(x, *settings, ceil_mode)
    expected, positions = loops.max_pool2d.forward(x, *settings, ceil_mode)
    assert y.dtype == dtype
    assert (y == expected).all()
    assert (argmax == positions).all()
    grad_y = draw(*y.shape, seed=seed + 1, dtype=dtype)
    grad_x = max_pool2d.backward(grad_y, argmax, shape[2:], *settings)
    assert grad_x.dtype == dtype
    assert_close(grad_x, loops.max_pool2d.backward(grad_y, positions, shape[2:], *settings))


@EVERY
def test_overlapping_windows_add_their_gradients(form):
    x = np.array([[[[0.0, 9, 0, 1]]]])
    y, argmax = max_pool(form, x, (1, 2), 1, 0)
    assert y.tolist() == [[[[9, 9, 1]]]]
    grad_x = max_pool_gradient(form, np.array([[[[1.0, 10, 100]]]]), argmax, (1, 4), (1, 2), 1, 0)
    assert grad_x.tolist() == [[[[0, 11, 0, 100]]]]


@EVERY
def test_ties_go_to_the_first_in_window_order(form):
    x = np.zeros((1, 1, 3, 3))
    _, argmax = max_pool(form, x, 2, 1, 0)
    assert argmax.tolist() == [[[[0, 0], [0, 0]]]]
    grad_x = max_pool_gradient(form, np.ones((1, 1, 2, 2)), argmax, (3, 3), 2, 1, 0)
    assert grad_x.tolist() == [[[[1, 1, 0], [1, 1, 0], [0, 0, 0]]]]


@EVERY
def test_tie_goes_to_the_first_position(form):
    _, argmax = max_pool(form, np.array([[[[0.0, 5], [5, 0]]]]), 2, 2, 0)
    assert argmax.item() == 1


@EVERY
def test_padding_never_wins_a_maximum(form):
    x = -distinct(1, 2, 3, 4) - 100
    y, argmax = max_pool(form, x, 3, 2, ((2, 1), (1, 2)))
    assert (y < -80).all()
    grad_x = max_pool_gradient(form, np.ones(y.shape), argmax, (3, 4), 3, 2, ((2, 1), (1, 2)))
    assert grad_x.sum() == y.size


@EVERY
def test_argmax_is_relative_to_the_padded_window(form):
    _, argmax = max_pool(form, np.array([[[[7.0]]]]), 2, 1, 1)
    assert argmax.tolist() == [[[[3, 2], [1, 0]]]]


@EVERY
def test_minus_infinity_can_win(form):
    x = np.full((1, 1, 2, 2), -np.inf)
    y, argmax = max_pool(form, x, 2, 1, 1)
    assert (y == -np.inf).all()
    grad_x = max_pool_gradient(form, np.ones(y.shape), argmax, (2, 2), 2, 1, 1)
    assert grad_x.tolist() == [[[[4, 2], [2, 1]]]]


@EVERY
def test_first_nan_of_a_window_wins(form):
    x = np.array([[[[1.0, np.nan, np.inf, 2, np.nan]]]])
    y, argmax = max_pool(form, x, (1, 3), 1, 0)
    assert np.isnan(y).all()
    assert argmax.tolist() == [[[[1, 0, 2]]]]


@EVERY
def test_nan_stays_in_its_windows(form):
    x = np.zeros((2, 2, 2, 4))
    x[0, 1, 1, 0] = np.nan
    y, _ = max_pool(form, x, 2, 2, 0)
    assert np.argwhere(np.isnan(y)).tolist() == [[0, 1, 0, 0]]


@EVERY
def test_ceil_mode_drops_a_window_past_the_edge(form):
    x = np.arange(1.0, 6).reshape(1, 1, 1, 5)
    assert max_pool(form, x, (1, 2), 2, 0, True)[0].tolist() == [[[[2, 4, 5]]]]
    assert max_pool(form, x, (1, 2), 2, 0, False)[0].tolist() == [[[[2, 4]]]]
    assert max_pool(form, x[..., :3], (1, 2), 2, ((0, 0), (1, 1)), True)[0].tolist() == [[[[1, 3]]]]
    assert max_pool(form, x[..., :3], (1, 2), 3, ((0, 0), (0, 1)), True)[0].tolist() == [[[[2]]]]


@pytest.mark.parametrize("name", GOOGLENET_MAX)
def test_max_pool_gradient_matches_finite_differences(name):
    size, *settings, ceil_mode = GOOGLENET_MAX[name]
    x = distinct(2, 2, *size)
    y, argmax = max_pool2d.forward(x, *settings, ceil_mode)
    grad_y = draw(*y.shape)
    numerical = differences(lambda z: max_pool2d.forward(z, *settings, ceil_mode)[0], x, grad_y)
    assert_close(max_pool2d.backward(grad_y, argmax, size, *settings), numerical, 1e-8)


def test_argmax_takes_as_few_bytes_as_its_window_allows():
    x = distinct(1, 1, 20, 20)
    assert max_pool2d.forward(x, 16)[1].dtype == np.uint8
    y, argmax = max_pool2d.forward(x, (17, 16))
    assert argmax.dtype == np.uint16
    grad_x = max_pool2d.backward(np.ones_like(y), argmax, (20, 20), (17, 16))
    assert np.argwhere(grad_x).tolist() == np.argwhere(x == x[:, :, :17, :16].max()).tolist()


@given(pools(), st.booleans())
def test_average_pooling_agrees_with_the_loops(case, count_include_pad):
    dtype, seed, shape, *settings, ceil_mode = case
    x = draw(*shape, seed=seed, dtype=dtype)
    y = avg_pool2d.forward(x, *settings, ceil_mode, count_include_pad)
    assert y.dtype == dtype
    assert_close(y, loops.avg_pool2d.forward(x, *settings, ceil_mode, count_include_pad))
    grad_y = draw(*y.shape, seed=seed + 1, dtype=dtype)
    grad_x = avg_pool2d.backward(grad_y, shape[2:], *settings, count_include_pad)
    assert grad_x.dtype == dtype
    assert_close(grad_x, loops.avg_pool2d.backward(grad_y, shape[2:], *settings, count_include_pad))


AVERAGES = {
    "loops": loops.avg_pool2d.forward,
    "numpy": readable.avg_pool2d.forward,
    "as chosen": avg_pool2d.forward,
}


@pytest.mark.parametrize(("count_include_pad", "expected"), [(True, [0.5, 2.5, 4, 3]), (False, [1, 2.5, 4, 3])])
@EVERY
def test_divisor_may_count_padding_but_never_the_overhang(form, count_include_pad, expected):
    x = np.array([[[[1.0, 2, 3, 4, 4, 3]]]])
    settings = (1, 2), (1, 2), ((0, 0), (1, 0))
    y = AVERAGES[form](x, *settings, True, count_include_pad)
    assert y.tolist() == [[[expected]]]


@EVERY
def test_divisor_counts_padding_up_to_its_edge(form):
    x = np.full((1, 1, 1, 4), 6.0)
    y = AVERAGES[form](x, (1, 3), (1, 3), ((0, 0), (0, 1)), True, True)
    assert y.tolist() == [[[[6, 3]]]]  # the second window has a real, a padded and an out-of-bounds position


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize(
    ("size", "settings", "ceil_mode"),
    [
        ((14, 14), (5, 3, 0), False),
        ((7, 7), (7, 1, 0), False),
        ((6, 5), (3, 2, 0), True),
        ((5, 4), ((3, 2), (2, 3), ((2, 0), (1, 1))), True),
    ],
)
def test_avg_pool_gradient_matches_finite_differences(size, settings, ceil_mode, count_include_pad):
    x = draw(1, 1, *size)
    grad_y = draw(*avg_pool2d.forward(x, *settings, ceil_mode, count_include_pad).shape, seed=1)
    numerical = complex_step(lambda z: avg_pool2d.forward(z, *settings, ceil_mode, count_include_pad), x, grad_y)
    assert_close(avg_pool2d.backward(grad_y, size, *settings, count_include_pad), numerical)


@EVERY
def test_average_spreads_a_nan_only_within_its_windows(form):
    x = np.ones((1, 2, 2, 4))
    x[0, 0, 0, 1] = np.nan
    y = AVERAGES[form](x, (2, 2), (2, 2), ((0, 0), (0, 0)))
    assert np.isnan(y).sum() == 1


@given(
    st.tuples(*[st.integers(1, 9)] * 4), st.tuples(*[st.integers(1, 6)] * 2), st.sampled_from([np.float32, np.float64])
)
def test_adaptive_average_pooling_agrees_with_the_loops(shape, output_size, dtype):
    x, grad_y = draw(*shape, dtype=dtype), draw(*shape[:2], *output_size, dtype=dtype)
    y = adaptive_avg_pool2d.forward(x, output_size)
    grad_x = adaptive_avg_pool2d.backward(grad_y, shape[2:])
    assert y.dtype == grad_x.dtype == dtype
    assert_close(y, loops.adaptive_avg_pool2d.forward(x, output_size))
    assert_close(grad_x, loops.adaptive_avg_pool2d.backward(grad_y, shape[2:]))


ADAPTIVE = {
    "loops": loops.adaptive_avg_pool2d,
    "numpy": readable.adaptive_avg_pool2d,
    "as chosen": adaptive_avg_pool2d,
}


@EVERY
def test_adaptive_windows_of_fourteen_values_start_as_documented(form):
    x = np.arange(14.0).reshape(1, 1, 1, 14)
    y = ADAPTIVE[form].forward(x, (1, 4))
    assert y.tolist() == [[[[start + 1.5 for start in (0, 3, 7, 10)]]]]
    grad_x = ADAPTIVE[form].backward(np.full((1, 1, 1, 4), 4.0), (1, 14))
    assert grad_x.tolist() == [[[[1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]]]]


@EVERY
def test_adaptive_windows_repeat_values_of_a_small_input(form):
    assert ADAPTIVE[form].forward(np.array([[[[1.0, 2, 3, 4, 9]]]]), (1, 3)).tolist() == [[[[1.5, 3, 6.5]]]]
    assert ADAPTIVE[form].forward(np.array([[[[1.0, 5]]]]), (2, 3)).tolist() == [[[[1, 3, 5], [1, 3, 5]]]]


@pytest.mark.parametrize(("size", "output_size"), [((14, 13), (4, 4)), ((2, 5), (4, 3))])
def test_adaptive_avg_pool_gradient_matches_finite_differences(size, output_size):
    x, grad_y = draw(2, 2, *size), draw(2, 2, *output_size, seed=1)
    numerical = complex_step(lambda z: adaptive_avg_pool2d.forward(z, output_size), x, grad_y)
    assert_close(adaptive_avg_pool2d.backward(grad_y, size), numerical)


def test_adaptive_average_pooling_is_what_pytorch_has():
    torch = pytest.importorskip("torch")
    for size, output_size in [((14, 14), (4, 4)), ((7, 3), (2, 5)), ((1, 9), (4, 4))]:
        x = draw(2, 3, *size)
        expected = torch.nn.AdaptiveAvgPool2d(output_size)(torch.from_numpy(x)).numpy()
        assert_close(adaptive_avg_pool2d.forward(x, output_size), expected)


@given(st.tuples(*[st.integers(1, 4)] * 4), st.sampled_from([np.float32, np.float64]))
def test_global_average_pooling_agrees_with_the_loops(shape, dtype):
    x, grad_y = draw(*shape, dtype=dtype), draw(*shape[:2], dtype=dtype)
    y, grad_x = global_avg_pool2d.forward(x), global_avg_pool2d.backward(grad_y, shape[2:])
    assert y.dtype == grad_x.dtype == dtype
    assert_close(y, loops.global_avg_pool2d.forward(x))
    assert_close(grad_x, loops.global_avg_pool2d.backward(grad_y, shape[2:]))


def test_global_avg_pool_gradient_matches_finite_differences():
    x, grad_y = draw(2, 3, 2, 5), draw(2, 3, seed=1)
    assert_close(global_avg_pool2d.backward(grad_y, (2, 5)), complex_step(global_avg_pool2d.forward, x, grad_y))


def test_awkward_memory_works_and_nothing_given_is_changed():
    x, grad_y = distinct(2, 3, 5, 6), draw(2, 3, 2, 3)
    odd, odd_grad = awkward(x), awkward(grad_y)
    argmax = max_pool2d.forward(x, 3, 2, 0, True)[1]
    for got, expected in [
        (max_pool2d.forward(odd, 3, 2, 0, True)[0], max_pool2d.forward(x, 3, 2, 0, True)[0]),
        (avg_pool2d.forward(odd, 2, 2), avg_pool2d.forward(x, 2, 2)),
        (global_avg_pool2d.forward(odd), global_avg_pool2d.forward(x)),
        (
            max_pool2d.backward(odd_grad, awkward(argmax), (5, 6), 3, 2),
            max_pool2d.backward(grad_y, argmax, (5, 6), 3, 2),
        ),
        (avg_pool2d.backward(odd_grad, (5, 6), 2, 2), avg_pool2d.backward(grad_y, (5, 6), 2, 2)),
    ]:
        assert (got == expected).all()
        assert got.flags.writeable
        assert not np.shares_memory(got, odd)
        assert not np.shares_memory(got, odd_grad)
    assert (odd == x).all()
    assert (odd_grad == grad_y).all()


def test_pooling_with_a_window_of_one_still_copies():
    x = draw(1, 1, 2, 2)
    assert not np.shares_memory(max_pool2d.forward(x, 1)[0], x)
    assert not np.shares_memory(avg_pool2d.forward(x, 1), x)
    assert not np.shares_memory(global_avg_pool2d.forward(x[:, :, :1, :1]), x)


def test_sizes_are_those_of_shapes():
    x = draw(1, 1, 11, 9)
    expected = shapes.output_size((11, 9), (4, 3), (3, 2), ((1, 2), (0, 1)), ceil_mode=True)
    assert max_pool2d.forward(x, (4, 3), (3, 2), ((1, 2), (0, 1)), True)[0].shape[2:] == expected
    assert avg_pool2d.forward(x, (4, 3), (3, 2), ((1, 2), (0, 1)), True).shape[2:] == expected


def test_max_pool_backward_rejects_out_of_range_argmax():
    grad_y, far = np.ones((1, 1, 4, 4)), np.full((1, 1, 4, 4), 2**40)
    with pytest.raises(ValueError, match="16 argmax values point outside"):
        max_pool2d.backward(grad_y, far, (4, 4), 3, 1, 1)
    with pytest.raises(
        ValueError, match="7 argmax values point outside"
    ):  # there the first position of the window is padding
        max_pool2d.backward(grad_y, np.zeros((1, 1, 4, 4), np.uint8), (4, 4), 3, 1, 1)
    with pytest.raises(TypeError, match="argmax must be the integers that forward returned, got float64"):
        max_pool2d.backward(grad_y, far.astype(float), (4, 4), 3, 1, 1)


def test_mean_of_a_large_window_is_accurate():
    x = np.full((1, 1, 400, 400), 0.1, np.float32)
    assert avg_pool2d.forward(x, 400).item() == np.float32(0.1)


@given(pools(), st.sampled_from([0.0, 0.2, 1.0]))
def test_max_pooling_of_nans_and_infinities_matches_loops(case, fraction):
    dtype, seed, shape, *settings, ceil_mode = case
    x = draw(*shape, seed=seed, dtype=dtype).round()
    chance = np.random.default_rng(seed).random(shape)
    x[chance < fraction] = np.nan
    x[(fraction <= chance) & (chance < fraction + 0.2)] = -np.inf
    y, argmax = max_pool2d.forward(x, *settings, ceil_mode)
    expected, positions = loops.max_pool2d.forward(x, *settings, ceil_mode)
    np.testing.assert_array_equal(y, expected)
    assert (argmax == positions).all()


@pytest.mark.parametrize("shape", [(2, 130, 7, 7), (1, 3, 70, 62), (2, 300, 5, 4)])
@pytest.mark.parametrize(
    "settings", [(3, 2, 0, True), (3, 1, 1, False), (2, 3, ((1, 0), (0, 1)), True), ((5, 7), (1, 2), 2, False)]
)
def test_max_pooling_of_many_planes_matches_loops(shape, settings):
    *settings, ceil_mode = settings
    x = draw(*shape, dtype=np.float32).round(1)
    y, argmax = max_pool2d.forward(x, *settings, ceil_mode)
    expected, positions = max_pool("loops", x, *settings, ceil_mode)
    assert (y == expected).all()
    assert (argmax == positions).all()
    grad_x = max_pool2d.backward(y, argmax, shape[2:], *settings)
    assert_close(grad_x, max_pool_gradient("loops", y, positions, shape[2:], *settings))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("settings", [(3, 1, 1, False), (3, 2, 0, True)])
def test_one_value_that_is_not_finite_changes_only_its_windows(value, settings):
    *settings, ceil_mode = settings
    x = draw(1, 60, 7, 7, dtype=np.float32).round(1)
    x[0, 20, 3, 6] = x[0, 21, 4, 0] = x[0, 59, 6, 6] = value  # at the ends of rows, next to the padding
    y, argmax = max_pool2d.forward(x, *settings, ceil_mode)
    expected, positions = max_pool("loops", x, *settings, ceil_mode)
    np.testing.assert_array_equal(y, expected)
    assert (argmax == positions).all()


@given(pools())
def test_max_pooling_without_save_has_the_same_output(case):
    dtype, seed, shape, *settings, ceil_mode = case
    x = draw(*shape, seed=seed, dtype=dtype)
    y, argmax = max_pool2d.forward(x, *settings, ceil_mode, save=False)
    assert argmax is None
    assert (y == max_pool2d.forward(x, *settings, ceil_mode)[0]).all()


def test_pooling_reads_a_slice_of_a_larger_array():
    joint, grads = distinct(3, 8, 6, 7), draw(3, 8, 3, 4)
    x, grad_y = joint[:, 2:6], grads[:, 3:7]
    y, argmax = max_pool2d.forward(x, 3, 2, 1)
    assert (y == max_pool2d.forward(x.copy(), 3, 2, 1)[0]).all()
    assert (avg_pool2d.forward(x, 2) == avg_pool2d.forward(x.copy(), 2)).all()
    args = argmax, (6, 7), 3, 2, 1
    assert (max_pool2d.backward(grad_y, *args) == max_pool2d.backward(grad_y.copy(), *args)).all()
    args = (6, 7), 3, 2, 1
    assert (avg_pool2d.backward(grad_y, *args) == avg_pool2d.backward(grad_y.copy(), *args)).all()


def test_pools_are_bit_identical_for_any_thread_count(own_threads):
    x = draw(3, 33, 41, 41, dtype=np.float32)  # enough values for several threads

    def compute(threads):
        parallel.set_num_threads(threads)
        y, argmax = max_pool2d.forward(x, 3, 2, 0, True)
        mean = avg_pool2d.forward(x, 3, 2)
        arrays = y, argmax, mean, global_avg_pool2d.forward(x), max_pool2d.backward(y, argmax, (41, 41), 3, 2)
        return [array.tobytes() for array in (*arrays, avg_pool2d.backward(mean, (41, 41), 3, 2))]

    assert compute(1) == compute(2) == compute(5)


def test_ceil_window_larger_than_the_image_has_a_gradient():
    x = draw(1, 1, 4, 4)
    y, argmax = max_pool2d.forward(x, 5, 2, 0, True)
    grad = max_pool2d.backward(y, argmax, (4, 4), 5, 2, 0)
    assert grad.sum() == y.sum() == x.max()
    mean = avg_pool2d.forward(x, 5, 2, 0, True)
    assert_close(avg_pool2d.backward(mean, (4, 4), 5, 2, 0).sum(), mean.sum())
