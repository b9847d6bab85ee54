"""Max pooling, one channel at a time: maximum and position of a SIMD vector of windows at once.

Three ideas make it fast. It computes the maximum of each column of a window first, then the maximum of those, so that
overlapping windows reuse column maxima. It computes vectors of neighbouring windows. It has no branches: the codes
r * S + s are floating-point values too, so they are selected by the same instructions as the maxima.

`backward` adds the gradient of every window at its argmax. Tables contain the start of each window and the offset of
each of its positions, so that one loop over the windows needs no division. Only windows at the border are checked for
positions outside the image.
"""

import functools

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast.flat import flat
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES
from minigooglenet.kernels.fast.simd import (
    copy,
    fill,
    larger,
    larger_or_first,
    larger_with_code,
    load,
    load_second,
    store,
    store_bytes,
)
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces

MOST_POSITIONS = 256  # in a window whose codes fit into bytes
CHECKS_ARGMAX = True  # `backward` checks the argmax while it adds, at no extra cost
_NOWHERE = 1e6  # the code of padding: of two equal values, the one with the smaller code counts


def forward(x, kernel_size, stride, padding, ceil_mode=False):
    """Return (y, argmax), both (N, C, P, Q)."""
    y = _empty(x, kernel_size, stride, padding, ceil_mode)
    argmax = np.empty(y.shape, _argmax_type(kernel_size))
    parallel_for(*_task(blocks(x), y, argmax, kernel_size, stride, padding), x.size)
    return y, argmax


def infer(x, kernel_size, stride, padding, ceil_mode=False):
    """Return y (N, C, P, Q) without the argmax, which only `backward` needs."""
    y = _empty(x, kernel_size, stride, padding, ceil_mode)
    parallel_for(*_task(blocks(x), y, None, kernel_size, stride, padding), x.size)
    return y


def bind(x, kernel_size, stride, padding, y):
    """Return [(task, count)] for `parallel_for`; every run pools x into y."""
    return [_task(x, y, None, kernel_size, stride, padding)]


def backward(grad_y, argmax, input_size, kernel_size, stride, padding):
    """Return grad_x (N, C, H, W); raise a ValueError if an argmax is outside its window or the image."""
    grad_x = np.empty((*grad_y.shape[:2], *input_size), grad_y.dtype)
    grad_y, argmax = blocks(grad_y), blocks(argmax)
    before = padding[0][0], padding[1][0]
    arguments = _tables(grad_x.shape[2:], grad_y.shape[2:], kernel_size, stride, before)
    strays = []

    def task(start, stop):
        for n, first, end in pieces(start, stop, grad_y.shape[1]):
            piece = [array[n, first:end].reshape(-1) for array in (grad_y, argmax, grad_x)]
            strays.append(_add_at_argmax(*piece, *arguments))

    parallel_for(task, grad_y.shape[0] * grad_y.shape[1], grad_x.size)
    if any(strays):
        raise ValueError(
            f"{sum(strays)} argmax values point outside their window or outside the image: they come from another "
            "forward pass"
        )
    return grad_x


def _empty(x, kernel_size, stride, padding, ceil_mode):
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    return np.empty((*x.shape[:2], *size), x.dtype)


def _task(x, y, argmax, kernel_size, stride, padding):
    (values, step), (pooled, pooled_step) = flat(x), flat(y)
    nothing = np.empty(0, _argmax_type(kernel_size))
    channels, area, windows = x.shape[1], x.shape[2] * x.shape[3], y.shape[2] * y.shape[3]
    settings = (*x.shape[2:], *y.shape[2:]), kernel_size, stride, (padding[0][0], padding[1][0])
    few_positions = kernel_size[0] * kernel_size[1] <= MOST_POSITIONS
    compute = in_vectors if few_positions and stride[1] <= 2 else one_by_one

    def task(start, stop):
        for n, first, end in pieces(start, stop, channels):
            planes = values[n * step + first * area : n * step + end * area]
            target = pooled[n * pooled_step + first * windows : n * pooled_step + end * windows]
            compute(planes, target, nothing if argmax is None else argmax[n, first:end].reshape(-1), *settings)

    return task, len(x) * channels


