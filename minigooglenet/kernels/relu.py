"""ReLU: max(x, 0), value by value. NaN stays NaN.

What makes it fast: output and mask leave in one pass over memory.
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import blocks, pieces, result, rows, spread


def forward(x, *, mask=True, out=None):
    """Return (y, passed) of the shape of x, float32 or float64; `passed` is False where the output is zero.

    Without `mask`, which only a backward needs, `passed` is None. `out`, perhaps a slice along the channels of a larger
    array, is where y is written if given.
    """
    checks.floating(x, "x", dtypes=checks.FLOATS)
    in_place = out is not None and (out.__array_interface__["data"], out.strides) == (
        x.__array_interface__["data"],
        x.strides,
    )
    y, passed = result(out, x.shape, x.dtype, None if in_place else x), np.empty(x.shape, bool) if mask else None
    _over_pieces(_forward, blocks(x), y, passed)
    return y, passed


def backward(grad_y, passed):
    """Return grad_x: the gradient where the value passed, zero elsewhere (at exactly zero too)."""
    checks.has_shape(checks.floating(grad_y, "grad_y", dtypes=checks.FLOATS), "grad_y", passed.shape)
    grad_x = np.empty(grad_y.shape, grad_y.dtype)
    _over_pieces(_backward, blocks(grad_y), grad_x, blocks(passed.astype(bool, copy=False)))
    return grad_x


def _over_pieces(kernel, source, target, mask):
    source, target, *mask = rows(source, target, *([] if mask is None else [mask]))

    def task(start, stop):
        for n, first, end in pieces(start, stop, source.shape[1]):
            kernel(source[n, first:end], target[n, first:end], mask[0][n, first:end] if mask else None)

    spread(task, source.size, source.size, few=1 << 18)


@compiled
def _forward(x, y, passed):
    for i in range(len(x)):
        keep = not x[i] <= 0  # true for a NaN
        y[i] = x[i] if keep else 0
        if passed is not None:
            passed[i] = keep


@compiled
def _backward(grad_y, grad_x, passed):
    for i in range(len(grad_y)):
        grad_x[i] = grad_y[i] if passed[i] else 0
