"""Rungs of the ladder between plain Python and the engine's own kernels, for lesson 13: one idea each.

Images x (N, C, H, W) are padded already, the stride is 1, y (N, K, P, Q) is written.
"""

import numpy as np

from minigooglenet.lessons.lesson_13_fast.compiling import compiled


def loops(x, w, b, y):
    """Write the convolution as its definition has it, with the sum innermost."""
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
    """Write the same sums with the columns q innermost: x and y are walked side by side in memory."""
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
    """Write the same sums with the rows p innermost: every step jumps over a whole row of x and of y."""
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
    """Write the same sums with Python loops over the kernel's places alone."""
    y[...] = b[:, None, None]
    for u, v in np.ndindex(w.shape[2:]):
        seen = x[:, :, u : u + y.shape[2], v : v + y.shape[3]]
        y += np.einsum("nchw,kc->nkhw", seen, w[:, :, u, v], optimize=True)
