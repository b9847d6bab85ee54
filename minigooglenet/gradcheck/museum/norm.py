"""Broken normalisation: LRN with alpha = 1, so that its cross term is large, and batch norm in training."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.kernels import batch_norm2d, local_response_norm

SIZE, ALPHA, BETA, EPS = 5, 1.0, 0.75, 1e-5


def _scale(x):
    scale = np.ones_like(x)
    for c in range(x.shape[1]):
        scale[:, c] += ALPHA / SIZE * (x[:, max(0, c - 2) : c + 3] ** 2).sum(axis=1)
    return scale


def _lrn_forward(x):
    return x * _scale(x) ** -BETA


def _lrn_correct(grad_y, x):
    _, scale = local_response_norm.forward(x, SIZE, ALPHA, BETA)
    return (local_response_norm.backward(grad_y, x, scale, SIZE, ALPHA, BETA),)


def _lrn_inputs(rng):
    return (rng.standard_normal((2, 6, 2, 3)),)


def _per_channel(values):
    return values[:, None, None]


def _normalised(x):
    centred = x - _per_channel(x.mean(axis=(0, 2, 3)))
    inverse = 1 / np.sqrt((centred * centred).mean(axis=(0, 2, 3)) + EPS)
    return centred * _per_channel(inverse), inverse


def _batch_norm_forward(x, weight, bias):
    normalised, _ = _normalised(x)
    return normalised * _per_channel(weight) + _per_channel(bias)


def _batch_norm_correct(grad_y, x, weight, bias):
    _, mean, var = batch_norm2d.forward(x, weight, bias)
    return batch_norm2d.backward(grad_y, x, weight, mean, var)


def _batch_norm_inputs(rng):
    x = 1.5 * rng.standard_normal((3, 4, 2, 5)) + 0.5
    return x, 1 + 0.3 * rng.standard_normal(4), rng.standard_normal(4)


LRN = Room("local_response_norm", _lrn_forward, _lrn_correct, _lrn_inputs)
BATCH_NORM = Room("batch_norm2d", _batch_norm_forward, _batch_norm_correct, _batch_norm_inputs)
ROOMS = (LRN, BATCH_NORM)


@LRN.backward("cross-channel term missing")
def gradient_passed_on_unchanged(grad_y, x):
    """With the paper's alpha of 1e-4 the layer changes little, and returning the upstream gradient is off by 1e-4."""
    return (grad_y.copy(),)


@LRN.backward("cross-channel term missing")
def scale_treated_as_constant(grad_y, x):
    """The output is a value times its scale, but only the first term of the product rule is written."""
    return (grad_y * _scale(x) ** -BETA,)


@LRN.backward("cross-channel term missing")
def neighbours_left_out(grad_y, x):
    """The effect of a value on its own scale is differentiated, but not its effect on the scales of its neighbours."""
    scale = _scale(x)
    direct = 2 * BETA * ALPHA / SIZE * x * x / scale
    return (grad_y * scale**-BETA * (1 - direct),)


@BATCH_NORM.backward("batch norm terms missing")
def statistics_treated_as_constants(grad_y, x, weight, bias):
    """At inference the mean and the variance are constants, and that formula is used in training too."""
    normalised, inverse = _normalised(x)
    grad_x = grad_y * _per_channel(weight * inverse)
    return grad_x, (grad_y * normalised).sum(axis=(0, 2, 3)), grad_y.sum(axis=(0, 2, 3))


@BATCH_NORM.backward("batch norm terms missing")
def mean_term_missing(grad_y, x, weight, bias):
    """The long path through the variance is derived with care, but the short path through the mean is forgotten."""
    normalised, inverse = _normalised(x)
    grad_weight = (grad_y * normalised).sum(axis=(0, 2, 3))
    count = x.size / x.shape[1]
    grad_x = (grad_y - normalised * _per_channel(grad_weight / count)) * _per_channel(weight * inverse)
    return grad_x, grad_weight, grad_y.sum(axis=(0, 2, 3))


@BATCH_NORM.backward("batch norm terms missing")
def variance_term_missing(grad_y, x, weight, bias):
    """The gradient is centred like the values, but the dependence of the variance on the values is forgotten."""
    normalised, inverse = _normalised(x)
    grad_bias = grad_y.sum(axis=(0, 2, 3))
    count = x.size / x.shape[1]
    grad_x = (grad_y - _per_channel(grad_bias / count)) * _per_channel(weight * inverse)
    return grad_x, (grad_y * normalised).sum(axis=(0, 2, 3)), grad_bias


@BATCH_NORM.backward("not summed over")
def grad_weight_summed_over_the_batch_only(grad_y, x, weight, bias):
    """The formulas of the paper are for vectors, and their sum over the batch does not sum over height and width."""
    normalised, inverse = _normalised(x)
    count = x.size / x.shape[1]
    grad_bias = grad_y.sum(axis=(0, 2, 3))
    along = _per_channel((grad_y * normalised).sum(axis=(0, 2, 3)) / count)
    grad_x = (grad_y - _per_channel(grad_bias / count) - normalised * along) * _per_channel(weight * inverse)
    return grad_x, (grad_y * normalised).sum(axis=0)[:, 0, 0], grad_bias
