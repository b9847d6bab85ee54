"""Global average pooling: float64 sums that LLVM may reorder, and so vectorise.

`avg_pool2d` calls this file too for a window that is the whole image.
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled, compiled_sum
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces

FEW = 1 << 20  # values: a sum takes less time than waking a thread


def forward(x):
    """Return y (N, C) for x (N, C, H, W)."""
    y = np.empty(x.shape[:2], x.dtype)
    parallel_for(*means_task(blocks(x), y), x.size, few=FEW)
    return y


def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W) for grad_y (N, C) or (N, C, 1, 1)."""
    grad_x = np.empty((*grad_y.shape[:2], *input_size), grad_y.dtype)
    grads, planes = np.ascontiguousarray(grad_y).reshape(-1), grad_x.reshape(grad_x.shape[0] * grad_x.shape[1], -1)

    def task(start, stop):
        _spread(grads, planes, start, stop)

    parallel_for(task, len(planes), grad_x.size, few=FEW)
    return grad_x


def means_task(x, y):
    """Return (task, count) for x (N, C, H, W) and y (N, C) or (N, C, 1, 1), whose images are contiguous."""

    def task(start, stop):
        for n, first, end in pieces(start, stop, x.shape[1]):
            _means(x[n, first:end].reshape(end - first, -1), y[n].reshape(-1)[first:end])

    return task, x.shape[0] * x.shape[1]


@compiled_sum
def _means(channels, means):
    for i in range(len(channels)):
        total = 0.0
        for j in range(channels.shape[1]):
            total += channels[i, j]
        means[i] = total / channels.shape[1]


@compiled
def _spread(grads, planes, start, stop):
    size = grads.dtype.type(planes.shape[1])
    for i in range(start, stop):
        quotient = grads[i] / size
        for j in range(planes.shape[1]):
            planes[i, j] = quotient
