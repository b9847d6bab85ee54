"""Gather Winograd tiles from images and scatter them back, so that the same element of many tiles is contiguous.

Copying single values would cost more than all additions of the transforms. Column j of neighbouring tiles is every
fourth value of a row, so a few loads and shuffles gather six columns of a vector of tiles. Outputs are transposed in
registers (`simd.transpose`).
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.simd import broadcast, copy, even, load, odd, store, transpose
from minigooglenet.kernels.fast.winograd.transforms import INPUT, OUTPUT, STEP

BEYOND = 5 * 16  # values after the last tile that vectors may read


def rows_values(size, across):
    """Return the number of values in `rows_buffer`."""
    return (size[0] + 2 * INPUT + 2) * (across * OUTPUT + 2) + BEYOND


_rows_values = compiled(rows_values)


@compiled
def rows_buffer(size, across, dtype):
    """Return a buffer for `gather`: padded rows of an image."""
    return np.zeros(_rows_values(size, across), dtype)


@compiled
def gather(images, base, size, corner, grid, first, end, rows, d, tile, lanes):
    """Fill d (6, 6, STEP), flat, from index `tile` on with the tiles first .. end of one channel of one image.

    images : flat; the channel starts at `base`;  size : (H, W)
    corner : (row, column) of the start of tile 0; pixels outside the image are zero;  grid : tiles down and across
    """
    height, width = size
    across = grid[1]
    top = corner[0] + first // across * OUTPUT
    bottom = corner[0] + (end - 1) // across * OUTPUT + INPUT
    pitch = across * OUTPUT + 2
    left = -corner[1]
    zero = broadcast(images.dtype.type(0))
    store(rows, 0, zero)
    for h in range(top, bottom):
        at = (h - top) * pitch + left
        copied = 0
        if 0 <= h < height:
            row = base + h * width
            copied = min(width, pitch - left)
            copy(images, row, rows, at, copied)
        for w in range(copied, pitch, lanes):  # to the end of this row, and over the left padding of the next
            store(rows, at + w, zero)
    t = first
    while t < end:
        some = min(across - t % across, end - t)  # tiles in a row
        at = (t // across - first // across) * OUTPUT * pitch + t % across * OUTPUT
        to = tile + t - first
        for j in range(0, some, lanes):  # what a vector writes beyond the row is overwritten by the next row
            for i in range(INPUT):
                _gather_row(rows, at + i * pitch + j * OUTPUT, d, i * INPUT * STEP + to + j, lanes)
        t += some


@compiled
def _gather_row(rows, at, d, to, lanes):
    """Write columns j = 0 .. 5 of a vector of tiles: d[to + j * STEP + tile] = rows[at + 4 * tile + j]."""
    for first in (0, OUTPUT):
        i = at + first
        evens = even(load(rows, i), load(rows, i + lanes)), even(load(rows, i + 2 * lanes), load(rows, i + 3 * lanes))
        odds = odd(load(rows, i), load(rows, i + lanes)), odd(load(rows, i + 2 * lanes), load(rows, i + 3 * lanes))
        store(d, to + first * STEP, even(evens[0], evens[1]))
        store(d, to + (first + 1) * STEP, even(odds[0], odds[1]))
        if first == 0:
            store(d, to + 2 * STEP, odd(evens[0], evens[1]))
            store(d, to + 3 * STEP, odd(odds[0], odds[1]))


@compiled
def scatter(o, square, images, base, size, area, corner, columns, filters, lanes):
    """Write neighbouring tiles of some filters, at most a vector of them, without out-of-bounds parts.

    o : (4, columns, lanes), flat: four rows of pixels, with a vector of filters for each pixel
    images : flat; the first filter starts at `base`, the next ones at intervals of `area`;  size : (H, W)
    corner : (row, column) of the first tile;  square : buffer for (lanes, lanes)
    """
    top, left = corner
    for i in range(min(OUTPUT, size[0] - top)):
        for j in range(0, min(columns, size[1] - left), lanes):
            at, to = (i * columns + j) * lanes, base + (top + i) * size[1] + left + j
            inside = min(lanes, columns - j, size[1] - left - j)
            if inside == filters == lanes:
                transpose(o, at, lanes, images, to, area)
            else:
                transpose(o, at, lanes, square, 0, lanes)
                for f in range(filters):
                    copy(square, f * lanes, images, to + f * area, inside)


@compiled
def gather_block(x, step, channel, size, corner, grid, span, rows, d, lanes):
    """Fill d (6, 6, STEP), flat, with the tiles in `span` (indices over all images) of one channel."""
    per_image = grid[0] * grid[1]
    tile = span[0]
    while tile < span[1]:
        n, first = tile // per_image, tile % per_image
        end = min(per_image, first + span[1] - tile)
        gather(x, n * step + channel, size, corner, grid, first, end, rows, d, tile - span[0], lanes)
        tile += end - first
