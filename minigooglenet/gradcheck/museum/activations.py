"""Broken elementwise functions: sigmoid, tanh, SiLU, GELU, leaky ReLU, ELU, softplus, clip, hard swish.

Their inputs are away from the kinks.
"""

from math import erf

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.gradcheck.subject import clear_of_kinks

SLOPE = 0.2


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _cumulative(x):
    return 0.5 * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2)))


def _density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def _inputs(rng):
    return (clear_of_kinks((3, 2, 4), rng),)


def _gate(x):
    return np.clip(x + 3, 0, 6) / 6


def _beyond(*kinks):
    """Return a function that draws inputs on both sides of the kinks."""
    return lambda rng: (clear_of_kinks((3, 2, 4), rng, kinks),)


def _room(name, forward, derivative, inputs=_inputs):
    return Room(name, forward, lambda grad_y, x: (grad_y * derivative(x),), inputs)


SIGMOID = _room("sigmoid", _sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x)))
TANH = _room("tanh", np.tanh, lambda x: 1 - np.tanh(x) ** 2)
SILU = _room("silu", lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))))
GELU = _room("gelu", lambda x: x * _cumulative(x), lambda x: _cumulative(x) + x * _density(x))
LEAKY = _room("leaky_relu", lambda x: np.where(x > 0, x, SLOPE * x), lambda x: np.where(x > 0, 1.0, SLOPE))
ELU = _room("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.where(x > 0, 1.0, np.exp(x)))
SOFTPLUS = _room("softplus", lambda x: np.log1p(np.exp(x)), _sigmoid)
CLIP = _room("clip", lambda x: np.clip(x, 0, 6), lambda x: ((x > 0) & (x < 6)).astype(float), _beyond(0, 6))
HARD_SWISH = _room(
    "hard_swish",
    lambda x: x * _gate(x),
    lambda x: np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, (2 * x + 3) / 6)),
    _beyond(-3, 3),
)
ROOMS = (SIGMOID, TANH, SILU, GELU, LEAKY, ELU, SOFTPLUS, CLIP, HARD_SWISH)
ANOTHER = "wrong derivative formula"


@SIGMOID.backward(ANOTHER)
def input_where_the_output_belongs(grad_y, x):
    """The formula s * (1 - s) is right, but the cache contains the input instead of the output."""
    return (grad_y * x * (1 - x),)


@SIGMOID.backward(ANOTHER)
def sigmoid_applied_twice(grad_y, x):
    """The helper for the derivative expects the input and applies the sigmoid itself, but it gets the output."""
    y = _sigmoid(_sigmoid(x))
    return (grad_y * y * (1 - y),)


@TANH.backward(ANOTHER)
def output_not_squared(grad_y, x):
    """One minus the output is remembered from the sigmoid, but tanh needs the square of the output."""
    return (grad_y * (1 - np.tanh(x)),)


@TANH.backward(ANOTHER)
def square_of_the_input(grad_y, x):
    """The formula 1 - y^2 is applied to the input, because the input is what the layer saved."""
    return (grad_y * (1 - x * x),)


@SILU.backward(ANOTHER)
def gate_treated_as_constant(grad_y, x):
    """SiLU is read as x times a gate, and the product rule stops after its first term."""
    return (grad_y * _sigmoid(x),)


@SILU.backward(ANOTHER)
def only_the_gate_differentiated(grad_y, x):
    """The second term of the product rule is there, but the first term, the gate itself, is missing."""
    return (grad_y * x * _sigmoid(x) * (1 - _sigmoid(x)),)


@GELU.backward(ANOTHER)
def distribution_treated_as_constant(grad_y, x):
    """The normal distribution looks like a mask with soft edges, and a mask has no derivative."""
    return (grad_y * _cumulative(x),)


@GELU.backward(ANOTHER)
def density_without_its_factor(grad_y, x):
    """The derivative of the distribution is its density, but the factor x in front of it is lost."""
    return (grad_y * (_cumulative(x) + _density(x)),)


@LEAKY.backward(ANOTHER)
def slope_forgotten(grad_y, x):
    """The slope is added to the forward pass, but the backward pass still has the mask of the plain ReLU."""
    return (grad_y * (x > 0),)


@LEAKY.backward(ANOTHER)
def slope_of_one_everywhere(grad_y, x):
    """With a small slope no value becomes zero, so the gradient is passed on unchanged everywhere."""
    return (grad_y.copy(),)


@ELU.backward(ANOTHER)
def one_not_added_back(grad_y, x):
    """Below zero the output is used as the exponential, but it is the exponential minus one."""
    return (grad_y * np.where(x > 0, 1.0, np.expm1(np.minimum(x, 0))),)


@SOFTPLUS.backward(ANOTHER)
def value_instead_of_the_sigmoid(grad_y, x):
    """A smooth ReLU looks like a soft mask, so the gradient is multiplied by its value."""
    return (grad_y * np.log1p(np.exp(x)),)


@CLIP.backward("mask from the wrong array")
def upper_bound_forgotten(grad_y, x):
    """ReLU6 replaces a ReLU, and the backward pass keeps the mask x > 0, which lets the gradient pass above 6."""
    return (grad_y * (x > 0),)


@CLIP.backward("mask from the wrong array")
def gradient_itself_clipped(grad_y, x):
    """The backward pass clips the gradient, as the forward pass clips the values, instead of selecting by x."""
    return (np.clip(grad_y, 0, 6),)


@CLIP.backward("mask from the wrong array")
def clip_passes_everything(grad_y, x):
    """A bound is a constant and a constant has no gradient, so the clip is treated as if it were not there."""
    return (grad_y.copy(),)


@HARD_SWISH.backward(ANOTHER)
def hard_gate_treated_as_constant(grad_y, x):
    """The gate looks like a mask, so the gradient is multiplied by it and the product rule is forgotten."""
    return (grad_y * _gate(x),)


@HARD_SWISH.backward(ANOTHER)
def middle_formula_everywhere(grad_y, x):
    """The derivative of the middle piece, (2x + 3) / 6, is used below -3 and above 3, too, where the gate is flat."""
    return (grad_y * (2 * x + 3) / 6,)
