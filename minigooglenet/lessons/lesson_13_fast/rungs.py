"""Convolutions between plain Python and the engine's kernels, for the ladder of lesson 13: one idea each.

x (N, C, H, W) is already padded, the stride is 1, and the result is written to y (N, K, P, Q).
"""

import numpy as np

from minigooglenet.lessons.lesson_13_fast.compiling import compiled


def loops(x, w, b, y):
    """Write the convolution as it is defined, with the sum as the innermost loops."""
    for n, k, p, q in np.ndindex(y.shape):
        total = b[k]
        for c in range(w.shape[1]):
            for u in range(w.shape[2]):
                for v in range(w.shape[3]):
                    total += x[n, c, p + u, q + v] * w[k, c, u, v]
        y[n, k, p, q] = total


compiled_loops = compiled(loops)


@compiled
def along_rows(x, w, b, y):
    """Write the same sums with the loop over columns q innermost: consecutive elements are adjacent in memory."""
    for n in range(y.shape[0]):
        for k in range(y.shape[1]):
            y[n, k] = b[k]
            for c in range(w.shape[1]):
                for u in range(w.shape[2]):
                    for v in range(w.shape[3]):
                        for p in range(y.shape[2]):
                            for q in range(y.shape[3]):
                                y[n, k, p, q] += x[n, c, p + u, q + v] * w[k, c, u, v]


@compiled
def along_columns(x, w, b, y):
    """Write the same sums with the loop over rows p innermost: every iteration jumps over a whole row of x and y."""
    for n in range(y.shape[0]):
        for k in range(y.shape[1]):
            y[n, k] = b[k]
            for c in range(w.shape[1]):
                for u in range(w.shape[2]):
                    for v in range(w.shape[3]):
                        for q in range(y.shape[3]):
                            for p in range(y.shape[2]):
                                y[n, k, p, q] += x[n, c, p + u, q + v] * w[k, c, u, v]


def slices(x, w, b, y):
    """Write the same sums with a Python loop over the kernel positions only."""
    y[...] = b[:, None, None]
    for u, v in np.ndindex(w.shape[2:]):
        inputs = x[:, :, u : u + y.shape[2], v : v + y.shape[3]]
        y += np.einsum("nchw,kc->nkhw", inputs, w[:, :, u, v], optimize=True)
