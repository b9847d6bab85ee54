"""Broken softmax and log-softmax, with as many images as classes, so that a sum over the wrong axis runs."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.kernels import log_softmax, softmax


def _softmax(x):
    y = np.exp(x)  # the inputs are small, so nothing overflows
    return y / y.sum(axis=1, keepdims=True)


def _softmax_forward(x):
    return _softmax(x)


def _softmax_correct(grad_y, x):
    return (softmax.backward(grad_y, softmax.forward(x)),)


def _log_softmax_forward(x):
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def _log_softmax_correct(grad_y, x):
    return (log_softmax.backward(grad_y, log_softmax.forward(x)),)


def _inputs(rng):
    return (rng.standard_normal((4, 4)),)


SOFTMAX = Room("softmax", _softmax_forward, _softmax_correct, _inputs)
LOG_SOFTMAX = Room("log_softmax", _log_softmax_forward, _log_softmax_correct, _inputs)
ROOMS = (SOFTMAX, LOG_SOFTMAX)


@SOFTMAX.backward("softmax Jacobian treated as diagonal")
def derivative_of_the_sigmoid(grad_y, x):
    """The formula y * (1 - y) is remembered from the sigmoid, where an output has one input only."""
    y = _softmax(x)
    return (grad_y * y * (1 - y),)


@SOFTMAX.backward("softmax Jacobian treated as diagonal")
def denominator_treated_as_constant(grad_y, x):
    """The derivative of exp is exp, but the dependence of the denominator on every logit is left out."""
    return (grad_y * _softmax(x),)


@SOFTMAX.backward("axes swapped")
def summed_over_the_batch(grad_y, x):
    """Axis 0 was the class axis of a single vector, but with a batch it is the batch axis."""
    y = _softmax(x)
    return (y * (grad_y - (grad_y * y).sum(axis=0, keepdims=True)),)


@LOG_SOFTMAX.backward("softmax Jacobian treated as diagonal")
def only_the_diagonal(grad_y, x):
    """The effect of a logit on its own output is there, but its effect on all others through the sum is not."""
    return (grad_y * (1 - _softmax(x)),)
