"""Winograd's algorithm: comparison with the loops, its error on GoogLeNet's layers, and when it is chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, awkward, draw

import minigooglenet as mg
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.fast import conv2d as choosing
from minigooglenet.kernels.fast import implicit_gemm, winograd

BOUND = 4e-5  # fraction of the largest value; `kernels/fast/winograd` and the README quote it
LAYERS = {  # the ten 3x3 convolutions of GoogLeNet: C, K, H = W
    "conv2": (64, 192, 56),
    "3a": (96, 128, 28),
    "3b": (128, 192, 28),
    "4a": (96, 208, 14),
    "4b": (112, 224, 14),
    "4c": (128, 256, 14),
    "4d": (144, 288, 14),
    "4e": (160, 320, 14),
    "5a": (160, 320, 7),
    "5b": (192, 384, 7),
}


@st.composite
def convolutions(draw_):
    side = st.integers(0, 2)
    groups = draw_(st.sampled_from([1, 1, 2]))
    channels, filters = (groups * draw_(st.sampled_from([1, 3, 8, 9])) for _ in range(2))
    size = [draw_(st.sampled_from([3, 4, 5, 7, 8, 13, 17])) for _ in range(2)]
    padding = draw_(st.tuples(st.tuples(side, side), st.tuples(side, side)))
    images, dtype, seed = draw_(st.sampled_from([1, 2, 5])), draw_(st.sampled_from("fd")), draw_(st.integers(0, 99))
    x, weight = draw(images, channels, *size, seed=seed), draw(filters, channels // groups, 3, 3, seed=seed + 1)
    bias = draw(filters, seed=seed + 2) if draw_(st.booleans()) else None
    return [None if a is None else a.astype(dtype) for a in (x, weight, bias)], padding, groups


@given(convolutions())
def test_winograd_agrees_with_the_loops_forward_and_backward(case):
    (x, weight, bias), padding, groups = case
    settings = (1, padding, groups)
    y = conv2d.forward(x, weight, bias, *settings, algorithm="winograd")
    grad_y = draw(*y.shape, seed=7, dtype=x.dtype)
    grads = conv2d.backward(grad_y, x, weight, bias, *settings, algorithm="winograd")
    double = [None if a is None else a.astype(np.float64) for a in (x, weight, bias)]
    expected = conv2d.forward(*double, *settings, algorithm="loops")
    expected_grads = conv2d.backward(grad_y.astype(np.float64), *double, *settings, algorithm="loops")
    for value, right in zip((y, *grads), (expected, *expected_grads), strict=True):
        if right is None:
            assert value is None
        else:
            assert value.dtype == x.dtype
            assert np.abs(value - right).max() <= (BOUND if x.dtype == np.float32 else 1e-13) * np.abs(right).max()


@pytest.mark.parametrize("name", LAYERS)
def test_error_on_googlenets_layers_is_bounded(name):
    channels, filters, size = LAYERS[name]
    x = np.maximum(draw(1, channels, size, size, seed=1), 0).astype(np.float32)
    weight = (draw(filters, channels, 3, 3, seed=2) * np.sqrt(2 / (9 * channels))).astype(np.float32)
    grad_y = draw(1, filters, size, size, seed=3, dtype=np.float32)
    settings = (None, (1, 1), ((1, 1), (1, 1)), 1)
    values = winograd.forward(x, weight, *settings), *winograd.backward(grad_y, x, weight, *settings)[:2]
    x, weight, grad_y = (a.astype(np.float64) for a in (x, weight, grad_y))
    expected = implicit_gemm.forward(x, weight, *settings), *implicit_gemm.backward(grad_y, x, weight, *settings)[:2]
    for value, right in zip(values, expected, strict=True):
        assert np.abs(value - right).max() <= BOUND * np.abs(right).max()


def test_auto_picks_winograd_for_the_ten_3x3_layers():
    g = mg.models.googlenet(init="zeros")
    chosen = set()
    for name, (layer, wires) in g.nodes.items():
        if isinstance(layer, mg.layers.Conv2d):
            shapes = (8, *g.shapes[wires[0]]), layer.params["weight"].shape
            if choosing.choose(*shapes, layer.stride, layer.padding, np.dtype(np.float32)) is winograd:
                chosen.add(name)
    assert chosen == {"conv2/3x3", *(f"inception_{name}/3x3" for name in LAYERS if name != "conv2")}


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_auto_is_exact_on_whole_numbers_in_double_precision(dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 9, (3, 16, 28, 28)).astype(dtype)
    weight = rng.integers(-8, 9, (16, 16, 3, 3)).astype(dtype)
    y = conv2d.forward(x, weight, None, 1, 1)
    assert (y == conv2d.forward(x, weight, None, 1, 1, algorithm="im2col")).all()
    assert (
        conv2d.forward(x.real, weight.real, None, 1, 1, algorithm="winograd") != y.real
    ).any()  # so a difference would be visible


def test_few_tiles_or_channels_use_implicit_gemm():
    def choice(images, channels, filters, size, padding=((1, 1), (1, 1))):
        shapes = (images, channels, size, size), (filters, channels, 3, 3)
        return choosing.choose(*shapes, (1, 1), padding, np.dtype(np.float32))

    assert choice(1, 64, 64, 56) is winograd
    others = [
        choice(1, 64, 64, 14),
        choice(1, 1, 64, 56),
        choice(1, 64, 1, 56),
        choice(1, 64, 64, 56, ((3, 3), (3, 3))),
    ]
    assert others == [implicit_gemm] * 4


@pytest.mark.parametrize(
    ("weight", "stride", "padding"), [((4, 2, 3, 3), 2, 1), ((4, 2, 5, 5), 1, 2), ((4, 2, 3, 3), 1, 3)]
)
def test_winograd_rejects_other_convolutions(weight, stride, padding):
    with pytest.raises(ValueError, match=r"^Winograd's algorithm computes 3x3 .*, got .*\. Try algorithm='auto'\.$"):
        conv2d.forward(draw(1, 2, 9, 9), draw(*weight), None, stride, padding, algorithm="winograd")


@pytest.mark.parametrize("form", ["numba", "winograd"])
def test_channel_slices_and_strided_arrays_are_read_in_place(form):
    whole, weight = draw(3, 9, 11, 10), draw(5, 4, 3, 3, seed=1)
    part = whole[:, 3:7]
    expected = conv2d.forward(part.copy(), weight, None, 1, 1, algorithm=form)
    assert (conv2d.forward(part, weight, None, 1, 1, algorithm=form) == expected).all()
    assert (conv2d.forward(awkward(part), awkward(weight), None, 1, 1, algorithm=form) == expected).all()


@pytest.mark.parametrize("form", ["numba", "winograd"])
def test_gradient_of_the_input_may_be_left_out(form):
    x, weight, bias = draw(2, 4, 6, 6), draw(5, 4, 3, 3, seed=1), draw(5, seed=2)
    grad_y = draw(2, 5, 6, 6, seed=3)
    _, *expected = conv2d.backward(grad_y, x, weight, bias, 1, 1, algorithm=form)
    nothing, *grads = conv2d.backward(grad_y, x, weight, bias, 1, 1, algorithm=form, need_inputs=False)
    assert nothing is None
    for grad, right in zip(grads, expected, strict=True):
        assert_close(grad, right)


@pytest.mark.parametrize("form", ["numba", "winograd"])
def test_nan_is_never_lost(form):
    x, weight = draw(2, 8, 9, 9, dtype=np.float32), draw(8, 8, 3, 3, seed=1, dtype=np.float32)
    x[1, 3, 4, 5] = np.nan
    y = conv2d.forward(x, weight, None, 1, 1, algorithm=form)
    assert np.isnan(y[1, :, 3:6, 4:7]).all()
    assert np.isfinite(y[0]).all()
