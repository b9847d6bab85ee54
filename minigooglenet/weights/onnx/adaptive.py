"""Adaptive average pooling as ONNX can say it: a matrix of means for the rows, and one for the columns."""

import numpy as np

from minigooglenet import shapes

ADAPTIVE = "nchw,ph,qw->ncpq"


def adaptive_means(input_size, output_size):
    """Return the matrices (P, H) and (Q, W) float32 whose rows are the means over each window, along each axis."""
    matrices = []
    for size, count in zip(input_size, output_size, strict=True):
        matrix = np.zeros((count, size), np.float32)
        for i in range(count):
            start, end = shapes.adaptive_window(i, size, count)
            matrix[i, start:end] = 1 / (end - start)
        matrices.append(matrix)
    return tuple(matrices)
