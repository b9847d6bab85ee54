"""Global average pooling: what it saves, and the map of a class."""

import numpy as np

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.layers import Linear

flat = Question(
    "08.5",
    "a linear layer instead of pooling",
    "The last feature map has {C} channels of {h} x {h}, and a linear layer returns {K} logits. How many more "
    "parameters does it have on the flattened feature map than after global average pooling?",
    minutes=4,
    difficulty=1,
    core=False,
    hints=(
        "Which of these has parameters: pooling, flattening, the linear layer?",
        "From 2 channels of 3 x 3 to 5 classes, it is 18 * 5 + 5 parameters compared with 2 * 5 + 5.",
        "`C * h * h * K + K - (C * ____ + K)`",
    ),
)


@flat.draw
def flat_draw(rng):
    return {"C": 8 * int(rng.integers(8, 129)), "h": int(rng.integers(4, 11)), "K": int(rng.integers(10, 1001))}


@flat.solution
def flat_solution(C, h, K):
    flattened, pooled = (count(Linear(inputs, K, init="zeros"), (inputs,)) for inputs in (C * h * h, C))
    return flattened.params - pooled.params


@flat.wrong
def not_the_difference(C, h, K):
    """Those are the parameters of the layer on the flattened feature map. Subtract those of the layer after pooling."""
    return C * h * h * K + K


@flat.wrong
def parameters_after_pooling(C, h, K):
    """Those are the parameters of the layer after pooling. The question is how many more the other layer has."""
    return C * K + K


@flat.wrong
def pooling_has_weights(C, h, K):
    """You subtracted h * h for the pooling window. Pooling has no weights."""
    return C * h * h * K - C * K - h * h


@flat.wrong
def biases_on_one_side(C, h, K):
    """Both layers have K biases, so they cancel."""
    return C * K * (h * h - 1) + K


@flat.wrong
def one_side_of_the_map(C, h, K):
    """The feature map has h * h positions, not h."""
    return C * K * (h - 1)


class_map = Exercise(
    "08.6",
    "the map of a class",
    "class_map(features, w, b, c) -> (H, W)",
    minutes=8,
    difficulty=2,
    core=False,
    hints=(
        "The logit is a sum over channels of a mean over positions. Take the mean last.",
        "w[c] has one weight per channel. Multiply each channel by its weight, and add them.",
        "`np.tensordot(w[c], features, axes=____)`",
    ),
)


@class_map.cases
def class_map_cases(rng):
    yield integers(rng, (4, 2, 3)), integers(rng, (4, 4)), integers(rng, (4,)), 2
    yield integers(rng, (5, 3, 4)), integers(rng, (3, 5)), integers(rng, (3,)), 0
    yield integers(rng, (2, 2, 2)) / 4, integers(rng, (3, 2)) / 8, integers(rng, (3,)), 1  # fractions


@class_map.reference
def class_map_reference(features, w, b, c):
    return np.tensordot(w[c], features, axes=1)


@class_map.right
def class_map_by_einsum(features, w, b, c):
    return np.einsum("c,chw->hw", w[c], features)


@class_map.right
def class_map_channel_by_channel(features, w, b, c):
    total = np.zeros(features.shape[1:])
    for weight, channel in zip(w[c], features, strict=True):
        total += weight * channel
    return total


@class_map.wrong
def bias_at_every_position(features, w, b, c):
    """The mean of your map is already the logit. Leave b[c] out: it is added after the mean."""
    return np.tensordot(w[c], features, axes=1) + b[c]


@class_map.wrong
def divided_by_the_positions(features, w, b, c):
    """You divided by H * W. The mean of the map will divide by it again."""
    return np.tensordot(w[c], features, axes=1) / features[0].size


@class_map.wrong
def negative_evidence_removed(features, w, b, c):
    """Your map has no negative values. They are the evidence against the class: don't apply a ReLU."""
    return np.maximum(np.tensordot(w[c], features, axes=1), 0)


@class_map.wrong
def weights_of_a_channel(features, w, b, c):
    """You used w[:, c], the weights of one channel for all classes. Use w[c]."""
    return np.tensordot(w[:, c], features, axes=1)


@class_map.wrong
def mean_of_the_channels(features, w, b, c):
    """You took the plain mean of the channels. Weight them with w[c] and add them."""
    return features.mean(axis=0)


@class_map.wrong
def pooled_first(features, w, b, c):
    """Your map is constant, because you took the mean over positions first. Weight the channels at each position."""
    return np.full(features.shape[1:], w[c] @ features.mean(axis=(1, 2)))
