"""Max pooling: planes in chunks, maxima along rows, then along columns, a SIMD vector of neighbours at once.

Six ideas make it fast:

- Overlapping windows reuse work: the maximum along each row of a window is computed once for all windows that contain
  this row.
- Three columns of a vector of windows are one or two loads, whose values are moved from lane to lane.
- The rows of a plane are one flat array, and a vector may contain the end of a row and the start of the next. So rows
  of 7 values are as fast as rows of 112. A mask for each column s of the kernel replaces values outside the image by
  -infinity: `min(value, mask)`, where the mask is infinity inside.
- Planes are neither padded nor copied, except if a vector would extend past the first or last value of the arrays, or
  if a row has more windows than values.
- A maximum of finite values needs one instruction, and NaN would need more. So one pass tests whether all are finite:
  x * 0 is NaN for NaN and infinity. A plane that is not finite is computed value by value.
- The codes r * S + s are floating-point values too, selected by the same instructions as the maxima, without branches.
  Only a larger value replaces a maximum, and rows come before columns, so the first of equal values counts.

`backward` adds the gradient of every window at its argmax. Tables contain the start of each window and the offset of
each of its positions, so that one loop over the windows needs no division. Only windows at the border are checked for
positions outside the image.
"""

import functools
from typing import NamedTuple

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast.flat import flat
from minigooglenet.kernels.fast.jit import compiled, compiled_sum
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES
from minigooglenet.kernels.fast.simd import (
    broadcast,
    copy,
    even,
    fill,
    lanes,
    larger,
    larger_with_code,
    load,
    next_1,
    next_2,
    odd,
    smaller,
    store,
    store_bytes,
)
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces

MOST_POSITIONS = 256  # in a window whose codes fit into bytes
CHUNK = 2048  # values of the planes that are computed together: they and their maxima fit into the L1 cache
GROUP = 512  # maxima of the rows that one loop computes: more would make the masks large
CHECKS_ARGMAX = True  # `backward` checks the argmax while it adds, at no extra cost


class Layout(NamedTuple):
    """The sizes of a pool."""

    size: tuple[int, int]  # (H, W)
    windows: tuple[int, int]  # (P, Q)
    kernel: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]  # the padding at the top and at the left
    span: int  # maxima in a row: the distance from one row of maxima to the next
    rows: int  # rows of maxima in a plane, with those of the padding
    group: int  # rows that one loop computes
    chunk: int  # planes that are computed together


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
    channels, area, windows = x.shape[1], x.shape[2] * x.shape[3], y.shape[2] * y.shape[3]
    layout = _layout(x.shape[2:], y.shape[2:], kernel_size, stride, (padding[0][0], padding[1][0]))
    masks = _masks(layout, x.dtype)
    in_simd = kernel_size[0] * kernel_size[1] <= MOST_POSITIONS and stride[1] <= 2

    def task(start, stop):
        for n, first, end in pieces(start, stop, channels):
            planes = values[n * step + first * area : n * step + end * area]
            target = pooled[n * pooled_step + first * windows : n * pooled_step + end * windows]
            codes, left = None if argmax is None else argmax[n, first:end].reshape(-1), np.ones(end - first, bool)
            if in_simd:
                in_vectors(planes, target, codes, masks, layout, left)
            if left.any():
                one_by_one(planes, target, codes, layout, left)

    return task, len(x) * channels


def _argmax_type(kernel_size):
    return np.min_scalar_type(kernel_size[0] * kernel_size[1] - 1)


