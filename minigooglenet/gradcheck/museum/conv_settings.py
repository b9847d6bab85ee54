"""Broken convolutions with groups, unequal strides or four-sided padding, and broken forward functions."""

import numpy as np

from minigooglenet.gradcheck.museum.conv import CONV
from minigooglenet.gradcheck.museum.exhibit import Room, windows
from minigooglenet.kernels import conv2d

ONE = ((1, 1), (1, 1))
FOUR_SIDED = ((2, 0), (1, 1))


def _grouped_forward(x, weight, bias):
    first = windows(x[:, :2], (3, 3), (2, 2), ((1, 1), (1, 1)))
    second = windows(x[:, 2:], (3, 3), (2, 2), ((1, 1), (1, 1)))
    parts = [np.einsum("ncpqrs,kcrs->nkpq", *pair) for pair in ((first, weight[:2]), (second, weight[2:]))]
    return np.concatenate(parts, axis=1) + bias[:, None, None]


def _strided_forward(x, weight, bias):
    pixels = windows(x, (3, 3), (2, 1), ONE)
    return np.einsum("ncpqrs,kcrs->nkpq", pixels, weight) + bias[:, None, None]


def _four_sided_forward(x, weight, bias):
    pixels = windows(x, (3, 3), (2, 2), FOUR_SIDED)
    return np.einsum("ncpqrs,kcrs->nkpq", pixels, weight) + bias[:, None, None]


def _grouped_correct(grad_y, x, weight, bias):
    return conv2d.backward(grad_y, x, weight, bias, stride=2, padding=1, groups=2, algorithm="im2col")


def _strided_correct(grad_y, x, weight, bias):
    return conv2d.backward(grad_y, x, weight, bias, stride=(2, 1), padding=1, algorithm="im2col")


def _four_sided_correct(grad_y, x, weight, bias):
    return conv2d.backward(grad_y, x, weight, bias, stride=2, padding=FOUR_SIDED, algorithm="im2col")


def _grouped_inputs(rng):
    return rng.standard_normal((3, 4, 5, 7)), rng.standard_normal((4, 2, 3, 3)), rng.standard_normal(4)


GROUPED = Room("conv2d groups=2", _grouped_forward, _grouped_correct, _grouped_inputs)
STRIDED = Room("conv2d stride=(2, 1)", _strided_forward, _strided_correct, CONV.inputs)
FOUR_SIDES = Room("conv2d padding=((2, 0), (1, 1))", _four_sided_forward, _four_sided_correct, CONV.inputs)
FORWARDS = Room("conv2d", CONV.forward, CONV.correct, CONV.inputs)
ROOMS = (GROUPED, STRIDED, FOUR_SIDES, FORWARDS)


@GROUPED.backward("gradient missing")
def groups_ignored(grad_y, x, weight, bias):
    """The loops run over the channels of the weight without the offset of the group, so all groups read the same."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = 2 * p + r, 2 * q + s
            grad_padded[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, r, s] += grad_y[n, k, p, q] * padded[n, c, h, w]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@GROUPED.backward("gradient missing")
def only_the_first_group(grad_y, x, weight, bias):
    """The loop over the filters ends after the first group, so the gradients of the other groups stay zero."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    filters, channels = weight.shape[0] // 2, weight.shape[1]
    for n, k, p, q in np.ndindex(len(x), filters, *grad_y.shape[2:]):
        first = k // filters * channels
        window = np.s_[n, first : first + channels, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.sum(axis=(0, 2, 3))


@STRIDED.backward("axes swapped")
def strides_of_height_and_width_exchanged(grad_y, x, weight, bias):
    """The stride is unpacked as (x, y), like a point on a screen, which equal strides do not reveal."""
    stride_w, stride_h = 2, 1
    grad_x, grad_weight, grad_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = p * stride_h - 1 + r, q * stride_w - 1 + s
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                grad_x[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
                grad_weight[k, c, r, s] += grad_y[n, k, p, q] * x[n, c, h, w]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_x, grad_weight, grad_bias


@FOUR_SIDES.backward("padding ignored")
def shifted_by_the_wrong_side_of_the_padding(grad_y, x, weight, bias):
    """Half of the total padding is used as the top padding, which is right only if both sides are equal."""
    top, left = (2 + 0) // 2, (1 + 1) // 2
    grad_x, grad_weight, grad_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = 2 * p - top + r, 2 * q - left + s
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                grad_x[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
                grad_weight[k, c, r, s] += grad_y[n, k, p, q] * x[n, c, h, w]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_x, grad_weight, grad_bias


@FORWARDS.broken_forward("wrong by a constant factor")
def forward_adds_the_bias_for_every_weight(x, weight, bias):
    """The bias is added inside the sum over the window, as in the expected output of a published course."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((len(x), len(weight), 3, 4))
    for p, q in np.ndindex(3, 4):
        products = padded[:, None, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] * weight
        y[:, :, p, q] = np.sum(products + bias[:, None, None, None], axis=(2, 3, 4))
    return y


@FORWARDS.broken_forward("kernel not flipped")
def forward_flips_the_kernel(x, weight, bias):
    """In mathematics a convolution flips its kernel, but the layer of that name and its backward pass do not."""
    pixels = windows(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
    return np.einsum("ncpqrs,kcrs->nkpq", pixels, weight[:, :, ::-1, ::-1]) + bias[:, None, None]


@FORWARDS.broken_forward("stride ignored")
def forward_ignores_the_stride(x, weight, bias):
    """The output has the right size, so nothing shows that its windows start at the wrong positions."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((len(x), len(weight), 3, 4))
    for p, q in np.ndindex(3, 4):
        y[:, :, p, q] = np.einsum("ncrs,kcrs->nk", padded[:, :, p : p + 3, q : q + 3], weight) + bias
    return y


@FORWARDS.broken_forward("only one image counts")
def forward_repeats_the_first_image(x, weight, bias):
    """A loop over the batch was added to a convolution for one image, but the image index is still zero."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((len(x), len(weight), 3, 4))
    for p, q in np.ndindex(3, 4):
        y[:, :, p, q] = np.einsum("crs,kcrs->k", padded[0, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3], weight) + bias
    return y


@FORWARDS.broken_forward("padding ignored")
def forward_pads_below_and_right_only(x, weight, bias):
    """Twice the padding at the end gives the same output shape as the padding at both ends."""
    padded = np.pad(x, ((0, 0), (0, 0), (0, 2), (0, 2)))
    y = np.zeros((len(x), len(weight), 3, 4))
    for p, q in np.ndindex(3, 4):
        y[:, :, p, q] = np.einsum("ncrs,kcrs->nk", padded[:, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3], weight) + bias
    return y
