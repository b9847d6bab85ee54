"""Winograd's algorithm for images with channels last: a vector is some channels of a tile, or some filters.

The transforms, the products and the transformed weights are those of `kernels/fast/winograd`, and so is every bit.
"""

import numpy as np

from minigooglenet import aligned, parallel, shapes
from minigooglenet.kernels.fast import winograd
from minigooglenet.kernels.fast.channels_last.images import flat, pack, pack_last
from minigooglenet.kernels.fast.flat import typed
from minigooglenet.kernels.fast.gemm import row_table
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES
from minigooglenet.kernels.fast.simd import copy
from minigooglenet.kernels.fast.winograd.transforms import (
    ELEMENTS,
    FILTERS,
    INPUT,
    OUTPUT,
    transform_input,
    transform_outputs,
)


def bind(x, u, bias, padding, limits, y):
    """Return [(task, count)] for `parallel_for`; every run computes y from x.

    u : `winograd.transforming(weight, 1)[0][0]`;  limits : (lowest, highest) output
    """
    arrays, lanes = (*flat(x), *flat(y)), VECTOR_BYTES // x.itemsize
    starts = np.zeros(y.shape[1], x.dtype) if bias is None else typed(np.ascontiguousarray(bias))
    grid, corner = shapes.winograd_grid(y.shape[2:]), (-padding[0][0], -padding[1][0])
    count, filters, channels = len(x) * grid[0] * grid[1], y.shape[1], x.shape[1]
    blocks, chunks = winograd.split(count, filters, lanes, parallel.num_workers())
    vectors, columns = -(-count // lanes), -(-filters // lanes)
    settings = *arrays, x.shape[2:], y.shape[2:], u, starts, tuple(map(x.dtype.type, limits)), corner, grid
    tiles = winograd.most_tiles(vectors, blocks, lanes)
    products = tiles, ELEMENTS, FILTERS

    def task(start, stop):
        # A vector more per element: the last one may end beyond its tile, and elements are in other sets of the cache.
        v, m = aligned.empty((ELEMENTS, channels * tiles + lanes), u.dtype), aligned.empty(products, u.dtype)
        for item in range(start, stop):
            block, chunk = divmod(item, chunks)
            span = tuple(min(count, vectors * i // blocks * lanes) for i in (block, block + 1))
            part = tuple(min(filters, columns * i // chunks * lanes) for i in (chunk, chunk + 1))
            _convolve_tiles(*settings, span, part, v, m, lanes)

    return [(task, blocks * chunks)]


@compiled
def _convolve_tiles(x, steps, y, y_steps, size, y_size, u, bias, limits, corner, grid, span, filters, v, m, lanes):
    """Compute some filters for the tiles in `span`; v and m are buffers for transformed inputs and products.

    The filters begin with a whole vector.
    """
    channels, count = u.shape[2], span[1] - span[0]
    half, flat_v, width = np.empty(ELEMENTS * lanes, x.dtype), v.reshape(-1), grid[1] * OUTPUT + INPUT - OUTPUT
    rows = np.zeros(INPUT * width * channels + lanes, x.dtype)
    for t in range(count):
        n, tile = (span[0] + t) // (grid[0] * grid[1]), (span[0] + t) % (grid[0] * grid[1])
        down, across = tile // grid[1], tile % grid[1]
        if t == 0 or across == 0:
            top = corner[0] + down * OUTPUT
            if steps[1] == 1:
                pack(x, n * steps[0], steps, channels, size, (top, INPUT, INPUT), -corner[1], width, rows, 0)
            else:  # an input of the network
                pack_last(x, n * steps[0], steps, channels, size, (top, INPUT), -corner[1], width, rows)
        for c in range(0, channels, lanes):
            at = across * OUTPUT * channels + c
            transform_input(rows, at, width * channels, channels, half, flat_v, t * channels + c, v.shape[1], lanes)
    flat_m, starts, o = m.reshape(-1), np.zeros(FILTERS, x.dtype), np.empty(OUTPUT * OUTPUT * lanes, x.dtype)
    v_rows, v_columns = row_table(count, channels * x.itemsize), row_table(channels, x.itemsize)
    k = filters[0]
    while k < filters[1]:
        some = min(FILTERS - k % FILTERS, filters[1] - k)
        winograd.multiply_tiles(v, (v_rows, v_columns), u, m, k, some, lanes)
        copy(bias, k, starts, 0, some)
        for t in range(count):
            n, tile = (span[0] + t) // (grid[0] * grid[1]), (span[0] + t) % (grid[0] * grid[1])
            top, left = tile // grid[1] * OUTPUT, tile % grid[1] * OUTPUT
            down, across = min(OUTPUT, y_size[0] - top), min(OUTPUT, y_size[1] - left)
            to = n * y_steps[0] + top * y_steps[2] + left * y_steps[3] + k
            for f in range(0, some, lanes):
                at, row, pixel = t * ELEMENTS * FILTERS + f, y_steps[2], y_steps[3]
                if down == across == OUTPUT and f + lanes <= some:
                    transform_outputs(flat_m, at, half, y, to + f, row, pixel, starts, f, limits, lanes)
                    continue
                transform_outputs(flat_m, at, half, o, 0, OUTPUT * lanes, lanes, starts, f, limits, lanes)
                for i in range(down):
                    for j in range(across):
                        source = (i * OUTPUT + j) * lanes
                        copy(o, source, y, to + f + i * row + j * pixel, min(lanes, some - f))
        k += some
