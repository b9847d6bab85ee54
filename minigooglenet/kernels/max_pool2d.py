"""Max pooling: the largest value of each window, and which one it was.

Ties go to the first in window order (row by row). Padding never wins. A NaN wins over everything, so none is lost.

What makes it fast is told in `best_of_windows`, and for the backward in `winners_backward`.
"""

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels import best_of_windows, pooling, winners_backward
from minigooglenet.kernels.fast import flat
from minigooglenet.kernels.fast.threads import blocks, pieces, result, spread


def forward(x, kernel_size, stride=None, padding=0, ceil_mode=False, *, winners=True, out=None):
    """Pool x (N, C, H, W), float32 or float64.

    Parameters
    ----------
    kernel_size, stride : int or (h, w); the stride is the kernel size unless given
    padding : int, (h, w) or ((top, bottom), (left, right)), at most kernel - 1 on a side
    ceil_mode : round the output size up; the last window may then hang over the end
    winners : whether to return the winners, which only a backward needs
    out : (N, C, P, Q) to write y into, perhaps a slice along the channels of a larger array

    Returns
    -------
    y : (N, C, P, Q)
    winners : (N, C, P, Q) unsigned integers, each the place r * S + s of the largest value in its R x S window; or None
    """
    checks.floating(x, "x", 4, checks.FLOATS)
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    x, y = blocks(x), result(out, (*x.shape[:2], *size), x.dtype, x)
    won = np.empty(y.shape, _winner_type(kernel_size)) if winners else None
    spread(*_task(x, y, won, kernel_size, stride, padding), x.size)
    return y, won


def bind(x, kernel_size, stride, padding, y):
    """Return [(task, count)]: what `parallel.spread` is to do to pool x into y, ready to be done again and again."""
    return [_task(x, y, None, kernel_size, stride, padding)]


def _task(x, y, won, kernel_size, stride, padding):
    (values, step), (pooled, pooled_step) = flat.flat(x), flat.flat(y)
    nothing = np.empty(0, _winner_type(kernel_size))
    channels, area, windows = x.shape[1], x.shape[2] * x.shape[3], y.shape[2] * y.shape[3]
    settings = (*x.shape[2:], *y.shape[2:]), kernel_size, stride, (padding[0][0], padding[1][0])
    few_places = kernel_size[0] * kernel_size[1] <= best_of_windows.MOST_PLACES
    in_vectors = few_places and stride[1] <= 2
    compute = best_of_windows.in_vectors if in_vectors else best_of_windows.one_by_one

    def task(start, stop):
        for n, first, end in pieces(start, stop, channels):
            planes = values[n * step + first * area : n * step + end * area]
            target = pooled[n * pooled_step + first * windows : n * pooled_step + end * windows]
            compute(planes, target, nothing if won is None else won[n, first:end].reshape(-1), *settings)

    return task, len(x) * channels


def backward(grad_y, winners, input_size, kernel_size, stride=None, padding=0):
    """Return grad_x (N, C, H, W): each window's gradient added at its winner, for input_size = (H, W)."""
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    if winners.dtype.kind not in "iu":
        raise TypeError(f"winners must be integers as the forward returned them, got {winners.dtype}")
    pooling.check_windows("winners", winners.shape[2:], input_size, kernel_size, stride, padding)
    grad_y = checks.floating(checks.has_shape(grad_y, "grad_y", winners.shape), "grad_y", 4, checks.FLOATS)
    grad_x = np.empty((*grad_y.shape[:2], *input_size), grad_y.dtype)
    grad_y, winners = blocks(grad_y), blocks(_narrow(winners, kernel_size))
    before = padding[0][0], padding[1][0]
    arguments = winners_backward.places(grad_x.shape[2:], grad_y.shape[2:], kernel_size, stride, before)
    strays = []

    def task(start, stop):
        for n, first, end in pieces(start, stop, grad_y.shape[1]):
            piece = [array[n, first:end].reshape(-1) for array in (grad_y, winners, grad_x)]
            strays.append(winners_backward.give_to_winners(*piece, *arguments))

    spread(task, grad_y.shape[0] * grad_y.shape[1], grad_x.size)
    if any(strays):
        raise ValueError(
            f"{sum(strays)} winners point outside their window or the image: they belong to another forward"
        )
    return grad_x


def winner_bytes(kernel_size):
    """Return how many bytes one winner takes: one for any window of up to 256 values."""
    return _winner_type(kernel_size).itemsize


def _winner_type(kernel_size):
    return np.min_scalar_type(kernel_size[0] * kernel_size[1] - 1)


def _narrow(winners, kernel_size):
    """Return winners in the type that the forward gives them; those beyond any window stay beyond theirs."""
    if winners.dtype == _winner_type(kernel_size):
        return winners
    places = kernel_size[0] * kernel_size[1]
    return np.where((winners < 0) | (winners >= places), places, winners).astype(np.min_scalar_type(places))
