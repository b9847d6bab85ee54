"""Winograd's transforms for 4 x 4 outputs of a 3 x 3 convolution, F(4x4, 3x3), on many tiles at once.

For a tile of 6 x 6 inputs d, a 3 x 3 kernel g and the 4 x 4 outputs y (Lavin and Gray 2015, arXiv 1509.09308):

    y = A' [ (G g G') * (B' d B) ] A        with ' for the transpose and * for elementwise products

This needs 36 multiplications instead of 144. Summed over channels, each of the 36 elements is one matrix product. The
gradient of g is G' [ (A grad_y A') * (B' d B) ] G.

A one-dimensional transform is a few additions, which are written out here. It is applied to the rows and then to the
columns of a tile for a SIMD vector of tiles.
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.simd import at_least, at_most, broadcast, load, store

OUTPUT, INPUT = 4, 6  # values of a tile along one axis
ELEMENTS = INPUT * INPUT
WIDTH = 64  # tiles in a block: a multiple of the vector length on every machine
FILTERS = 48  # filters whose products are in memory together: a multiple of the filters of a panel on every machine
STEP = WIDTH + 16  # from one element of gathered tiles to the next: a vector from the last tile ends before it
SCALE = 1 / 576  # 24 G is used instead of G, so that all its entries are integers

# Small integer types: in compiled code float32 times int8 is float32; float32 times an ordinary integer is not.
_2, _4, _5, _6, _8, _24, _minus_4 = (np.int8(value) for value in (2, 4, 5, 6, 8, 24, -4))


@compiled
def input_transform(a, b, c, d, e, f):
    """Return B' (a ... f)."""
    odd, even = d - _4 * b, e - _4 * c
    wide, near = _2 * (d - b), e - c
    return _4 * a - _5 * c + e, even + odd, even - odd, near + wide, near - wide, _4 * b - _5 * d + f


@compiled
def output_transform(a, b, c, d, e, f):
    """Return A' (a ... f)."""
    plus, minus, plus_2, minus_2 = b + c, b - c, d + e, d - e
    return a + plus + plus_2, minus + _2 * minus_2, plus + _4 * plus_2, minus + _8 * minus_2 + f


@compiled
def grad_output_transform(a, b, c, d):
    """Return A (a ... d)."""
    even, odd = a + c, b + d
    even_2, odd_2 = a + _4 * c, _2 * b + _8 * d
    return a, even + odd, even - odd, even_2 + odd_2, even_2 - odd_2, d


@compiled
def kernel_transform(a, b, c):
    """Return 24 G (a, b, c)."""
    even, even_2 = _4 * (a + c), a + _4 * c
    return _6 * a, _minus_4 * b - even, _4 * b - even, even_2 + _2 * b, even_2 - _2 * b, _24 * c


@compiled
def grad_kernel_transform(a, b, c, d, e, f):
    """Return 24 G' (a ... f)."""
    plus, plus_2 = _4 * (b + c), d + e
    return _6 * a - plus + plus_2, _4 * (c - b) + _2 * (d - e), _24 * f - plus + _4 * plus_2


