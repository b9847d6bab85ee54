"""A module of equal towers as three convolutions, the middle one grouped."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers

grouped = Exercise(
    "14.4",
    "towers as groups",
    "grouped(w1, w2, w3) -> (G*d, C, 1, 1), (G*d, d, R, S), (K, G*d, 1, 1)",
    minutes=7,
    difficulty=2,
    hints=(
        "Which channels does each tower read, and which does it return, at its three layers?",
        (
            "G = 2 towers of d = 3 channels: the first layer returns 6 channels, tower 0 first. The middle layer has 6 "
            "filters that read 3 channels each. The sum of the towers is one 1x1 that reads all 6: K rows of 6 "
            "weights, the 3 of tower 0 first."
        ),
        "`np.concatenate(w1), np.concatenate(w2), np.concatenate(w3, axis=____)`",
    ),
)


@grouped.cases
def grouped_cases(rng):
    yield _towers(rng, 2, 3, 4, 5, (3, 3))
    yield tuple(w / 4 for w in _towers(rng, 3, 2, 5, 2, (1, 3)))  # fractions; K = d
    yield _towers(rng, 4, 2, 2, 4, (3, 1))  # K = G


def _towers(rng, groups, d, C, K, kernel):
    shapes = (groups, d, C, 1, 1), (groups, d, d, *kernel), (groups, K, d, 1, 1)
    return tuple(integers(rng, shape) for shape in shapes)


@grouped.reference
def grouped_reference(w1, w2, w3):
    return np.concatenate(w1), np.concatenate(w2), np.concatenate(w3, axis=1)


@grouped.right
def grouped_by_reshape(w1, w2, w3):
    channels = w1.shape[0] * w1.shape[1]
    last = w3.transpose(1, 0, 2, 3, 4).reshape(w3.shape[1], channels, 1, 1)
    return w1.reshape(channels, -1, 1, 1), w2.reshape(channels, *w2.shape[2:]), last


@grouped.right
def grouped_tower_by_tower(w1, w2, w3):
    groups, d, C = w1.shape[:3]
    first, middle = np.empty((groups * d, C, 1, 1)), np.empty((groups * d, d, *w2.shape[3:]))
    last = np.empty((w3.shape[1], groups * d, 1, 1))
    for g in range(groups):
        own = slice(g * d, (g + 1) * d)
        first[own], middle[own], last[:, own] = w1[g], w2[g], w3[g]
    return first, middle, last


@grouped.wrong
def last_weights_reshaped(w1, w2, w3):
    """The third weights have the right shape but a wrong order. Memory has towers first, then filters: transpose."""
    first, middle, last = grouped_reference(w1, w2, w3)
    return first, middle, w3.reshape(last.shape)


@grouped.wrong
def filters_instead_of_channels_joined(w1, w2, w3):
    """You joined the towers' filters at the third layer, which concatenates outputs. Their sum joins the channels."""
    return np.concatenate(w1), np.concatenate(w2), np.concatenate(w3)


@grouped.wrong
def last_weights_added(w1, w2, w3):
    """You added the third weights of all towers. Each tower multiplies its own channels, so keep all the weights."""
    return np.concatenate(w1), np.concatenate(w2), w3.sum(axis=0)


@grouped.wrong
def dense_middle(w1, w2, w3):
    """Your middle layer is dense with zeros between the towers. That is right, but a grouped one stores no zeros."""
    first, _, last = grouped_reference(w1, w2, w3)
    d = w1.shape[1]
    dense = np.zeros((len(first), len(first), *w2.shape[3:]))
    for g in range(len(w1)):
        dense[g * d : (g + 1) * d, g * d : (g + 1) * d] = w2[g]
    return first, dense, last


@grouped.wrong
def channels_of_the_towers_interleaved(w1, w2, w3):
    """Your first and third weights have the channels of the towers in turn. A group is d neighbouring channels."""
    first, middle, last = grouped_reference(w1, w2, w3)
    return (
        w1.transpose(1, 0, 2, 3, 4).reshape(first.shape),
        middle,
        w3.transpose(1, 2, 0, 3, 4).reshape(last.shape),
    )


@grouped.wrong
def middle_transposed(w1, w2, w3):
    """In your middle weights, filters and channels are exchanged. The first of the two axes is the filter."""
    first, middle, last = grouped_reference(w1, w2, w3)
    return first, w2.transpose(0, 2, 1, 3, 4).reshape(middle.shape), last


@grouped.wrong
def mean_of_the_towers(w1, w2, w3):
    """Your third weights give the mean of the towers. The module adds them."""
    first, middle, last = grouped_reference(w1, w2, w3)
    return first, middle, last / len(w1)


@grouped.wrong
def towers_in_reverse_at_the_end(w1, w2, w3):
    """Your third weights have the towers in reverse. The order must be the same in all three layers."""
    return np.concatenate(w1), np.concatenate(w2), np.concatenate(w3[::-1], axis=1)
