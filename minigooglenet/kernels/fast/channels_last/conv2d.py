"""Convolution of images with channels last: the product of pixels and filters, whose sums stay in registers.

The rows of the product are output pixels. A row table contains the start of each window, and a column table how far
from there each of its values is, so 1x1 convolutions and 7x7 convolutions with stride 2 are the same code.
The columns are filters, in panels that were packed in advance. Only an image with padding is copied, once.

The order of each sum is that of implicit GEMM (channels, then kernel rows and columns), so every bit is the same.
"""

import functools
import itertools

import numpy as np

from minigooglenet import aligned, parallel, shapes
from minigooglenet.kernels.fast.channels_last.images import flat, pack, packed_steps, pixel_step
from minigooglenet.kernels.fast.flat import typed
from minigooglenet.kernels.fast.gemm import PANEL_BYTES, multiply_panel, no_limits, row_table, transpose_matrix
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import FROM_C, FROM_COLUMNS, MOST_VECTORS, NR, VECTOR_BYTES
from minigooglenet.kernels.fast.simd import copy

BAND = 1 << 17  # values of the windows' pixels in a band of rows: 512 kB in float32, which fit into the L2 cache
READING = 16  # rows of a product that take as long as reading the filters for them
# How long a value of k takes in blocks of 0 to 4 vectors of filters, with the same number of rows. A narrow block needs
# nearly as many loads.
PACE = 0.0, 0.75, 0.8, 1.0, 1.33


def packing(weight):
    """Return (panels, [(task, count)] for `parallel_for`); every run packs the filters of weight (K, C, R, S) again.

    The panels are a flat array with (C * R * S, filters of a panel) for each. The last one is filled up with zeros to
    whole vectors.
    """
    matrix, lanes = typed(weight).reshape(len(weight), -1), VECTOR_BYTES // weight.itemsize
    starts, inner = panel_starts(len(weight), lanes), matrix.shape[1]
    panels = aligned.empty((inner * int(starts[-1]) * lanes,), weight.dtype)
    panels[:] = 0

    def task(start, stop):
        for first, end in itertools.pairwise(starts[start : stop + 1] * lanes):
            panel = panels[inner * first : inner * end].reshape(inner, end - first)
            transpose_matrix(matrix[first:end], panel)

    return panels, [(task, len(starts) - 1)]


