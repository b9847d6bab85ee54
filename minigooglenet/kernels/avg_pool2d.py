"""Average pooling: the mean of each window.

The divisor counts padding (`count_include_pad`) or real values only; the overhang of a ceil window never counts.

What makes it fast: whole rows are added up first (or last, backward), which the compiler makes vector instructions;
only the sum of those is taken window by window.
"""

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels import pooling
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import blocks, pieces, result, spread


def forward(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, *, out=None):
    """Pool x (N, C, H, W), float32, float64 or complex128; the settings are those of max pooling.

    `out` (N, C, P, Q), perhaps a slice along the channels of a larger array, is where y is written if given.

    Returns
    -------
    y : (N, C, P, Q)
    """
    checks.floating(x, "x", 4)
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    windows = _windows(x.shape[2:], size, kernel_size, stride, padding, count_include_pad)
    return averages(x, size, windows, out)


def bind(x, kernel_size, stride, padding, count_include_pad, y):
    """Return [(task, count)]: what `parallel.spread` is to do to pool x into y, ready to be done again and again."""
    return [_task(blocks(x), y, _windows(x.shape[2:], y.shape[2:], kernel_size, stride, padding, count_include_pad))]


def averages(x, size, windows, out=None):
    """Return y (N, C, P, Q), the averages of `windows`: (rows (P, 2), columns (Q, 2), divisors (P, Q)) of integers."""
    x, y = blocks(x), result(out, (*x.shape[:2], *size), x.dtype, x)
    spread(*_task(x, y, windows), x.size)
    return y


def _task(x, y, windows):
    rows, columns, divisors = windows
    divisors = divisors.astype(x.real.dtype)
    wide = np.complex128 if x.dtype.kind == "c" else np.float64  # float32 sums of large windows would drift

    def task(start, stop):
        sums = np.empty(x.shape[3], wide)
        for n, first, end in pieces(start, stop, x.shape[1]):
            _forward(x[n, first:end].reshape(-1), y[n, first:end].reshape(-1), sums, rows, columns, divisors)

    return task, x.shape[0] * x.shape[1]


def backward(grad_y, input_size, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Return grad_x (N, C, H, W): each window's gradient shared among its real values, for input_size = (H, W)."""
    checks.floating(grad_y, "grad_y", 4)
    kernel_size, stride, padding = pooling.settings(kernel_size, stride, padding)
    size = grad_y.shape[2:]
    pooling.check_windows("grad_y", size, input_size, kernel_size, stride, padding)
    return shares(grad_y, input_size, _windows(input_size, size, kernel_size, stride, padding, count_include_pad))


def shares(grad_y, input_size, windows):
    """Return grad_x (N, C, H, W): the gradient of each of `windows`, as in `averages`, shared among its values."""
    rows, columns, divisors = windows
    divisors = divisors.astype(grad_y.real.dtype)
    grad_x, grad_y = np.empty((*grad_y.shape[:2], *input_size), grad_y.dtype), blocks(grad_y)

    def task(start, stop):
        line = np.empty(input_size[1], grad_y.dtype)
        for n, first, end in pieces(start, stop, grad_y.shape[1]):
            planes = grad_y[n, first:end].reshape(-1), grad_x[n, first:end].reshape(-1)
            _backward(*planes, line, rows, columns, divisors, input_size[0])

    spread(task, grad_y.shape[0] * grad_y.shape[1], grad_x.size)
    return grad_x


def _windows(input_size, size, kernel_size, stride, padding, count_include_pad):
    """Return, for each axis, the real range of every window; and the divisors (P, Q) of all windows."""
    ranges, lengths = [], []
    for axis in range(2):
        along = (input_size[axis], kernel_size[axis], stride[axis])
        real = np.array([shapes.real_window(i, *along, padding[axis][0]) for i in range(size[axis])])
        padded = np.array([shapes.padded_window_length(i, *along, padding[axis]) for i in range(size[axis])])
        ranges.append(real)
        lengths.append(padded if count_include_pad else real[:, 1] - real[:, 0])
    return *ranges, np.multiply.outer(*lengths)


@compiled
def _forward(x, y, sums, rows, columns, divisors):
    (windows_h, windows_w), width = divisors.shape, len(sums)
    size = len(x) // (len(y) // (windows_h * windows_w))
    for i in range(len(x) // size):
        for p in range(windows_h):
            sums[:] = 0
            for h in range(rows[p, 0], rows[p, 1]):
                for w in range(width):
                    sums[w] += x[np.uintp(i * size + h * width + w)]
            for q in range(windows_w):
                total = sums[columns[q, 0]]
                for w in range(columns[q, 0] + 1, columns[q, 1]):
                    total += sums[np.uintp(w)]
                y[(i * windows_h + p) * windows_w + q] = total / divisors[p, q]


@compiled
def _backward(grad_y, grad_x, line, rows, columns, divisors, height):
    (windows_h, windows_w), width = divisors.shape, len(line)
    for i in range(len(grad_x) // (height * width)):
        for j in range(height * width):
            grad_x[np.uintp(i * height * width + j)] = 0
        for p in range(windows_h):
            line[:] = 0  # what every row of these windows gets
            for q in range(windows_w):
                share = grad_y[(i * windows_h + p) * windows_w + q] / divisors[p, q]
                for w in range(columns[q, 0], columns[q, 1]):
                    line[np.uintp(w)] += share
            for h in range(rows[p, 0], rows[p, 1]):
                for w in range(width):
                    grad_x[np.uintp((i * height + h) * width + w)] += line[w]
