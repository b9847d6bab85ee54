"""Broken layer, group, instance and RMS norm, variances with N and N - 1, and window and exponent of LRN."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room

EPS = 1e-5
SIZE, ALPHA, BETA = 3, 0.8, 0.75


def _normalised(x, axes, ddof=0):
    centred = x - x.mean(axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(x.var(axis=axes, ddof=ddof, keepdims=True) + EPS)
    return centred * inverse, inverse


def _norm_backward(g, normal, inverse, axes):
    return inverse * (g - g.mean(axis=axes, keepdims=True) - normal * (g * normal).mean(axis=axes, keepdims=True))


def _layer_forward(x, weight, bias):
    return _normalised(x, 1)[0] * weight + bias


def _layer_correct(grad_y, x, weight, bias):
    normal, inverse = _normalised(x, 1)
    return (
        _norm_backward(grad_y * weight, normal, inverse, 1),
        (grad_y * normal).sum(axis=0),
        grad_y.sum(axis=0),
    )


def _layer_inputs(rng):
    return rng.standard_normal((4, 6)) + 0.5, 1 + 0.3 * rng.standard_normal(6), rng.standard_normal(6)


def _unbiased_forward(x):
    return _normalised(x, 0, ddof=1)[0]


def _unbiased_correct(grad_y, x):
    normal, inverse = _normalised(x, 0, ddof=1)
    along = (grad_y * normal).sum(axis=0) / (len(x) - 1)
    return (inverse * (grad_y - grad_y.mean(axis=0) - normal * along),)


def _matrix_inputs(rng):
    return (2 * rng.standard_normal((5, 3)) + 1,)


def _rms(x):
    return 1 / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS)


def _rms_forward(x, weight):
    return x * _rms(x) * weight


def _rms_correct(grad_y, x, weight):
    inverse, g = _rms(x), grad_y * weight
    normal = x * inverse
    grad_x = inverse * (g - normal * (g * normal).mean(axis=1, keepdims=True))
    return grad_x, (grad_y * normal).sum(axis=0)


def _rms_inputs(rng):
    return rng.standard_normal((4, 5)) + 0.4, 1 + 0.3 * rng.standard_normal(5)


def _grouped(x):
    return x.reshape(len(x), 2, -1)


def _group_forward(x):
    return _normalised(_grouped(x), 2)[0].reshape(x.shape)


def _group_correct(grad_y, x):
    normal, inverse = _normalised(_grouped(x), 2)
    return (_norm_backward(_grouped(grad_y), normal, inverse, 2).reshape(x.shape),)


def _image_inputs(rng):
    return (1.5 * rng.standard_normal((2, 4, 3, 2)) + 0.3,)


def _instance_forward(x):
    return _normalised(x, (2, 3))[0]


def _instance_correct(grad_y, x):
    return (_norm_backward(grad_y, *_normalised(x, (2, 3)), (2, 3)),)


def _unit_forward(x):
    return x / np.sqrt((x * x).sum(axis=1, keepdims=True))


def _unit_correct(grad_y, x):
    y, length = _unit_forward(x), np.sqrt((x * x).sum(axis=1, keepdims=True))
    return ((grad_y - y * (grad_y * y).sum(axis=1, keepdims=True)) / length,)


def _variance_forward(x):
    return x.var(axis=0, ddof=1)


def _variance_correct(grad_y, x):
    return (grad_y * 2 * (x - x.mean(axis=0)) / (len(x) - 1),)


def _sums(a, low, high):
    return np.stack([a[:, max(0, c - low) : c + high + 1].sum(axis=1) for c in range(a.shape[1])], axis=1)


def _scale(x):
    return 1 + ALPHA / SIZE * _sums(x * x, 1, 1)


def _lrn_forward(x):
    return x * _scale(x) ** -BETA


def _lrn_backward(grad_y, x, power, low, high):
    scale = _scale(x)
    cross = _sums(grad_y * x * scale**power, low, high)
    return (grad_y * scale**-BETA - 2 * ALPHA * BETA / SIZE * x * cross,)


def _lrn_correct(grad_y, x):
    return _lrn_backward(grad_y, x, -BETA - 1, 1, 1)


def _lrn_inputs(rng):
    return (rng.standard_normal((2, 6, 2, 3)),)


LAYER = Room("layer_norm", _layer_forward, _layer_correct, _layer_inputs)
UNBIASED = Room("batch_norm unbiased", _unbiased_forward, _unbiased_correct, _matrix_inputs)
RMS = Room("rms_norm", _rms_forward, _rms_correct, _rms_inputs)
GROUP = Room("group_norm", _group_forward, _group_correct, _image_inputs)
INSTANCE = Room("instance_norm", _instance_forward, _instance_correct, _image_inputs)
UNIT = Room("unit_length", _unit_forward, _unit_correct, _matrix_inputs)
VARIANCE = Room("variance", _variance_forward, _variance_correct, _matrix_inputs)
LRN = Room("local_response_norm size 3", _lrn_forward, _lrn_correct, _lrn_inputs)
ROOMS = (LAYER, UNBIASED, RMS, GROUP, INSTANCE, UNIT, VARIANCE, LRN)


def _layer_rest(grad_y, x):
    return (grad_y * _normalised(x, 1)[0]).sum(axis=0), grad_y.sum(axis=0)


@LAYER.backward("norm terms missing")
def statistics_of_a_row_treated_as_constants(grad_y, x, weight, bias):
    """The mean and the deviation of a row are computed first, and then they are treated as constants."""
    return grad_y * weight * _normalised(x, 1)[1], *_layer_rest(grad_y, x)


@LAYER.backward("norm terms missing")
def variance_of_a_row_left_out(grad_y, x, weight, bias):
    """The gradient is centred like the values, but the path through the deviation of the row is forgotten."""
    g = grad_y * weight
    return _normalised(x, 1)[1] * (g - g.mean(axis=1, keepdims=True)), *_layer_rest(grad_y, x)


@LAYER.backward("norm terms missing")
def mean_of_a_row_left_out(grad_y, x, weight, bias):
    """The path through the variance of a row is derived with care, but the path through the mean is left out."""
    normal, inverse = _normalised(x, 1)
    g = grad_y * weight
    return inverse * (g - normal * (g * normal).mean(axis=1, keepdims=True)), *_layer_rest(grad_y, x)


@LAYER.backward("axes swapped")
def means_over_the_batch(grad_y, x, weight, bias):
    """The backward pass is copied from batch norm, where the same sums run over axis 0 instead of the features."""
    normal, inverse = _normalised(x, 1)
    return _norm_backward(grad_y * weight, normal, inverse, 0), *_layer_rest(grad_y, x)


@UNBIASED.backward("biased and unbiased variance mixed")
def backward_of_the_biased_variance(grad_y, x):
    """The forward pass uses the standard deviation with N - 1, but the formula in the book has N everywhere."""
    return (_norm_backward(grad_y, *_normalised(x, 0), 0),)


@UNBIASED.backward("biased and unbiased variance mixed")
def one_mean_of_the_biased_variance(grad_y, x):
    """The deviation correctly has N - 1, but the sum in the variance term is written as a mean over N."""
    return (_norm_backward(grad_y, *_normalised(x, 0, ddof=1), 0),)


@RMS.backward("norm terms missing")
def mean_square_treated_as_constant(grad_y, x, weight):
    """The division by the root mean square is treated like a multiplication by a constant."""
    return grad_y * weight * _rms(x), (grad_y * x * _rms(x)).sum(axis=0)


@RMS.backward("norm terms missing")
def backward_of_layer_norm(grad_y, x, weight):
    """RMS norm replaces layer norm in the model, but the backward pass still subtracts the mean of the gradient."""
    inverse = _rms(x)
    return _norm_backward(grad_y * weight, x * inverse, inverse, 1), (grad_y * x * inverse).sum(axis=0)


@RMS.backward("norm terms missing")
def term_of_the_square_halved(grad_y, x, weight):
    """The 2 of the square and the 1/2 of the root cancel, but here the 1/2 is applied again."""
    inverse, g = _rms(x), grad_y * weight
    normal = x * inverse
    grad_x = inverse * (g - 0.5 * normal * (g * normal).mean(axis=1, keepdims=True))
    return grad_x, (grad_y * normal).sum(axis=0)


@GROUP.backward("norm terms missing")
def statistics_of_a_group_treated_as_constants(grad_y, x):
    """Group norm has no running statistics, so its mean and deviation look like constants of the image."""
    _, inverse = _normalised(_grouped(x), 2)
    return ((_grouped(grad_y) * inverse).reshape(x.shape),)


@GROUP.backward("axes swapped")
def means_of_the_whole_image(grad_y, x):
    """The means in the backward pass are taken over all channels of an image, as if it were one group."""
    normal, inverse = (np.broadcast_to(a, _grouped(x).shape).reshape(x.shape) for a in _normalised(_grouped(x), 2))
    return (_norm_backward(grad_y, normal, inverse, (1, 2, 3)),)


@INSTANCE.backward("norm terms missing")
def variance_of_a_channel_left_out(grad_y, x):
    """Style transfer code centres the gradient of each channel but forgets that its contrast depends on x."""
    return (_normalised(x, (2, 3))[1] * (grad_y - grad_y.mean(axis=(2, 3), keepdims=True)),)


@UNIT.backward("norm terms missing")
def projection_left_out(grad_y, x):
    """A vector is divided by its length, but the dependence of the length on every entry is left out."""
    return (grad_y / np.sqrt((x * x).sum(axis=1, keepdims=True)),)


@VARIANCE.backward("biased and unbiased variance mixed")
def variance_divided_by_n(grad_y, x):
    """The forward pass calls a function with ddof=1, but the derivative is written with a plain mean."""
    return (grad_y * 2 * (x - x.mean(axis=0)) / len(x),)


@LRN.backward("exponent beta instead of beta + 1")
def exponent_not_lowered(grad_y, x):
    """The cross term reuses the power that the forward pass cached, but its exponent must be lower by one."""
    return _lrn_backward(grad_y, x, -BETA, 1, 1)


@LRN.backward("window of the wrong size")
def window_of_five(grad_y, x):
    """The forward pass gets the size as an argument, but the backward pass uses the default of five."""
    return _lrn_backward(grad_y, x, -BETA - 1, 2, 2)


@LRN.backward("window of the wrong size")
def window_on_one_side(grad_y, x):
    """A loop over range(c - 1, c + 1) excludes its end, so the next channel is never added."""
    return _lrn_backward(grad_y, x, -BETA - 1, 1, 0)
