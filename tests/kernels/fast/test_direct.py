"""Direct convolution of groups of few channels: every result equals the definition's, for any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import assert_close, draw

import minigooglenet as mg
from minigooglenet.kernels import conv2d, loops
from minigooglenet.kernels.fast import conv2d as choosing
from minigooglenet.kernels.fast import direct, implicit_gemm
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES

ONE = (1, 1), (1, 1)


# (kernel, stride, dilation, channels and filters of a group, least width). Each combination is compiled separately, for
# narrow and for wide outputs, so these are few, and most of them are compiled for other tests too.
SINGLE = [
    ((3, 3), (1, 1), (1, 1), 2, 4, 1),
    ((3, 3), (2, 2), (1, 1), 2, 4, 1),
    ((3, 3), (1, 1), (1, 1), 1, 1, 1),
    ((3, 3), (2, 2), (1, 1), 1, 1, 1),
    ((3, 3), (1, 1), (2, 2), 1, 1, 24),
    ((5, 5), (2, 2), (1, 1), 1, 1, 24),
]
DOUBLE = [((3, 3), (1, 1), (1, 1), 2, 3, 1), ((3, 3), (2, 2), (2, 2), 2, 3, 24)]


@st.composite
def grouped_convolutions(draw_, dtype, kind):
    """Draw the arguments of a convolution of groups, and a dilation."""

    def pair(least, most):
        return draw_(st.tuples(st.integers(least, most), st.integers(least, most)))

    kernel, stride, dilation, channels, filters, width = kind
    groups, padding = draw_(st.integers(2, 3)), (pair(0, 3), pair(0, 6))
    sizes = [
        draw_(st.integers(max(least, step * (length - 1) + 1 - sum(sides)), most))
        for step, length, sides, least, most in zip(dilation, kernel, padding, (1, width), (17, 40), strict=True)
    ]
    seed = draw_(st.integers(0, 99))
    x = draw(draw_(st.integers(2, 3)), groups * channels, *sizes, seed=seed, dtype=dtype)
    weight = draw(groups * filters, channels, *kernel, seed=seed + 1, dtype=dtype)
    bias = draw(groups * filters, seed=seed + 2, dtype=dtype) if draw_(st.booleans()) else None
    return (x, weight, bias, stride, padding, groups), dilation


def hold_against_im2col(case, dilation):
    x, weight, bias, *settings_ = case
    double = [None if a is None else a.astype(np.float64) for a in (x, weight, bias)]
    y = direct.forward(*case, dilation)
    assert_close(y, conv2d.forward(*double, *settings_, "im2col", dilation=dilation), 1e-5)
    grad_y = draw(*y.shape, seed=7, dtype=x.dtype)
    grads = direct.backward(grad_y, *case, dilation)
    expected = conv2d.backward(grad_y.astype(np.float64), *double, *settings_, "im2col", dilation=dilation)
    for grad, array in zip(grads, expected, strict=True):
        assert (grad is None) == (array is None)
        if grad is not None:
            assert grad.dtype == x.dtype
            assert_close(grad, array, 1e-5)


@pytest.mark.parametrize("kind", SINGLE)
@settings(max_examples=5)
@given(drawn=st.data())
def test_direct_results_equal_im2col_in_float32(kind, drawn):
    hold_against_im2col(*drawn.draw(grouped_convolutions(np.float32, kind)))


@pytest.mark.parametrize("kind", DOUBLE)
@settings(max_examples=5)
@given(drawn=st.data())
def test_direct_results_equal_im2col_in_float64(kind, drawn):
    hold_against_im2col(*drawn.draw(grouped_convolutions(np.float64, kind)))


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"),
    [((3, 3), (1, 1), (1, 1)), ((3, 3), (2, 2), (2, 2)), ((7, 7), (2, 2), (1, 1)), ((5, 5), (1, 1), (1, 1))],
)
def test_direct_results_equal_the_loops(kernel, stride, dilation):
    x, weight = draw(2, 4, 8, 9), draw(6, 2, *kernel, seed=1)  # a remainder at stride 2
    case = x, weight, draw(6, seed=2), stride, ((1, 2), (3, 0)), 2
    keywords = {} if dilation == (1, 1) else {"dilation": dilation}
    y = direct.forward(*case, dilation)
    assert_close(y, loops.conv2d.forward(*case, **keywords))
    grad_y = draw(*y.shape, seed=3)
    for grad, expected in zip(
        direct.backward(grad_y, *case, dilation), loops.conv2d.backward(grad_y, *case, **keywords), strict=True
    ):
        assert_close(grad, expected)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 7), (9, 33), (112, 5)])
@pytest.mark.parametrize("stride", direct.STRIDES)
def test_direct_bits_are_equal_for_every_thread_count(size, stride, monkeypatch):
    monkeypatch.setattr(direct, "FEW", 0)  # so that small arrays are split too
    case = draw(3, 6, *size, dtype=np.float32), draw(12, 2, 3, 3, seed=1, dtype=np.float32), None, stride, ONE, 3
    grad_y = draw(*direct.forward(*case).shape, seed=2, dtype=np.float32)
    before, results = mg.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            mg.set_num_threads(threads)
            results.append((direct.forward(*case), *direct.backward(grad_y, *case)[:2]))
    finally:
        mg.set_num_threads(before)
    for other in results[1:]:
        for array, same in zip(results[0], other, strict=True):
            assert array.tobytes() == same.tobytes()


def test_direct_output_of_an_image_ignores_its_batch():
    case = draw(12, 1, 3, 3, seed=1, dtype=np.float32), None, (1, 1), ONE, 6
    x = draw(4, 6, 10, 9, dtype=np.float32)
    assert (direct.forward(x, *case)[2:3] == direct.forward(x[2:3], *case)).all()


@pytest.mark.parametrize("stride", direct.STRIDES)
def test_pixels_outside_a_window_cannot_change_it(stride):
    x, weight = draw(2, 3, 11, 20, dtype=np.float32), draw(3, 1, 3, 3, seed=1, dtype=np.float32)
    case = weight, None, stride, ((0, 0), (0, 0)), 3
    expected = direct.forward(x, *case)
    grad_y = draw(*expected.shape, seed=2, dtype=np.float32)
    _, expected_weight, _ = direct.backward(grad_y, x, *case)
    spoilt = x.copy()
    spoilt[1, 1, 4, 7] = np.nan
    windows = np.isnan(direct.forward(spoilt, *case))
    assert windows[1, 1].any()
    assert not windows[[0, 0, 0, 1, 1], [0, 1, 2, 0, 2]].any()
    assert (windows | (direct.forward(spoilt, *case) == expected)).all()
    assert (direct.backward(grad_y, spoilt, *case)[1][[0, 2]] == expected_weight[[0, 2]]).all()


def test_an_unread_border_may_contain_infinity():
    x, weight = draw(2, 2, 8, 8, dtype=np.float32), draw(2, 1, 3, 3, seed=1, dtype=np.float32)
    x[:, :, 7], x[:, :, :, 7] = np.inf, np.inf  # stride 2 without padding reads seven rows and columns
    case = x, weight, None, (2, 2), ((0, 0), (0, 0)), 2
    y = direct.forward(*case)
    assert np.isfinite(y).all()
    grad_x, grad_weight, _ = direct.backward(np.ones_like(y), *case)
    assert np.isfinite(grad_weight).all()
    assert (grad_x[:, :, 7] == 0).all()


def test_direct_reads_and_writes_slices_of_larger_arrays():
    weight = draw(4, 1, 3, 3, seed=1, dtype=np.float32)
    joint = draw(2, 7, 6, 7, dtype=np.float32)
    case = weight, None, (1, 1), ONE, 4
    y, expected = np.full((2, 9, 6, 7), np.float32(3)), direct.forward(joint[:, 2:6].copy(), *case)
    for task, count in direct.bind(joint[:, 2:6], *case, (-np.inf, np.inf), y[:, 1:5]):
        task(0, count)
    assert (y[:, 1:5] == expected).all()
    assert (y[:, :1] == 3).all()
    assert (y[:, 5:] == 3).all()


def test_direct_results_of_an_empty_batch_are_zero():
    case = np.empty((0, 4, 6, 6)), draw(4, 1, 3, 3), draw(4), (1, 1), ONE, 4
    assert direct.forward(*case).shape == (0, 4, 6, 6)
    _, grad_weight, grad_bias = direct.backward(np.empty((0, 4, 6, 6)), *case)
    assert (grad_weight == 0).all()
    assert (grad_bias == 0).all()


def chosen(channels, weight_shape, stride=(1, 1), dilation=(1, 1), dtype=np.float32):
    return choosing.choose((8, channels, 28, 28), weight_shape, stride, ONE, np.dtype(dtype), dilation)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_groups_of_few_channels_are_computed_directly(dtype):
    assert chosen(32, (32, 1, 3, 3), dtype=dtype) is direct
    assert chosen(32, (64, 1, 5, 5), (2, 2), dtype=dtype) is direct
    assert chosen(128, (128, 4, 3, 3), dtype=dtype) is direct
    assert chosen(1024, (1024, 32, 3, 3), (2, 2), dtype=dtype) is direct


def test_other_convolutions_are_not_computed_directly():
    assert chosen(1, (8, 1, 3, 3)) is implicit_gemm  # one group
    assert chosen(8, (8, 1, 1, 9)) is implicit_gemm
    assert chosen(8, (8, 1, 3, 3), (1, 3)) is implicit_gemm
    assert chosen(8, (8, 1, 3, 3), dilation=(3, 3)) is implicit_gemm
    assert chosen(512, (512, 256, 3, 3)) is not direct


@pytest.mark.parametrize("columns", [1, 4, 7, 8, 16, 17])
def test_narrow_outputs_are_computed_in_half_vectors(columns):
    parts = direct._settings((3, 3), (1, 1), (1, 1), columns, 4)[6]
    assert parts == (2 if 8 * columns <= VECTOR_BYTES else 1)


def test_workspace_counts_the_outputs_of_filters_computed_together():
    _, workspace = direct.workspace((1, 64, 28, 28), (64, 4, 3, 3), (2, 2), ONE, 16, 1, 4)
    assert workspace >= 4 * (4 * 28 * 28 + 2 * 14 * 14)


def test_the_workspace_of_a_direct_convolution_is_small():
    bytes_kept, workspace = direct.workspace((1, 144, 56, 56), (144, 1, 3, 3), (1, 1), ONE, 144, 2, 4)
    assert bytes_kept == 0
    assert 2 * 2 * 56 * 56 * 4 < workspace < 2 * 3 * 57 * 57 * 4


def test_a_plan_computes_a_depthwise_convolution_directly():
    g = mg.Graph(x=(8, 13, 12))
    g.add("conv", mg.layers.Conv2d(8, 8, 3, padding=1, groups=8, rng=0), "x")
    g.add("norm", mg.layers.BatchNorm2d(8), "conv")
    g.add("relu6", mg.layers.ReLU6(), "norm")
    plan = mg.plan(g)
    assert "conv + norm + relu6  direct, batch norm folded into the weights, fused ReLU6" in str(plan)
    x = 9 * draw(3, 8, 13, 12, dtype=np.float32)
    assert plan(x).max() == 6
    assert_close(plan(x), g(x))
