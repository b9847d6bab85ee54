"""Properties of every layer: exact shapes, dtypes and gradients; inputs and caches are never changed."""

import copy

import numpy as np
import pytest
from every_layer import CASES, make
from numeric import assert_close, awkward, differences, draw

import minigooglenet as mg
from minigooglenet import layers

EVERY = pytest.mark.parametrize("name", CASES)
TRAIN = pytest.mark.parametrize("train", [False, True])
DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def run(layer, inputs, grad, train):
    """Return a list of the output and all gradients of a copy of the layer, so that dropout draws the same mask."""
    layer = copy.deepcopy(layer)
    y, cache = layer.forward(*inputs, train=train)
    grad_inputs, grad_params = layer.backward(grad, cache)
    return [y, *grad_inputs, *grad_params.values()]


@EVERY
@TRAIN
@DTYPE
def test_shapes_are_exact_and_results_have_the_inputs_dtype(name, train, dtype):
    layer, inputs, grad = make(name, dtype)
    y, cache = layer.forward(*inputs, train=train)
    grad_inputs, grad_params = layer.backward(grad, cache)
    assert y.shape == grad.shape
    assert isinstance(grad_inputs, tuple)
    assert [g.shape for g in grad_inputs] == [x.shape for x in inputs]
    assert {key: g.shape for key, g in grad_params.items()} == {key: p.shape for key, p in layer.params.items()}
    assert {a.dtype for a in (y, *grad_inputs, *grad_params.values())} == {np.dtype(dtype)}


@EVERY
@TRAIN
def test_backward_matches_finite_differences(name, train):
    layer, inputs, grad = make(name)
    for view in (layer.params, layer.buffers):
        view.update({key: value.astype(np.float64) + 0.1 for key, value in view.items()})
    _, cache = copy.deepcopy(layer).forward(*inputs, train=train)
    grad_inputs, grad_params = layer.backward(grad, cache)
    for i, grad_x in enumerate(grad_inputs):

        def with_input(z, i=i):
            return copy.deepcopy(layer).forward(*inputs[:i], z, *inputs[i + 1 :], train=train)[0]

        assert_close(grad_x, differences(with_input, inputs[i], grad), 1e-7)
    for key, grad_param in grad_params.items():

        def with_param(z, key=key):
            other = copy.deepcopy(layer)
            other.params[key] = z
            return other.forward(*inputs, train=train)[0]

        assert_close(grad_param, differences(with_param, layer.params[key], grad), 1e-7)


@EVERY
@TRAIN
def test_strided_inputs_give_the_same_results(name, train):
    layer, inputs, grad = make(name, np.float32)
    odd_inputs, odd_grad = [awkward(x) for x in inputs], awkward(grad)
    results = run(layer, odd_inputs, odd_grad, train)
    for got, expected in zip(results, run(layer, inputs, grad, train), strict=True):
        assert_close(got, expected)
        assert got.flags.writeable or np.shares_memory(
            got, odd_grad
        )  # a gradient may be a view of the upstream gradient
    assert results[0].flags.writeable
    for given, before in zip((*odd_inputs, odd_grad), (*inputs, grad), strict=True):
        assert (given == before).all()


@EVERY
@TRAIN
def test_results_own_their_memory(name, train):
    layer, inputs, grad = make(name)
    results = run(layer, inputs, grad, train)
    held = [*inputs, grad, *layer.params.values(), *layer.buffers.values()]
    y, cache = layer.forward(*inputs, train=train)
    cached = [a for a in (cache if isinstance(cache, tuple) else (cache,)) if isinstance(a, np.ndarray)]
    assert not any(np.shares_memory(y, array) for array in cached)
    if layer.kind in ("Concat", "Add"):  # their gradients may be the upstream gradient, or views of it
        held, results = [*inputs, *(grad for grad in results[1:])], results[:1]
    for i, result in enumerate(results):
        assert not any(np.shares_memory(result, other) for other in (*held, *results[:i]))


@EVERY
@TRAIN
def test_nothing_that_passes_through_stays_on_the_layer(name, train):
    layer, inputs, grad = make(name)
    before = copy.deepcopy(vars(layer))
    _, cache = layer.forward(*inputs, train=train)
    layer.backward(grad, cache)
    assert vars(layer).keys() == before.keys()
    views = ["params"] if train and name == "BatchNorm2d" else ["params", "buffers"]
    for view in views:
        assert vars(layer)[view].keys() == before[view].keys()
        assert all((value == before[view][key]).all() for key, value in vars(layer)[view].items())


@EVERY
def test_cache_survives_another_forward(name):
    layer, inputs, grad = make(name)
    layer, other = copy.deepcopy(layer), copy.deepcopy(layer)
    _, cache = layer.forward(*inputs, train=True)
    layer.forward(*(x[:1] * 2 + 1 for x in inputs), train=True)
    _, fresh = other.forward(*inputs, train=True)
    for got, expected in zip(layer.backward(grad, cache)[0], other.backward(grad, fresh)[0], strict=True):
        assert (got == expected).all()


