"""Broken pools with overlapping windows, as in GoogLeNet, on shuffled distinct values."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room, windows
from minigooglenet.gradcheck.subject import clear_of_kinks
from minigooglenet.kernels import avg_pool2d, global_avg_pool2d, global_max_pool2d, max_pool2d

NONE, ONE = ((0, 0), (0, 0)), ((1, 1), (1, 1))


def _max_forward(x):
    return windows(x, (3, 3), (2, 2), NONE).max(axis=(4, 5))


def _max_correct(grad_y, x):
    _, argmax = max_pool2d.forward(x, 3, 2)
    return (max_pool2d.backward(grad_y, argmax, x.shape[2:], 3, 2),)


def _padded_max_forward(x):
    return windows(x, (3, 3), (1, 1), ONE, -np.inf).max(axis=(4, 5))


def _padded_max_correct(grad_y, x):
    _, argmax = max_pool2d.forward(x, 3, 1, 1)
    return (max_pool2d.backward(grad_y, argmax, x.shape[2:], 3, 1, 1),)


def _avg_forward(x):
    return windows(x, (3, 3), (2, 2), NONE).mean(axis=(4, 5))


def _avg_correct(grad_y, x):
    return (avg_pool2d.backward(grad_y, x.shape[2:], 3, 2),)


def _real_avg_forward(x):
    counts = windows(np.ones_like(x), (3, 3), (2, 2), ONE).sum(axis=(4, 5))
    return windows(x, (3, 3), (2, 2), ONE).sum(axis=(4, 5)) / counts


def _real_avg_correct(grad_y, x):
    return (avg_pool2d.backward(grad_y, x.shape[2:], 3, 2, 1, count_include_pad=False),)


def _padded_avg_forward(x):
    return windows(x, (3, 3), (2, 2), ONE).mean(axis=(4, 5))


def _padded_avg_correct(grad_y, x):
    return (avg_pool2d.backward(grad_y, x.shape[2:], 3, 2, 1),)


def _global_correct(grad_y, x):
    return (global_avg_pool2d.backward(grad_y, x.shape[2:]),)


def _global_forward(x):
    return x.mean(axis=(2, 3))


def _global_max_forward(x):
    return x.max(axis=(2, 3))


def _global_max_correct(grad_y, x):
    return (global_max_pool2d.backward(grad_y, global_max_pool2d.forward(x)[1], x.shape[2:]),)


def _inputs(rng):
    return (clear_of_kinks((3, 2, 5, 7), rng),)


def _negative_inputs(rng):
    return (clear_of_kinks((3, 2, 7, 9), rng) - 3,)


MAX = Room("max_pool2d stride=2", _max_forward, _max_correct, _inputs)
PADDED_MAX = Room("max_pool2d stride=1", _padded_max_forward, _padded_max_correct, _inputs)
NEGATIVE_MAX = Room("max_pool2d stride=1", _padded_max_forward, _padded_max_correct, _negative_inputs)
AVG = Room("avg_pool2d", _avg_forward, _avg_correct, _inputs)
REAL_AVG = Room("avg_pool2d count_include_pad=False", _real_avg_forward, _real_avg_correct, _inputs)
PADDED_AVG = Room("avg_pool2d count_include_pad=True", _padded_avg_forward, _padded_avg_correct, _inputs)
GLOBAL_AVG = Room("global_avg_pool2d", _global_forward, _global_correct, _inputs)
GLOBAL_MAX = Room("global_max_pool2d", _global_max_forward, _global_max_correct, _inputs)
ROOMS = (MAX, PADDED_MAX, NEGATIVE_MAX, AVG, REAL_AVG, PADDED_AVG, GLOBAL_AVG, GLOBAL_MAX)


def _argmax(window):
    return np.unravel_index(window.argmax(), window.shape)


@MAX.backward("= where += belongs")
def overlaps_overwritten(grad_y, x):
    """Two windows may have the same maximum, but in the usual test, 2 x 2 with stride 2, no windows overlap."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _argmax(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
        grad_x[n, c, 2 * p + r, 2 * q + s] = grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def argmax_of_the_first_image(grad_y, x):
    """The argmax is stored in an array without a batch axis, so every image uses the argmax of one image."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _argmax(x[0, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
        grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def argmax_of_the_magnitude(grad_y, x):
    """The mask compares absolute values, because the strongest response seems to be the largest magnitude."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _argmax(np.abs(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]))
        grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def every_position_gets_the_gradient(grad_y, x):
    """The backward pass of average pooling is copied and its division removed, but the mask is not added."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def last_position_of_the_window(grad_y, x):
    """The usual example has increasing values, for which the maximum is always in the last corner of the window."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p + 2, 2 * q + 2] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("stride ignored")
