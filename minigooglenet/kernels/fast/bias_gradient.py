"""Bias gradients: sums over all positions of a channel, a SIMD vector at a time."""

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels.fast import flat
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES
from minigooglenet.kernels.fast.simd import broadcast, load, store


def sums_per_channel(x):
    """Return (C,), the sums of x (N, C, H, W) over images and positions."""
    values, step = flat.flat(x)
    sums = np.empty(x.shape[:2], x.dtype)
    area = x.shape[2] * x.shape[3]

    def task(start, stop):
        for n in range(start, stop):
            row_sums(values[n * step : n * step + x.shape[1] * area].reshape(-1, area), sums[n])

    parallel.parallel_for(task, len(x))
    return sums.sum(axis=0)


@compiled
def row_sums(a, sums):
    """Write the sum of each row of a (I, J), contiguous, to sums (I,)."""
    values, columns = a.reshape(-1), a.shape[1]
    lanes = VECTOR_BYTES // a.itemsize
    parts = np.empty(lanes, a.dtype)
    for i in range(a.shape[0]):
        total = broadcast(a.dtype.type(0))
        whole = columns // lanes * lanes
        for j in range(0, whole, lanes):
            total = total + load(values, i * columns + j)
        store(parts, 0, total)
        result = a.dtype.type(0)
        for k in range(lanes):
            result += parts[k]
        for j in range(whole, columns):
            result += values[i * columns + j]
        sums[i] = result
