"""Average pooling: the mean of each window.

The divisor counts padding (`count_include_pad`) or real values only; the overhang of a ceil window never counts.
"""

import numpy as np

from minigooglenet import checks, parallel, shapes
from minigooglenet.kernels import pooling
from minigooglenet.kernels.compiled import compiled


def forward(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Pool x (N, C, H, W), float32, float64 or complex128; the settings are those of max pooling.

    Returns
    -------
    y : (N, C, P, Q)
    """
    checks.floating(x, "x", 4)
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    y = np.empty((*x.shape[:2], *size), x.dtype)
    windows = _windows(x.shape[2:], size, kernel_size, stride, padding, count_include_pad, x.real.dtype)
    zero = np.complex128(0) if x.dtype.kind == "c" else np.float64(0)  # float32 sums of large windows would drift
    planes, y_planes = np.ascontiguousarray(x).reshape(-1, *x.shape[2:]), y.reshape(-1, *size)

    def task(start, stop):
        _forward(planes[start:stop], y_planes[start:stop], *windows, zero)

    parallel.spread(task, len(planes))
    return y


def backward(grad_y, input_size, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Return grad_x (N, C, H, W): each window's gradient shared among its real values, for input_size = (H, W)."""
    checks.floating(grad_y, "grad_y", 4)
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    size = grad_y.shape[2:]
    pooling.check_windows("grad_y", size, input_size, kernel_size, stride, padding)
    windows = _windows(input_size, size, kernel_size, stride, padding, count_include_pad, grad_y.real.dtype)
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    planes, grad_planes = grad_x.reshape(-1, *input_size), np.ascontiguousarray(grad_y).reshape(-1, *size)

    def task(start, stop):
        _backward(grad_planes[start:stop], planes[start:stop], *windows)

    parallel.spread(task, len(planes))
    return grad_x


def _windows(input_size, size, kernel_size, stride, padding, count_include_pad, dtype):
    """Return, for each axis, the real range of every window; and the divisors (P, Q) of all windows."""
    ranges, lengths = [], []
    for axis in range(2):
        along = (input_size[axis], kernel_size[axis], stride[axis])
        real = np.array([shapes.real_window(i, *along, padding[axis][0]) for i in range(size[axis])])
        padded = np.array([shapes.padded_window_length(i, *along, padding[axis]) for i in range(size[axis])])
        ranges.append(real)
        lengths.append(padded if count_include_pad else real[:, 1] - real[:, 0])
    return *ranges, np.multiply.outer(*lengths).astype(dtype)


@compiled
def _forward(planes, y, rows, columns, divisors, zero):
    for i in range(len(planes)):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                total = zero
                for h in range(rows[p, 0], rows[p, 1]):
                    for w in range(columns[q, 0], columns[q, 1]):
                        total += planes[i, h, w]
                y[i, p, q] = total / divisors[p, q]


@compiled
def _backward(grad_y, grad_x, rows, columns, divisors):
    for i in range(len(grad_y)):
        for p in range(grad_y.shape[1]):
            for q in range(grad_y.shape[2]):
                share = grad_y[i, p, q] / divisors[p, q]
                for h in range(rows[p, 0], rows[p, 1]):
                    for w in range(columns[q, 0], columns[q, 1]):
                        grad_x[i, h, w] += share
