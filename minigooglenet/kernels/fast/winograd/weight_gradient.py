"""The weight gradient by Winograd's algorithm: 36 products over tiles, transformed back to 3 x 3 once.

Tiles are processed in chunks, so that their transforms stay in the cache; the products of all chunks are added up. A
task transforms some of the channels, then multiplies some of the 36 elements. No two tasks add to the same value, so
the result is bit-identical for every number of threads.
"""

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels.fast import flat
from minigooglenet.kernels.fast.gemm import multiply, padded_columns, transpose_matrix
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES
from minigooglenet.kernels.fast.winograd import tiles, transforms
from minigooglenet.kernels.fast.winograd.transforms import ELEMENTS, OUTPUT, STEP, WIDTH

CHUNK = 3 * WIDTH  # tiles whose transforms are in memory at the same time


def grad_weight(grad_y, x, padding):
    """Return (K, C, 3, 3) for grad_y (N, K, P, Q) and x (N, C, H, W)."""
    channels, filters = x.shape[1], grad_y.shape[1]
    lanes = VECTOR_BYTES // x.itemsize
    grid = tuple(-(-length // OUTPUT) for length in grad_y.shape[2:])
    count = len(x) * grid[0] * grid[1]
    width = min(CHUNK, -(-count // WIDTH) * WIDTH)
    values, grads = flat.flat(x), flat.flat(grad_y)
    # One more row each, so that the 36 elements of a tile are not in the same set of the cache.
    v = np.empty((ELEMENTS, channels + 1, width), x.dtype)
    # Transposed into the padded columns of the products.
    m = np.zeros((ELEMENTS, filters + 1, width), x.dtype)
    grad_u = np.zeros((ELEMENTS, channels + 1, padded_columns(filters, x.dtype)), x.dtype)
    corner = -padding[0][0], -padding[1][0]

    def transform(start, stop, chunk):
        for first, end, is_input in ((start, min(stop, channels), True), (max(start, channels), stop, False)):
            if is_input and first < end:
                _transform(*values, x.shape[2:], corner, grid, chunk, (first, end), v, True, lanes)
            elif first < end:
                some = first - channels, end - channels
                _transform(*grads, grad_y.shape[2:], (0, 0), grid, chunk, some, m, False, lanes)

    for begin in range(0, count, width):
        chunk = begin, min(count, begin + width)
        parallel.parallel_for(lambda start, stop, chunk=chunk: transform(start, stop, chunk), channels + filters)
        in_chunk = chunk[1] - chunk[0]
        parallel.parallel_for(lambda start, stop, n=in_chunk: _products(v, m, grad_u, n, (start, stop)), ELEMENTS)
    result = np.empty((filters, channels, 3, 3), x.dtype)
    parallel.parallel_for(
        lambda start, stop: transforms.transform_grad_kernels(grad_u, result, start, stop, lanes), channels
    )
    return result


@compiled
def _transform(x, step, size, corner, grid, span, channels, v, is_input, lanes):
    """Fill v (36, C, width) with the transforms of the tiles in `span` for some channels."""
    rows = tiles.rows_buffer(size, grid[1], x.dtype)
    d, half = np.empty(ELEMENTS * STEP, x.dtype), np.empty(ELEMENTS * WIDTH, x.dtype)
    flat_v, element = v.reshape(-1), v.shape[1] * v.shape[2]
    for c in range(channels[0], channels[1]):
        for first in range(span[0], span[1], WIDTH):
            block = first, min(span[1], first + WIDTH)
            count = block[1] - block[0]
            at = c * v.shape[2] + first - span[0]
            tiles.gather_block(x, step, c * size[0] * size[1], size, corner, grid, block, rows, d, lanes)
            if is_input:
                transforms.transform_inputs(d, half, flat_v, at, element, lanes, count, lanes)
            else:
                transforms.transform_grad_outputs(d, half, flat_v, at, element, count, lanes)


@compiled
def _products(v, m, grad_u, count, elements):
    transposed = np.zeros((m.shape[2], grad_u.shape[2]), m.dtype)
    nothing = np.empty(0, m.dtype)
    for element in range(elements[0], elements[1]):
        transpose_matrix(m[element, :-1], transposed)
        multiply(v[element, :-1, :count], transposed[:count], grad_u[element, :-1], nothing, False, True)
