"""Dilated convolution: it equals a convolution with zeros between the weights, in every form, and PyTorch's."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numeric import COMPILED, assert_close, complex_step, draw, needs_numba

import minigooglenet as mg
from minigooglenet import shapes
from minigooglenet.kernels import compiled, conv2d
from minigooglenet.kernels import numpy as readable
from minigooglenet.kernels.numpy import im2col

FAST = ["im2col", *COMPILED[:1]]
FORMS = ["loops", *FAST, "auto"]


@st.composite
def dilated_convolutions(draw_, padding=None):
    """Draw (x, weight, bias, stride, padding, groups) and a dilation; `padding` draws (before, after) of an axis."""

    def pair(least, most):
        return draw_(st.tuples(st.integers(least, most), st.integers(least, most)))

    groups, kernel, dilation, stride = draw_(st.integers(1, 2)), pair(1, 3), pair(1, 4), pair(1, 3)
    padding = (pair(0, 4), pair(0, 4)) if padding is None else (draw_(padding), draw_(padding))
    channels, filters = (count * groups for count in pair(1, 2))
    lengths = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
    room = [max(1, length - sum(sides)) for length, sides in zip(lengths, padding, strict=True)]
    size = [least + more for least, more in zip(room, pair(0, 5), strict=True)]
    dtype, seed = draw_(st.sampled_from([np.float32, np.float64])), draw_(st.integers(0, 99))
    x = draw(draw_(st.integers(1, 3)), channels, *size, seed=seed, dtype=dtype)
    weight = draw(filters, channels // groups, *kernel, seed=seed + 1, dtype=dtype)
    bias = draw(filters, seed=seed + 2, dtype=dtype) if draw_(st.booleans()) else None
    return (x, weight, bias, stride, padding, groups), dilation


def hold_against_zeros_between_the_weights(form, case, dilation):
    x, weight, bias, *settings = case
    spread = np.zeros((*weight.shape[:2], *shapes.dilated(weight.shape[2:], dilation)))
    spread[:, :, :: dilation[0], :: dilation[1]] = weight
    double = [None if a is None else a.astype(np.float64) for a in (x, spread, bias)]
    y = conv2d.forward(*case, form, dilation=dilation)
    assert_close(y, conv2d.forward(*double, *settings, "im2col"))
    grad_y = draw(*y.shape, seed=5, dtype=x.dtype)
    grad_x, grad_weight, grad_bias = conv2d.backward(grad_y, *case, form, dilation=dilation)
    expected = conv2d.backward(grad_y.astype(np.float64), *double, *settings, "im2col")
    assert_close(grad_x, expected[0])
    assert_close(grad_weight, expected[1][:, :, :: dilation[0], :: dilation[1]])
    assert (grad_bias is None) == (bias is None)
    if bias is not None:
        assert_close(grad_bias, expected[2])
    assert {array.dtype for array in (y, grad_x, grad_weight)} == {x.dtype}


@pytest.mark.parametrize("form", FORMS)
@given(drawn=dilated_convolutions())
def test_dilation_inserts_zeros_between_the_weights(form, drawn):
    hold_against_zeros_between_the_weights(form, *drawn)


@needs_numba
@given(drawn=dilated_convolutions())
def test_dilated_product_agrees_in_bands_of_few_rows(drawn):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled.fast().implicit_gemm, "BAND", 40)
        hold_against_zeros_between_the_weights("numba", *drawn)


@pytest.mark.parametrize("form", FAST)
@given(drawn=dilated_convolutions(padding=st.integers(0, 4).map(lambda size: (size, size))))
def test_dilated_convolution_equals_pytorchs(form, drawn):
    torch = pytest.importorskip("torch")
    (x, weight, bias, stride, padding, groups), dilation = drawn
    arrays = [None if a is None else a.astype(np.float64) for a in (x, weight, bias)]
    tensors = [None if a is None else torch.tensor(a, requires_grad=True) for a in arrays]
    sides = tuple(before for before, _ in padding)
    expected = torch.nn.functional.conv2d(*tensors, stride, sides, dilation, groups)
    settings = (stride, padding, groups, form)
    assert_close(conv2d.forward(*arrays, *settings, dilation=dilation), expected.detach().numpy())
    grad_y = draw(*expected.shape, seed=5)
    expected.backward(torch.from_numpy(grad_y))
    grads = conv2d.backward(grad_y, *arrays, *settings, dilation=dilation)
    for grad, tensor in zip(grads, tensors, strict=True):
        assert (grad is None) == (tensor is None)
        if tensor is not None:
            assert_close(grad, tensor.grad.numpy())


@pytest.mark.parametrize("form", FORMS)
def test_dilation_is_height_then_width(form):
    image = np.arange(15.0).reshape(1, 1, 3, 5)
    y = conv2d.forward(image, np.array([[[[1.0, 10]]]]), dilation=(7, 3), algorithm=form)
    assert y.tolist() == [[[[30, 41], [85, 96], [140, 151]]]]


@pytest.mark.parametrize("form", FAST)
def test_dilated_gradients_equal_the_complex_step(form):
    x, weight = draw(2, 4, 9, 8), draw(6, 2, 3, 2)
    settings = {"stride": (2, 1), "padding": ((0, 2), (3, 0)), "groups": 2, "dilation": (3, 4), "algorithm": form}
    grad_y = draw(*conv2d.forward(x, weight, **settings).shape, seed=1)
    grad_x, grad_weight, _ = conv2d.backward(grad_y, x, weight, **settings)
    assert_close(grad_x, complex_step(lambda z: conv2d.forward(z, weight, **settings), x, grad_y))
    assert_close(grad_weight, complex_step(lambda z: conv2d.forward(x.astype(complex), z, **settings), weight, grad_y))


@given(drawn=dilated_convolutions())
def test_dilated_col2im_is_the_transpose_of_im2col(drawn):
    (x, weight, _, stride, padding, _), dilation = drawn
    x, window = x.astype(np.float64), (weight.shape[2:], stride, padding, dilation)
    columns = im2col.im2col(x, *window)
    other = draw(*columns.shape, seed=3)
    back = im2col.col2im(other, x.shape[2:], *window)
    np.testing.assert_allclose(np.vdot(columns, other), np.vdot(x, back), rtol=1e-9, atol=1e-9)


@needs_numba
@given(drawn=dilated_convolutions())
def test_auto_never_uses_winograd_for_a_dilation(drawn):
    case, dilation = drawn
    assume(dilation != (1, 1))
    choose = compiled.fast().conv2d.choose
    assert choose((64, 32, 99, 99), (32, 32, 3, 3), (1, 1), case[4], np.float32, dilation).__name__.endswith("gemm")
    assert (conv2d.forward(*case, dilation=dilation) == conv2d.forward(*case, "numba", dilation=dilation)).all()


@needs_numba
def test_winograd_rejects_a_dilation():
    text = (
        r"^Winograd's algorithm computes 3x3 convolutions with stride and dilation 1 and padding of at most 2, got a "
        r"3x3 kernel, stride \(1, 1\), dilation \(2, 1\), padding \(\(2, 2\), \(1, 1\)\)\. Try algorithm='auto'\.$"
    )
    with pytest.raises(ValueError, match=text):
        conv2d.forward(draw(1, 2, 5, 5), draw(2, 2, 3, 3), None, 1, (2, 1), 1, "winograd", dilation=(2, 1))
    with pytest.raises(ValueError, match=text):
        mg.layers.Conv2d(2, 2, 3, padding=(2, 1), dilation=(2, 1), algorithm="winograd")


def test_kernel_larger_than_the_input_shows_the_dilation():
    text = (
        r"^the kernel is larger than the padded input: width 3 \+ padding 1 \+ 1 = 5 < kernel 7 = dilation 3 "
        r"\* \(3 - 1\) \+ 1\. Try a larger input, a smaller kernel or more padding\.$"
    )
    with pytest.raises(ValueError, match=text):
        mg.layers.Conv2d(1, 1, 3, padding=1, dilation=3).output_shape((1, 9, 3))
    with pytest.raises(ValueError, match=text):
        conv2d.forward(draw(1, 1, 9, 3), draw(1, 1, 3, 3), padding=1, dilation=3)


@pytest.mark.parametrize(
    ("dilation", "text"),
    [
        (0, "dilation must be at least 1, got 0"),
        (1.5, r"dilation must be an integer, got 1\.5"),
        ((1, 2, 3), r"dilation must be an integer or \(height, width\), got \(1, 2, 3\)"),
    ],
)
def test_invalid_dilation_raises(dilation, text):
    for call in (
        lambda: mg.layers.Conv2d(1, 1, 3, dilation=dilation),
        lambda: conv2d.forward(draw(1, 1, 5, 5), draw(1, 1, 3, 3), dilation=dilation),
    ):
        with pytest.raises((ValueError, TypeError), match=f"^{text}$"):
            call()


def older_forward(x, weight, bias, stride, padding, groups):
    return readable.conv2d.forward(x, weight, bias, stride, padding, groups)


def older_backward(grad_y, x, weight, bias, stride, padding, groups):
    return readable.conv2d.backward(grad_y, x, weight, bias, stride, padding, groups)


REJECTED = (
    r"conv2d: older_forward is called as older_forward\(x, weight, bias, stride, padding, groups, dilation=\(2, 2\)\): "
    r"got an unexpected keyword argument 'dilation'"
)


def test_pair_without_dilation_computes_ordinary_convolutions():
    x, weight, pair = draw(1, 2, 5, 4), draw(2, 2, 3, 3), (older_forward, older_backward)
    expected = conv2d.forward(x, weight)
    with mg.use(conv2d=pair):
        assert_close(conv2d.forward(x, weight), expected)
        assert_close(conv2d.forward(x, weight, dilation=(1, 1)), expected)
        with pytest.raises(TypeError, match=f"^{REJECTED}$"):
            conv2d.forward(x, weight, padding=2, dilation=2)
        g = mg.Graph(image=(2, 5, 4))
        g.add("atrous", mg.layers.Conv2d(2, 2, 3, padding=2, dilation=2), "image")
        with pytest.raises(TypeError, match=REJECTED):
            g(x)


def test_layer_rejects_a_pair_without_dilation_at_once():
    pair = (older_forward, older_backward)
    mg.layers.Conv2d(2, 2, 3, algorithm=pair)
    with pytest.raises(TypeError, match=f"^{REJECTED}$"):
        mg.layers.Conv2d(2, 2, 3, dilation=2, algorithm=pair)


def test_pair_gets_the_dilation_as_a_keyword():
    calls = []

    def forward(x, weight, bias, stride, padding, groups, **keywords):
        calls.append(keywords)
        return readable.conv2d.forward(x, weight, bias, stride, padding, groups, **keywords)

    def backward(grad_y, x, weight, bias, stride, padding, groups, **keywords):
        calls.append(keywords)
        return readable.conv2d.backward(grad_y, x, weight, bias, stride, padding, groups, **keywords)

    x = draw(1, 2, 7, 6)
    for dilation in (1, (2, 1)):
        mine, ours = (
            mg.layers.Conv2d(2, 3, 3, padding=2, dilation=dilation, algorithm=algorithm, rng=0)
            for algorithm in ((forward, backward), "auto")
        )
        (y, cache), (expected, other) = mine.forward(x), ours.forward(x)
        assert_close(y, expected)
        assert_close(mine.backward(y, cache)[0][0], ours.backward(y, other)[0][0])
    assert calls == [{}, {}, {"dilation": (2, 1)}, {"dilation": (2, 1)}]