@functools.lru_cache(maxsize=256)
def panel_starts(filters, lanes):
    """Return the first vector of filters of each panel, and the number of all vectors."""
    starts, columns = [0], -(-filters // lanes)
    while starts[-1] < columns:
        left = columns - starts[-1]
        starts.append(starts[-1] + (left if left == MOST_VECTORS else min(left, NR)))
    return np.array(starts, np.int64)


def bind(x, panels, bias, kernel, stride, padding, dilation, limits, y):
    """Return [(task, count)] for `parallel_for`; every run computes y from x, with `panels` from `packing`.

    limits : (lowest, highest) output
    """
    (values, steps), (target, target_steps) = flat(x), flat(y)
    filters, lanes = y.shape[1], VECTOR_BYTES // x.itemsize
    biases = np.zeros(filters, x.dtype) if bias is None else typed(np.ascontiguousarray(bias))
    limits, corner = tuple(map(x.dtype.type, limits)), (padding[0][0], padding[1][0])
    reach, padded = shapes.dilated(kernel, dilation), padding != ((0, 0), (0, 0))
    window = x.shape[1], x.shape[2:], kernel, stride, dilation, corner, reach, y.shape[2:]
    rows, starts = len(x) * y.shape[2], panel_starts(filters, lanes)
    per_row = y.shape[3] * x.shape[1] * stride[0] * stride[1]
    bands, chunks = split(rows, y.shape[3], per_row, filters, lanes, parallel.num_workers())
    settings = values, steps, target, pixel_step(y, target_steps), panels, starts, biases, limits, window, padded

    def task(start, stop):
        for item in range(start, stop):
            band, chunk = divmod(item, chunks)
            span = tuple(rows * i // bands for i in (band, band + 1))
            part = tuple(int(starts[-1]) * i // chunks for i in (chunk, chunk + 1))
            _convolve_rows(*settings, span, part)

    return [(task, bands * chunks)]


@functools.lru_cache(maxsize=1024)
def split(rows, width, per_row, filters, lanes, threads):
    """Return (number of bands of output rows, number of chunks of the filters): how the work is split over threads.

    per_row : values of the pixels that the windows of an output row add to those of the row before
    """
    starts = panel_starts(filters, lanes).tolist()
    columns, least = starts[-1], min(rows, -(-rows * per_row // BAND))
    numbers = range(least, min(rows, least + threads - 1) + 1)
    # The slowest of the chunks, if there are 1, 2, ...
    slowest = [
        max(pace(starts, columns * i // chunks, columns * (i + 1) // chunks) for i in range(chunks))
        for chunks in range(1, min(threads, columns) + 1)
    ]

    def busiest(bands, chunks):
        """Return how long the busiest thread works."""
        return -(-bands * chunks // threads) * (-(-rows // bands) * width + READING) * slowest[chunks - 1]

    choices = [(bands, chunks) for bands in numbers for chunks in range(1, len(slowest) + 1)]
    return min(choices, key=lambda choice: busiest(*choice))


def pace(starts, first, end):
    """Return how long a row of a product with the vectors first .. end of filters takes."""
    blocks = (min(end, stop) - max(first, start) for start, stop in itertools.pairwise(starts))
    return sum(PACE[vectors] for vectors in blocks if vectors > 0)


@compiled
def _convolve_rows(x, steps, y, y_pixel, panels, starts, bias, limits, window, padded, span, part):
    """Compute the output rows in `span`, counted through all images, for some vectors of the filters, `part`.

    starts : `panel_starts` of all filters
    """
    values, a_rows, a_columns = _windows(x, steps, window, padded, span)
    zero, size, lanes, width = x.dtype.type(0), x.itemsize, VECTOR_BYTES // x.itemsize, window[-1][1]
    inner, filters = len(a_columns), len(bias)
    biases = np.zeros(filters + lanes, x.dtype)  # a vector may end beyond the last filter
    copy(bias, 0, biases, 0, filters)
    output, c_row = np.int64(y.ctypes.data) + span[0] * width * y_pixel * size, y_pixel * size
    for number in range(len(starts) - 1):
        first, end = max(starts[number], part[0]) * lanes, min(starts[number + 1], part[1]) * lanes
        if first >= end:
            continue
        begin, panel = starts[number] * lanes, (starts[number + 1] - starts[number]) * lanes
        step = max(1, PANEL_BYTES // (panel * size))
        b_rows = row_table(min(inner, step), panel * size)
        c = output + first * size, c_row, min(end, filters) - first
        for k in range(0, inner, step):
            some = min(step, inner - k)
            a = np.int64(values.ctypes.data), a_rows, a_columns[k:]
            b = np.int64(panels.ctypes.data) + (begin * inner + k * panel + first - begin) * size, b_rows, some
            start = np.int64(biases.ctypes.data) + first * size, FROM_COLUMNS if k == 0 else FROM_C
            multiply_panel(zero, a, b, c, size, start, limits if k + some == inner else no_limits(zero))
    return len(values) + len(biases)  # after the last use of their addresses, so that they are not freed earlier


@compiled
def _windows(x, steps, window, padded, span):
    """Return (values, row table, column table) of the windows of some output rows: x itself, or a copy with padding."""
    channels, size, kernel, stride, dilation, corner, reach, output = window
    height, width = output
    rows, across = (min(height, span[1] - span[0]) - 1) * stride[0] + reach[0], (width - 1) * stride[1] + reach[1]
    values, hops = x, (steps[1], steps[2], steps[3])
    if padded:
        images = (span[1] - 1) // height - span[0] // height + 1
        values = np.empty(images * rows * across * channels, x.dtype)
        hops = packed_steps(steps, channels, rows, across)
    table, pixel, to, first = np.empty((span[1] - span[0]) * width, np.int64), 0, 0, span[0]
    while first < span[1]:  # the rows of one image
        n, top = first // height, first % height
        some = min(height - top, span[1] - first)
        start = n * steps[0] + top * stride[0] * steps[2]
        if padded:
            begin, count = top * stride[0] - corner[0], (some - 1) * stride[0] + reach[0]
            pack(x, n * steps[0], steps, channels, size, (begin, count, rows), corner[1], across, values, to)
            start = to
            to += channels * rows * across
        for h in range(some):
            for w in range(width):
                table[pixel] = (start + h * stride[0] * hops[1] + w * stride[1] * hops[2]) * x.itemsize
                pixel += 1
        first += some
    return values, table, _columns(channels, kernel, dilation, hops, x.itemsize)


@compiled
def _columns(channels, kernel, dilation, hops, itemsize):
    """Return (C * R * S,), the offset in bytes of each value of a window."""
    columns, i = np.empty(channels * kernel[0] * kernel[1], np.int64), 0
    for c in range(channels):
        for r in range(kernel[0]):
            for s in range(kernel[1]):
                columns[i] = (c * hops[0] + r * dilation[0] * hops[1] + s * dilation[1] * hops[2]) * itemsize
                i += 1
    return columns
