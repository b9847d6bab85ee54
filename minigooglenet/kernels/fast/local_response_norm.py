"""Local response normalisation, a block of pixels at a time.

What makes it fast: all channels of a block of pixels stay in the cache for all windows, and the usual power, -0.75, is
computed with two square roots. The squares are summed again for every channel: a running sum would accumulate round-off
and would spread a NaN to all later channels.
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces

PIXELS = 512  # in a block: long enough for fast reads, short enough for the L1 cache
LEAST_PIXELS = 16  # that a thread gets: a vector. With whole blocks, some of many threads would get twice as many
FEW = 1 << 15  # values: powers are slow, so waking the threads pays earlier than in other kernels


def forward(x, size, alpha, beta, k):
    """Return (y, scale), both (N, C, H, W)."""
    y, scale = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    parallel_for(*_task(x, y, scale, size, alpha, beta, k), x.size, few=FEW)
    return y, scale


def infer(x, size, alpha, beta, k):
    """Return y (N, C, H, W) without the scale, which only `backward` needs."""
    y = np.empty(x.shape, x.dtype)
    parallel_for(*_task(x, y, None, size, alpha, beta, k), x.size, few=FEW)
    return y


def bind(x, size, alpha, beta, k, y):
    """Return [(task, count)] for `parallel_for`; every run computes y from x."""
    return [_task(x, y, None, size, alpha, beta, k)]


def backward(grad_y, x, scale, size, alpha, beta):
    """Return grad_x (N, C, H, W)."""
    window = (size - 1) // 2, size // 2  # the window of forward, mirrored
    grad_x = np.empty(x.shape, x.dtype)
    constants = [x.dtype.type(value) for value in (2 * beta * alpha / size, beta)]
    arrays = blocks(grad_y), blocks(x), blocks(scale), grad_x
    parallel_for(*_over_blocks(_backward, arrays, window, constants), x.size, few=FEW)
    return grad_x


def _task(x, y, scale, size, alpha, beta, k):
    constants = [x.dtype.type(value) for value in (alpha / size, beta, k)]
    return _over_blocks(_forward, (blocks(x), y, scale), (size // 2, (size - 1) // 2), constants)


def _over_blocks(kernel, arrays, window, constants):
    """Return (task, count); the task calls `kernel` for some pixels of an image, with flat arrays."""
    images, channels, height, width = arrays[0].shape
    pixels = height * width

    def task(start, stop):
        for n, first, end in pieces(start, stop, -(-pixels // LEAST_PIXELS)):
            flat = [None if array is None else array[n].reshape(-1) for array in arrays]
            span = first * LEAST_PIXELS, min(pixels, end * LEAST_PIXELS)
            kernel(*flat, channels, pixels, span, *window, *constants)

    return task, images * -(-pixels // LEAST_PIXELS)


@compiled
def _forward(x, y, scale, channels, pixels, span, before, after, ratio, beta, k):
    for first in range(span[0], span[1], PIXELS):
        count = min(PIXELS, span[1] - first)
        _forward_block(x, y, scale, channels, pixels, first, count, before, after, ratio, beta, k)


@compiled
def _backward(grad_y, x, scale, grad_x, channels, pixels, span, before, after, factor, beta):
    for first in range(span[0], span[1], PIXELS):
        count = min(PIXELS, span[1] - first)
        _backward_block(grad_y, x, scale, grad_x, channels, pixels, first, count, before, after, factor, beta)


@compiled
def _forward_block(x, y, scale, channels, pixels, first, count, before, after, ratio, beta, k):
    total = np.empty(count, x.dtype)
    for c in range(channels):
        total[:] = 0
        for other in range(max(0, c - before), min(channels, c + after + 1)):
            _add_squares(x, other * pixels + first, total)
        start = c * pixels + first
        for i in range(count):
            total[i] = k + ratio * total[i]
            if scale is not None:
                scale[np.uintp(start + i)] = total[i]
        times_power(x, start, total, 0, beta, y, start, count)


@compiled
def _backward_block(grad_y, x, scale, grad_x, channels, pixels, first, count, before, after, factor, beta):
    through = np.empty(channels * count, x.dtype)  # direct * x / scale
    for c in range(channels):
        start = c * pixels + first
        times_power(grad_y, start, scale, start, beta, grad_x, start, count)
        for i in range(count):
            at = np.uintp(start + i)
            through[np.uintp(c * count + i)] = grad_x[at] * x[at] / scale[at]
    total = np.empty(count, x.dtype)
    for c in range(channels):
        total[:] = 0
        for other in range(max(0, c - before), min(channels, c + after + 1)):
            for i in range(count):
                total[i] += through[np.uintp(other * count + i)]
        for i in range(count):
            at = np.uintp(c * pixels + first + i)
            grad_x[at] -= factor * x[at] * total[i]


@compiled
def _add_squares(x, start, total):
    for i in range(len(total)):
        value = x[np.uintp(start + i)]
        total[i] += value * value


@compiled
def times_power(values, start, scale, first, beta, target, begin, count):
    """Write values * scale ** -beta."""
    if beta == 0.75:
        for i in range(count):
            root = np.sqrt(scale[np.uintp(first + i)])
            target[np.uintp(begin + i)] = values[np.uintp(start + i)] / (root * np.sqrt(root))
    else:
        for i in range(count):
            target[np.uintp(begin + i)] = values[np.uintp(start + i)] * scale[np.uintp(first + i)] ** -beta
