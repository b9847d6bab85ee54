"""Operations of later networks: worked examples, saturation, kinks, NaN, errors, and every form bit by bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, awkward, complex_step, draw

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.kernels import (
    channel_shuffle,
    elementwise,
    forms,
    global_max_pool2d,
    multiply,
    pad,
    scale,
)

FUNCTIONS = {
    "clip": (-0.5, 1.5),
    "leaky_relu": (0.1,),
    "sigmoid": (),
    "tanh": (),
    "hard_swish": (),
    "silu": (),
}
EVERY = pytest.mark.parametrize(("function", "parameters"), FUNCTIONS.items(), ids=FUNCTIONS)
STOREY = pytest.mark.parametrize("storey", forms.STOREYS)
DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])
FAR = np.array([-np.inf, -1e30, -1000.0, -100.0, 100.0, 1000.0, 1e30, np.inf])


@pytest.fixture(autouse=True)
def own_choice():
    before = forms.choice.get()
    yield
    mg.use(before[""], **{name: form for name, form in before.items() if name})


@STOREY
@DTYPE
@pytest.mark.parametrize(
    ("function", "parameters", "below", "above"),
    [
        ("clip", (0, 6), 0, 6),
        ("sigmoid", (), 0, 1),
        ("tanh", (), -1, 1),
    ],
)
def test_saturated_values_are_exact_and_silent(storey, dtype, function, parameters, below, above):
    x = FAR.astype(dtype)
    expected = np.where(x < 0, below, above)
    with mg.use(storey):
        y = elementwise.forward(x, function, parameters)
        grad = elementwise.backward(np.ones_like(x), x, function, parameters)
    if function == "sigmoid":
        np.testing.assert_allclose(y, expected, atol=1e-40)
        np.testing.assert_allclose(grad, 0, atol=1e-40)
    else:
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(grad, 0)


@STOREY
@DTYPE
@pytest.mark.parametrize("function", ["silu", "hard_swish"])
def test_gated_functions_are_flat_or_the_identity_far_from_zero(storey, dtype, function):
    x = FAR[1:-1].astype(dtype)
    with mg.use(storey):
        y = elementwise.forward(x, function)
        grad = elementwise.backward(np.ones_like(x), x, function)
    np.testing.assert_allclose(y, np.maximum(x, 0), rtol=1e-6, atol=1e-38)
    np.testing.assert_allclose(grad, x > 0, rtol=1e-6, atol=1e-38)


@STOREY
@EVERY
@DTYPE
def test_nan_stays_nan(storey, function, parameters, dtype):
    with mg.use(storey):
        assert np.isnan(elementwise.forward(np.full((2, 3), np.nan, dtype), function, parameters)).all()


@STOREY
@DTYPE
@pytest.mark.parametrize(
    ("function", "parameters", "kinks", "expected"),
    [
        ("clip", (0, 6), [0, 6], [0, 0]),
        ("clip", (-np.inf, 6), [6], [0]),
        ("leaky_relu", (0.25,), [0], [0.25]),
        ("hard_swish", (), [-3, 3], [0, 1]),
    ],
)
def test_gradient_at_a_kink_is_that_of_the_documentation(storey, dtype, function, parameters, kinks, expected):
    x = np.array(kinks, dtype)
    with mg.use(storey):
        np.testing.assert_array_equal(elementwise.backward(np.ones_like(x), x, function, parameters), expected)


@STOREY
def test_infinite_gradient_does_not_pass_where_a_clip_is_flat(storey):
    x, grad = np.array([-1.0, 1.0, 7.0]), np.array([np.inf, 2.0, np.nan])
    with mg.use(storey):
        np.testing.assert_array_equal(elementwise.backward(grad, x, "clip", (0, 6)), [0, 2, 0])


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "silu"])
def test_complex_step_of_an_analytic_function_is_its_gradient(function):
    x, grad = 4 * draw(3, 5), draw(3, 5, seed=1)
    assert_close(
        elementwise.backward(grad, x, function), complex_step(lambda z: elementwise.forward(z, function), x, grad)
    )


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "silu"])
def test_complex_values_far_from_zero_are_finite(function):
    y = elementwise.forward(np.array([-1000, 1000]) + 1e-30j, function)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y.real, elementwise.forward(np.array([-1000.0, 1000.0]), function), atol=1e-9)


@pytest.mark.parametrize("function", elementwise.KINKED)
def test_complex_values_of_a_function_with_kinks_are_rejected(function):
    with pytest.raises(TypeError, match=r"^x must have dtype float32 or float64, got complex128"):
        elementwise.forward(np.ones(3, complex), function, FUNCTIONS[function])


def test_bound_beyond_float32_does_not_clip():
    x = np.array([-1e38, 1e38], np.float32)
    assert (elementwise.forward(x, "clip", (-1e300, 1e300)) == x).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: elementwise.forward(x, "sigmod"), r"^unknown function 'sigmod'\. Did you mean 'sigmoid'"),
        (lambda x: elementwise.forward(x, None), r"^unknown function None; choose from clip, leaky_relu, "),
        (lambda x: elementwise.forward(x, "clip", (0,)), r"^the parameters of clip are \(low, high\), got \(0,\)$"),
        (lambda x: elementwise.forward(x, "leaky_relu"), r"^the parameters of leaky_relu are \(slope,\), got \(\)$"),
        (lambda x: elementwise.forward(x, "clip", (6, 0)), r"^low must be at most high, got low = 6 and high = 0$"),
        (lambda x: elementwise.forward(x, "clip", (0, np.nan)), r"^high must be finite, got nan$"),
        (lambda x: elementwise.forward(x, "leaky_relu", (np.inf,)), r"^slope must be finite, got inf$"),
        (
            lambda x: elementwise.backward(x[:, :2], x, "tanh"),
            r"^grad_y, like the output, must have shape \(2, 3, 4, 5\)",
        ),
        (
            lambda x: scale.forward(x, np.ones(4)),
            r"^scale has weights for 4 channels, got 3 \(shape \(3, 4, 5\)\)\. Try Scale\(3\)\.$",
        ),
        (
            lambda x: scale.forward(x, np.ones(3), np.ones(4)),
            r"^bias, with one value per channel of x, must have shape \(3,\)",
        ),
        (
            lambda x: scale.forward(x, np.ones((3, 1))),
            r"^weight, with one value per channel of x, must have shape \(3,\)",
        ),
        (lambda x: multiply.forward(x), r"^multiply needs at least two inputs, got 1$"),
        (
            lambda x: multiply.forward(x, x[:, :2]),
            r"^multiply needs equal shapes, or gates .*: input 1 is \(2, 4, 5\), input 0 is \(3, 4, 5\)$",
        ),
        (
            lambda x: multiply.forward(x[:, 0], x),
            r"^multiply needs equal shapes, or gates .*: input 1 is \(3, 4, 5\), input 0 is \(4, 5\)$",
        ),
        (
            lambda x: multiply.forward(x, x[:1]),
            r"^multiply needs equal batch sizes: input 0 has the shape \(2, 3, 4, 5\), input 1 \(1, 3, 4, 5\)$",
        ),
        (lambda x: global_max_pool2d.forward(x[0]), r"^x must have shape \(N, C, H, W\)"),
        (
            lambda x: global_max_pool2d.backward(x[:, :, 0, 0], np.full((2, 3), 20), (4, 5)),
            r"^6 argmax values point outside the 4 x 5 feature map$",
        ),
        (lambda x: pad.forward(x, -1), r"^padding must be at least 0, got -1$"),
        (lambda x: pad.forward(x, 1, np.inf), r"^value must be finite, got inf$"),
        (lambda x: pad.backward(x, 2), r"^grad_y is 4 x 5, not larger than its padding \(\(2, 2\), \(2, 2\)\)$"),
        (lambda x: channel_shuffle.forward(x, 2), r"^groups must divide the channels, got 2 groups and 3 channels$"),
        (lambda x: channel_shuffle.backward(x, 0), r"^groups must be at least 1, got 0$"),
    ],
)
def test_wrong_arguments_are_rejected_with_their_values(call, text):
    with pytest.raises(ValueError, match=text):
        call(draw(2, 3, 4, 5))


def test_argmax_of_another_type_is_rejected():
    with pytest.raises(TypeError, match=r"^argmax must be the integers that forward returned, got float64$"):
        global_max_pool2d.backward(np.ones((1, 1)), np.zeros((1, 1)), (2, 2))


@STOREY
def test_global_maximum_is_the_first_of_equal_values_or_a_nan(storey):
    x = np.array([[[[1.0, 5.0], [5.0, 2.0]], [[-np.inf, -np.inf], [-np.inf, -np.inf]], [[1.0, np.nan], [9.0, np.nan]]]])
    with mg.use(storey):
        y, argmax = global_max_pool2d.forward(x)
        np.testing.assert_array_equal(y, [[5, -np.inf, np.nan]])
        assert argmax.tolist() == [[1, 0, 1]]
        assert argmax.dtype == np.int64


@given(st.integers(1, 5), st.integers(1, 5))
def test_channel_shuffle_mixes_all_groups(groups, size):
    channels = groups * size
    y = channel_shuffle.forward(np.arange(float(channels))[None], groups)[0]
    assert y.tolist() == [g * size + i for i in range(size) for g in range(groups)]
    assert (channel_shuffle.backward(y[None], groups)[0] == np.arange(channels)).all()


def test_gate_gradient_is_a_sum_over_positions():
    maps, gates, grad = draw(2, 3, 4, 5), draw(2, 3, seed=1), draw(2, 3, 4, 5, seed=2)
    for shape in ((2, 3), (2, 3, 1, 1)):
        grad_maps, grad_gates = multiply.backward(grad, maps, gates.reshape(shape))
        assert_close(grad_maps, grad * gates[:, :, None, None])
        assert_close(grad_gates, (grad * maps).sum(axis=(2, 3)).reshape(shape))


def test_product_with_a_zero_has_the_right_gradient():
    first, second = np.array([[0.0, 2.0]]), np.array([[3.0, 0.0]])
    grads = multiply.backward(np.ones((1, 2)), first, second)
    assert [grad.tolist() for grad in grads] == [[[3, 0]], [[0, 2]]]


def test_same_array_twice_gets_two_gradients():
    x = draw(2, 3)
    assert_close(sum(multiply.backward(np.ones_like(x), x, x)), 2 * x)


def test_long_sums_keep_float32_precision(own_threads):
    x = np.full((1, 1, 4096, 1024), 0.1, np.float32)
    exact = float(np.float32(0.1)) * x.size
    for storey in ("numpy", "fast"):
        with mg.use(storey):
            _, grad_weight, grad_bias = scale.backward(x, np.ones_like(x), np.ones(1), np.ones(1))
            grad_gate = multiply.backward(x, np.ones_like(x), np.ones((1, 1), np.float32))[1]
        np.testing.assert_allclose([grad_weight[0], grad_bias[0], grad_gate[0, 0]], exact, rtol=1e-6)


def test_awkward_memory_works_and_inputs_are_not_changed():
    x, grad = draw(2, 4, 5, 6), draw(2, 4, 5, 6, seed=1)
    weight, gates = draw(4, seed=2), draw(2, 4, seed=3)
    odd = awkward(x), awkward(grad), awkward(weight), awkward(gates)

    def results(x, grad, weight, gates):
        for function, parameters in FUNCTIONS.items():
            yield elementwise.forward(x, function, parameters)
            yield elementwise.backward(grad, x, function, parameters)
        yield scale.forward(x, weight, weight)
        yield from scale.backward(grad, x, weight, weight)
        yield multiply.forward(x, gates)
        yield from multiply.backward(grad, x, gates)
        yield multiply.forward(x, grad, gates)
        yield from multiply.backward(grad, x, grad)
        yield global_max_pool2d.forward(x)[0]
        yield pad.forward(x, 1)
        yield pad.backward(grad, 1)
        yield channel_shuffle.forward(x, 1)
        yield channel_shuffle.forward(x, 2)

    for got, expected in zip(results(*odd), results(x, grad, weight, gates), strict=True):
        assert_close(got, expected, 1e-14)
        assert got.flags.writeable
        assert not any(np.shares_memory(got, array) for array in odd)
    for array, expected in zip(odd, (x, grad, weight, gates), strict=True):
        assert (array == expected).all()


@STOREY
@EVERY
def test_slice_of_a_larger_array_has_the_same_values(storey, function, parameters):
    joint, grad = draw(2, 9, 5, 6), draw(2, 4, 5, 6, seed=1)
    x = joint[:, 2:6]
    with mg.use(storey):
        assert_close(elementwise.forward(x, function, parameters), elementwise.forward(x.copy(), function, parameters))
        got = elementwise.backward(grad, x, function, parameters)
        assert_close(got, elementwise.backward(grad, x.copy(), function, parameters))


def test_large_arrays_are_bit_identical_for_every_thread_count(own_threads):
    x, grad = 3 * draw(3, 40, 97, 41, dtype=np.float32), draw(3, 40, 97, 41, seed=1, dtype=np.float32)
    weight, gates = draw(40, seed=2, dtype=np.float32), draw(3, 40, seed=3, dtype=np.float32)

    def compute(threads):
        parallel.set_num_threads(threads)
        arrays = [scale.forward(x, weight, weight), *scale.backward(grad, x, weight, weight)]
        arrays += [multiply.forward(x, gates), *multiply.backward(grad, x, gates), *multiply.backward(grad, x, grad)]
        for function, parameters in FUNCTIONS.items():
            arrays.append(elementwise.forward(x, function, parameters))
            arrays.append(elementwise.backward(grad, x, function, parameters))
        return [array.tobytes() for array in arrays]

    assert compute(1) == compute(2) == compute(5)
