"""Elementwise functions, in one pass over memory, on all threads.

Functions with kinks are compiled: the compiler turns their comparisons into SIMD selections. For exp and tanh, NumPy
has SIMD instructions but compiled code does not, so those functions call the NumPy file, on parts that fit into the
cache: only the first of several NumPy calls reads from memory.
"""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces, rows
from minigooglenet.kernels.numpy.elementwise import FUNCTIONS

PART = 1 << 15  # values: the temporary arrays of a float32 part fit into the second-level cache


def forward(x, function, parameters):
    """Return y, function(x) value by value."""
    y = np.empty(x.shape, x.dtype)
    for task, count in bind(x, function, parameters, y):
        parallel_for(task, count, x.size, few=_few(function))
    return y


def bind(x, function, parameters, y):
    """Return [(task, count)] for `parallel_for`; every run writes function(x) to y."""
    return [_task(function, 0, parameters, y, blocks(x))]


def backward(grad_y, x, function, parameters):
    """Return grad_x."""
    grad_x = np.empty(x.shape, x.dtype)
    task, count = _task(function, 1, parameters, grad_x, blocks(grad_y), blocks(x))
    parallel_for(task, count, x.size, few=_few(function))
    return grad_x


def _few(function):
    return 1 << 18 if function in _COMPILED else 1 << 15


def _task(function, direction, parameters, target, *sources):
    target, *sources = rows(target, *sources)
    parameters = tuple(map(target.dtype.type, parameters))

    def run_compiled(start, stop):
        kernel = _COMPILED[function][direction]
        for n, first, end in pieces(start, stop, target.shape[1]):
            kernel(*(source[n, first:end] for source in sources), target[n, first:end], *parameters)

    def run_parts(start, stop):
        compute = FUNCTIONS[function][direction]
        for n, first, end in pieces(start, stop, target.shape[1]):
            for at in range(first, end, PART):
                part = n, slice(at, min(at + PART, end))
                target[part] = compute(*(source[part] for source in sources), *parameters)

    return run_compiled if function in _COMPILED else run_parts, target.size


@compiled
def _clip(x, y, low, high):
    for i in range(len(x)):
        value = low if x[i] < low else x[i]  # false for a NaN
        y[i] = high if value > high else value


@compiled
def _clip_gradient(grad_y, x, grad_x, low, high):
    for i in range(len(x)):
        grad_x[i] = 0 if x[i] <= low or x[i] >= high else grad_y[i]


@compiled
def _leaky_relu(x, y, slope):
    for i in range(len(x)):
        y[i] = x[i] if x[i] > 0 else slope * x[i]


@compiled
def _leaky_relu_gradient(grad_y, x, grad_x, slope):
    for i in range(len(x)):
        grad_x[i] = grad_y[i] if x[i] > 0 else slope * grad_y[i]


@compiled
def _hard_swish(x, y):
    three, six = x.dtype.type(3), x.dtype.type(6)
    for i in range(len(x)):
        gate = x[i] + three
        gate = x.dtype.type(0) if gate < 0 else gate
        y[i] = x[i] * (six if gate > six else gate) / six


@compiled
def _hard_swish_gradient(grad_y, x, grad_x):
    three, six = x.dtype.type(3), x.dtype.type(6)
    for i in range(len(x)):
        between = grad_y[i] if x[i] >= three else grad_y[i] * ((x[i] + x[i] + three) / six)
        grad_x[i] = 0 if x[i] <= -three else between


# {function: (its value, its gradient)}
_COMPILED = {
    "clip": (_clip, _clip_gradient),
    "leaky_relu": (_leaky_relu, _leaky_relu_gradient),
    "hard_swish": (_hard_swish, _hard_swish_gradient),
}
