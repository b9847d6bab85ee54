"""Kernels for channels last compute the same values as those for channels first, most of them to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import TOLERANCE, assert_close, draw, needs_numba

import minigooglenet as mg
from minigooglenet import parallel, shapes
from minigooglenet.kernels import compiled

pytestmark = needs_numba
fast = compiled.fast()
DTYPES = st.sampled_from([np.float32, np.float64])


def last(x, more=0):
    """Return a copy of x (N, C, H, W) with channels last in memory; after them, `more` channels of a larger array."""
    n, c, h, w = x.shape
    larger = np.full((n, h, w, c + more), np.nan, x.dtype).transpose(0, 3, 1, 2)
    larger[:, :c] = x
    return larger[:, :c]


def run(bound):
    for task, count in bound:
        parallel.parallel_for(task, count)


def run_in_pieces(bound):
    for task, count in bound:
        for i in reversed(range(count)):
            task(i, i + 1)


def pair(data, low, high, label):
    return tuple(data.draw(st.integers(low, high), label=f"{label} {axis}") for axis in "hw")


def windows(data, dilated=True):
    """Return (image size, kernel, stride, padding, dilation) with at least one window."""
    kernel, stride = pair(data, 1, 5, "kernel"), pair(data, 1, 3, "stride")
    dilation = pair(data, 1, 2, "dilation") if dilated else (1, 1)
    padding = tuple(tuple(pair(data, 0, 2, f"padding {axis}")) for axis in "hw")
    least = [max(1, d * (k - 1) + 1 - sum(p)) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    size = tuple(length + data.draw(st.integers(0, 9), label="more") for length in least)
    return size, kernel, stride, padding, dilation


@settings(max_examples=150)
@given(st.data())
def test_convolution_has_the_bits_of_implicit_gemm(data):
    size, kernel, stride, padding, dilation = windows(data)
    images, channels = data.draw(st.integers(1, 3), label="images"), data.draw(st.integers(1, 20), label="channels")
    filters, dtype = data.draw(st.integers(1, 90), label="filters"), data.draw(DTYPES, label="dtype")
    weight, x = draw(filters, channels, *kernel, dtype=dtype), draw(images, channels, *size, dtype=dtype)
    bias = draw(filters, dtype=dtype) if data.draw(st.booleans(), label="bias") else None
    limits = data.draw(st.sampled_from([(-np.inf, np.inf), (0.0, np.inf), (-1.0, 0.5)]), label="limits")
    output = shapes.output_size(size, kernel, stride, padding, dilation)
    expected, y = (np.empty((images, filters, *output), dtype) for _ in range(2))
    run(fast.implicit_gemm.bind(x, weight, bias, stride, padding, 1, limits, expected, dilation))
    panels, bound = fast.channels_last.conv2d.packing(weight)
    run(bound)
    given_x = x if data.draw(st.booleans(), label="channels first") else last(x, data.draw(st.integers(0, 3)))
    y = last(y, data.draw(st.integers(0, 5), label="more channels"))
    settings_ = kernel, stride, padding, dilation, limits, y
    run_in_pieces(fast.channels_last.conv2d.bind(given_x, panels, bias, *settings_))
    assert np.array_equal(y, expected)


@settings(max_examples=60)
@given(st.data())
def test_winograd_has_the_bits_of_channels_first(data):
    images, channels = data.draw(st.integers(1, 3), label="images"), data.draw(st.integers(1, 40), label="channels")
    filters, dtype = data.draw(st.integers(1, 100), label="filters"), data.draw(DTYPES, label="dtype")
    size, padding = pair(data, 3, 20, "size"), tuple(tuple(pair(data, 0, 2, axis)) for axis in "hw")
    x, weight = draw(images, channels, *size, dtype=dtype), draw(filters, channels, 3, 3, dtype=dtype)
    bias = draw(filters, dtype=dtype) if data.draw(st.booleans(), label="bias") else None
    output = shapes.output_size(size, (3, 3), (1, 1), padding)
    expected = np.empty((images, filters, *output), dtype)
    y = last(expected, data.draw(st.integers(0, 5), label="more channels"))
    transformed = fast.winograd.prepare(weight, 1)
    run(fast.winograd.bind(x, transformed, bias, padding, (0.0, np.inf), expected))
    given_x = x if data.draw(st.booleans(), label="channels first") else last(x, data.draw(st.integers(0, 3)))
    run_in_pieces(fast.channels_last.winograd.bind(given_x, transformed[0], bias, padding, (0.0, np.inf), y))
    assert np.array_equal(y, expected)


@settings(max_examples=100)
@given(st.data())
def test_max_pooling_has_the_bits_of_channels_first(data):
    size, kernel, stride, _, _ = windows(data, dilated=False)
    size = tuple(max(length, k) for length, k in zip(size, kernel, strict=True))
    padding = tuple((data.draw(st.integers(0, k - 1)), data.draw(st.integers(0, k - 1))) for k in kernel)
    images, channels = data.draw(st.integers(1, 2), label="images"), data.draw(st.integers(1, 40), label="channels")
    x = draw(images, channels, *size, dtype=data.draw(DTYPES, label="dtype"))
    positions = data.draw(st.lists(st.integers(0, x.size - 1), max_size=4), label="positions")
    x.reshape(-1)[positions] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf, 0.0]), label="value")
    expected = fast.max_pool2d.infer(x, kernel, stride, padding)
    y = last(np.empty_like(expected), data.draw(st.integers(0, 3), label="more channels"))
    run_in_pieces(fast.channels_last.max_pool2d.bind(last(x), kernel, stride, padding, y))
    assert np.array_equal(y, expected, equal_nan=True)


@settings(max_examples=60)
@given(st.data())
def test_average_pooling_agrees_with_channels_first(data):
    size, kernel, stride, _, _ = windows(data, dilated=False)
    size = tuple(max(length, k) for length, k in zip(size, kernel, strict=True))
    padding = tuple((data.draw(st.integers(0, k // 2)), data.draw(st.integers(0, k // 2))) for k in kernel)
    x, counted = draw(2, 7, *size, dtype=data.draw(DTYPES, label="dtype")), data.draw(st.booleans(), label="counted")
    expected = fast.avg_pool2d.forward(x, kernel, stride, padding, count_include_pad=counted)
    y = last(np.empty_like(expected), 2)
    ranges = fast.avg_pool2d.windows_of(size, expected.shape[2:], kernel, stride, padding, counted)
    run_in_pieces(fast.channels_last.avg_pool2d.bind(last(x, 1), ranges, y))
    assert_close(y, expected, TOLERANCE[x.dtype])


@pytest.mark.parametrize(("size", "beta"), [(5, 0.75), (4, 0.75), (1, 0.5), (9, 1.25)])
@pytest.mark.parametrize("channels", [1, 3, 40])
def test_response_norm_has_the_bits_of_channels_first(channels, size, beta):
    x = draw(2, channels, 5, 70, dtype=np.float32)
    expected = fast.local_response_norm.infer(x, size, 0.3, beta, 2.0)
    y = last(np.empty_like(x), 3)
    run_in_pieces(fast.channels_last.local_response_norm.bind(last(x), size, 0.3, beta, 2.0, y))
    assert np.array_equal(y, expected)


def test_batch_norm_has_the_bits_of_channels_first():
    x, arrays = draw(2, 19, 6, 5, dtype=np.float32), [draw(19, seed=seed, dtype=np.float32) for seed in range(3)]
    variance = np.abs(draw(19, seed=9, dtype=np.float32))
    expected, y = np.empty_like(x), last(np.empty_like(x), 2)
    run(fast.batch_norm2d.bind(x, *arrays, variance, 1e-3, expected))
    run_in_pieces(fast.channels_last.batch_norm2d.bind(last(x), *arrays, variance, 1e-3, y))
    assert np.array_equal(y, expected)


def test_relu_has_the_bits_of_channels_first():
    x = draw(2, 19, 6, 5, dtype=np.float32)
    x.reshape(-1)[:5] = np.nan, np.inf, -np.inf, 0.0, -0.0
    y = last(np.empty_like(x), 3)
    run_in_pieces(fast.channels_last.relu.bind(last(x, 2), y))
    assert np.array_equal(y, fast.relu.infer(x), equal_nan=True)


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_thread_counts_give_the_same_bits(threads, own_threads):
    x, weight, bias = draw(2, 16, 14, 14, dtype=np.float32), draw(70, 16, 3, 3, dtype=np.float32), None
    expected = np.empty((2, 70, 14, 14), np.float32)
    padding = (1, 1), (1, 1)
    run(fast.implicit_gemm.bind(x, weight, bias, (1, 1), padding, 1, (0, np.inf), expected))
    mg.set_num_threads(threads)
    panels, bound = fast.channels_last.conv2d.packing(weight)
    run(bound)
    y = last(np.empty_like(expected))
    run(fast.channels_last.conv2d.bind(last(x), panels, bias, (3, 3), (1, 1), padding, (1, 1), (0, np.inf), y))
    assert np.array_equal(y, expected)
