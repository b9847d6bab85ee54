"""How weights start, each rule a function (shape, fan_in, rng) -> float32 array.

fan_in is the number of inputs that one output adds up: C / groups * R * S for a convolution, I for a linear layer.
"""

import math

import numpy as np


def caffe(shape, fan_in, rng):
    """Return Caffe's "xavier": uniform on [-a, a], a = sqrt(3 / fan_in). Its variance is 1 / fan_in, not Glorot's."""
    bound = np.float32(math.sqrt(3 / fan_in))
    return (rng.random(shape, dtype=np.float32) * 2 - 1) * bound


def he(shape, fan_in, rng):
    """Return He et al. (2015): normal, variance 2 / fan_in, which keeps the scale of activations through ReLU."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / fan_in))


def gaussian(shape, fan_in, rng):
    """Return a normal of standard deviation 0.01 whatever the layer: the custom before fan-in rules."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(0.01)


def zeros(shape, fan_in, rng):
    """Return zeros: for networks that are only counted, or filled from a file."""
    return np.zeros(shape, np.float32)


RULES = {"caffe": caffe, "he": he, "gaussian": gaussian, "zeros": zeros}


def rule(name: str):
    """Return the rule of that name."""
    if name not in RULES:
        raise ValueError(f"init must be one of {', '.join(map(repr, RULES))}, got {name!r}")
    return RULES[name]
