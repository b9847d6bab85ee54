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
    return np.where(x > 0, x, x.dtype.type(slope) * x)


def _leaky_relu_gradient(grad_y, x, slope):
    return np.where(x > 0, grad_y, grad_y.dtype.type(slope) * grad_y)


def _sigmoid(x):
    negative = x.real < 0
    power = np.exp(np.where(negative, x, -x))  # exp(-|x|) is at most 1, so it never overflows
    return np.where(negative, power, x.dtype.type(1)) / (1 + power)


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
