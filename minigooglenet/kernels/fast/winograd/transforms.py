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
WIDTH = 48  # tiles in a block: a multiple of the vector length on every machine
FILTERS = 8  # filters whose products are contiguous
ROW = 8  # values in a row of a gathered tile, of which six are used
SCALE = 1 / 576  # 24 G is used instead of G, so that all its entries are integers

# Small integer types: in compiled code float32 times int8 is float32; float32 times an ordinary integer is not.
_2, _4, _5, _6, _8, _24 = (np.int8(value) for value in (2, 4, 5, 6, 8, 24))


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
    return _6 * a, -even - _4 * b, _4 * b - even, even_2 + _2 * b, even_2 - _2 * b, _24 * c


@compiled
def grad_kernel_transform(a, b, c, d, e, f):
    """Return 24 G' (a ... f)."""
    plus, plus_2 = _4 * (b + c), d + e
    return _6 * a - plus + plus_2, _4 * (c - b) + _2 * (d - e), _24 * f - plus + _4 * plus_2


@compiled
def transform_inputs(d, half, v, at, step, count, lanes):
    """Write B' d B of `count` tiles to v[at + element * step + tile], from d (6, ROW, WIDTH), flat.

    half : buffer for (6, 6, WIDTH)
    """
    for t in range(0, count, lanes):
        for j in range(INPUT):
            _store_six(_input(d, j * WIDTH + t, ROW * WIDTH), half, j * WIDTH + t, INPUT * WIDTH)
        for i in range(INPUT):
            row = _input(half, i * INPUT * WIDTH + t, WIDTH)
            _store_six(row, v, at + i * INPUT * step + t, step)


@compiled
def transform_grad_outputs(d, half, v, at, step, count, lanes):
    """Write A d A' of `count` tiles to v[at + element * step + tile], from the first 4 x 4 of d (6, ROW, WIDTH)."""
    for t in range(0, count, lanes):
        for j in range(OUTPUT):
            _store_six(_grad_output(d, j * WIDTH + t, ROW * WIDTH), half, j * WIDTH + t, INPUT * WIDTH)
        for i in range(INPUT):
            row = _grad_output(half, i * INPUT * WIDTH + t, WIDTH)
            _store_six(row, v, at + i * INPUT * step + t, step)


@compiled
def transform_outputs(m, half, o, f, start, limits, count, lanes):
    """Write A' m A + start, limited to (lowest, highest), of `count` tiles to o (4, 4, WIDTH).

    m : (36, FILTERS, WIDTH), of which m[:, f] is read
    """
    begin, low, high = broadcast(start), broadcast(limits[0]), broadcast(limits[1])
    for t in range(0, count, lanes):
        for j in range(INPUT):
            column = _output(m, (j * FILTERS + f) * WIDTH + t, INPUT * FILTERS * WIDTH)
            _store_four(column, half, j * WIDTH + t, INPUT * WIDTH)
        for i in range(OUTPUT):
            a, b, c, d = _output(half, i * INPUT * WIDTH + t, WIDTH)
            row = at_least(low, a + begin), at_least(low, b + begin), at_least(low, c + begin), at_least(low, d + begin)
            a, b, c, d = row
            row = at_most(high, a), at_most(high, b), at_most(high, c), at_most(high, d)
            _store_four(row, o, i * OUTPUT * WIDTH + t, WIDTH)


@compiled
def transform_weights(weight, u, first, end):
    """Fill u (36, K, C) with G g G' for the filters first .. end of weight (K, C, 3, 3)."""
    channels = weight.shape[1]
    scale = weight.dtype.type(SCALE)
    rows = np.empty((INPUT, 3, channels), weight.dtype)
    for k in range(first, end):
        for s in range(3):
            p, q, r, t, v, w = rows[0, s], rows[1, s], rows[2, s], rows[3, s], rows[4, s], rows[5, s]
            for c in range(channels):
                g = weight[k, c]
                p[c], q[c], r[c], t[c], v[c], w[c] = kernel_transform(g[0, s] * scale, g[1, s] * scale, g[2, s] * scale)
        for i in range(INPUT):
            at = i * INPUT
            p, q, r, t, v, w = u[at, k], u[at + 1, k], u[at + 2, k], u[at + 3, k], u[at + 4, k], u[at + 5, k]
            a, b, d = rows[i, 0], rows[i, 1], rows[i, 2]
            for c in range(channels):
                p[c], q[c], r[c], t[c], v[c], w[c] = kernel_transform(a[c], b[c], d[c])


@compiled
def transform_grad_kernels(grad_u, grad_weight, first, end):
    """Fill grad_weight (K, C, 3, 3) with G' u G for the channels first .. end, from grad_u (36, C, at least K)."""
    filters = len(grad_weight)
    scale = grad_weight.dtype.type(SCALE)
    rows = np.empty((3, INPUT), grad_weight.dtype)
    for c in range(first, end):
        for k in range(filters):
            for j in range(INPUT):
                rows[0, j], rows[1, j], rows[2, j] = grad_kernel_transform(
                    grad_u[j, c, k],
                    grad_u[6 + j, c, k],
                    grad_u[12 + j, c, k],
                    grad_u[18 + j, c, k],
                    grad_u[24 + j, c, k],
                    grad_u[30 + j, c, k],
                )
            g = grad_weight[k, c]
            for r in range(3):
                x, y, z = grad_kernel_transform(rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3], rows[r, 4], rows[r, 5])
                g[r, 0], g[r, 1], g[r, 2] = x * scale, y * scale, z * scale


@compiled
def _input(values, at, step):
    return input_transform(
        load(values, at),
        load(values, at + step),
        load(values, at + 2 * step),
        load(values, at + 3 * step),
        load(values, at + 4 * step),
        load(values, at + 5 * step),
    )


@compiled
def _output(values, at, step):
    return output_transform(
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
