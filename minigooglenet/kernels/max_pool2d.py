"""Max pooling: the largest value of each window, and which one it was.

Ties go to the first in window order (row by row). Padding never wins. A NaN wins over everything, so none is lost.
"""

import numpy as np

from minigooglenet import checks, parallel, shapes
from minigooglenet.kernels import pooling
from minigooglenet.kernels.compiled import compiled


def forward(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """Pool x (N, C, H, W), float32 or float64.

    Parameters
    ----------
    kernel_size, stride : int or (h, w); the stride is the kernel size unless given
    padding : int, (h, w) or ((top, bottom), (left, right)), at most kernel - 1 on a side
    ceil_mode : round the output size up; the last window may then hang over the end

    Returns
    -------
    y : (N, C, P, Q)
    winners : (N, C, P, Q) unsigned integers, each the place r * S + s of the largest value in its R x S window
    """
    checks.floating(x, "x", 4, checks.FLOATS)
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    y = np.empty((*x.shape[:2], *size), x.dtype)
    winners = np.empty(y.shape, _winner_type(kernel_size))
    planes, y_planes, winner_planes = _planes(np.ascontiguousarray(x)), _planes(y), _planes(winners)
    steps = (*kernel_size, *stride, padding[0][0], padding[1][0])

    def task(start, stop):
        _forward(planes[start:stop], y_planes[start:stop], winner_planes[start:stop], *steps)

    parallel.spread(task, len(planes))
    return y, winners


def backward(grad_y, winners, input_size, kernel_size, stride=None, padding=0):
    """Return grad_x (N, C, H, W): each window's gradient added at its winner, for input_size = (H, W)."""
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    if winners.dtype.kind not in "iu":
        raise TypeError(f"winners must be integers as the forward returned them, got {winners.dtype}")
    pooling.check_windows("winners", winners.shape[2:], input_size, kernel_size, stride, padding)
    grad_y = checks.floating(checks.has_shape(grad_y, "grad_y", winners.shape), "grad_y", 4, checks.FLOATS)
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    planes, grad_planes, winner_planes = _planes(grad_x), _planes(np.ascontiguousarray(grad_y)), _planes(winners)
    steps = (*kernel_size, *stride, padding[0][0], padding[1][0])
    strays = []

    def task(start, stop):
        strays.append(_backward(grad_planes[start:stop], winner_planes[start:stop], planes[start:stop], *steps))

    parallel.spread(task, len(planes))
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


def _planes(x):
    return x.reshape(-1, *x.shape[2:])


@compiled
def _forward(planes, y, winners, kernel_h, kernel_w, stride_h, stride_w, top, left):
    for i in range(len(planes)):
        plane = planes[i]
        for p in range(y.shape[1]):
            start_h = p * stride_h - top
            first_h, end_h = max(start_h, 0), min(start_h + kernel_h, plane.shape[0])
            for q in range(y.shape[2]):
                start_w = q * stride_w - left
                first_w, end_w = max(start_w, 0), min(start_w + kernel_w, plane.shape[1])
                best = plane[first_h, first_w]
                best_h, best_w = first_h, first_w
                for h in range(first_h, end_h):
                    for w in range(first_w, end_w):
                        value = plane[h, w]
                        # The second test is true for a first NaN only: NaN differs from itself.
                        if value > best or (value != value and best == best):
                            best, best_h, best_w = value, h, w
                y[i, p, q] = best
                winners[i, p, q] = (best_h - start_h) * kernel_w + best_w - start_w


@compiled
def _backward(grad_y, winners, grad_x, kernel_h, kernel_w, stride_h, stride_w, top, left):
    strays = 0
    for i in range(len(grad_y)):
        for p in range(grad_y.shape[1]):
            for q in range(grad_y.shape[2]):
                place = np.int64(winners[i, p, q])
                h = p * stride_h - top + place // kernel_w
                w = q * stride_w - left + place % kernel_w
                inside = 0 <= h < grad_x.shape[1] and 0 <= w < grad_x.shape[2]
                if inside and 0 <= place < kernel_h * kernel_w:
                    grad_x[i, h, w] += grad_y[i, p, q]
                else:
                    strays += 1
    return strays
