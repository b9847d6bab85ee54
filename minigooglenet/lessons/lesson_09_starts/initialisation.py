"""How wide the first weights are drawn."""

import math

import numpy as np

from minigooglenet.exercises.exercise import Exercise

init_std = Exercise(
    "09.1",
    "how wide to draw",
    "init_std(K, C, k, scheme) -> float",
    minutes=8,
    difficulty=2,
    hints=(
        "How many numbers meet in one output of a convolution from C channels with kernels of k x k?",
        "A sum of n terms has n times the variance of one, so each weight gets 1 / n. Behind a ReLU half is lost.",
        "For 'he': `math.sqrt(2 / ____)`; for 'glorot' the mean of the fans of both sides takes its place.",
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
    """k times too large: a kernel of 3 x 3 reads 9 numbers of every channel."""
    return _with_fans(K, C, k, scheme, C, K)


@init_std.wrong
def fan_out_for_fan_in(K, C, k, scheme):
    """Right where K = C only: what adds up in one output are the inputs."""
    return _with_fans(K, C, k, scheme, K * k * k, C * k * k)


@init_std.wrong
def variance(K, C, k, scheme):
    """That is the variance: the square of the standard deviation."""
    return _with_fans(K, C, k, scheme, C * k * k, K * k * k) ** 2


@init_std.wrong
def he_without_its_2(K, C, k, scheme):
    """ReLU throws half of the square away; 'he' has a 2 to make up for it."""
    return _with_fans(K, C, k, scheme, C * k * k, K * k * k, he=1)


@init_std.wrong
def edge_of_the_box(K, C, k, scheme):
    """sqrt(3) times ours: that is the edge of the uniform draw, not its deviation."""
    return math.sqrt(3) * _with_fans(K, C, k, scheme, C * k * k, K * k * k)


@init_std.wrong
def xavier_taken_for_glorot(K, C, k, scheme):
    """Caffe's xavier looks at fan_in alone; Glorot's rule at both sides."""
    return _with_fans(K, C, k, "glorot" if scheme == "caffe" else scheme, C * k * k, K * k * k)


@init_std.wrong
def sum_of_fans_for_their_mean(K, C, k, scheme):
    """Glorot's rule has a 2 above the sum of both fans: their mean."""
    right = _with_fans(K, C, k, scheme, C * k * k, K * k * k)
    return right / math.sqrt(2) if scheme == "glorot" else right
