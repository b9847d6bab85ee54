"""Average pooling, row by row.

What makes it fast: the rows of a window are added first (in backward: last), which the compiler vectorises. Only this
row of sums is added window by window. A single window that is the whole image is one long sum instead.
"""

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast import global_avg_pool2d
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces


def forward(x, kernel_size, stride, padding, ceil_mode=False, count_include_pad=True):
    """Return y (N, C, P, Q)."""
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    return averages(x, size, windows_of(x.shape[2:], size, kernel_size, stride, padding, count_include_pad))


def bind(x, kernel_size, stride, padding, count_include_pad, y):
    """Return [(task, count)] for `parallel_for`; every run pools x into y."""
    return [_task(blocks(x), y, windows_of(x.shape[2:], y.shape[2:], kernel_size, stride, padding, count_include_pad))]


def averages(x, size, windows):
    """Return y (N, C, P, Q), the averages of `windows`: integers (rows (P, 2), columns (Q, 2), divisors (P, Q))."""
    y = np.empty((*x.shape[:2], *size), x.dtype)
    parallel_for(*averages_task(x, y, windows), x.size)
    return y


def averages_task(x, y, windows):
    """Return (task, count); the task writes the averages of `windows` to y."""
    return _task(blocks(x), y, windows)


def _task(x, y, windows):
    if _is_whole(windows, x.shape[2:]):
        return global_avg_pool2d.means_task(x, y)
    rows, columns, divisors = windows
    divisors = divisors.astype(x.dtype)

    def task(start, stop):
        sums = np.empty(x.shape[3], np.float64)  # float32 sums of large windows would accumulate round-off
        for n, first, end in pieces(start, stop, x.shape[1]):
            _forward(x[n, first:end].reshape(-1), y[n, first:end].reshape(-1), sums, rows, columns, divisors)

    return task, x.shape[0] * x.shape[1]


def backward(grad_y, input_size, kernel_size, stride, padding, count_include_pad=True):
    """Return grad_x (N, C, H, W)."""
    size = grad_y.shape[2:]
    return backward_averages(
        grad_y, input_size, windows_of(input_size, size, kernel_size, stride, padding, count_include_pad)
    )


def backward_averages(grad_y, input_size, windows):
    """Return grad_x (N, C, H, W): every value of a window gets the window's gradient over its divisor."""
    if _is_whole(windows, input_size):
        return global_avg_pool2d.backward(grad_y, input_size)
    rows, columns, divisors = windows
    divisors = divisors.astype(grad_y.dtype)
    grad_x, grad_y = np.empty((*grad_y.shape[:2], *input_size), grad_y.dtype), blocks(grad_y)

    def task(start, stop):
        line = np.empty(input_size[1], grad_y.dtype)
        for n, first, end in pieces(start, stop, grad_y.shape[1]):
            planes = grad_y[n, first:end].reshape(-1), grad_x[n, first:end].reshape(-1)
            _backward(*planes, line, rows, columns, divisors, input_size[0])

    parallel_for(task, grad_y.shape[0] * grad_y.shape[1], grad_x.size)
    return grad_x


def _is_whole(windows, size):
    """Return whether there is one window, which is the whole image and nothing else."""
    rows, columns, divisors = windows
    spans = [tuple(span) for span in (*rows, *columns)]
    return spans == [(0, size[0]), (0, size[1])] and divisors.item() == size[0] * size[1]


def windows_of(input_size, size, kernel_size, stride, padding, count_include_pad):
    """Return the real ranges of the windows along each axis, and the divisors (P, Q)."""
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
            line[:] = 0  # the gradient of every row in these windows
            for q in range(windows_w):
                grad = grad_y[(i * windows_h + p) * windows_w + q] / divisors[p, q]
                for w in range(columns[q, 0], columns[q, 1]):
                    line[np.uintp(w)] += grad
            for h in range(rows[p, 0], rows[p, 1]):
                for w in range(width):
                    grad_x[np.uintp((i * height + h) * width + w)] += line[w]
