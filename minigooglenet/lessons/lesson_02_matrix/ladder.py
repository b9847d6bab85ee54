"""Five algorithms for one convolution, from loops in Python to the engine's own choice, and the time of each."""

import time

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels import compiled, conv2d
from minigooglenet.kernels.loops import conv2d as loops
from minigooglenet.kernels.numpy import conv2d as by_columns

PYTHON, COMPILED, POSITIONS = "loops, Python", "loops, compiled", "one product per kernel position"
ONE_PRODUCT, ENGINE = "im2col, one product", "the engine's choice"
PADDING = ((1, 1), (1, 1))


def plain_loops(xp, w, y):
    """Fill y (K, Ho, Wo) from the padded image xp (C, H, W) and w (K, C, R, S), at stride 1."""
    for k in range(w.shape[0]):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                for c in range(w.shape[1]):
                    for u in range(w.shape[2]):
                        for v in range(w.shape[3]):
                            y[k, i, j] += w[k, c, u, v] * xp[c, i + u, j + v]


def by_positions(x, w):
    """Return the convolution at stride 1, padding 1, as one matrix product per kernel position."""
    xp = np.pad(x[0], ((0, 0), *PADDING))
    H, W = x.shape[2:]
    matrices = w.transpose(2, 3, 0, 1).copy()  # (R, S, K, C), the matrix of each position contiguous
    parts = (matrices[u, v] @ xp[:, u : u + H, v : v + W].reshape(len(xp), -1) for u, v in np.ndindex(w.shape[2:]))
    return sum(parts).reshape(1, len(w), H, W)


def seconds(function, rounds=5):
    """Return the shortest time of several calls, with NumPy's matrix products on one thread."""
    times = []
    with parallel.computing():
        for _ in range(rounds):
            begun = time.perf_counter()
            function()
            times.append(time.perf_counter() - begun)
    return min(times)


def seconds_of_each(x, w) -> dict[str, float]:
    """Return {name: seconds} of the convolution of x (1, C, H, W) with w (K, C, 3, 3), stride 1, padding 1.

    The loops in Python compute only one filter on a quarter of the columns; their time is scaled up. Without Numba,
    the result has no compiled loops.
    """
    x, w = x.astype(np.float32), w.astype(np.float32)
    quarter = x[..., : x.shape[-1] // 4]
    scale = len(w) * x.shape[-1] / quarter.shape[-1]
    times = {PYTHON: scale * seconds(lambda: loops.forward(quarter, w[:1], None, (1, 1), PADDING, 1), 1)}
    if not compiled.why_not_fast():
        import numba

        xp, y = np.pad(x[0], ((0, 0), *PADDING)), np.zeros((len(w), *x.shape[2:]), np.float32)
        compiled_loops = numba.njit(plain_loops)
        compiled_loops(xp, w[:1], y[:1])  # the first call compiles
        times[COMPILED] = seconds(lambda: compiled_loops(xp, w, y))
    return times | {
        POSITIONS: seconds(lambda: by_positions(x, w)),
        ONE_PRODUCT: seconds(lambda: by_columns.forward(x, w, None, (1, 1), PADDING, 1)),
        ENGINE: seconds(lambda: conv2d.forward(x, w, None, 1, 1)),
    }