def _layout(size, windows, kernel, stride, before):
    span = max(windows[1], -(-size[1] // stride[1]))
    rows = max((windows[0] - 1) * stride[0] + kernel[0], before[0] + size[0])
    group = min(size[0], max(1, GROUP // span))
    chunk = max(1, CHUNK // (rows * span * stride[1]))
    return Layout(size, windows, kernel, stride, before, span, rows, group, chunk)


@functools.lru_cache(maxsize=32)
def _masks(layout, dtype):
    """Return (columns * length,), for each column of the kernel and each window of a group: infinity inside.

    The value is -infinity outside, and in columns that round their number up to a multiple of three. A vector may
    extend past the last window.
    """
    windows = np.arange(layout.group * layout.span + VECTOR_BYTES // dtype.itemsize) % layout.span
    positions = np.arange(-(-layout.kernel[1] // 3) * 3)[:, None]
    columns = windows * layout.stride[1] + positions - layout.before[1]
    inside = (columns >= 0) & (columns < layout.size[1]) & (positions < layout.kernel[1])
    return np.where(inside, np.inf, -np.inf).astype(dtype).reshape(-1)


@compiled
def in_vectors(planes, y, argmax, masks, layout, left):
    """Fill y (planes, P, Q), and argmax unless it is None, from planes (planes, H, W); stride 1 or 2 along a row.

    All arrays are flat. Numba compiles the code for an argmax only for calls that pass one.

    left : (planes,), set to False for each plane that is computed: those whose values are finite
    """
    area = layout.size[0] * layout.size[1]
    buffers = _buffers(planes, argmax, layout)
    for first in range(0, len(left), layout.chunk):
        end = min(first + layout.chunk, len(left))
        step = end - first if _is_finite(planes, first * area, (end - first) * area) else 1
        for i in range(first, end, step):
            if step > 1 or _is_finite(planes, i * area, area):
                _pool_finite(planes, y, argmax, masks, layout, buffers, i, i + step)
                left[i : i + step] = False


@compiled
def _buffers(planes, argmax, layout):
    """Return (padded planes, maxima of rows, y, codes) of a chunk; the maxima start as -infinity.

    codes : (codes of the maxima, argmax), or None if no argmax is computed
    """
    pitch, past = layout.span * layout.stride[1], lanes(planes)  # a vector may extend past the last value
    room = _room(planes, layout)
    padded = np.empty(2 * room + layout.chunk * layout.size[0] * pitch, planes.dtype)
    best = np.empty(layout.chunk * layout.rows * layout.span + past, planes.dtype)
    fill(padded, 0, len(padded), planes.dtype.type(0))
    fill(best, 0, len(best), planes.dtype.type(-np.inf))
    y = np.empty(layout.chunk * layout.windows[0] * layout.span + past, planes.dtype)
    if argmax is None:
        codes = None
    else:
        codes = np.zeros(len(best), planes.dtype), np.empty(len(y), np.uint8)
    return padded, best, y, codes


@compiled
def _room(planes, layout):
    """Return how far before and after the planes of a chunk vectors may extend."""
    return layout.kernel[1] + 2 * layout.stride[1] * lanes(planes)


@compiled
def _pool_finite(planes, y, argmax, masks, layout, buffers, first, end):
    """Pool planes[first:end], all finite."""
    padded, best, pooled, coded = buffers
    (height, width), (rows, columns) = layout.size, layout.windows
    count, pitch, room = end - first, layout.span * layout.stride[1], _room(planes, layout)
    source, at = planes, first * height * width
    if pitch != width or at < room or at + count * height * width + room > len(planes):
        _copy_rows(planes, at, width, padded, room, pitch, count * height, width)
        source, at = padded, room
    start, to, total = at - layout.before[1], first * rows * columns, count * rows
    in_place = layout.span == columns and to + total * columns + lanes(y) <= len(y)
    out, begin = (y, to) if in_place else (pooled, 0)
    if argmax is None:
        _all_rows(source, start, masks, best, None, count, layout)
        _columns(best, None, out, None, begin, count, layout)
    else:
        codes, pooled_codes = coded
        _all_rows(source, start, masks, best, codes, count, layout)
        _columns(best, codes, out, argmax if in_place else pooled_codes, begin, count, layout)
        if not in_place:
            _copy_rows(pooled_codes, 0, layout.span, argmax, to, columns, total, columns)
    if not in_place:
        _copy_rows(pooled, 0, layout.span, y, to, columns, total, columns)


@compiled
def _copy_rows(source, at, step, target, to, hop, rows, count):
    """Copy rows of `count` values; the distance from one to the next is `step` in the source, `hop` in the target."""
    if step == hop == count:
        rows, count = 1, rows * count
    for h in range(rows):
        copy(source, at + h * step, target, to + h * hop, count)


@compiled_sum
def _is_finite(values, at, count):
    zero = values.dtype.type(0)
    total = zero
    for i in range(count):
        total += values[np.uintp(at + i)] * zero
    return total == 0


@compiled
def _all_rows(source, at, masks, best, codes, planes, layout):
    """Compute the maxima along the rows of some planes; the first window starts at source[at]."""
    height, kernel, stride, span = layout.size[0], layout.kernel[1], layout.stride[1], layout.span
    length = len(masks) // ((kernel + 2) // 3 * 3)
    for plane in range(planes):
        to = (plane * layout.rows + layout.before[0]) * span
        for h in range(0, height, layout.group):
            count = min(layout.group, height - h) * span
            start, target = at + (plane * height + h) * span * stride, to + h * span
            # Three columns at a time, because most kernels have up to three: their maxima stay in registers. The masks
            # exclude columns that the kernel does not have.
            for s in range(0, kernel, 3):
                # The stride is a constant in each call, so that the loops do not test it.
                if codes is None:
                    if stride == 1:
                        _rows(source, start, 1, s, masks, length, best, target, count)
                    else:
                        _rows(source, start, 2, s, masks, length, best, target, count)
                elif stride == 1:
                    _rows_with_codes(source, start, 1, s, masks, length, best, codes, target, count)
                else:
                    _rows_with_codes(source, start, 2, s, masks, length, best, codes, target, count)
        # The last vector may have covered a part of the padding.
        store(best, to + height * span, broadcast(best.dtype.type(-np.inf)))


@compiled
def _rows(source, at, stride, s, masks, length, best, to, count):
    current = _vectors(source, at + s, stride)
    for j in range(0, count, lanes(best)):
        (first, second, third), current = _three(source, at + s, stride, j, current)
        top = smaller(first, load(masks, s * length + j))
        top = larger(smaller(second, load(masks, (s + 1) * length + j)), top)
        top = larger(smaller(third, load(masks, (s + 2) * length + j)), top)
        if s > 0:
            top = larger(top, load(best, to + j))
        store(best, to + j, top)


@compiled
def _rows_with_codes(source, at, stride, s, masks, length, best, codes, to, count):
    real = best.dtype.type
    code_1, code_2, code_3 = broadcast(real(s)), broadcast(real(s + 1)), broadcast(real(s + 2))
    current = _vectors(source, at + s, stride)
    for j in range(0, count, lanes(best)):
        (first, second, third), current = _three(source, at + s, stride, j, current)
        top, code = smaller(first, load(masks, s * length + j)), code_1
        top, code = larger_with_code(smaller(second, load(masks, (s + 1) * length + j)), code_2, top, code)
        top, code = larger_with_code(smaller(third, load(masks, (s + 2) * length + j)), code_3, top, code)
        if s > 0:
            top, code = larger_with_code(top, code, load(best, to + j), load(codes, to + j))
        store(best, to + j, top)
        store(codes, to + j, code)


@compiled
def _vectors(source, at, stride):
    """Return the values in the first two columns of a vector of windows; at stride 1 those of the first, twice."""
    a = load(source, at)
    if stride == 1:
        return a, a
    b = load(source, at + lanes(source))
    return even(a, b), odd(a, b)


@compiled
def _three(source, at, stride, j, current):
    """Return the values in three columns of the windows from j on, and `_vectors` of the windows after them.

    Each value is loaded once: most loads are not aligned, and take longer than moving a value to the next lane.
    """
    ahead = _vectors(source, at + (j + lanes(source)) * stride, stride)
    if stride == 1:
        return (current[0], next_1(current[0], ahead[0]), next_2(current[0], ahead[0])), ahead
    return (current[0], current[1], next_1(current[0], ahead[0])), ahead


@compiled
def _columns(best, codes, y, argmax, to, planes, layout):
    """Compute the maxima along the columns, and with them y, whose rows have the length `span`."""
    rows, (height, width), span, real = layout.windows[0], layout.kernel, layout.span, best.dtype.type
    second, third = min(1, height - 1), min(2, height - 1)
    # At stride 1 the windows of a plane are one loop.
    loops, length = (1, rows * span) if layout.stride[0] == 1 else (rows, span)
    for plane in range(planes):
        for p in range(loops):
            at, target = (plane * layout.rows + p * layout.stride[0]) * span, to + (plane * rows + p) * span
            for j in range(0, length, lanes(best)):
                i = at + j
                if codes is None:
                    top = larger(load(best, i + second * span), load(best, i))
                    top = larger(load(best, i + third * span), top)
                    for r in range(3, height):
                        top = larger(load(best, i + r * span), top)
                else:
                    top, code = load(best, i), load(codes, i)
                    k = i + second * span
                    top, code = larger_with_code(load(best, k), load(codes, k) + real(second * width), top, code)
                    k = i + third * span
                    top, code = larger_with_code(load(best, k), load(codes, k) + real(third * width), top, code)
                    for r in range(3, height):
                        k = i + r * span
                        top, code = larger_with_code(load(best, k), load(codes, k) + real(r * width), top, code)
                    store_bytes(argmax, target + j, code)
                store(y, target + j, top)


@compiled
def one_by_one(planes, y, argmax, layout, left):
    """Compute the planes in `left` value by value, for any stride, any window and any value."""
    (height, width), (rows, columns), kernel, stride, before = layout[:5]
    for plane in np.flatnonzero(left):
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
                if argmax is not None:
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
