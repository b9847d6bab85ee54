"""Weight initialisation: each rule is a function (shape, fan_in, rng) -> float32 array.

fan_in is the number of inputs that one output sums over: C / groups * R * S for a convolution, I for a linear layer.
"""

import math
from collections.abc import Callable

import numpy as np

from minigooglenet.typing import Array, Shape

Rule = Callable[[Shape, int, np.random.Generator], Array]


def caffe(shape: Shape, fan_in: int, rng: np.random.Generator) -> Array:
    """Return Caffe's "xavier": uniform on [-a, a], a = sqrt(3 / fan_in). Its variance is 1 / fan_in."""
    bound = np.float32(math.sqrt(3 / fan_in))
    return (rng.random(shape, dtype=np.float32) * 2 - 1) * bound


def he(shape: Shape, fan_in: int, rng: np.random.Generator) -> Array:
    """Return He et al. (2015): normal, variance 2 / fan_in, which preserves the scale of activations through ReLUs."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / fan_in))


def gaussian(shape: Shape, fan_in: int, rng: np.random.Generator) -> Array:
    """Return normal values with standard deviation 0.01 for every layer, as was usual before fan-in rules."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(0.01)


def zeros(shape: Shape, fan_in: int, rng: np.random.Generator) -> Array:
    """Return zeros, for networks that are only counted or whose weights come from a file."""
    return np.zeros(shape, np.float32)


RULES: dict[str, Rule] = {"caffe": caffe, "he": he, "gaussian": gaussian, "zeros": zeros}


def rule(name: str) -> Rule:
    """Return the rule of that name."""
    if name not in RULES:
        raise ValueError(f"init must be one of {', '.join(map(repr, RULES))}, got {name!r}")
    return RULES[name]
