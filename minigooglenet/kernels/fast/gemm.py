"""The matrix product C = A B of the fast kernels, in tiles that stay in registers (`tile`).

NumPy's own product is as fast where its BLAS knows the processor, and half as fast where it doesn't. This one is
called from compiled code, reads A with any strides (so nothing is transposed or packed for it), writes a part of
a larger array, and adds the bias and takes the ReLU before a value leaves its register.

Every value of C is one sum over k in order, wherever the tiles fall: how work is cut never changes a bit.
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import ROWS, VECTOR_BYTES, VECTORS, tile_product
from minigooglenet.kernels.fast.simd import transpose

_block_3, _block_2, _block_1 = (tile_product(ROWS, vectors) for vectors in (3, 2, 1))
_row_3, _row_2, _row_1 = (tile_product(1, vectors) for vectors in (3, 2, 1))
_block_value, _value = tile_product(ROWS, 1, scalar=True), tile_product(1, 1, scalar=True)


@compiled
def multiply(a, b, c, bias, relu, add):
    """Compute C = A B in compiled code: a (I, K) with any strides; b (K, J) and c (I, J) contiguous along J.

    bias : (I,) from which the sums start, or an array of no values
    relu : replace what is below zero by zero
    add : add to what c holds; no bias then
    """
    multiply_rows(
        c.dtype.type(0),
        (a.ctypes.data, rows_apart(a.shape[0], a.strides[0]), a.strides[1]),
        (b.ctypes.data, rows_apart(b.shape[0], b.strides[0])),
        (c.ctypes.data, c.strides[0], c.shape[1]),
        c.itemsize,
        bias.ctypes.data if len(bias) else 0,
        relu,
        add,
    )


def multiply_into(a, b, c):
    """Compute C = A B; a (I, K) with any strides, b (K, J) and c (I, J) contiguous along J.

    Only addresses are handed on, so that this is compiled once, whatever the layouts of the arrays.
    """
    places = [array.__array_interface__["data"][0] for array in (a, b, c)]
    _multiply_at(c.dtype.type(0), *places, (*a.shape, c.shape[1]), a.strides, b.strides[0], c.strides[0], c.itemsize)


@compiled
def _multiply_at(zero, a, b, c, sizes, a_strides, b_row, c_row, size):
    a = a, rows_apart(sizes[0], a_strides[0]), a_strides[1]
    multiply_rows(zero, a, (b, rows_apart(sizes[1], b_row)), (c, c_row, sizes[2]), size, 0, False, False)


@compiled
def rows_apart(count, distance):
    """Return the table (count,) of rows that lie `distance` bytes apart."""
    table = np.empty(count, np.int64)
    for i in range(count):
        table[i] = i * distance
    return table


@compiled
def multiply_rows(zero, a, b, c, size, bias, relu, add):
    """Compute C = A B for rows that lie anywhere: C[i, j] = sum over k of A[i, k] B[k, j].

    zero : 0 of the type;  size : bytes of a value
    a : (address, table (I,) of where each row begins in bytes behind it, bytes between a row's values)
    b : (address, table (K,) likewise), each row contiguous
    c : (address, bytes between rows, J)
    bias : address of I values from which the sums start, or 0;  relu, add : as in `multiply`
    """
    lowest = zero if relu else zero - np.inf
    lanes = VECTOR_BYTES // size
    rows, columns, depth = len(a[1]), c[2], len(b[1])
    a_rows, b_rows = a[1].ctypes.data, b[1].ctypes.data
    j = 0
    while j < columns:
        width = min((columns - j) // lanes, VECTORS)
        if width == 0 and columns >= lanes and not add:
            # The last few columns once more with some of their neighbours, whose values come out the same.
            j, width = columns - lanes, 1
        b_at, c_at = b[0] + j * size, c[0] + j * size
        i = 0
        while i < rows:
            at = (zero, a[0], a_rows + 8 * i, a[2], b_at, b_rows, c_at + i * c[1], c[1], depth)
            end = (bias + i * size if bias else 0, add, lowest)
            if rows - i >= ROWS:
                if width == 3:
                    _block_3(*at, *end)
                elif width == 2:
                    _block_2(*at, *end)
                elif width == 1:
                    _block_1(*at, *end)
                else:
                    _block_value(*at, *end)
                i += ROWS
            else:
                if width == 3:
                    _row_3(*at, *end)
                elif width == 2:
                    _row_2(*at, *end)
                elif width == 1:
                    _row_1(*at, *end)
                else:
                    _value(*at, *end)
                i += 1
        j += width * lanes if width else 1


def padded_columns(columns, dtype):
    """Return the number of columns rounded up to whole vectors."""
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
