"""What pooling does in place of a linear layer."""

import numpy as np

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.layers import Linear

flat = Question(
    "08.5",
    "a linear layer in place of pooling",
    "The last map has {C} channels of {h} x {h}, and there are {K} classes. How many parameters more has one linear "
    "layer on the flattened map than one after global average pooling?",
    minutes=4,
    difficulty=1,
    core=False,
    hints=(
        "Who has weights: the pooling, the flattening, the linear layer?",
        "2 channels of 3 x 3 to 5 classes: 18 * 5 + 5 against 2 * 5 + 5.",
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
    """That is the layer on the flattened map. Behind the pooling there is one too: subtract."""
    return C * h * h * K + K


@flat.wrong
def the_pooled_one(C, h, K):
    """That is the layer after the pooling; we asked how many more the other has."""
    return C * K + K


@flat.wrong
def pooling_has_weights(C, h, K):
    """Pooling has no weights: nothing to subtract for its windows."""
    return C * h * h * K - C * K - h * h


@flat.wrong
def biases_on_one_side(C, h, K):
    """Both layers have K biases: they cancel."""
    return C * K * (h * h - 1) + K


@flat.wrong
def one_side_of_the_map(C, h, K):
    """The map has h * h places, not h."""
    return C * K * (h - 1)


class_map = Exercise(
    "08.6",
    "where a class is seen",
    "class_map(features, w, b, c) -> (H, W)",
    minutes=8,
    difficulty=2,
    core=False,
    hints=(
        "The score is a sum over channels of a mean over places. Move the mean outside.",
        "w[c] has a weight for each channel. Weigh the channels' maps with it, and add them.",
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
def bias_in_every_cell(features, w, b, c):
    """Its mean is right with the bias in it already; we add b[c] once, after the mean."""
    return np.tensordot(w[c], features, axes=1) + b[c]


@class_map.wrong
def divided_by_the_places(features, w, b, c):
    """You took the mean twice: the map's own mean divides by H * W."""
    return np.tensordot(w[c], features, axes=1) / features[0].size


@class_map.wrong
def negative_evidence_cut(features, w, b, c):
    """Evidence against the class is missing: no ReLU here."""
    return np.maximum(np.tensordot(w[c], features, axes=1), 0)


@class_map.wrong
def weights_of_a_channel(features, w, b, c):
    """You used w[:, c], the weights of a channel for all classes."""
    return np.tensordot(w[:, c], features, axes=1)


@class_map.wrong
def mean_of_the_channels(features, w, b, c):
    """All channels counted alike; the class weighs them by w[c]."""
    return features.mean(axis=0)


@class_map.wrong
def pooled_first(features, w, b, c):
    """A constant map: you took the mean over places before weighing."""
    return np.full(features.shape[1:], w[c] @ features.mean(axis=(1, 2)))
