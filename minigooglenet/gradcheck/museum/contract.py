"""Functions that break the contract before any value is compared: in what they return, or what they change."""

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

_kept = {}  # the cache of `keeps_the_first_input`
_drawn = np.random.default_rng(0)  # the generator of `dropout_drawn_in_every_call`


@LINEAR.backward("")
def returns_none(grad_y, x, weight, bias):
    """The gradients are computed and stored, but the return statement is missing."""
    grads = {}
    grads["x"] = grad_y @ weight
    grads["weight"] = grad_y.T @ x
    grads["bias"] = grad_y.sum(axis=0)


@LINEAR.backward("")
def one_gradient_too_few(grad_y, x, weight, bias):
    """The bias was added to the forward pass later, and the backward pass still returns two gradients."""
    return grad_y @ weight, grad_y.T @ x


@LINEAR.backward("")
def wrong_shape(grad_y, x, weight, bias):
    """The product for the weight gradient is written in the order (in, out), so the result is transposed."""
    return grad_y @ weight, x.T @ grad_y, grad_y.sum(axis=0)


@LINEAR.backward("")
def raises(grad_y, x, weight, bias):
    """The transpose is on the wrong factor, and with unequal sizes the matrix product fails."""
    return grad_y @ weight.T, grad_y.T @ x, grad_y.sum(axis=0)


@LINEAR.backward("")
def float32_result(grad_y, x, weight, bias):
    """To save memory the gradients are stored in float32, even if the inputs are float64."""
    grads = grad_y @ weight, grad_y.T @ x, grad_y.sum(axis=0)
    return tuple(grad.astype(np.float32) for grad in grads)


@LINEAR.backward("")
def keeps_the_first_input(grad_y, x, weight, bias):
    """The layer caches its input in the first call and uses that cache in every later call."""
    x = _kept.setdefault(x.shape, x.copy())
    return grad_y @ weight, grad_y.T @ x, grad_y.sum(axis=0)


@RELU.backward("")
def integer_result(grad_y, x):
    """An array made by np.full(shape, 0) has an integer dtype, so it truncates every gradient written into it."""
    grad_x = np.full(x.shape, 0)
    for index in np.ndindex(x.shape):
        if x[index] > 0:
            grad_x[index] = grad_y[index]
    return (grad_x,)


@RELU.backward("")
def changes_grad_y(grad_y, x):
    """The upstream gradient is masked in place, so all other users of that array find zeros in it."""
    grad_y[x < 0] = 0
    return (grad_y.copy(),)


@RELU.backward("")
def changes_its_input(grad_y, x):
    """To save memory the input is overwritten with the mask, and the layer before it finds zeros and ones."""
    np.greater(x, 0, out=x, casting="unsafe")
    return (grad_y * x,)


@RELU.broken_forward("")
def forward_changes_its_input(x):
    """The ReLU works in place, so every other branch that reads the same wire gets clipped values."""
    x[x < 0] = 0
    return x.copy()


@RELU.broken_forward("")
def dropout_drawn_in_every_call(x):
    """The mask is drawn again in every call, so the two forward passes of a difference are different functions."""
    return np.maximum(x, 0) * (_drawn.random(x.shape) < 0.5)


@RELU.backward("")
def noisy_backward(grad_y, x):
    """The backward pass draws from a random generator without a fixed seed, so no two calls agree."""
    return (grad_y * (x > 0) * (_drawn.random(x.shape) < 0.5),)


@FLATTEN.backward("")
def view_of_grad_y(grad_y, x):
    """A reshape is free because it copies nothing, but a later += on the result also changes the upstream gradient."""
    return (grad_y.reshape(x.shape),)