@EVERY
def test_inference_treats_images_independently(name):
    layer, inputs, grad = make(name, images=3)
    y, *_ = run(layer, inputs, grad, train=False)
    for n in range(3):
        alone, *_ = run(layer, [x[n : n + 1] for x in inputs], grad[n : n + 1], train=False)
        assert_close(y[n : n + 1], alone)


@EVERY
def test_layer_repr_shows_its_hyperparameters(name):
    layer, *_ = make(name)
    namespace = {type(layer).__name__: type(layer)}
    again = eval(repr(layer), namespace)
    assert repr(again) == repr(layer)


def test_forward_reads_changed_and_replaced_parameters():
    layer, x = layers.Linear(2, 1, rng=0), np.array([[1.0, 2]], np.float32)
    layer.params["weight"][:] = [[3, 4]]
    assert layer.forward(x)[0].tolist() == [[11]]
    layer.params["weight"] = np.array([[5.0, 6]])
    assert layer.forward(x)[0].tolist() == [[17]]


def test_running_statistics_move_by_momentum_towards_the_unbiased_variance():
    layer = layers.BatchNorm2d(1, momentum=0.25)
    layer.forward(np.array([1.0, 2, 3, 6], np.float32).reshape(2, 1, 1, 2), train=True)
    assert layer.buffers["running_mean"].tolist() == [0.25 * 3]
    assert_close(layer.buffers["running_var"], np.float32([0.75 * 1 + 0.25 * 14 / 3]))
    assert {buffer.dtype for buffer in layer.buffers.values()} == {np.dtype(np.float32)}


def test_batch_norm_inference_uses_running_statistics():
    layer = layers.BatchNorm2d(1, eps=0)
    layer.buffers["running_mean"][:], layer.buffers["running_var"][:] = 1, 4
    y, _ = layer.forward(np.full((1, 1, 1, 2), 5, np.float32))
    assert y.ravel().tolist() == [2, 2]
    assert (layer.buffers["running_mean"], layer.buffers["running_var"]) == (1, 4)


def test_dropout_is_the_identity_in_inference():
    layer, x = layers.Dropout(0.5, rng=0), np.ones((4, 50), np.float32)
    assert (layer.forward(x)[0] == x).all()
    assert set(layer.forward(x, train=True)[0].ravel()) == {0, 2}


def test_dropout_of_the_same_seed_drops_the_same():
    x = np.ones((4, 50))
    first, second, other = (layers.Dropout(0.5, rng=seed).forward(x, train=True)[0] for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_convolution_runs_on_your_own_pair():
    loops = mg.kernels.loops.conv2d
    own_pair = layers.Conv2d(2, 3, 3, stride=2, padding=1, algorithm=(loops.forward, loops.backward), rng=0)
    built_in = layers.Conv2d(2, 3, 3, stride=2, padding=1, rng=0)
    x, grad = draw(2, 2, 5, 5), draw(2, 3, 3, 3)
    for got, expected in zip(run(own_pair, [x], grad, True), run(built_in, [x], grad, True), strict=True):
        assert_close(got, expected)


def test_flatten_goes_channel_by_channel_and_row_by_row():
    x = np.arange(24.0).reshape(2, 2, 2, 3)
    assert layers.Flatten().forward(x)[0].tolist() == [list(range(12)), list(range(12, 24))]


def test_incomplete_layer_names_the_missing_method():
    class Empty(layers.Layer):
        pass

    for call, text in [
        (lambda: Empty().output_shape((1,)), "Empty does not define output_shape"),
        (lambda: Empty().forward(None), "Empty does not define forward"),
        (lambda: Empty().backward(None, None), "Empty does not define backward"),
        (
            lambda: mg.counting.costs.cost(Empty(), (1,)),
            r"Empty has no registered cost\. Add one with @mg\.counting\.register\(Empty\)",
        ),
    ]:
        with pytest.raises(NotImplementedError, match=f"^{text}$"):
            call()


def test_layer_has_at_most_eight_public_members():
    members = {name for name in dir(layers.Layer()) if not name.startswith("_")}
    assert members == {"params", "buffers", "inputs_taken", "kind", "output_shape", "forward", "backward", "settings"}


@EVERY
def test_infer_returns_what_forward_does(name):
    layer, inputs, _ = make(name, np.float32)
    if hasattr(layer, "infer"):
        assert (layer.infer(*inputs) == layer.forward(*inputs)[0]).all()


def test_convolution_without_input_gradients_has_the_same_parameter_gradients():
    layer, inputs, grad = make("Conv2d", np.float32)
    _, cache = layer.forward(*inputs)
    (nothing,), grads = layer.backward(grad, cache, need_inputs=False)
    assert nothing is None
    for key, expected in layer.backward(grad, cache)[1].items():
        assert_close(grads[key], expected)