def _argmax_type(kernel_size):
    return np.min_scalar_type(kernel_size[0] * kernel_size[1] - 1)


@compiled
def in_vectors(planes, y, argmax, sizes, kernel, stride, before):
    """Fill y (planes, P, Q), and argmax unless it is empty, from planes (planes, H, W); stride 1 or 2 along a row.

    All arrays are flat.

    sizes : (H, W, P, Q);  before : padding at the top and at the left
    """
    height, width, rows, columns = sizes
    lanes = VECTOR_BYTES // planes.itemsize
    with_codes = len(argmax) > 0
    needed = (columns - 1) * stride[1] + kernel[1]
    pitch = max((columns + lanes) * stride[1] + kernel[1] + lanes, before[1] + width + lanes)
    lowest, zero, far = planes.dtype.type(-np.inf), planes.dtype.type(0), planes.dtype.type(_NOWHERE)
    padded = np.empty(height * pitch, planes.dtype)
    best, codes = np.empty(rows * pitch, planes.dtype), np.empty(rows * pitch if with_codes else 0, planes.dtype)
    nowhere = np.empty(pitch + lanes, planes.dtype)
    fill(padded, 0, len(padded), lowest)
    fill(best, 0, len(best), lowest)
    fill(codes, 0, len(codes), far)
    fill(nowhere, 0, len(nowhere), far)
    fill(nowhere, before[1], width, zero)
    line, line_codes = np.empty(columns + lanes, planes.dtype), np.empty(columns + lanes, np.uint8)
    # Each pass covers the whole plane, because loading a vector right after parts of it were stored would stall.
    for plane in range(len(planes) // (height * width)):
        for h in range(height):
            copy(planes, (plane * height + h) * width, padded, h * pitch + before[1], width)
        for p in range(rows):
            start = p * stride[0] - before[0]
            first, end = max(start, 0), min(start + kernel[0], height)
            if with_codes:
                _columns_with_codes(
                    padded, pitch, start, first, end, kernel[1], nowhere, best, codes, p * pitch, needed, lanes
                )
            else:
                _columns(padded, pitch, first, end, best, p * pitch, needed, lanes)
        for p in range(rows):
            if with_codes:
                _rows_with_codes(best, codes, p * pitch, kernel[1], stride[1], columns, line, line_codes, lanes)
                copy(line_codes, 0, argmax, (plane * rows + p) * columns, columns)
            else:
                _rows(best, p * pitch, kernel[1], stride[1], columns, line, lanes)
            copy(line, 0, y, (plane * rows + p) * columns, columns)


@compiled
def _columns(padded, pitch, first, end, best, to, needed, lanes):
    for w in range(0, needed, lanes):
        top = load(padded, first * pitch + w)
        for h in range(first + 1, end):
            top = larger(load(padded, h * pitch + w), top)
        store(best, to + w, top)


@compiled
def _rows(best, at, kernel, stride, columns, line, lanes):
    for q in range(0, columns, lanes):
        if stride == 1:
            top = load(best, at + q)
            for s in range(1, kernel):
                top = larger(load(best, at + q + s), top)
        else:
            top = load_second(best, at + 2 * q)
            for s in range(1, kernel):
                top = larger(load_second(best, at + 2 * q + s), top)
        store(line, q, top)


@compiled
def _columns_with_codes(padded, pitch, start, first, end, kernel, nowhere, best, codes, to, needed, lanes):
    for w in range(0, needed, lanes):
        outside = load(nowhere, w)
        top = load(padded, first * pitch + w)
        code = outside + padded.dtype.type((first - start) * kernel)
        for h in range(first + 1, end):
            below = outside + padded.dtype.type((h - start) * kernel)
            top, code = larger_or_first(load(padded, h * pitch + w), below, top, code)
        store(best, to + w, top)
        store(codes, to + w, code)


@compiled
def _rows_with_codes(best, codes, at, kernel, stride, columns, line, line_codes, lanes):
    one = best.dtype.type(1)
    for q in range(0, columns, lanes):
        if stride == 1:
            top, code = load(best, at + q), load(codes, at + q)
            for s in range(1, kernel):
                column = at + q + s
                top, code = larger_with_code(load(best, column), load(codes, column) + s * one, top, code)
        else:
            top, code = load_second(best, at + 2 * q), load_second(codes, at + 2 * q)
            for s in range(1, kernel):
                column = at + 2 * q + s
                top, code = larger_with_code(load_second(best, column), load_second(codes, column) + s * one, top, code)
        store(line, q, top)
        store_bytes(line_codes, q, code)


@compiled
def one_by_one(planes, y, argmax, sizes, kernel, stride, before):
    """Compute the same as `in_vectors` value by value, for any stride and any window."""
    height, width, rows, columns = sizes
    for plane in range(len(planes) // (height * width)):
        values = planes[plane * height * width : (plane + 1) * height * width].reshape(height, width)
        for p in range(rows):
            start_h = p * stride[0] - before[0]
            first_h, end_h = max(start_h, 0), min(start_h + kernel[0], height)
            for q in range(columns):
                start_w = q * stride[1] - before[1]
                first_w, end_w = max(start_w, 0), min(start_w + kernel[1], width)
                best = values[first_h, first_w]
                best_h, best_w = first_h, first_w
                for h in range(first_h, end_h):
                    for w in range(first_w, end_w):
                        value = values[h, w]
                        # The second test is true for a first NaN only: NaN differs from itself.
                        if value > best or (value != value and best == best):
                            best, best_h, best_w = value, h, w
                at = (plane * rows + p) * columns + q
                y[at] = best
                if len(argmax) > 0:
                    argmax[at] = (best_h - start_h) * kernel[1] + best_w - start_w


@functools.lru_cache(maxsize=32)
def _tables(input_size, size, kernel_size, stride, before):
    """Return the tables of `_add_at_argmax` for a pool of H x W to P x Q."""
    along = [np.arange(size[axis]) * stride[axis] - before[axis] for axis in range(2)]
    starts = np.add.outer(along[0] * input_size[1], along[1]).ravel()
    offsets = np.add.outer(np.arange(kernel_size[0]) * input_size[1], np.arange(kernel_size[1])).ravel()
    rows, columns = (
        _real(size[axis], input_size[axis], kernel_size[axis], stride[axis], before[axis]) for axis in range(2)
    )
    inside = np.einsum("rp,sq->pqrs", rows, columns).reshape(len(starts), len(offsets))
    return input_size[0] * input_size[1], starts, offsets, inside, np.flatnonzero(~inside.all(axis=1))


def _real(windows, size, kernel, stride, before):
    """Return (kernel, windows): whether each position of each window along one axis is inside the image."""
    positions = np.arange(windows) * stride + np.arange(kernel)[:, None] - before
    return (positions >= 0) & (positions < size)


@compiled
def _add_at_argmax(grad_y, argmax, grad_x, size, starts, offsets, inside, border):
    """Write grad_x, and return how many argmax values are outside their window or the image; all arrays are flat.

    size : H * W
    starts : (P * Q), the index in a plane at which each window starts
    offsets : (R * S), the offset of each position from the start of its window
    inside : (P * Q, R * S), whether each position is inside the image
    border : indices of the windows with positions outside; the others need no check, which costs more than an addition
    """
    windows, strays = len(starts), 0
    for i in range(len(grad_x) // size):
        corner, window = i * size, i * windows
        for j in range(size):  # here, so that the plane is in the cache when its gradients are added
            grad_x[np.uintp(corner + j)] = 0
        outside = _count_outside(argmax, window, inside, border)
        if outside == 0:
            for j in range(windows):
                position = np.uintp(argmax[np.uintp(window + j)])
                grad_x[np.uintp(corner + starts[j] + offsets[position])] += grad_y[np.uintp(window + j)]
        strays += outside
    return strays


@compiled
def _count_outside(argmax, window, inside, border):
    windows, positions = inside.shape
    largest = argmax[window]
    for j in range(windows):
        largest = max(largest, argmax[np.uintp(window + j)])
    outside = 0
    if largest < positions:
        for j in border:
            outside += not inside[np.uintp(j), np.uintp(argmax[np.uintp(window + j)])]
    else:
        for j in range(windows):
            position = argmax[np.uintp(window + j)]
            outside += position >= positions or not inside[j, position]
    return outside
