"""Broken convolutions: N = C = K = 3, an image of 5 x 7, kernel 3 x 3, stride 2, padding 1.

Equal channels let a swap of inputs and outputs run, unequal sides betray a swap of height and width, and a stride below
the kernel makes windows overlap.
"""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room, windows
from minigooglenet.kernels import conv2d


def _forward(x, weight, bias):
    seen = windows(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
    return np.einsum("ncpqrs,kcrs->nkpq", seen, weight) + bias[:, None, None]


def _correct(grad_y, x, weight, bias):
    return conv2d.backward(grad_y, x, weight, bias, stride=2, padding=1, algorithm="im2col")


def _inputs(rng):
    return rng.standard_normal((3, 3, 5, 7)), rng.standard_normal((3, 3, 3, 3)), rng.standard_normal(3)


CONV = Room("conv2d", _forward, _correct, _inputs)
ROOMS = (CONV,)


def _padded(x):
    return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))


@CONV.backward("stride ignored")
def stride_ignored(grad_y, x, weight, bias):
    """The loops were written and tested at stride 1, where an output and its window begin at the same place."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, p : p + 3, q : q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("stride ignored")
def stride_ignored_in_grad_weight(grad_y, x, weight, bias):
    """The window start is worked out for the image's gradient, and the slice of the image above it keeps p and q."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        h, w = 2 * p, 2 * q
        grad_padded[n, :, h : h + 3, w : w + 3] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[n, :, p : p + 3, q : q + 3]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("wrong by a constant factor")
def bias_added_for_every_weight(grad_y, x, weight, bias):
    """The bias line slips into the loops over the kernel, so each output counts 27 times; a course shipped that."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = 2 * p + r, 2 * q + s
            grad_padded[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, r, s] += grad_y[n, k, p, q] * padded[n, c, h, w]
            grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("wrong by a constant factor")
def grad_weight_divided_by_the_batch(grad_y, x, weight, bias):
    """The mean over the batch is taken once in the loss and, out of habit, once more in the layer."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight / len(x), grad_bias


@CONV.backward("wrong by a constant factor")
def bias_gradient_averaged_over_positions(grad_y, x, weight, bias):
    """A bias is shared by all positions, and sharing suggests a mean where the chain rule asks for a sum."""
    padded = _padded(x)
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.mean(axis=(2, 3)).sum(axis=0)


