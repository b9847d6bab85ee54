"""ReLU: output and mask are written in one pass over memory."""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces, rows


def forward(x):
    """Return (y, mask), both of x's shape."""
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    _over_pieces(_forward, blocks(x), y, mask)
    return y, mask


def infer(x):
    """Return y without the mask, which only `backward` needs."""
    y = np.empty(x.shape, x.dtype)
    _over_pieces(_forward, blocks(x), y, None)
    return y


def bind(x, y):
    """Return [(task, count)] for `parallel_for`; every run writes max(x, 0) to y."""
    return [_task(_forward, blocks(x), y, None)]


def backward(grad_y, mask):
    """Return grad_x."""
    grad_x = np.empty(grad_y.shape, grad_y.dtype)
    _over_pieces(_backward, blocks(grad_y), grad_x, blocks(mask))
    return grad_x


def _over_pieces(kernel, source, target, mask):
    task, count = _task(kernel, source, target, mask)
    parallel_for(task, count, source.size, few=1 << 18)


def _task(kernel, source, target, mask):
    source, target, *masks = rows(source, target, *([] if mask is None else [mask]))

    def task(start, stop):
        for n, first, end in pieces(start, stop, source.shape[1]):
            kernel(source[n, first:end], target[n, first:end], masks[0][n, first:end] if masks else None)

    return task, source.size


@compiled
def _forward(x, y, mask):
    for i in range(len(x)):
        keep = not x[i] <= 0  # true for a NaN
        y[i] = x[i] if keep else 0
        if mask is not None:
            mask[i] = keep


@compiled
def _backward(grad_y, grad_x, mask):
    for i in range(len(grad_y)):
        grad_x[i] = grad_y[i] if mask[i] else 0
