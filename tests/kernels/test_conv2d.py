"""Convolution: a worked example, and every algorithm compared with the loops and with the complex step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import COMPILED, assert_close, awkward, complex_step, draw, needs_numba

from minigooglenet.kernels import compiled, conv2d
from minigooglenet.kernels import numpy as readable
from minigooglenet.kernels.numpy import im2col

FAST = ["im2col", *COMPILED[:1]]
FORMS = ["loops", *FAST, "auto"]
IMAGE = np.arange(12.0).reshape(1, 1, 3, 4)

GOOGLENET = {  # weight shape, input shape, stride, padding
    "7x7 stride 2 padding 3": ((2, 2, 7, 7), (1, 2, 9, 8), 2, 3),
    "3x3 padding 1": ((3, 2, 3, 3), (2, 2, 5, 4), 1, 1),
    "5x5 padding 2": ((2, 3, 5, 5), (1, 3, 4, 6), 1, 2),
    "1x1": ((4, 3, 1, 1), (2, 3, 3, 4), 1, 0),
    "AlexNet's 11x11 stride 4": ((1, 1, 11, 11), (1, 1, 16, 15), 4, 2),
}


@st.composite
def convolutions(draw_):
    def pair(least, most):
        return draw_(st.tuples(st.integers(least, most), st.integers(least, most)))

    groups, kernel = draw_(st.sampled_from([1, 1, 2, 3])), pair(1, 3)
    stride, padding = pair(1, 3), (pair(0, 2), pair(0, 2))
    channels, filters = (count * groups for count in pair(1, 2))
    room = [max(1, size - sum(sides)) for size, sides in zip(kernel, padding, strict=True)]
    size = [least + more for least, more in zip(room, pair(0, 5), strict=True)]
    dtype, seed = draw_(st.sampled_from([np.float32, np.float64])), draw_(st.integers(0, 99))
    x = draw(draw_(st.integers(1, 3)), channels, *size, seed=seed, dtype=dtype)
    weight = draw(filters, channels // groups, *kernel, seed=seed + 1, dtype=dtype)
    bias = draw(filters, seed=seed + 2, dtype=dtype) if draw_(st.booleans()) else None
    return x, weight, bias, stride, padding, groups


def hold_against_loops(form, case):
    x, weight, bias, *settings = case
    y = conv2d.forward(*case, algorithm=form)
    double = [None if a is None else a.astype(np.float64) for a in (x, weight, bias)]
    assert_close(y, conv2d.forward(*double, *settings, algorithm="loops"))
    grad_y = draw(*y.shape, seed=5, dtype=x.dtype)
    grads = conv2d.backward(grad_y, *case, algorithm=form)
    expected = conv2d.backward(grad_y.astype(np.float64), *double, *settings, algorithm="loops")
    for grad, value, argument in zip(grads, expected, (x, weight, bias), strict=True):
        if argument is None:
            assert grad is None
        else:
            assert_close(grad, value)
            assert grad.dtype == x.dtype
    assert y.dtype == x.dtype


@pytest.mark.parametrize("form", FAST)
@given(case=convolutions())
def test_every_form_agrees_with_the_loops(form, case):
    hold_against_loops(form, case)


@needs_numba
@given(case=convolutions())
def test_product_agrees_in_bands_of_few_rows(case):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled.fast().implicit_gemm, "BAND", 40)
        hold_against_loops("numba", case)


@needs_numba
@given(case=convolutions())
def test_auto_has_the_bits_of_the_numba_form(case):
    assert (conv2d.forward(*case) == conv2d.forward(*case, algorithm="numba")).all()


@pytest.mark.parametrize("form", FORMS)
def test_convolution_does_not_rotate_the_kernel(form):
    weight = np.array([[[[1.0, 2, 0], [0, 0, -1]]]])
    y = conv2d.forward(IMAGE, weight, np.array([0.5]), algorithm=form)
    first = 0 * 1 + 1 * 2 - 6 + 0.5
    assert y.tolist() == [[[[first, first + 2], [first + 8, first + 10]]]]


@pytest.mark.parametrize("form", FORMS)
def test_stride_is_height_then_width(form):
    y = conv2d.forward(IMAGE, np.ones((1, 1, 1, 1)), stride=(2, 3), algorithm=form)
    assert y.tolist() == [[[[0, 3], [8, 11]]]]


@pytest.mark.parametrize("form", FORMS)
def test_padding_is_top_bottom_left_right(form):
    y = conv2d.forward(IMAGE, np.ones((1, 1, 1, 1)), padding=((1, 0), (2, 1)), algorithm=form)
    assert y.tolist() == np.pad(IMAGE, ((0, 0), (0, 0), (1, 0), (2, 1))).tolist()


@pytest.mark.parametrize("form", FORMS)
def test_backward_worked_by_hand(form):
    x, weight = np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]])
    grad_x, grad_weight, grad_bias = conv2d.backward(np.array([[[[1.0, 100]]]]), x, weight, np.zeros(1), algorithm=form)
    assert grad_x.tolist() == [[[[10, 20 + 1000, 2000]]]]
    assert grad_weight.tolist() == [[[[1 + 200, 2 + 300]]]]
    assert grad_bias.tolist() == [101]


@pytest.mark.parametrize("form", FORMS)
def test_groups_do_not_see_each_other(form):
    x, weight = draw(2, 4, 5, 4), draw(6, 2, 3, 2)
    y = conv2d.forward(x, weight, groups=2, algorithm=form)
    assert_close(y[:, :3], conv2d.forward(x[:, :2], weight[:3], algorithm="loops"))
    assert_close(y[:, 3:], conv2d.forward(x[:, 2:], weight[3:], algorithm="loops"))


@pytest.mark.parametrize(
    ("form", "name"), [("loops", "3x3 padding 1"), *((form, name) for form in FAST for name in GOOGLENET)]
)
def test_backward_matches_finite_differences_at_googlenets_hyperparameters(form, name):
    weight_shape, x_shape, stride, padding = GOOGLENET[name]
    x, weight, bias = draw(*x_shape), draw(*weight_shape), draw(weight_shape[0])
    settings = {"stride": stride, "padding": padding, "algorithm": form}
    grad_y = draw(*conv2d.forward(x, weight, bias, **settings).shape, seed=1)
    grad_x, grad_weight, grad_bias = conv2d.backward(grad_y, x, weight, bias, **settings)
    assert_close(grad_x, complex_step(lambda z: conv2d.forward(z, weight, bias, **settings), x, grad_y))

    def with_weight(z):
        return conv2d.forward(x.astype(complex), z, bias, **settings)

    def with_bias(z):
        return conv2d.forward(x.astype(complex), weight, z, **settings)

    assert_close(grad_weight, complex_step(with_weight, weight, grad_y))
    assert_close(grad_bias, complex_step(with_bias, bias, grad_y))


@pytest.mark.parametrize("form", FAST)
def test_grouped_backward_matches_finite_differences(form):
    x, weight = draw(2, 4, 6, 5), draw(6, 2, 3, 2)
    settings = {"stride": (2, 3), "padding": ((0, 2), (1, 0)), "groups": 2, "algorithm": form}
    grad_y = draw(*conv2d.forward(x, weight, **settings).shape, seed=1)
    grad_x, grad_weight, grad_bias = conv2d.backward(grad_y, x, weight, **settings)
    assert_close(grad_x, complex_step(lambda z: conv2d.forward(z, weight, **settings), x, grad_y))
    assert_close(grad_weight, complex_step(lambda z: conv2d.forward(x.astype(complex), z, **settings), weight, grad_y))
    assert grad_bias is None


@pytest.mark.parametrize("form", FAST)
def test_batch_larger_than_the_parts_of_a_sum(form):
    x, weight, grad_y = draw(35, 2, 4, 4), draw(3, 2, 3, 3), draw(35, 3, 2, 2)
    for got, expected in zip(
        conv2d.backward(grad_y, x, weight, algorithm=form)[:2],
        conv2d.backward(grad_y, x, weight, algorithm="loops")[:2],
        strict=True,
    ):
        assert_close(got, expected)


@given(case=convolutions())
def test_col2im_is_the_transpose_of_im2col(case):
    x, weight, _, stride, padding, _ = case
    x = x.astype(np.float64)
    columns = im2col.im2col(x, weight.shape[2:], stride, padding)
    other = draw(*columns.shape, seed=3)
    back = im2col.col2im(other, x.shape[2:], weight.shape[2:], stride, padding)
    np.testing.assert_allclose(np.vdot(columns, other), np.vdot(x, back), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kernel", [1, 3])
def test_awkward_memory_works_and_nothing_given_is_changed(form, kernel):
    case = [draw(2, 3, 5, 4), draw(4, 3, kernel, kernel), draw(4)]
    grad_y = draw(2, 4, 6 - kernel, 5 - kernel, seed=9)
    y, grads = conv2d.forward(*case, algorithm=form), conv2d.backward(grad_y, *case, algorithm=form)
    odd = [awkward(a) for a in case]
    odd_grad = awkward(grad_y)
    odd_y, odd_grads = conv2d.forward(*odd, algorithm=form), conv2d.backward(odd_grad, *odd, algorithm=form)
    for got, expected in zip((odd_y, *odd_grads, *odd, odd_grad), (y, *grads, *case, grad_y), strict=True):
        assert_close(got, expected)
    for result in (odd_y, *odd_grads):
        assert result.flags.writeable
        assert not any(np.shares_memory(result, given) for given in (*odd, odd_grad))


@pytest.mark.parametrize("form", FORMS)
def test_results_of_two_calls_do_not_alias(form):
    x, weight = draw(1, 2, 3, 3), draw(2, 2, 1, 1)
    assert not np.shares_memory(conv2d.forward(x, weight, algorithm=form), conv2d.forward(x, weight, algorithm=form))


@pytest.mark.parametrize("form", FORMS)
def test_nan_reaches_exactly_the_windows_that_contain_it(form):
    x = np.ones((2, 1, 4, 5))
    x[0, 0, 1, 1] = np.nan
    seen = np.isnan(conv2d.forward(x, np.ones((1, 1, 2, 2)), algorithm=form))
    expected = np.zeros((2, 1, 3, 4), bool)
    expected[0, 0, 0:2, 0:2] = True
    assert (seen == expected).all()


@pytest.mark.parametrize("form", FORMS)
def test_parameters_of_another_precision_follow_the_input(form):
    x, weight, bias = draw(1, 2, 3, 3, dtype=np.float32), draw(2, 2, 2, 2), draw(2)
    y = conv2d.forward(x, weight, bias, algorithm=form)
    assert y.dtype == np.float32
    assert {grad.dtype for grad in conv2d.backward(y, x, weight, bias, algorithm=form)} == {y.dtype}


def test_pair_replaces_a_form():
    calls = []

    def my_forward(x, weight, bias, stride, padding, groups):
        calls.append(("forward", stride, padding, groups))
        return readable.conv2d.forward(x, weight, bias, stride, padding, groups)

    def my_backward(grad_y, x, weight, bias, stride, padding, groups):
        calls.append(("backward", stride, padding, groups))
        return readable.conv2d.backward(grad_y, x, weight, bias, stride, padding, groups)

    x, weight, pair = draw(1, 2, 5, 4), draw(2, 2, 3, 3), (my_forward, my_backward)
    y = conv2d.forward(x, weight, stride=2, padding=(1, 0), algorithm=pair)
    grads = conv2d.backward(y, x, weight, stride=2, padding=(1, 0), algorithm=pair)
    assert calls == [(name, (2, 2), ((1, 1), (0, 0)), 1) for name in ("forward", "backward")]
    assert_close(y, conv2d.forward(x, weight, stride=2, padding=(1, 0)))
    assert_close(grads[0], conv2d.backward(y, x, weight, stride=2, padding=(1, 0))[0])
    assert grads[2] is None


def test_wrong_results_of_a_pair_raise():
    x, weight, bias = draw(1, 2, 3, 3), draw(2, 2, 2, 2), draw(2)
    with pytest.raises(
        ValueError, match=r"^conv2d: y from forward must have shape \(1, 2, 2, 2\), got \(1, 2, 3, 3\)$"
    ):
        conv2d.forward(x, weight, bias, algorithm=(lambda *_: x, readable.conv2d.backward))
    with pytest.raises(
        TypeError, match=r"^conv2d: y from forward must be a NumPy array, got None\. Is a return missing\?$"
    ):
        conv2d.forward(x, weight, bias, algorithm=(lambda *_: None, readable.conv2d.backward))
    with pytest.raises(
        ValueError, match=r"^conv2d: backward must return \(grad_x, grad_weight, grad_bias\), got 2 values$"
    ):
        conv2d.backward(
            np.ones((1, 2, 2, 2)), x, weight, bias, algorithm=(readable.conv2d.forward, lambda *_: (x, weight))
        )
    with pytest.raises(ValueError, match=r"^conv2d: grad_bias from backward must have shape \(2,\), got \(1,\)$"):
        conv2d.backward(
            np.ones((1, 2, 2, 2)),
            x,
            weight,
            bias,
            algorithm=(readable.conv2d.forward, lambda *_: (x, weight, np.ones(1))),
        )


def test_pair_with_wrong_arguments_raises():
    def naive(x, weight):
        return x

    text = r"^conv2d: naive is called as naive\(x, weight, bias, stride, padding, groups\): too many"
    with pytest.raises(TypeError, match=text):
        conv2d.forward(draw(1, 2, 3, 3), draw(2, 2, 2, 2), algorithm=(naive, readable.conv2d.backward))


@pytest.mark.parametrize("algorithm", ["loops", *FAST])
def test_nan_weight_times_padding_is_nan(algorithm):
    weight = np.ones((1, 1, 3, 3))
    weight[0, 0, 0] = np.nan
    y = conv2d.forward(np.ones((1, 1, 1, 1)), weight, None, 1, 1, 1, algorithm)
    assert np.isnan(y).all()
