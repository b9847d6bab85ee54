"""GEMM: the matrix product C = A B of the fast kernels, in blocks whose sums stay in registers (`microkernel`).

NumPy's product is equally fast if its BLAS supports the processor, and half as fast if it does not. This GEMM is called
from compiled code, reads A with any strides (so nothing is transposed or packed for it), writes a part of a larger
array, and adds the bias and applies the ReLU before a value leaves its register.

Every value of C is one sum over k in order, in every block, so the result does not depend on how the work is split.
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import MR, NR, VECTOR_BYTES, micro_kernel
from minigooglenet.kernels.fast.simd import transpose

# For MR rows and for one row: 3, 2 or 1 vectors wide, or a single value.
_block_3, _block_2, _block_1 = (micro_kernel(MR, vectors) for vectors in (3, 2, 1))
_row_3, _row_2, _row_1 = (micro_kernel(1, vectors) for vectors in (3, 2, 1))
_block_value, _value = micro_kernel(MR, 1, scalar=True), micro_kernel(1, 1, scalar=True)


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
        (a.ctypes.data, row_table(a.shape[0], a.strides[0]), a.strides[1]),
        (b.ctypes.data, row_table(b.shape[0], b.strides[0])),
        (c.ctypes.data, c.strides[0], c.shape[1]),
        c.itemsize,
        bias.ctypes.data if len(bias) else 0,
        (zero if relu else zero - np.inf, zero + np.inf),
        add,
    )


def multiply_into(a, b, c):
    """Compute C = A B; a (I, K) with any strides, b (K, J) and c (I, J) contiguous along J.

    Only addresses are passed on, so that one compiled function serves all array layouts.
    """
    addresses = [array.__array_interface__["data"][0] for array in (a, b, c)]
    _multiply_at(c.dtype.type(0), *addresses, (*a.shape, c.shape[1]), a.strides, b.strides[0], c.strides[0], c.itemsize)


@compiled
def _multiply_at(zero, a, b, c, sizes, a_strides, b_row, c_row, size):
    a = a, row_table(sizes[0], a_strides[0]), a_strides[1]
    gemm_rows(zero, a, (b, row_table(sizes[1], b_row)), (c, c_row, sizes[2]), size, 0, no_limits(zero), False)


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
    a : (address, row table (I,): offset of each row from the address in bytes, bytes between a row's values)
    b : (address, row table (K,)), each row contiguous
    c : (address, bytes between rows, J)
    bias : address of I initial values of the sums, or 0;  limits : (lowest, highest) value;  add : as in `multiply`
    """
    lanes = VECTOR_BYTES // size
    rows, columns, inner = len(a[1]), c[2], len(b[1])
    a_rows, b_rows = a[1].ctypes.data, b[1].ctypes.data
    j = 0
    while j < columns:
        width = min((columns - j) // lanes, NR)
        if width == 0 and columns >= lanes and not add:
            # Compute the last columns together with some that are already done, which get the same values again.
            j, width = columns - lanes, 1
        b_at, c_at = b[0] + j * size, c[0] + j * size
        i = 0
        while i < rows:
            at = (zero, a[0], a_rows + 8 * i, a[2], b_at, b_rows, c_at + i * c[1], c[1], inner)
            end = (bias + i * size if bias else 0, add, limits)
            if rows - i >= MR:
                if width == 3:
                    _block_3(*at, *end)
                elif width == 2:
                    _block_2(*at, *end)
                elif width == 1:
                    _block_1(*at, *end)
                else:
                    _block_value(*at, *end)
                i += MR
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
