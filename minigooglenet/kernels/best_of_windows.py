"""Max pooling, a plane at a time: the largest value of every window and its place, a vector of windows at once.

What makes it fast: the best of each column of a window first, then the best of those columns, so that windows which
overlap share the work; vectors of neighbouring windows; and no branches. Codes r * S + s travel beside the values, as
floating-point numbers, since those compare and select like the values do.
"""

import numpy as np

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

MOST_PLACES = 256  # of a window whose codes fit into bytes
_NOWHERE = 1e6  # the code of padding: of two equal values the other is taken


@compiled
def in_vectors(planes, y, winners, sizes, kernel, stride, before):
    """Fill y (planes, P, Q) and winners, unless empty, from planes (planes, H, W), all flat; stride 1 or 2 along a row.

    sizes : (H, W, P, Q);  before : padding at the top and at the left
    """
    height, width, rows, columns = sizes
    lanes = VECTOR_BYTES // planes.itemsize
    with_codes = len(winners) > 0
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
    # Each pass goes over the whole plane: a vector that is loaded as soon as parts of it are stored must wait for them.
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
                copy(line_codes, 0, winners, (plane * rows + p) * columns, columns)
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
                here = at + q + s
                top, code = larger_with_code(load(best, here), load(codes, here) + s * one, top, code)
        else:
            top, code = load_second(best, at + 2 * q), load_second(codes, at + 2 * q)
            for s in range(1, kernel):
                here = at + 2 * q + s
                top, code = larger_with_code(load_second(best, here), load_second(codes, here) + s * one, top, code)
        store(line, q, top)
        store_bytes(line_codes, q, code)


@compiled
def one_by_one(planes, y, winners, sizes, kernel, stride, before):
    """Do the same for any stride and any window, value by value."""
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
                if len(winners) > 0:
                    winners[at] = (best_h - start_h) * kernel[1] + best_w - start_w
