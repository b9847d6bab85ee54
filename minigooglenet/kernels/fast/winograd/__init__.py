"""Winograd's algorithm F(4x4, 3x3) for 3x3 convolutions with stride 1: a quarter of the multiplications.

It is faster than implicit GEMM because 16 neighbouring outputs have many inputs in common: with transformed inputs
(`transforms`) they need 36 products instead of 144. Gain: GoogLeNet takes 7.0 ms per image instead of 9.3, in batches
of 8.

The price is additions and accuracy: the transforms multiply by up to 8, and these terms cancel later. In float32 the
error is about ten times that of implicit GEMM, 1e-5 of the largest value. It is below 4e-5 on GoogLeNet's layers, which
the tests check.

The error is not local. The largest input of a tile causes round-off in every output of the tile, even in outputs whose
3x3 window does not contain it: a single pixel of 1e6 among values around 1 causes errors of up to 0.5 in the other
outputs of its tiles, and a single NaN makes all 16 outputs NaN. `docs/accuracy.md` has the numbers.

The tiles of all images have consecutive indices. A block of at most 64 tiles is transformed, multiplied and transformed
back while it stays in the processor's caches.
"""

import functools

import numpy as np

from minigooglenet import aligned, parallel, shapes
from minigooglenet.kernels.fast import flat
from minigooglenet.kernels.fast.bias_gradient import sums_per_channel
from minigooglenet.kernels.fast.gemm import NO_BIAS, multiply_panel, no_limits, row_table
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import FROM_ZERO, NR, VECTOR_BYTES
from minigooglenet.kernels.fast.winograd import tiles, transforms, weight_gradient
from minigooglenet.kernels.fast.winograd.transforms import ELEMENTS, FILTERS, INPUT, OUTPUT, STEP, WIDTH

NO_LIMITS = -np.inf, np.inf
# Products that take as long as transforming the inputs of a tile in one channel, and tiles whose products take as long
# as reading the weights for them.
TRANSFORM, READING = 48, 8