@compiled
def transform_inputs(d, half, v, at, step, vector_step, count, lanes):
    """Write B' d B of `count` tiles to v, flat, from d (6, 6, STEP), flat.

    v : vector i of tiles is at v[at + element * step + i * vector_step]
    half : buffer for (6, 6, WIDTH)
    """
    for t in range(0, count, lanes):
        transform_input(d, t, INPUT * STEP, STEP, half, v, at + t // lanes * vector_step, step, lanes)


@compiled
def transform_input(d, at, row, column, half, v, to, step, lanes):
    """Write B' d B of a vector of tiles, or of channels, to v[to + element * step].

    d : the value in row i and column j is at d[at + i * row + j * column];  half : buffer for (6, 6, lanes)
    """
    for j in range(INPUT):
        _store_six(_input(d, at + j * column, row), half, j * lanes, INPUT * lanes)
    for i in range(INPUT):
        _store_six(_input(half, i * INPUT * lanes, lanes), v, to + i * INPUT * step, step)


@compiled
def transform_grad_outputs(d, half, v, at, step, count, lanes):
    """Write A d A' of `count` tiles to v[at + element * step + tile], from the first 4 x 4 of d (6, 6, STEP)."""
    for t in range(0, count, lanes):
        for j in range(OUTPUT):
            _store_six(_grad_output(d, j * STEP + t, INPUT * STEP), half, j * WIDTH + t, INPUT * WIDTH)
        for i in range(INPUT):
            row = _grad_output(half, i * INPUT * WIDTH + t, WIDTH)
            _store_six(row, v, at + i * INPUT * step + t, step)


@compiled
def transform_outputs(m, at, half, o, to, row_step, step, starts, f, limits, lanes):
    """Write A' m A + start, limited to (lowest, highest), of one tile to o for a vector of filters.

    m : element i of the tile is the vector at m[at + i * FILTERS];  starts : their biases, from starts[f]
    o : the vector in row i and column j is written to o[to + i * row_step + j * step]
    half : buffer for (4, 6, lanes)
    """
    begin, low, high = load(starts, f), broadcast(limits[0]), broadcast(limits[1])
    for j in range(INPUT):
        _store_four(_output(m, at + j * FILTERS, INPUT * FILTERS), half, j * lanes, INPUT * lanes)
    for i in range(OUTPUT):
        a, b, c, d = _output(half, i * INPUT * lanes, lanes)
        row = at_least(low, a + begin), at_least(low, b + begin), at_least(low, c + begin), at_least(low, d + begin)
        a, b, c, d = row
        row = at_most(high, a), at_most(high, b), at_most(high, c), at_most(high, d)
        _store_four(row, o, to + i * row_step, step)


@compiled
def transform_weights(weight, distances, rotated, filters, u, first, end, lanes):
    """Fill u (36, panels, C, filters of a panel) with G g G' for the panels first .. end, with 0 beyond the filters.

    weight : flat; the kernel of filter k and channel c begins at k * distances[0] + c * distances[1]
    rotated : whether the kernels are rotated by 180 degrees first
    """
    _, panels, channels, panel = u.shape
    kernels, half = np.zeros(9 * lanes, u.dtype), np.empty(INPUT * 3 * lanes, u.dtype)
    flat_u, element = u.reshape(-1), panels * channels * panel
    scale = u.dtype.type(SCALE)
    for k in range(first * panel, end * panel, lanes):
        count = max(0, min(lanes, filters - k))
        kernels[:] = 0
        for c in range(channels):
            for i in range(count):
                at = (k + i) * distances[0] + c * distances[1]
                for s in range(9):
                    kernels[s * lanes + i] = weight[at + (8 - s if rotated else s)] * scale
            for s in range(3):
                _store_six(_kernel(kernels, s * lanes, 3 * lanes), half, s * lanes, 3 * lanes)
            to = (k // panel * channels + c) * panel + k % panel
            for i in range(INPUT):
                _store_six(_kernel(half, 3 * i * lanes, lanes), flat_u, i * INPUT * element + to, element)


@compiled
def transform_grad_kernels(grad_u, grad_weight, first, end, lanes):
    """Fill grad_weight (K, C, 3, 3) with G' u G for the channels first .. end.

    grad_u : (36, at least C, at least K), the last axis padded to a multiple of `lanes`
    """
    filters, channels = grad_weight.shape[:2]
    _, height, width = grad_u.shape
    half, results = np.empty(3 * INPUT * lanes, grad_u.dtype), np.empty(9 * lanes, grad_u.dtype)
    values, target = grad_u.reshape(-1), grad_weight.reshape(-1)
    scale = grad_u.dtype.type(SCALE)
    for c in range(first, end):
        for k in range(0, filters, lanes):
            for j in range(INPUT):
                column = _grad_kernel(values, (j * height + c) * width + k, INPUT * height * width)
                _store_three(column, half, j * lanes, INPUT * lanes)
            for r in range(3):
                x, y, z = _grad_kernel(half, r * INPUT * lanes, lanes)
                _store_three((x * scale, y * scale, z * scale), results, 3 * r * lanes, lanes)
            for i in range(min(lanes, filters - k)):
                at = ((k + i) * channels + c) * 9
                for s in range(9):
                    target[at + s] = results[s * lanes + i]


@compiled
def _input(values, at, step):
    return input_transform(*_six(values, at, step))


@compiled
def _output(values, at, step):
    return output_transform(*_six(values, at, step))


@compiled
def _grad_kernel(values, at, step):
    return grad_kernel_transform(*_six(values, at, step))


@compiled
def _kernel(values, at, step):
    return kernel_transform(load(values, at), load(values, at + step), load(values, at + 2 * step))


@compiled
def _six(values, at, step):
    return (
        load(values, at),
        load(values, at + step),
        load(values, at + 2 * step),
        load(values, at + 3 * step),
        load(values, at + 4 * step),
        load(values, at + 5 * step),
    )


@compiled
def _grad_output(values, at, step):
    return grad_output_transform(
        load(values, at), load(values, at + step), load(values, at + 2 * step), load(values, at + 3 * step)
    )


@compiled
def _store_six(row, values, at, step):
    _store_four(row[:4], values, at, step)
    store(values, at + 4 * step, row[4])
    store(values, at + 5 * step, row[5])


@compiled
def _store_four(row, values, at, step):
    store(values, at, row[0])
    store(values, at + step, row[1])
    store(values, at + 2 * step, row[2])
    store(values, at + 3 * step, row[3])


@compiled
def _store_three(row, values, at, step):
    store(values, at, row[0])
    store(values, at + step, row[1])
    store(values, at + 2 * step, row[2])
