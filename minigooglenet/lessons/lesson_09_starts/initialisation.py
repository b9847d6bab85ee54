"""The standard deviation of initial weights."""

import math

import numpy as np

from minigooglenet.exercises.exercise import Exercise

init_std = Exercise(
    "09.1",
    "the standard deviation of weights",
    "init_std(K, C, k, scheme) -> float",
    minutes=8,
    difficulty=2,
    hints=(
        "How many values does one output of a convolution with C input channels and k x k kernels read?",
        "A sum of n terms has n times the variance of one term. 'caffe' divides by n; 'he' also makes up for the ReLU.",
        "for 'he': `math.sqrt(2 / ____)`; 'glorot' uses the mean of fan_in and fan_out instead of fan_in",
    ),
)
SCHEMES = ("he", "caffe", "glorot")


@init_std.cases
def init_std_cases(rng):
    for K, C, k in ((8, 3, 1), (64, 192, 3), (32, 16, 5), (10, 10, 3)):
        for scheme in SCHEMES:
            yield K, C, k, scheme


@init_std.reference
def init_std_reference(K, C, k, scheme):
    fan_in, fan_out = C * k * k, K * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme] ** 0.5


@init_std.right
def init_std_by_the_formula(K, C, k, scheme):
    if scheme == "glorot":
        return math.sqrt(1 / (k**2 * (C + K) / 2))
    return math.sqrt((2 if scheme == "he" else 1) / C) / k


@init_std.right
def init_std_from_the_weights(K, C, k, scheme):
    weights = np.empty((K, C, k, k))
    fan_in, fan_out = weights[0].size, weights[:, 0].size
    gain = np.sqrt(2) if scheme == "he" else 1.0
    return gain / np.sqrt((fan_in + fan_out) / 2 if scheme == "glorot" else fan_in)


def _with_fans(K, C, k, scheme, fan_in, fan_out, he=2):
    return math.sqrt({"he": he / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme])


@init_std.wrong
def fan_without_the_kernel(K, C, k, scheme):
    """Your value is k times too large. A 3x3 kernel reads 9 values of every channel, not 1."""
    return _with_fans(K, C, k, scheme, C, K)


@init_std.wrong
def fan_out_instead_of_fan_in(K, C, k, scheme):
    """You used K instead of C, which is right only if K = C. fan_in counts the values that one output reads."""
    return _with_fans(K, C, k, scheme, K * k * k, C * k * k)


@init_std.wrong
def variance(K, C, k, scheme):
    """That is the variance. Return its square root, the standard deviation."""
    return _with_fans(K, C, k, scheme, C * k * k, K * k * k) ** 2


@init_std.wrong
def he_without_its_2(K, C, k, scheme):
    """The factor 2 of 'he' is missing. It makes up for the ReLU, which halves the mean square."""
    return _with_fans(K, C, k, scheme, C * k * k, K * k * k, he=1)


@init_std.wrong
def limit_of_the_uniform_distribution(K, C, k, scheme):
    """That is sqrt(3) times the correct value: the limit of a uniform distribution, not its standard deviation."""
    return math.sqrt(3) * _with_fans(K, C, k, scheme, C * k * k, K * k * k)


@init_std.wrong
def glorot_instead_of_caffe(K, C, k, scheme):
    """You used Glorot's rule for 'caffe'. Caffe's xavier uses fan_in only."""
    return _with_fans(K, C, k, "glorot" if scheme == "caffe" else scheme, C * k * k, K * k * k)


@init_std.wrong
def sum_of_fans_instead_of_their_mean(K, C, k, scheme):
    """The factor 2 of 'glorot' is missing: its variance is 2 / (fan_in + fan_out)."""
    right = _with_fans(K, C, k, scheme, C * k * k, K * k * k)
    return right / math.sqrt(2) if scheme == "glorot" else right
