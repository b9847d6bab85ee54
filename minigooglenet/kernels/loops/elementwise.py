"""Elementwise functions by definition: the value and the derivative of each, for one number."""

import numpy as np


def forward(x, function, parameters):
    """Return y, function(x) value by value."""
    value, _ = FUNCTIONS[function]
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        y[index] = value(x[index], *parameters)
    return y


def backward(grad_y, x, function, parameters):
    """Return grad_x: grad_y times the derivative; zero where the derivative is zero."""
    _, derivative = FUNCTIONS[function]
    grad_x = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        slope = derivative(x[index], *parameters)
        if slope != 0:
            grad_x[index] = grad_y[index] * slope
    return grad_x


def _clip(x, low, high):
    return low if x < low else high if x > high else x


def _clip_derivative(x, low, high):
    return 0 if x <= low or x >= high else 1


def _leaky_relu(x, slope):
    return x if x > 0 else slope * x


def _leaky_relu_derivative(x, slope):
    return 1 if x > 0 else slope


def _sigmoid(x):
    if x.real < 0:
        return np.exp(x) / (1 + np.exp(x))  # the same number, without overflow
    return 1 / (1 + np.exp(-x))


def _sigmoid_derivative(x):
    return _sigmoid(x) * (1 - _sigmoid(x))


def _tanh_derivative(x):
    return 1 - np.tanh(x) ** 2


def _hard_swish(x):
    return x * _clip(x + 3, 0, 6) / 6


def _hard_swish_derivative(x):
    return 0 if x <= -3 else 1 if x >= 3 else (2 * x + 3) / 6


def _silu(x):
    return x * _sigmoid(x)


def _silu_derivative(x):
    return _sigmoid(x) + x * _sigmoid_derivative(x)


# {function: (its value, its derivative)}
FUNCTIONS = {
    "clip": (_clip, _clip_derivative),
    "leaky_relu": (_leaky_relu, _leaky_relu_derivative),
    "sigmoid": (_sigmoid, _sigmoid_derivative),
    "tanh": (np.tanh, _tanh_derivative),
    "hard_swish": (_hard_swish, _hard_swish_derivative),
    "silu": (_silu, _silu_derivative),
}
