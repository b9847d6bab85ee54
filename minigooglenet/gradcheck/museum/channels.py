"""Broken channel operations: a factor and an offset for each channel, the channel shuffle, and a slice of channels."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.kernels import channel_shuffle, channel_slice, scale

GROUPS = 2
START, STOP = 1, 3


def _per_channel(values):
    return values[:, None, None]


def _scale_forward(x, weight, bias):
    return x * _per_channel(weight) + _per_channel(bias)


def _scale_correct(grad_y, x, weight, bias):
    return scale.backward(grad_y, x, weight, bias)


def _scale_inputs(rng):
    return rng.standard_normal((3, 4, 2, 3)), rng.standard_normal(4), rng.standard_normal(4)


def _shuffled(x, groups):
    """Return x (N, C, H, W) with channel i of group g at i * groups + g."""
    images, channels, *size = x.shape
    return x.reshape(images, groups, channels // groups, *size).swapaxes(1, 2).reshape(x.shape)


def _shuffle_forward(x):
    return _shuffled(x, GROUPS)


def _shuffle_correct(grad_y, x):
    return (channel_shuffle.backward(grad_y, GROUPS),)


def _shuffle_inputs(rng):
    return (rng.standard_normal((3, 6, 2, 3)),)


def _slice_forward(x):
    return x[:, START:STOP].copy()


def _slice_correct(grad_y, x):
    return (channel_slice.backward(grad_y, START, x.shape[1]),)


def _slice_inputs(rng):
    return (rng.standard_normal((3, 5, 2, 3)),)


SCALE = Room("scale", _scale_forward, _scale_correct, _scale_inputs)
SHUFFLE = Room("channel_shuffle", _shuffle_forward, _shuffle_correct, _shuffle_inputs)
SLICE = Room("channel_slice", _slice_forward, _slice_correct, _slice_inputs)
ROOMS = (SCALE, SHUFFLE, SLICE)


@SCALE.backward("not summed over")
def weight_gradient_not_summed_over_positions(grad_y, x, weight, bias):
    """One weight multiplies a whole map, but its gradient is summed over the batch only, as in a linear layer."""
    return grad_y * _per_channel(weight), (grad_y * x).sum(axis=0), grad_y.sum(axis=(0, 2, 3))


@SCALE.backward("only one image counts")
def weight_gradient_of_the_last_image(grad_y, x, weight, bias):
    """A loop over the images assigns the sum of each image to the gradient instead of adding it."""
    grad_weight = np.zeros_like(weight)
    for n in range(len(x)):
        grad_weight = (grad_y[n] * x[n]).sum(axis=(1, 2))
    return grad_y * _per_channel(weight), grad_weight, grad_y.sum(axis=(0, 2, 3))


@SCALE.backward("wrong by a constant factor")
def input_gradient_without_the_weight(grad_y, x, weight, bias):
    """Weights of new networks are 1, so a backward pass without the factor is right until the first training step."""
    return grad_y.copy(), (grad_y * x).sum(axis=(0, 2, 3)), grad_y.sum(axis=(0, 2, 3))


@SCALE.backward("wrong by a constant factor")
def weight_gradient_averaged(grad_y, x, weight, bias):
    """The sum over images and positions looks too large, so it becomes a mean, and the layer hardly learns."""
    return grad_y * _per_channel(weight), (grad_y * x).mean(axis=(0, 2, 3)), grad_y.sum(axis=(0, 2, 3))


@SHUFFLE.backward("axes swapped")
def shuffled_again(grad_y, x):
    """A transposition is its own inverse, so the shuffle runs again, but its inverse has C / groups groups."""
    return (_shuffled(grad_y, GROUPS),)


@SHUFFLE.backward("cross-channel term missing")
def shuffle_ignored(grad_y, x):
    """The shuffle has no parameters and changes no value, so it seems to need no backward pass."""
    return (grad_y.copy(),)


@SLICE.backward("axes swapped")
def slice_put_back_at_the_start(grad_y, x):
    """The gradients of the channels fill the first channels, which is right only for the first half of a split."""
    grad_x = np.zeros_like(x)
    grad_x[:, : STOP - START] = grad_y
    return (grad_x,)
