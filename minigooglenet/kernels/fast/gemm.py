"""GEMM: the matrix product C = A B of the fast kernels, in blocks whose sums stay in registers (`microkernel`).

NumPy's product is equally fast if its BLAS supports the processor, and half as fast if it does not. This GEMM is called
from compiled code, reads A with any strides (so nothing is transposed or packed for it), writes a part of a larger
array, and adds the bias and applies the ReLU before a value leaves its register.

B is copied panel by panel: a few columns of some rows, which stay in the L1 cache while all rows of A use them. Read in
place, each row of B would be in another cache line, and most panels would come from the L2 cache each time. Gain: a
product of GoogLeNet's sizes takes three quarters of the time.

Every value of C is one sum over k in order, in every block, so the result does not depend on how the work is split.
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import (
    BLOCK_ROWS,
    FROM_C,
    FROM_ROWS,
    FROM_ZERO,
    MOST_VECTORS,
    NR,
    VECTOR_BYTES,
    copier,
    copy_part,
    copy_value,
    micro_kernel,
)
from minigooglenet.kernels.fast.simd import transpose

_block_4, _block_3, _block_2, _block_1 = (
    micro_kernel(BLOCK_ROWS[min(vectors, MOST_VECTORS)], vectors) for vectors in (4, 3, 2, 1)
)
_row_3 = micro_kernel(1, 3)
_MOST_ROWS = max(BLOCK_ROWS)
_copy_3, _copy_1 = copier(3), copier(1)
NO_BIAS = np.int64(0)  # an address
WHOLE_ROWS = np.int64(0), np.int64(0)  # rows of B that do not consist of parts
# A packed panel has at most so many bytes, so that it stays in the L1 cache with the rows of A and C. A panel that is
# used for fewer rows than LEAST_ROWS is not packed, unless it ends within a vector.
PANEL_BYTES, LEAST_ROWS = 24 * 1024, 12
PANEL_ROW = NR * VECTOR_BYTES  # bytes of a row of a panel of up to NR vectors


@compiled
def multiply(a, b, c, bias, relu, add):
    """Compute C = A B in compiled code: a (I, K) with any strides; b (K, J) and c (I, J) contiguous along J.

    bias : (I,), the initial values of the sums, or an empty array
    relu : replace negative values by zero
    add : add to the values in c; then bias must be empty
    """
    zero = c.dtype.type(0)
    gemm_rows(
        zero,
        (np.int64(a.ctypes.data), row_table(a.shape[0], a.strides[0]), row_table(a.shape[1], a.strides[1])),
        (np.int64(b.ctypes.data), row_table(b.shape[0], b.strides[0]), WHOLE_ROWS),
        (np.int64(c.ctypes.data), c.strides[0], c.shape[1]),
        c.itemsize,
        np.int64(bias.ctypes.data) if len(bias) else NO_BIAS,
        (zero if relu else zero - np.inf, zero + np.inf),
        add,
    )


@compiled
def no_limits(zero):
    """Return (-infinity, infinity) in the type of `zero`."""
    return type(zero)(-np.inf), type(zero)(np.inf)


@compiled
def row_table(count, distance):
    """Return the row table (count,) of rows at intervals of `distance` bytes."""
    table = np.empty(count, np.int64)
    for i in range(count):
        table[i] = i * distance
    return table


@compiled
def gemm_rows(zero, a, b, c, size, bias, limits, add):
    """Compute C = A B for rows at any addresses: C[i, j] = sum over k of A[i, k] B[k, j].

    zero : 0 of the dtype;  size : bytes of a value
    a : (address, row table (I,), column table (K,)): the offset of each row and column from the address in bytes
    b : (address, row table (K,), WHOLE_ROWS), each row contiguous; or (address, row table, (width, pitch)) if a row
        consists of parts of `width` values, `pitch` values apart, and a vector after its last value can be read
    c : (address, bytes between rows, J)
    bias : address of I initial values of the sums, or NO_BIAS
    limits : (lowest, highest) value;  add : as in `multiply`
    """
    rows, columns, inner, lanes = len(a[1]), c[2], len(b[1]), VECTOR_BYTES // size
    in_parts, widest = b[2][0] > 0, MOST_VECTORS * VECTOR_BYTES
    # Parts are copied in whole vectors, which may end beyond the panel, or leave the end of a row as it was: zeros,
    # because arbitrary bytes may be denormal numbers, with which some processors compute a hundred times slower.
    room = np.zeros(min(inner * widest, PANEL_BYTES) + 64 + VECTOR_BYTES, np.uint8)
    panel = (np.int64(room.ctypes.data) + 63) // 64 * 64
    parts = np.empty((MOST_VECTORS * lanes + 1, 2), np.int64)
    j = 0
    while j < columns:
        vectors = (columns - j + lanes - 1) // lanes
        vectors = vectors if vectors == MOST_VECTORS else min(vectors, NR)
        across, panel_row = min(vectors * lanes, columns - j), max(vectors, NR) * VECTOR_BYTES
        packed = rows >= LEAST_ROWS or across % lanes != 0 or in_parts
        step = PANEL_BYTES // panel_row if packed else inner
        table = row_table(min(inner, step) if packed else 0, panel_row)
        target = c[0] + j * size, c[1], across
        k = 0
        while k == 0 or k < inner:  # once for an empty sum
            some, last = min(step, inner - k), k + step >= inner
            if in_parts:
                _pack_parts(zero, b, (k, some), (j, across), parts, panel, panel_row, size)
                part = panel, table, some
            elif packed:
                _pack(zero, b[0] + j * size, b[1], k, some, across, panel, panel_row, size)
                part = panel, table, some
            else:
                part = b[0] + j * size, b[1], some
            # A value waits in C for the rest of its sum, so the order of the sum stays the same.
            start = FROM_C if add or k > 0 else (FROM_ROWS if bias else FROM_ZERO)
            bounds = limits if last else no_limits(zero)
            multiply_panel(zero, (a[0], a[1], a[2][k:]), part, target, size, (bias, start), bounds)
            k += max(step, 1)
        j += across
    return len(room)  # after the last use of its address, so that it is not freed earlier


@compiled
def _pack(zero, b, table, first, count, across, panel, panel_row, size):
    """Copy `across` columns of `count` rows of B into a panel, and fill up its last vector with zeros."""
    lanes = VECTOR_BYTES // size
    for k in range(count):
        source, target = b + table[first + k], panel + k * panel_row
        if across == NR * lanes:
            _copy_3(zero, source, target)
        else:
            _copy_row(zero, source, target, across, size)


@compiled
def _copy_row(zero, source, target, count, size):
    """Copy a row of a panel, and fill up its last vector with zeros."""
    lanes = VECTOR_BYTES // size
    whole = count // lanes * lanes
    for j in range(0, whole, lanes):
        _copy_1(zero, source + j * size, target + j * size)
    if whole < count:
        copy_part(zero, source + whole * size, target + whole * size, count - whole)


@compiled
def _pack_parts(zero, b, rows, columns, parts, panel, panel_row, size):
    """Copy some columns of some rows of B, which consist of parts, into a panel; both are (first, number).

    parts : buffer for the offset of each copied vector in a row of B and in a row of the panel, in bytes
    """
    address, table, (width, pitch) = b
    lanes, count, at = VECTOR_BYTES // size, 0, 0
    while at < columns[1]:
        column = columns[0] + at
        length = min(width - column % width, columns[1] - at)
        start = column // width * pitch + column % width
        for j in range(0, length, lanes):
            parts[count, 0], parts[count, 1] = (start + j) * size, (at + j) * size
            count += 1
        at += length
    for k in range(rows[1]):
        source, target = address + table[rows[0] + k], panel + k * panel_row
        for i in range(count):  # what a vector writes beyond its part is overwritten by the next one
            _copy_1(zero, source + parts[i, 0], target + parts[i, 1])


@compiled
def multiply_panel(zero, a, b, c, size, bias, limits):
    """Compute up to MOST_VECTORS vectors of columns of C = A B, as `gemm_rows` does.

    b : (address, row table, K); all vectors of its rows can be read, even if C ends within one
    bias : (address, what the sums start from)
    """
    rows, lanes = len(a[1]), VECTOR_BYTES // size
    a_rows, a_columns, b_rows = np.int64(a[1].ctypes.data), np.int64(a[2].ctypes.data), np.int64(b[1].ctypes.data)
    step = size if bias[1] == FROM_ROWS else 0
    vectors = (c[2] + lanes - 1) // lanes
    height, last = BLOCK_ROWS[vectors], c[2] - (vectors - 1) * lanes
    i = 0
    while i + height <= rows:
        at = (zero, a[0], a_rows + 8 * i, a_columns, b[0], b_rows, c[0] + i * c[1], c[1], b[2])
        _block(vectors, at, (bias[0] + i * step, bias[1], limits, last))
        i += height
    while vectors == NR and i < rows:
        at = (zero, a[0], a_rows + 8 * i, a_columns, b[0], b_rows, c[0] + i * c[1], c[1], b[2])
        _row_3(*at, bias[0] + i * step, bias[1], limits, last)
        i += 1
    if i < rows:
        _multiply_rest(zero, a, b, c, size, bias, limits, (i, vectors, height))


@compiled
def _multiply_rest(zero, a, b, c, size, bias, limits, state):
    """Compute the rows of C from row `state[0]`, too few for a block, in a buffer, and copy what belongs to C."""
    first, vectors, height = state
    rows, lanes, row = len(a[1]) - first, VECTOR_BYTES // size, MOST_VECTORS * VECTOR_BYTES
    room, repeated = np.empty(_MOST_ROWS * row, np.uint8), np.empty(_MOST_ROWS, np.int64)
    buffer, start = np.int64(room.ctypes.data), bias[1]
    for r in range(height):
        repeated[r] = a[1][first + min(r, rows - 1)]
    for r in range(rows):
        if start == FROM_C:
            _copy_row(zero, c[0] + (first + r) * c[1], buffer + r * row, c[2], size)
        elif start == FROM_ROWS:
            for j in range(c[2]):
                copy_value(zero, bias[0] + (first + r) * size, buffer + r * row + j * size)
    a_rows, a_columns, b_rows = np.int64(repeated.ctypes.data), np.int64(a[2].ctypes.data), np.int64(b[1].ctypes.data)
    at = (zero, a[0], a_rows, a_columns, b[0], b_rows, buffer, row, b[2])
    _block(vectors, at, (bias[0], FROM_C if start == FROM_ROWS else start, limits, lanes))
    for r in range(rows):
        for j in range(c[2]):
            copy_value(zero, buffer + r * row + j * size, c[0] + (first + r) * c[1] + j * size)
    return len(room) + len(repeated)  # after the last use of their addresses, so that they are not freed earlier


@compiled
def _block(vectors, at, end):
    if MOST_VECTORS == 4 and vectors == 4:
        _block_4(*at, *end)
    elif vectors == 3:
        _block_3(*at, *end)
    elif vectors == 2:
        _block_2(*at, *end)
    else:
        _block_1(*at, *end)


def padded_columns(columns, dtype):
    """Return the number of columns, rounded up to a multiple of the SIMD vector length."""
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    return -(-columns // lanes) * lanes


@compiled
def transpose_matrix(a, b):
    """Write a (I, J), contiguous, into the first I columns of b (J, at least I), contiguous."""
    rows, columns = a.shape
    source, target = a.reshape(-1), b.reshape(-1)
    lanes, step = VECTOR_BYTES // a.itemsize, b.shape[1]
    whole_rows, whole_columns = rows // lanes * lanes, columns // lanes * lanes
    for j in range(0, whole_columns, lanes):
        for i in range(0, whole_rows, lanes):
            transpose(source, i * columns + j, columns, target, j * step + i, step)
        for i in range(whole_rows, rows):
            for k in range(j, j + lanes):
                b[k, i] = a[i, k]
    for j in range(whole_columns, columns):
        for i in range(rows):
            b[j, i] = a[i, j]