def forward(x, weight, bias, stride, padding, groups):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, 3, 3) and bias (K,) or None."""
    size = shapes.output_size(x.shape[2:], weight.shape[2:], stride, padding)
    y = np.empty((len(x), len(weight), *size), x.dtype)
    for task, tasks in bind(x, prepare(weight, groups), bias, padding, NO_LIMITS, y):
        parallel.parallel_for(task, tasks)
    return y


def bind(x, transformed, bias, padding, limits, y):
    """Return [(task, count)] for `parallel_for`; every run computes y from x.

    transformed : `prepare(weight, groups)`;  limits : (lowest, highest) output
    """
    starts = np.empty(0, x.dtype) if bias is None else flat.typed(np.ascontiguousarray(bias))
    corner, bound = (-padding[0][0], -padding[1][0]), []
    groups = len(transformed)
    for g, u in enumerate(transformed):
        channels, filters = _block(g, x.shape[1] // groups), _block(g, y.shape[1] // groups)
        bound.append(_bind(x[:, channels], y[:, filters], u, starts[filters], limits, corner))
    return bound


def backward(grad_y, x, weight, bias, stride, padding, groups):
    """Return (grad_x, grad_weight, grad_bias)."""
    filters, channels = len(weight) // groups, weight.shape[1]
    # The input gradient is grad_y convolved with the kernels rotated by 180 degrees, input and output channels swapped.
    grad_x = np.empty(x.shape, x.dtype)
    corner = padding[0][0] - 2, padding[1][0] - 2
    for g, u in enumerate(prepare(weight, groups, rotated=True)):
        reads, writes = _block(g, filters), _block(g, channels)
        parallel.parallel_for(*_bind(grad_y[:, reads], grad_x[:, writes], u, np.empty(0, x.dtype), NO_LIMITS, corner))
    return grad_x, *backward_params(grad_y, x, weight, bias, stride, padding, groups)


def backward_params(grad_y, x, weight, bias, stride, padding, groups):
    """Return (grad_weight, grad_bias) without computing grad_x."""
    filters, channels = len(weight) // groups, weight.shape[1]
    parts = [
        weight_gradient.grad_weight(grad_y[:, _block(g, filters)], x[:, _block(g, channels)], padding)
        for g in range(groups)
    ]
    grad_bias = None if bias is None else sums_per_channel(grad_y)
    return parts[0] if groups == 1 else np.concatenate(parts), grad_bias


def workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize):
    """Return (bytes of transformed weights, the most other bytes that `forward` on so many threads allocates)."""
    filters, lanes = weight_shape[0] // groups, VECTOR_BYTES // itemsize
    size = shapes.output_size(x_shape[2:], weight_shape[2:], stride, padding)
    grid = shapes.winograd_grid(size)
    blocks, chunks = split(x_shape[0] * grid[0] * grid[1], filters, lanes, threads)
    tiles_of_block = most_tiles(-(-x_shape[0] * grid[0] * grid[1] // lanes), blocks, lanes)
    values = ELEMENTS * ((weight_shape[1] + FILTERS) * tiles_of_block + lanes)
    panel = NR * lanes
    transformed = ELEMENTS * groups * -(-filters // panel) * panel * weight_shape[1] * itemsize
    return transformed, min(threads, blocks * chunks) * (values + tiles.rows_values(x_shape[2:], grid[1])) * itemsize


def prepare(weight, groups, rotated=False):
    """Return the transformed weight of each group: `transforming` and its tasks."""
    transformed, bound = transforming(weight, groups, rotated)
    for task, count in bound:
        parallel.parallel_for(task, count)
    return transformed


def transforming(weight, groups, rotated=False):
    """Return (transformed, [(task, count)] for `parallel_for`); every run transforms the weight of each group again.

    A transformed weight consists of panels of filters: (36, panels, C/groups, filters of a panel). So the products of
    some filters read neighbouring values for one channel after another, in the order of memory.

    rotated : rotate each kernel by 180 degrees and swap K and C, for the input gradient
    """
    weight = flat.typed(np.ascontiguousarray(weight))
    sizes, distances = (len(weight) // groups, weight.shape[1]), (weight[0].size, 9)
    if rotated:
        sizes, distances = sizes[::-1], distances[::-1]
    transformed, bound, lanes = [], [], VECTOR_BYTES // weight.itemsize
    for part in np.split(weight, groups):
        panels, kernels = -(-sizes[0] // (NR * lanes)), part.reshape(-1)
        u = aligned.empty((ELEMENTS, panels, sizes[1], NR * lanes), weight.dtype)

        def task(start, stop, kernels=kernels, u=u):
            transforms.transform_weights(kernels, distances, rotated, sizes[0], u, start, stop, lanes)

        transformed.append(u)
        bound.append((task, panels))
    return transformed, bound


def _block(index, size):
    return slice(index * size, (index + 1) * size)


@functools.lru_cache(maxsize=1024)
def split(count, filters, lanes, threads):
    """Return (number of blocks of tiles, number of chunks of the filters): how the work is split over threads.

    If there are too few tiles for all threads, several threads compute one block, each for some of the filters.
    """
    vectors, columns = -(-count // lanes), -(-filters // lanes)
    least = -(-vectors * lanes // WIDTH)

    def busiest(blocks, chunks):
        """Return the work of the busiest thread, in products."""
        items, chunk = -(-blocks * chunks // threads), -(-columns // chunks) * lanes
        if chunks == 1:  # neighbouring blocks, whose sizes add up
            some = min(count, -(-vectors * items // blocks) * lanes)
        else:
            some = items * min(count, most_tiles(vectors, blocks, lanes))
        return some * (chunk + TRANSFORM) + items * READING * chunk

    most = min(vectors, least + threads - 1)
    choices = [(blocks, chunks) for blocks in range(least, most + 1) for chunks in range(1, min(threads, columns) + 1)]
    return min(choices, key=lambda choice: busiest(*choice))


def most_tiles(vectors, blocks, lanes):
    """Return the number of tiles of the largest block, in whole vectors."""
    return -(-vectors // blocks) * lanes


def _bind(x, y, u, bias, limits, corner):
    values, step = flat.flat(x)
    target, target_step = flat.flat(y)
    lanes = VECTOR_BYTES // x.itemsize
    grid, limits = shapes.winograd_grid(y.shape[2:]), (x.dtype.type(limits[0]), x.dtype.type(limits[1]))
    count, filters = len(x) * grid[0] * grid[1], y.shape[1]
    vectors, columns = -(-count // lanes), -(-filters // lanes)
    blocks, chunks = split(count, filters, lanes, parallel.num_workers())
    settings = values, step, x.shape[2:], target, target_step, y.shape[2:], u, bias, limits, corner, grid
    tiles_of_block = most_tiles(vectors, blocks, lanes)

    def task(start, stop):
        v = np.empty((ELEMENTS, u.shape[2] * tiles_of_block + lanes), u.dtype)
        for item in range(start, stop):
            block, chunk = divmod(item, chunks)
            first, end = (min(count, vectors * i // blocks * lanes) for i in (block, block + 1))
            part = tuple(min(filters, columns * i // chunks * lanes) for i in (chunk, chunk + 1))
            _convolve_block(*settings, (first, end), part, v, lanes)

    return task, blocks * chunks


@compiled
def _convolve_block(x, x_step, x_size, y, y_step, y_size, u, bias, limits, corner, grid, span, filters, v, lanes):
    """Compute some filters for the tiles in `span`; v (36, C * tiles + lanes) is a buffer for transformed inputs.

    The filters begin with a whole vector. An element of v contains (C, lanes) for one vector of tiles after another.
    """
    channels, count = u.shape[2], span[1] - span[0]
    rows = tiles.rows_buffer(x_size, grid[1], x.dtype)
    d, half = np.empty(ELEMENTS * STEP, x.dtype), np.empty(ELEMENTS * WIDTH, x.dtype)
    flat_v = v.reshape(-1)
    for c in range(channels):
        tiles.gather_block(x, x_step, c * x_size[0] * x_size[1], x_size, corner, grid, span, rows, d, lanes)
        transforms.transform_inputs(d, half, flat_v, c * lanes, v.shape[1], channels * lanes, count, lanes)
    # Neighbouring tiles are written together: as many as have a vector of pixels in a row.
    neighbours = max(1, lanes // OUTPUT)
    m, o = np.empty((count, ELEMENTS, FILTERS), x.dtype), np.empty(OUTPUT * neighbours * OUTPUT * lanes, x.dtype)
    flat_m, starts, square = m.reshape(-1), np.zeros(FILTERS, x.dtype), np.empty(lanes * lanes, x.dtype)
    area = y_size[0] * y_size[1]
    v_rows, v_columns = np.empty(count, np.int64), row_table(channels, lanes * x.itemsize)
    for t in range(count):
        v_rows[t] = (t // lanes * channels * lanes + t % lanes) * x.itemsize
    k = filters[0]
    while k < filters[1]:
        some = min(FILTERS - k % FILTERS, filters[1] - k)
        multiply_tiles(v, (v_rows, v_columns), u, m, k, some, lanes)
        for f in range(some if len(bias) else 0):
            starts[f] = bias[k + f]
        t = 0
        while t < count:
            n, tile = (span[0] + t) // (grid[0] * grid[1]), (span[0] + t) % (grid[0] * grid[1])
            place = tile // grid[1] * OUTPUT, tile % grid[1] * OUTPUT
            together = min(neighbours, grid[1] - tile % grid[1], count - t)
            columns = together * OUTPUT
            for f in range(0, some, lanes):
                for i in range(together):
                    at, to, row = (t + i) * ELEMENTS * FILTERS + f, i * OUTPUT * lanes, columns * lanes
                    transforms.transform_outputs(flat_m, at, half, o, to, row, lanes, starts, f, limits, lanes)
                base = n * y_step + (k + f) * area
                tiles.scatter(o, square, y, base, y_size, area, place, columns, min(lanes, some - f), lanes)
            t += together
        k += some


@compiled
def multiply_tiles(v, tables, u, m, k, some, lanes):
    """Fill m (tiles, 36, FILTERS) with the products of tiles and `some` filters from filter k.

    v (36, ...) : transformed inputs;  tables : where its tiles and channels are, the rows and columns of `gemm_rows`

    The filters are the columns of a product, because they are contiguous in u: a panel is read in the order of memory,
    and few tiles do not leave vectors empty.
    """
    channels, panel, size = u.shape[2], u.shape[3], u.itemsize
    zero, u_rows = u.dtype.type(0), row_table(channels, panel * size)
    for element in range(ELEMENTS):
        a = np.int64(v.ctypes.data) + element * v.strides[0], tables[0], tables[1]
        f = 0
        while f < some:
            offset = (k + f) % panel
            across = min(panel - offset, (some - f + lanes - 1) // lanes * lanes)
            at = element * u.strides[0] + (k + f) // panel * u.strides[1] + offset * size
            c = np.int64(m.ctypes.data) + element * m.strides[1] + f * size, m.strides[0], across
            b = np.int64(u.ctypes.data) + at, u_rows, channels
            multiply_panel(zero, a, b, c, size, (NO_BIAS, FROM_ZERO), no_limits(zero))
            f += across
