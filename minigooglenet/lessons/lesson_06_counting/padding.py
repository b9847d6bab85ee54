"""Counts of the multiply-adds of a convolution that use a real pixel, and of those that use padding."""

import numpy as np


def by_loops(C, K, kernel, size, pad):
    """Count the products of a convolution one by one, at stride 1; return (all products, those with a pixel)."""
    products = pixels = 0
    for _k, _c, i, j, u, v in np.ndindex(K, C, size, size, kernel, kernel):
        products += 1
        pixels += 0 <= i + u - pad < size and 0 <= j + v - pad < size
    return products, pixels


def with_a_pixel(row) -> int:
    """Return the number of multiply-adds of a counted convolution that use a pixel."""
    along = []
    for axis in range(2):
        size, outputs = row.input_shapes[0][axis + 1], row.output_shape[axis + 1]
        kernel, stride, (before, _) = (row.settings[key][axis] for key in ("kernel_size", "stride", "padding"))
        starts = np.arange(outputs) * stride - before
        along.append(int((np.minimum(starts + kernel, size) - np.maximum(starts, 0)).sum()))
    return row.input_shapes[0][0] * row.output_shape[0] * along[0] * along[1]
