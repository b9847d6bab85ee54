"""Elementwise functions on whole arrays: the value and the gradient of each.

Kinks select, so a gradient that is not finite does not pass where the function is flat.
"""

import numpy as np


def forward(x, function, parameters):
    """Return y, function(x) value by value."""
    value, _ = FUNCTIONS[function]
    return value(x, *parameters)


def backward(grad_y, x, function, parameters):
    """Return grad_x: grad_y times the derivative."""
    _, gradient = FUNCTIONS[function]
    return gradient(grad_y, x, *parameters)


def _clip(x, low, high):
    return np.clip(x, low, high)


def _clip_gradient(grad_y, x, low, high):
    flat = (x <= low) | (x >= high)
    return np.where(flat, grad_y.dtype.type(0), grad_y)


def _leaky_relu(x, slope):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


def _leaky_relu_gradient(grad_y, x, slope):
    return np.where(x > 0, grad_y, slope * grad_y)


def _sigmoid(x):
    if x.dtype.kind == "c":
        return (1 + np.tanh(x / 2)) / 2  # the same function; a complex exp that overflows would be NaN
    with np.errstate(over="ignore"):  # where exp(-x) is infinite, 1 / infinity is zero, which is right
        return 1 / (1 + np.exp(-x))


def _sigmoid_gradient(grad_y, x):
    y = _sigmoid(x)
    return grad_y * (y * (1 - y))


def _tanh_gradient(grad_y, x):
    y = np.tanh(x)
    return grad_y * (1 - y * y)


def _hard_swish(x):
    return x * np.clip(x + 3, 0, 6) / 6


def _hard_swish_gradient(grad_y, x):
    between = np.where(x >= 3, grad_y, grad_y * ((2 * x + 3) / 6))
    return np.where(x <= -3, grad_y.dtype.type(0), between)


def _silu(x):
    return x * _sigmoid(x)


def _silu_gradient(grad_y, x):
    gate = _sigmoid(x)
    return grad_y * (gate + x * gate * (1 - gate))


# {function: (its value, its gradient)}
FUNCTIONS = {
    "clip": (_clip, _clip_gradient),
    "leaky_relu": (_leaky_relu, _leaky_relu_gradient),
    "sigmoid": (_sigmoid, _sigmoid_gradient),
    "tanh": (np.tanh, _tanh_gradient),
    "hard_swish": (_hard_swish, _hard_swish_gradient),
    "silu": (_silu, _silu_gradient),
}
