"""Local response normalisation across channels: bright neighbours dim a value (Krizhevsky et al. 2012, section 3.3).

y[c] = x[c] * scale[c] ** -beta,  scale[c] = k + alpha / size * (sum of x ** 2 over the `size` channels around c)

Alpha is divided by size, as in Caffe, PyTorch and ONNX. An even size reaches one channel further down than up, as in
PyTorch. The squares are added anew for every channel: a running sum would drift, and would carry a NaN on and on.
"""

import numpy as np

from minigooglenet import checks, parallel, shapes


def forward(x, size=5, alpha=1e-4, beta=0.75, k=1.0):
    """Return (y, scale), both (N, C, H, W), for x (N, C, H, W) float32, float64 or complex128."""
    checks.floating(x, "x", 4)
    size = shapes.integer(size, "size", 1)
    y, scale = np.empty_like(x, order="C"), np.empty_like(x, order="C")
    ratio = alpha / size

    def task(start, stop):
        for n in range(start, stop):
            scale[n] = k + ratio * _window_sum(x[n] * x[n], size // 2, (size - 1) // 2)
            y[n] = x[n] * scale[n] ** -beta

    parallel.spread(task, len(x))
    return y, scale


def backward(grad_y, x, scale, size=5, alpha=1e-4, beta=0.75):
    """Return grad_x (N, C, H, W), from the forward's input and scale.

    x[c] appears in its own output and in the scale of every channel whose window holds it: the windows of a sum over
    outputs are the mirror of the forward's.
    """
    checks.has_shape(scale, "scale", x.shape)
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    grad_x = np.empty_like(x, order="C")
    factor = 2 * beta * alpha / size

    def task(start, stop):
        for n in range(start, stop):
            direct = grad_y[n] * scale[n] ** -beta
            through_scale = _window_sum(direct * x[n] / scale[n], (size - 1) // 2, size // 2)
            grad_x[n] = direct - factor * x[n] * through_scale

    parallel.spread(task, len(x))
    return grad_x


def _window_sum(values, before, after):
    """Return, for every channel c of (C, H, W), the sum of channels c - before .. c + after that exist."""
    total = values.copy()
    for shift in range(1, min(before, len(values) - 1) + 1):
        total[shift:] += values[:-shift]
    for shift in range(1, min(after, len(values) - 1) + 1):
        total[:-shift] += values[shift:]
    return total
