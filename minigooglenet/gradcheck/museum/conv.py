"""Broken convolutions: N = C = K = 3, an image of 5 x 7, kernel 3 x 3, stride 2, padding 1.

With equal channel counts a swap of inputs and outputs still runs, unequal sides reveal a swap of height and width, and
a stride below the kernel size makes windows overlap.
"""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room, windows
from minigooglenet.kernels import conv2d


def _forward(x, weight, bias):
    pixels = windows(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
    return np.einsum("ncpqrs,kcrs->nkpq", pixels, weight) + bias[:, None, None]


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
    """The loops were written and tested with stride 1, where an output and its window start at the same position."""
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
    """The input gradient uses the right start of the window, but the slice for the weight gradient uses p and q."""
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
    """The bias line is inside the loops over the kernel, so each output counts 27 times; a course published this."""
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
    """The mean over the batch is taken in the loss and then, out of habit, again in the layer."""
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
    """All positions share the bias, which suggests a mean, but the chain rule requires a sum."""
    padded = _padded(x)
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.mean(axis=(2, 3)).sum(axis=0)


@CONV.backward("kernel not flipped")
def grad_x_by_convolution_without_the_flip(grad_y, x, weight, bias):
    """The input gradient is a convolution of the dilated upstream gradient, but the kernel is not flipped."""
    padded = _padded(x)
    dilated = np.zeros((3, 3, 5, 7))
    dilated[:, :, ::2, ::2] = grad_y  # zeros between the outputs, because of the stride
    dilated = _padded(dilated)
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for n, c, h, w in np.ndindex(x.shape):
        grad_x[n, c, h, w] = np.sum(dilated[n, :, h : h + 3, w : w + 3] * weight[:, c])
    for n, k, p, q in np.ndindex(grad_y.shape):
        grad_weight[k] += grad_y[n, k, p, q] * padded[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
    return grad_x, grad_weight, grad_y.sum(axis=(0, 2, 3))


@CONV.backward("kernel not flipped")
def grad_weight_reversed(grad_y, x, weight, bias):
    """The arguments of the cross-correlation are exchanged, which rotates the result by 180 degrees (seen in print)."""
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
    """With as many filters as channels both weight[c, k] and weight[k, c] run, so the wrong order raises no error."""
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
    """The loops are copied from a library that stores its weights with the input channels first."""
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
    """Rows are y and columns are x, but the indices are written [x, y], and a square kernel accepts both."""
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
    """A matrix product needs (N, K, P, Q) as (K, N*P*Q), and a reshape gives that shape in the wrong order."""
    columns = windows(_padded(x), (3, 3), (2, 2), ((0, 0), (0, 0))).transpose(1, 4, 5, 0, 2, 3).reshape(27, -1)
    grad_weight = (grad_y.reshape(3, -1) @ columns.T).reshape(weight.shape)
    grad_padded = np.zeros_like(_padded(x))
    for n, k, p, q in np.ndindex(grad_y.shape):
        grad_padded[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, k, p, q] * weight[k]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.sum(axis=(0, 2, 3))


@CONV.backward("padding ignored")
def padding_not_cropped(grad_y, x, weight, bias):
    """The gradient of the padded image is cropped to the shape of the image, but at the top left corner."""
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
    """The forward pass pads a copy of the image, but the backward pass reads windows of the image without padding."""
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
    """The return is indented one level too far, and a network still trains on the gradient of one image, only worse."""
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
    """A version for one image is put into a loop over the batch, but its assignments are not changed to sums."""
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
    """The test used windows that do not overlap, for which `=` and `+=` give the same result."""
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
    """The bias line lost one level of indentation, so it runs once per row and adds only the last column."""
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
    """The sum over height and width was written for one image, and for a batch it returns (N, K) instead of (K,)."""
    padded = _padded(x)
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_y.sum(axis=(2, 3))


@CONV.backward("upstream gradient ignored")
def grad_weight_without_the_upstream_gradient(grad_y, x, weight, bias):
    """The check used an upstream gradient of ones, for which a sum of windows equals the weight gradient."""
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
    """The array for the bias gradient is created but never filled, and the network still learns a little."""
    padded = _padded(x)
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, :, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        grad_padded[window] += grad_y[n, k, p, q] * weight[k]
        grad_weight[k] += grad_y[n, k, p, q] * padded[window]
    return grad_padded[:, :, 1:-1, 1:-1], grad_weight, grad_bias


@CONV.backward("wrong at the border only")
def negative_index_wraps(grad_y, x, weight, bias):
    """Only the upper bound of the index is tested, not the lower one, and index -1 is the last row."""
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
    """Clipping the index avoids an IndexError, but it adds the gradient of the padding to the edge of the image."""
    padded = _padded(x)
    grad_x, grad_weight, grad_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s in np.ndindex(weight.shape[1:]):
            h, w = np.clip(2 * p - 1 + r, 0, x.shape[2] - 1), np.clip(2 * q - 1 + s, 0, x.shape[3] - 1)
            grad_x[n, c, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, r, s] += grad_y[n, k, p, q] * padded[n, c, 2 * p + r, 2 * q + s]
        grad_bias[k] += grad_y[n, k, p, q]
    return grad_x, grad_weight, grad_bias