@CONV.backward("kernel not flipped")
def grad_x_by_convolution_without_the_flip(grad_y, x, weight, bias):
    """The image's gradient is a convolution of the spread-out upstream gradient, with the kernel left as it was."""
    padded = _padded(x)
    spread = np.zeros((3, 3, 5, 7))
    spread[:, :, ::2, ::2] = grad_y  # zeros between the outputs, for the stride
    spread = _padded(spread)
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for n, c, h, w in np.ndindex(x.shape):
        grad_x[n, c, h, w] = np.sum(spread[n, :, h : h + 3, w : w + 3] * weight[:, c])
    for n, k, p, q in np.ndindex(grad_y.shape):
        grad_weight[k] += grad_y[n, k, p, q] * padded[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
    return grad_x, grad_weight, grad_y.sum(axis=(0, 2, 3))


@CONV.backward("kernel not flipped")
def grad_weight_reversed(grad_y, x, weight, bias):
    """The two arguments of the cross-correlation are exchanged, which turns the result by 180 degrees, as published."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = 2 * p + r, 2 * q + s
            grad_padded[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, 2 - r, 2 - s] += grad_y[n, k, p, q] * padded[n, c, h, w]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("axes swapped")
def grad_x_with_channels_swapped(grad_y, x, weight, bias):
    """With as many filters as channels weight[c, k] runs as well as weight[k, c], so the order is never questioned."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[:, k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("axes swapped")
def grad_weight_with_channels_swapped(grad_y, x, weight, bias):
    """Another library keeps its weights with the input channels first, and the loops were copied from it."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[:, k] += grad_y[n, k, p, q] * padded[window]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("axes swapped")
def grad_weight_with_height_and_width_swapped(grad_y, x, weight, bias):
    """Rows are called y and columns x, the indices are written [x, y], and a square kernel takes both."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = 2 * p + r, 2 * q + s
            grad_padded[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, s, r] += grad_y[n, k, p, q] * padded[n, c, h, w]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("axes swapped")
def grad_y_reshaped_without_a_transpose(grad_y, x, weight, bias):
    """For one matrix product (N, K, P, Q) must become (K, N*P*Q), and a reshape gives that shape without the order."""
    columns = windows(_padded(x), (3, 3), (2, 2), ((0, 0), (0, 0))).transpose(1, 4, 5, 0, 2, 3).reshape(27, -1)
    grad_weight = (grad_y.reshape(3, -1) @ columns.T).reshape(weight.shape)
    grad_padded = np.zeros_like(_padded(x))
    for n, k, p, q in np.ndindex(grad_y.shape):
        grad_padded[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, k, p, q] * weight[k]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.sum(axis=(0, 2, 3))


@CONV.backward("padding ignored")
def padding_not_cropped(grad_y, x, weight, bias):
    """The gradient of the padded image is cut to the image's shape, but from its upper left corner."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, : x.shape[2], : x.shape[3]], grad_weight, grad_bias


@CONV.backward("padding ignored")
def windows_read_without_the_padding(grad_y, x, weight, bias):
    """The forward pads a copy, and the backward reads its windows from the image that it was given."""
    grad_padded, grad_weight, grad_bias = np.zeros_like(_padded(x)), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = 2 * p + r, 2 * q + s
            grad_padded[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            if h < x.shape[2] and w < x.shape[3]:
                grad_weight[k, c, r, s] += grad_y[n, k, p, q] * x[n, c, h, w]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("only one image counts")  # noqa: RET503
def returned_inside_the_loop(grad_y, x, weight, bias):
    """The return is indented one level too far, and one image's gradient still trains a network, only worse."""
    padded = _padded(x)
    grad_x, grad_weight, grad_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(bias)
    for n in range(len(x)):
        grad_padded = np.zeros_like(padded[n])
        for k, p, q in np.ndindex(grad_y.shape[1:]):
            window = np.s_[:, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
            grad_padded[window] += grad_y[n, k, p, q] * weight[k]
            grad_weight[k] += grad_y[n, k, p, q] * padded[n][window]
            grad_bias[k] += grad_y[n, k, p, q]
        grad_x[n] = grad_padded[:, 1:-1, 1:-1]
        return grad_x, grad_weight, grad_bias


@CONV.backward("only one image counts")
def grad_weight_of_the_last_image(grad_y, x, weight, bias):
    """A version for one image is wrapped in a loop over the batch, and its assignments are left as they were."""
    padded = _padded(x)
    grad_x, grad_bias = np.zeros_like(x), np.zeros_like(bias)
    for n in range(len(x)):
        grad_padded, grad_weight = np.zeros_like(padded[n]), np.zeros_like(weight)
        for k, p, q in np.ndindex(grad_y.shape[1:]):
            window = np.s_[:, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
            grad_padded[window] += grad_y[n, k, p, q] * weight[k]
            grad_weight[k] += grad_y[n, k, p, q] * padded[n][window]
            grad_bias[k] += grad_y[n, k, p, q]
        grad_x[n] = grad_padded[:, 1:-1, 1:-1]
    return grad_x, grad_weight, grad_bias


@CONV.backward("= where += belongs")
def overlaps_overwritten(grad_y, x, weight, bias):
    """The test of the day used windows that do not overlap, where `=` and `+=` are the same."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, p, q in np.ndindex(len(x), *grad_y.shape[2:]):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] = np.tensordot(grad_y[n, :, p, q], weight, axes=1)
        grad_weight += np.multiply.outer(grad_y[n, :, p, q], padded[window])
        grad_bias += grad_y[n, :, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("not summed over")
def bias_added_after_the_loop_over_columns(grad_y, x, weight, bias):
    """The bias line lost one level of indentation, so it runs once a row, with the column that the loop left behind."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p in np.ndindex(grad_y.shape[:3]):
        for q in range(grad_y.shape[3]):
            window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
            grad_padded[window] += grad_y[n, k, p, q] * weight[k]
            grad_weight[k] += grad_y[n, k, p, q] * padded[window]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("not summed over")
def bias_not_summed_over_the_batch(grad_y, x, weight, bias):
    """The sum over the two axes of the map was written for one image, and a batch leaves (N, K) instead of (K,)."""
    padded = _padded(x)
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.sum(axis=(2, 3))


@CONV.backward("upstream gradient ignored")
def grad_weight_without_the_upstream_gradient(grad_y, x, weight, bias):
    """Checked with an upstream gradient of all ones, a sum of windows passes for the weights' gradient."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += padded[window]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("gradient missing")
def bias_gradient_forgotten(grad_y, x, weight, bias):
    """The array for the bias is prepared with the others and never filled, and the network still learns a little."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("wrong at the border only")
def negative_index_wraps(grad_y, x, weight, bias):
    """Without padded arrays the end of the image is tested and its start is not, and index -1 is the last row."""
    grad_x, grad_weight, grad_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = 2 * p - 1 + r, 2 * q - 1 + s
            if h < x.shape[2] and w < x.shape[3]:
                grad_x[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                grad_weight[k, c, r, s] += grad_y[n, k, p, q] * x[n, c, h, w]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_x, grad_weight, grad_bias


@CONV.backward("wrong at the border only")
def indices_clipped_into_the_image(grad_y, x, weight, bias):
    """Clipping an index silences the IndexError, and what belongs to the padding is added to the edge of the image."""
    padded = _padded(x)
    grad_x, grad_weight, grad_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = np.clip(2 * p - 1 + r, 0, x.shape[2] - 1), np.clip(2 * q - 1 + s, 0, x.shape[3] - 1)
            grad_x[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, r, s] += grad_y[n, k, p, q] * padded[n, c, 2 * p + r, 2 * q + s]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_x, grad_weight, grad_bias
