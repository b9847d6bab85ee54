"""Products of two arrays of one shape, or of a feature map and its gates, in one pass over memory.

Other products, of more inputs or with other repeated axes, are computed by the NumPy file.
"""

import math

import numpy as np

from minigooglenet.kernels.fast import scale
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces, rows
from minigooglenet.kernels.numpy import multiply as readable

FEW = 1 << 18


def forward(*xs):
    """Return the product of all inputs."""
    same = readable.of_one_rank(xs)
    y = np.empty(np.broadcast_shapes(*(x.shape for x in same)), xs[0].dtype)
    for task, count in bind(*xs, y=y):
        parallel_for(task, count, y.size, few=FEW)
    return y


def bind(*xs, y):
    """Return [(task, count)] for `parallel_for`; every run writes the product to y."""
    if all(x.shape == y.shape for x in xs) and len(xs) == 2:
        return [_same_shape_task(y, *xs)]
    maps, gates = _maps_and_gates(xs, y.shape)
    if maps is not None:
        return [scale.task(maps, gates, None, y)]

    def task(start, stop):
        y[start:stop] = readable.forward(*(x[start:stop] for x in xs))

    return [(task, len(y))]


def backward(grad_y, *xs):
    """Return one gradient per input."""
    if all(x.shape == grad_y.shape for x in xs) and len(xs) == 2:
        return _backward_same_shape(grad_y, *xs)
    maps, gates = _maps_and_gates(xs, grad_y.shape)
    if maps is None:
        return readable.backward(grad_y, *xs)
    grad_maps, grad_gates, _ = scale.backward_rows(grad_y, maps, gates)
    grad_gates = grad_gates.astype(grad_y.dtype, copy=False)
    both = grad_maps, grad_gates.reshape(xs[xs[0] is maps].shape)
    return both if xs[0] is maps else both[::-1]


def _maps_and_gates(xs, shape):
    """Return (maps (N, C, ...), gates (N, C)) if the inputs are these, in any order, else (None, None)."""
    for maps, gates in (xs, xs[::-1]) if len(xs) == 2 else ():
        if len(shape) > 2 and maps.shape == shape and gates.size == math.prod(shape[:2]) == math.prod(gates.shape[:2]):
            return maps, gates.reshape(shape[:2])
    return None, None


def _same_shape_task(y, *xs):
    y, *xs = rows(y, *map(blocks, xs))

    def task(start, stop):
        for n, first, end in pieces(start, stop, y.shape[1]):
            np.multiply(*(x[n, first:end] for x in xs), out=y[n, first:end])

    return task, y.size


def _backward_same_shape(grad_y, *xs):
    grads = [np.empty(grad_y.shape, grad_y.dtype) for _ in xs]
    grad, first, second, *targets = rows(*map(blocks, (grad_y, *xs)), *grads)

    def task(start, stop):
        for n, begin, end in pieces(start, stop, grad.shape[1]):
            part = n, slice(begin, end)
            _products(grad[part], first[part], second[part], *(target[part] for target in targets))

    parallel_for(task, grad.size, grad.size, few=FEW)
    return tuple(grads)


@compiled
def _products(grad_y, first, second, grad_first, grad_second):
    for i in range(len(grad_y)):
        upstream = grad_y[i]
        grad_first[i] = upstream * second[i]
        grad_second[i] = upstream * first[i]
