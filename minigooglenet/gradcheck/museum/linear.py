"""Broken linear layers: images, input and output features are equal in number, so that every wrong transpose runs."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.kernels import linear


def _forward(x, weight, bias):
    return x @ weight.T + bias


def _correct(grad_y, x, weight, bias):
    return linear.backward(grad_y, x, weight, bias)


def _inputs(rng):
    return rng.standard_normal((4, 4)), rng.standard_normal((4, 4)), rng.standard_normal(4)


LINEAR = Room("linear", _forward, _correct, _inputs)
ROOMS = (LINEAR,)


@LINEAR.backward("axes swapped")
def weight_not_transposed(grad_y, x, weight, bias):
    """The forward pass needs weight.T and the backward pass needs weight, but with a square matrix both run."""
    return grad_y @ weight.T, grad_y.T @ x, grad_y.sum(axis=0)


@LINEAR.backward("axes swapped")
def grad_weight_transposed(grad_y, x, weight, bias):
    """The formula is copied from a text that stores its weights as (in, out)."""
    return grad_y @ weight, x.T @ grad_y, grad_y.sum(axis=0)


@LINEAR.backward("not summed over")
def bias_not_summed_over_the_batch(grad_y, x, weight, bias):
    """The derivative with respect to the bias is one, so the upstream gradient is returned with its batch axis."""
    return grad_y @ weight, grad_y.T @ x, grad_y.copy()


@LINEAR.backward("only one image counts")
def grad_weight_of_the_last_image(grad_y, x, weight, bias):
    """One outer product per image is right, but the loop keeps the last product instead of the sum."""
    for n in range(len(x)):
        grad_weight = np.outer(grad_y[n], x[n])
    return grad_y @ weight, grad_weight, grad_y.sum(axis=0)


@LINEAR.backward("wrong by a constant factor")
def gradients_averaged_over_the_batch(grad_y, x, weight, bias):
    """Courses that divide by m in every layer use a loss gradient without 1/N, but this loss gradient includes it."""
    return grad_y @ weight, grad_y.T @ x / len(x), grad_y.sum(axis=0) / len(x)


@LINEAR.backward("gradient missing")
def nothing_flows_to_the_input(grad_y, x, weight, bias):
    """As the first layer it needs no input gradient, but then it is used as the second layer."""
    return np.zeros_like(x), grad_y.T @ x, grad_y.sum(axis=0)


@LINEAR.broken_forward("axes swapped")
def forward_without_the_transpose(x, weight, bias):
    """The matrix product runs because the weight is square, but the backward pass belongs to the transposed weight."""
    return x @ weight + bias
