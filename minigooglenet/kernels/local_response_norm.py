"""Local response normalisation across channels: bright neighbours dim a value (Krizhevsky et al. 2012, section 3.3).

y[c] = x[c] * scale[c] ** -beta,  scale[c] = k + alpha / size * (sum of x ** 2 over the `size` channels around c)

Alpha is divided by size, as in Caffe, PyTorch and ONNX. An even size reaches one channel further down than up, as in
PyTorch. The squares are added anew for every channel: a running sum would drift, and would carry a NaN on and on.

What makes it fast: all channels of some pixels at a time, which stay in the cache for all their windows; and the usual
power, -0.75, from two square roots. Complex arrays, which only the complex step needs, go through NumPy.
"""

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels.compiled import compiled
from minigooglenet.kernels.spreading import blocks, flushed, pieces, result, spread

PIXELS = 512  # in a block: long rows to read, few enough values for the first cache
FEW = 1 << 15  # values: powers take longer than most, so that waking the threads pays earlier


@flushed
def forward(x, size=5, alpha=1e-4, beta=0.75, k=1.0, *, scale=True, out=None):
    """Return (y, scale), both (N, C, H, W), for x (N, C, H, W) float32, float64 or complex128.

    Without `scale`, which only a backward needs, None stands in its place. `out`, perhaps a slice along the channels of
    a larger array, is where y is written if given.
    """
    checks.floating(x, "x", 4)
    size = shapes.integer(size, "size", 1)
    y, scales = result(out, x.shape, x.dtype, x), np.empty(x.shape, x.dtype) if scale else None
    window = size // 2, (size - 1) // 2
    if x.dtype.kind == "c":
        sums = np.stack([_window_sum(image * image, *window) for image in x])
        total = k + alpha / size * sums
        y[...] = x * total**-beta
        return y, total if scale else None
    constants = [x.dtype.type(value) for value in (alpha / size, beta, k)]
    spread(*_over_blocks(_forward, (blocks(x), y, scales), window, constants), x.size, few=FEW)
    return y, scales


def bind(x, size, alpha, beta, k, y):
    """Return [(task, count)]: what `parallel.spread` is to do to compute y from x, ready to be done again and again."""
    constants = [x.dtype.type(value) for value in (alpha / size, beta, k)]
    return [_over_blocks(_forward, (blocks(x), y, None), (size // 2, (size - 1) // 2), constants)]


@flushed
def backward(grad_y, x, scale, size=5, alpha=1e-4, beta=0.75):
    """Return grad_x (N, C, H, W), from the forward's input and scale.

    x[c] appears in its own output and in the scale of every channel whose window holds it: the windows of a sum over
    outputs are the mirror of the forward's.
    """
    checks.has_shape(scale, "scale", x.shape)
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    window = (size - 1) // 2, size // 2
    factor = 2 * beta * alpha / size
    if x.dtype.kind == "c":
        direct = grad_y * scale**-beta
        return direct - factor * x * np.stack([_window_sum(image, *window) for image in direct * x / scale])
    grad_x = np.empty(x.shape, x.dtype)
    constants = [x.dtype.type(value) for value in (factor, beta)]
    arrays = blocks(grad_y), blocks(x), blocks(scale), grad_x
    spread(*_over_blocks(_backward, arrays, window, constants), x.size, few=FEW)
    return grad_x


def _over_blocks(kernel, arrays, window, constants):
    """Return (task, count) that call `kernel` for every block of pixels; arrays (N, C, H, W) or None arrive flat."""
    images, channels, height, width = arrays[0].shape
    pixels = height * width

    def task(start, stop):
        for n, first, end in pieces(start, stop, -(-pixels // PIXELS)):
            flat = [None if array is None else array[n].reshape(-1) for array in arrays]
            kernel(*flat, channels, pixels, (first * PIXELS, min(pixels, end * PIXELS)), *window, *constants)

    return task, images * -(-pixels // PIXELS)


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
        _times_power(x, start, total, 0, beta, y, start, count)


@compiled
def _backward_block(grad_y, x, scale, grad_x, channels, pixels, first, count, before, after, factor, beta):
    through = np.empty(channels * count, x.dtype)  # direct * x / scale
    for c in range(channels):
        start = c * pixels + first
        _times_power(grad_y, start, scale, start, beta, grad_x, start, count)
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
def _times_power(values, start, scale, first, beta, target, begin, count):
    """Write values * scale ** -beta."""
    if beta == 0.75:
        for i in range(count):
            root = np.sqrt(scale[np.uintp(first + i)])
            target[np.uintp(begin + i)] = values[np.uintp(start + i)] / (root * np.sqrt(root))
    else:
        for i in range(count):
            target[np.uintp(begin + i)] = values[np.uintp(start + i)] * scale[np.uintp(first + i)] ** -beta


def _window_sum(values, before, after):
    """Return, for every channel c of (C, H, W), the sum of channels c - before .. c + after that exist."""
    total = values.copy()
    for shift in range(1, min(before, len(values) - 1) + 1):
        total[shift:] += values[:-shift]
    for shift in range(1, min(after, len(values) - 1) + 1):
        total[:-shift] += values[shift:]
    return total