def stride_ignored(grad_y, x):
    """The argmax is right within its window, but it is added to p and q instead of the start of the window."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _argmax(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
        grad_x[n, c, p + r, q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("axes swapped")
def row_and_column_of_the_argmax_exchanged(grad_y, x):
    """The flat argmax is divided by the kernel width, but quotient and remainder are used in the wrong order."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        s, r = divmod(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3].argmax(), 3)
        grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("only one image counts")  # noqa: RET503
def returned_inside_the_loop(grad_y, x):
    """The return is inside the loop over the images, which a test with a batch of one does not reveal."""
    grad_x = np.zeros_like(x)
    for n in range(len(x)):
        for c, p, q in np.ndindex(grad_y.shape[1:]):
            r, s = _argmax(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
            grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
        return (grad_x,)


@PADDED_MAX.backward("= where += belongs")
def overlaps_overwritten_at_stride_1(grad_y, x):
    """A boolean mask selects the maxima, but an assignment through a mask keeps only one gradient per pixel."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    grad_padded = np.zeros_like(padded)
    for n, c, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, c, p : p + 3, q : q + 3]
        grad_padded[window][padded[window] == padded[window].max()] = grad_y[n, c, p, q]
    return (grad_padded[:, :, 1:-1, 1:-1],)


@PADDED_MAX.backward("padding ignored")
def padding_not_cropped(grad_y, x):
    """The gradient of the padded image is cropped to the size of the image without the offset of the padding."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    grad_padded = np.zeros_like(padded)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _argmax(padded[n, c, p : p + 3, q : q + 3])
        grad_padded[n, c, p + r, q + s] += grad_y[n, c, p, q]
    return (grad_padded[:, :, : x.shape[2], : x.shape[3]],)


@NEGATIVE_MAX.broken_forward("wrong at the border only")
def forward_takes_the_maximum_with_the_padding(x):
    """Padding with zeros is harmless after a ReLU, but elsewhere zero is larger than every negative value."""
    return windows(x, (3, 3), (1, 1), ONE, 0.0).max(axis=(4, 5))


@AVG.backward("wrong by a constant factor")
def not_divided(grad_y, x):
    """Every value of the window gets the full gradient, as if the forward pass were a sum."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, c, p, q]
    return (grad_x,)


@AVG.backward("= where += belongs")
def average_overlaps_overwritten(grad_y, x):
    """Each window overwrites the gradient of the previous window, which only overlapping windows reveal."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] = grad_y[n, c, p, q] / 9
    return (grad_x,)


@AVG.backward("stride ignored")
def average_stride_ignored(grad_y, x):
    """The windows start at p and q, as they would with a stride of 1."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, p : p + 3, q : q + 3] += grad_y[n, c, p, q] / 9
    return (grad_x,)


@REAL_AVG.backward("divided by the wrong count")
def divided_by_the_whole_kernel(grad_y, x):
    """The forward pass divides by the number of real values, but the backward pass divides by nine everywhere."""
    grad_padded = np.pad(np.zeros_like(x), ((0, 0), (0, 0), (1, 1), (1, 1)))
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_padded[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, c, p, q] / 9
    return (grad_padded[:, :, 1:-1, 1:-1],)


@PADDED_AVG.backward("divided by the wrong count")
def divided_by_the_real_values(grad_y, x):
    """The forward pass counts the zeros of the padding, but the backward pass counts only values inside the image."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, c, max(2 * p - 1, 0) : 2 * p + 2, max(2 * q - 1, 0) : 2 * q + 2]
        grad_x[window] += grad_y[n, c, p, q] / grad_x[window].size
    return (grad_x,)


@REAL_AVG.broken_forward("divided by the wrong count")
def forward_divides_by_the_whole_kernel(x):
    """The mean of the padded window includes the zeros, although count_include_pad is False for this layer."""
    return windows(x, (3, 3), (2, 2), ONE).mean(axis=(4, 5))


@GLOBAL_AVG.backward("wrong by a constant factor")
def map_treated_as_square(grad_y, x):
    """The size of the feature map is written as its squared width, which is right only for square images."""
    grad_x = np.zeros_like(x)
    for n, c in np.ndindex(grad_y.shape):
        grad_x[n, c] = grad_y[n, c] / x.shape[3] ** 2
    return (grad_x,)


@GLOBAL_MAX.backward("mask from the wrong array")
def gradient_spread_over_the_map(grad_y, x):
    """The layer is copied from global average pooling with its backward pass, which reaches every value of the map."""
    return (np.broadcast_to(grad_y[:, :, None, None] / x[0, 0].size, x.shape).copy(),)


@GLOBAL_MAX.backward("mask from the wrong array")
def rows_and_columns_exchanged(grad_y, x):
    """The position in a map is divided by the height instead of the width, which is right only for square maps."""
    grad_x = np.zeros_like(x)
    for n, c in np.ndindex(grad_y.shape):
        w, h = divmod(int(x[n, c].argmax()), x.shape[2])
        grad_x[n, c, h, w] = grad_y[n, c]
    return (grad_x,)
