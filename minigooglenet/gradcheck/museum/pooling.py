"""Broken pooling: overlapping windows, as all of GoogLeNet's are, on planes of shuffled distinct values."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room, windows
from minigooglenet.gradcheck.subject import clear_of_kinks
from minigooglenet.kernels import avg_pool2d, global_avg_pool2d, max_pool2d

NONE, ONE = ((0, 0), (0, 0)), ((1, 1), (1, 1))


def _max_forward(x):
    return windows(x, (3, 3), (2, 2), NONE).max(axis=(4, 5))


def _max_correct(grad_y, x):
    _, winners = max_pool2d.forward(x, 3, 2)
    return (max_pool2d.backward(grad_y, winners, x.shape[2:], 3, 2),)


def _padded_max_forward(x):
    return windows(x, (3, 3), (1, 1), ONE, -np.inf).max(axis=(4, 5))


def _padded_max_correct(grad_y, x):
    _, winners = max_pool2d.forward(x, 3, 1, 1)
    return (max_pool2d.backward(grad_y, winners, x.shape[2:], 3, 1, 1),)


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
ROOMS = (MAX, PADDED_MAX, NEGATIVE_MAX, AVG, REAL_AVG, PADDED_AVG, GLOBAL_AVG)


def _winner(window):
    return np.unravel_index(window.argmax(), window.shape)


@MAX.backward("= where += belongs")
def overlaps_overwritten(grad_y, x):
    """Two windows may have one winner, but in the usual test, 2 x 2 windows with stride 2, no two windows meet."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _winner(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
        grad_x[n, c, 2 * p + r, 2 * q + s] = grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def winners_of_the_first_image(grad_y, x):
    """The winners are kept in an array without a batch axis, and every image is served with those of one."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _winner(x[0, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
        grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def winners_by_magnitude(grad_y, x):
    """The mask compares absolute values, in the belief that the strongest response is meant."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _winner(np.abs(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]))
        grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def every_position_gets_the_gradient(grad_y, x):
    """The backward of average pooling is taken over with its division removed, and no mask put in."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("mask from the wrong array")
def last_position_of_the_window(grad_y, x):
    """On the increasing numbers of the usual example the winner always sits in the window's last corner."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p + 2, 2 * q + 2] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("stride ignored")
def stride_ignored(grad_y, x):
    """The winner is found in the right window, and its place is added to p and q instead of the window's start."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _winner(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
        grad_x[n, c, p + r, q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("axes swapped")
def row_and_column_of_the_winner_exchanged(grad_y, x):
    """The flat place of the winner is divided by the width, and quotient and remainder are taken in the wrong order."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        s, r = divmod(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3].argmax(), 3)
        grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
    return (grad_x,)


@MAX.backward("only one image counts")  # noqa: RET503
def returned_inside_the_loop(grad_y, x):
    """The return stands inside the loop over the images, and a batch of one never notices."""
    grad_x = np.zeros_like(x)
    for n in range(len(x)):
        for c, p, q in np.ndindex(grad_y.shape[1:]):
            r, s = _winner(x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3])
            grad_x[n, c, 2 * p + r, 2 * q + s] += grad_y[n, c, p, q]
        return (grad_x,)


@PADDED_MAX.backward("= where += belongs")
def overlaps_overwritten_at_stride_1(grad_y, x):
    """A boolean mask selects the winners, and an assignment through a mask keeps one gradient for each pixel."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    grad_padded = np.zeros_like(padded)
    for n, c, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, c, p : p + 3, q : q + 3]
        grad_padded[window][padded[window] == padded[window].max()] = grad_y[n, c, p, q]
    return (grad_padded[:, :, 1:-1, 1:-1],)


@PADDED_MAX.backward("padding ignored")
def padding_not_cropped(grad_y, x):
    """The gradient is collected on the padded plane and cut to the image's size without its offset."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    grad_padded = np.zeros_like(padded)
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = _winner(padded[n, c, p : p + 3, q : q + 3])
        grad_padded[n, c, p + r, q + s] += grad_y[n, c, p, q]
    return (grad_padded[:, :, : x.shape[2], : x.shape[3]],)


@NEGATIVE_MAX.broken_forward("wrong at the border only")
def forward_lets_padding_win(x):
    """Padding with zeros is harmless behind a ReLU, and beats every negative value elsewhere."""
    return windows(x, (3, 3), (1, 1), ONE, 0.0).max(axis=(4, 5))


@AVG.backward("wrong by a constant factor")
def not_divided(grad_y, x):
    """Every value of the window gets the whole gradient, as if the forward had been a sum."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, c, p, q]
    return (grad_x,)


@AVG.backward("= where += belongs")
def average_overlaps_overwritten(grad_y, x):
    """Each window writes its share over what its neighbour wrote, which only overlapping windows reveal."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] = grad_y[n, c, p, q] / 9
    return (grad_x,)


@AVG.backward("stride ignored")
def average_stride_ignored(grad_y, x):
    """The windows start at p and q, as they would with stride 1."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_x[n, c, p : p + 3, q : q + 3] += grad_y[n, c, p, q] / 9
    return (grad_x,)


@REAL_AVG.backward("divided by the wrong count")
def divided_by_the_whole_kernel(grad_y, x):
    """The forward divides by the values that exist, and the backward by the nine of a full window everywhere."""
    grad_padded = np.pad(np.zeros_like(x), ((0, 0), (0, 0), (1, 1), (1, 1)))
    for n, c, p, q in np.ndindex(grad_y.shape):
        grad_padded[n, c, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3] += grad_y[n, c, p, q] / 9
    return (grad_padded[:, :, 1:-1, 1:-1],)


@PADDED_AVG.backward("divided by the wrong count")
def divided_by_the_real_values(grad_y, x):
    """The forward counts its zeros of padding, and the backward cuts the window to the image and counts the rest."""
    grad_x = np.zeros_like(x)
    for n, c, p, q in np.ndindex(grad_y.shape):
        window = np.s_[n, c, max(2 * p - 1, 0) : 2 * p + 2, max(2 * q - 1, 0) : 2 * q + 2]
        grad_x[window] += grad_y[n, c, p, q] / grad_x[window].size
    return (grad_x,)


@REAL_AVG.broken_forward("divided by the wrong count")
def forward_divides_by_the_whole_kernel(x):
    """The padded window is averaged with its zeros, although the layer was asked to leave them out."""
    return windows(x, (3, 3), (2, 2), ONE).mean(axis=(4, 5))


@GLOBAL_AVG.backward("wrong by a constant factor")
def map_taken_for_square(grad_y, x):
    """The size of the map is written as the square of its width, as in every network whose images are square."""
    grad_x = np.zeros_like(x)
    for n, c in np.ndindex(grad_y.shape):
        grad_x[n, c] = grad_y[n, c] / x.shape[3] ** 2
    return (grad_x,)
