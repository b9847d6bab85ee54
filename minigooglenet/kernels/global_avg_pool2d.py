"""Global average pooling: the mean of each channel's whole map."""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.compiled import compiled_sum
from minigooglenet.kernels.images import typed
from minigooglenet.kernels.spreading import flushed, spread


@flushed
def forward(x):
    """Return y (N, C) for x (N, C, H, W)."""
    checks.floating(x, "x", 4)
    if x.dtype.kind == "c":
        return x.mean(axis=(2, 3))
    y = np.empty(x.shape[:2], x.dtype)
    maps, means = typed(np.ascontiguousarray(x)).reshape(y.size, -1), y.reshape(-1)

    def task(start, stop):
        _means(maps, means, start, stop)

    spread(task, y.size, x.size, few=1 << 20)
    return y


@flushed
def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W): every position of a map gets 1 / (H * W) of its mean's gradient."""
    checks.floating(grad_y, "grad_y", 2)
    height, width = input_size
    share = grad_y / grad_y.dtype.type(height * width)
    return np.repeat(share[:, :, None], height * width, axis=2).reshape(*grad_y.shape, height, width)


@compiled_sum
def _means(maps, means, start, stop):
    for i in range(start, stop):
        total = 0.0
        for j in range(maps.shape[1]):
            total += maps[i, j]
        means[i] = total / maps.shape[1]
