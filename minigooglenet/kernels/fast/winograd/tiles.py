"""Gather Winograd tiles from images and scatter them back, so that the same element of many tiles is contiguous.

Copying single values would cost more than all additions of the transforms. Rows are copied as vectors into one record
per tile, and a square of records is transposed in registers (`simd.transpose`).
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.simd import broadcast, copy, load, store, transpose
from minigooglenet.kernels.fast.winograd.transforms import INPUT, OUTPUT, ROW, WIDTH

RECORD = ROW * INPUT + 16  # values of a tile's record; a vector that starts at its last row still ends inside


@compiled
def buffers(size, across, dtype):
    """Return buffers for `gather`: padded rows of an image, and a record per tile."""
    return np.zeros((size[0] + 2 * INPUT + 2) * (across * OUTPUT + 2) + 64, dtype), np.zeros(WIDTH * RECORD, dtype)


def buffer_values(size, across):
    """Return the number of values in the buffers."""
    return (size[0] + 2 * INPUT + 2) * (across * OUTPUT + 2) + 64 + WIDTH * RECORD


@compiled
def gather(images, base, size, corner, grid, first, end, rows, records, record, lanes):
    """Fill the records from index `record` with the tiles first .. end of one channel of one image.

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
    for tile in range(first, end):
        at = (tile // across - first // across) * OUTPUT * pitch + tile % across * OUTPUT
        to = (record + tile - first) * RECORD
        for i in range(INPUT):
            for j in range(0, ROW, lanes):
                store(records, to + i * ROW + j, load(rows, at + i * pitch + j))


@compiled
def transpose_inputs(records, d, count, lanes):
    """Fill d (6, ROW, WIDTH), flat, from the records of `count` tiles."""
    for tile in range(0, count, lanes):
        for value in range(0, INPUT * ROW, lanes):
            transpose(records, tile * RECORD + value, RECORD, d, value * WIDTH + tile, WIDTH)


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
def gather_block(x, step, channel, size, corner, grid, span, rows, records, lanes):
    """Fill the records with the tiles in `span` (indices over all images) of one channel."""
    per_image = grid[0] * grid[1]
    tile = span[0]
    while tile < span[1]:
        n, first = tile // per_image, tile % per_image
        end = min(per_image, first + span[1] - tile)
        gather(x, n * step + channel, size, corner, grid, first, end, rows, records, tile - span[0], lanes)
        tile += end - first
