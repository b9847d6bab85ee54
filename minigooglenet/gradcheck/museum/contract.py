"""Functions that break the contract before any number is compared: what comes back, and what must be left alone."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.gradcheck.subject import clear_of_kinks
from minigooglenet.kernels import linear, relu


def _linear_forward(x, weight, bias):
    return x @ weight.T + bias


def _linear_correct(grad_y, x, weight, bias):
    return linear.backward(grad_y, x, weight, bias)


def _linear_inputs(rng):
    return rng.standard_normal((3, 4)), rng.standard_normal((2, 4)), rng.standard_normal(2)


def _relu_forward(x):
    return np.maximum(x, 0)


def _relu_correct(grad_y, x):
    _, passed = relu.forward(x)
    return (relu.backward(grad_y, passed),)


def _relu_inputs(rng):
    return (clear_of_kinks((3, 2, 4), rng),)


def _flatten_forward(x):
    return x.reshape(len(x), -1)


def _flatten_correct(grad_y, x):
    return (grad_y.reshape(x.shape).copy(),)


LINEAR = Room("contract/linear", _linear_forward, _linear_correct, _linear_inputs)
RELU = Room("contract/relu", _relu_forward, _relu_correct, _relu_inputs)
FLATTEN = Room("contract/flatten", _flatten_forward, _flatten_correct, _relu_inputs)
ROOMS = (LINEAR, RELU, FLATTEN)

_kept = {}  # what `keeps_the_first_input` remembers
_drawn = np.random.default_rng(0)  # what `dropout_drawn_in_every_call` draws from


@LINEAR.backward("")
def returns_none(grad_y, x, weight, bias):
    """The gradients are worked out and stored, and the return statement is missing."""
    grads = {}
    grads["x"] = grad_y @ weight
    grads["weight"] = grad_y.T @ x
    grads["bias"] = grad_y.sum(axis=0)


@LINEAR.backward("")
def one_gradient_too_few(grad_y, x, weight, bias):
    """The bias was added to the forward later, and the backward still returns two gradients."""
    return grad_y @ weight, grad_y.T @ x


@LINEAR.backward("")
def wrong_shape(grad_y, x, weight, bias):
    """The product for the weight's gradient is written in the order (in, out) and comes out transposed."""
    return grad_y @ weight, x.T @ grad_y, grad_y.sum(axis=0)


@LINEAR.backward("")
def raises(grad_y, x, weight, bias):
    """The transpose is on the wrong factor, and with unequal sizes the product fails."""
    return grad_y @ weight.T, grad_y.T @ x, grad_y.sum(axis=0)


@LINEAR.backward("")
def float32_result(grad_y, x, weight, bias):
    """Memory was short, so the gradients are kept in float32, whatever the inputs are."""
    grads = grad_y @ weight, grad_y.T @ x, grad_y.sum(axis=0)
    return tuple(grad.astype(np.float32) for grad in grads)


@LINEAR.backward("")
def keeps_the_first_input(grad_y, x, weight, bias):
    """The layer caches its input the first time and finds the cache filled ever after."""
    x = _kept.setdefault(x.shape, x.copy())
    return grad_y @ weight, grad_y.T @ x, grad_y.sum(axis=0)


@RELU.backward("")
def integer_result(grad_y, x):
    """An array made by np.full(shape, 0) holds integers, and every gradient put into it is cut to a whole number."""
    grad_x = np.full(x.shape, 0)
    for place in np.ndindex(x.shape):
        if x[place] > 0:
            grad_x[place] = grad_y[place]
    return (grad_x,)


@RELU.backward("")
def changes_grad_y(grad_y, x):
    """The upstream gradient is masked in place, and whoever else holds that array finds zeros in it."""
    grad_y[x < 0] = 0
    return (grad_y.copy(),)


@RELU.backward("")
def changes_its_input(grad_y, x):
    """To save memory the input becomes the mask, and the layer before it finds zeros and ones."""
    np.greater(x, 0, out=x, casting="unsafe")
    return (grad_y * x,)


@RELU.broken_forward("")
def forward_changes_its_input(x):
    """The ReLU works in place, and every other branch that reads the same wire finds its values cut."""
    x[x < 0] = 0
    return x.copy()


@RELU.broken_forward("")
def dropout_drawn_in_every_call(x):
    """The mask is drawn anew in each call, so the two forwards of a difference are two different functions."""
    return np.maximum(x, 0) * (_drawn.random(x.shape) < 0.5)


@RELU.backward("")
def noisy_backward(grad_y, x):
    """A random generator without a seed decides inside the backward, and no two calls agree."""
    return (grad_y * (x > 0) * (_drawn.random(x.shape) < 0.5),)


@FLATTEN.backward("")
def view_of_grad_y(grad_y, x):
    """A reshape is free because it copies nothing, and a later += into the result changes the upstream gradient too."""
    return (grad_y.reshape(x.shape),)
