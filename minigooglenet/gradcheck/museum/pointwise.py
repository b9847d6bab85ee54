"""Broken ReLU and dropout, on values away from zero."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.gradcheck.subject import clear_of_kinks
from minigooglenet.kernels import dropout, relu

P = 0.4


def _relu_forward(x):
    return np.maximum(x, 0)


def _relu_correct(grad_y, x):
    _, passed = relu.forward(x)
    return (relu.backward(grad_y, passed),)


def _kept(shape, seed=0):
    """Return the mask of the kept values, the same in every call."""
    return np.random.default_rng(seed).random(shape) >= P


def _dropout_forward(x):
    return x * _kept(x.shape) / (1 - P)


def _dropout_correct(grad_y, x):
    return (dropout.backward(grad_y, _kept(x.shape), P),)


def _inputs(rng):
    return (clear_of_kinks((3, 4, 2, 3), rng),)


RELU = Room("relu", _relu_forward, _relu_correct, _inputs)
DROPOUT = Room("dropout", _dropout_forward, _dropout_correct, _inputs)
ROOMS = (RELU, DROPOUT)


@RELU.backward("mask from the wrong array")
def mask_of_the_upstream_gradient(grad_y, x):
    """The backward pass looks like the forward pass, so it applies the maximum to its input, which is a gradient."""
    return (np.where(grad_y > 0, grad_y, 0.0),)


@RELU.backward("mask from the wrong array")
def mask_inverted(grad_y, x):
    """The forward pass uses the mask x < 0 to set values to zero, and the backward pass uses it to let them through."""
    return (grad_y * (x < 0),)


@RELU.backward("upstream gradient ignored")
def derivative_without_the_upstream_gradient(grad_y, x):
    """The derivative of ReLU is 0 or 1, and it is returned without the product that the chain rule requires."""
    return ((x > 0).astype(x.dtype),)


@DROPOUT.backward("dropout not rescaled")
def gradient_not_rescaled(grad_y, x):
    """The mask is cached and applied, but the division by 1 - p happens only in the forward pass."""
    return (grad_y * _kept(x.shape),)


@DROPOUT.backward("mask from the wrong array")
def mask_drawn_again(grad_y, x):
    """The backward pass draws a new mask instead of using the old one, so dropped values get a gradient."""
    return (grad_y * _kept(x.shape, seed=1) / (1 - P),)


@DROPOUT.broken_forward("dropout not rescaled")
def forward_not_rescaled(x):
    """The paper scales at test time and most code scales in training, but here forward and backward differ in this."""
    return x * _kept(x.shape)
