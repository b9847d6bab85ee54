"""A linear layer: NumPy's matrix products of equal parts, on all threads.

A product with few images reads each weight once and is limited by memory, of which two threads get more than one. The
parts do not depend on the number of threads, because the bits of a product of NumPy depend on its shape.
"""

import numpy as np

from minigooglenet.kernels.fast.threads import parallel_for

PART = 128  # outputs, or inputs, of a part
FEW = 1 << 16  # weights; for fewer, waking the threads takes longer


def forward(x, weight, bias):
    """Return y = x @ weight.T + bias, (N, O), for x (N, I), weight (O, I) and bias (O,) or None."""
    y = np.empty((len(x), len(weight)), x.dtype)
    for task, count in bind(x, weight, bias, y):
        parallel_for(task, count, weight.size, few=FEW)
    return y


def bind(x, weight, bias, y):
    """Return [(task, count)] for `parallel_for`; every run computes y from x."""

    def multiply(part):
        np.matmul(x, weight[part].T, out=y[:, part])
        if bias is not None:
            y[:, part] += bias[part]

    return [_over_parts(multiply, len(weight))]


def backward(grad_y, x, weight, bias):
    """Return (grad_x (N, I), grad_weight (O, I), grad_bias (O,) or None)."""
    grad_x, grad_weight = np.empty(x.shape, x.dtype), np.empty(weight.shape, x.dtype)
    of_weight = _over_parts(lambda part: np.matmul(grad_y[:, part].T, x, out=grad_weight[part]), len(weight))
    of_x = _over_parts(lambda part: np.matmul(grad_y, weight[:, part], out=grad_x[:, part]), weight.shape[1])
    for task, count in (of_weight, of_x):
        parallel_for(task, count, weight.size, few=FEW)
    return grad_x, grad_weight, None if bias is None else grad_y.sum(axis=0)


def _over_parts(multiply, length):
    """Return (task, count) for `parallel_for`: `multiply` the parts of an axis of this length."""

    def task(start, stop):
        for number in range(start, stop):
            multiply(slice(number * PART, min(length, (number + 1) * PART)))

    return task, -(-length // PART)
