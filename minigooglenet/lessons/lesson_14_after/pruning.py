"""Pruning: the smallest weights become zero, until the multiplications by the others fit a budget."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

pruned = Exercise(
    "14.6",
    "prune to a budget",
    "pruned(w, macs, positions) -> (K, C, R, S)",
    minutes=7,
    difficulty=2,
    core=False,
    hints=(
        "How many MACs does one weight of a convolution cost?",
        (
            "At 10 positions, each weight costs 10 MACs, so a budget of 35 keeps 3 weights. Sort all weights by their "
            "absolute value, and set all but the last 3 to zero."
        ),
        "`smallest = np.argsort(abs(w), axis=None)[: w.size - ____]`",
    ),
)


@pruned.cases
def pruned_cases(rng):
    yield _distinct(rng, (2, 3, 3, 1)), 40, 5
    yield _distinct(rng, (3, 2, 1, 2)) / 8, 47, 6  # fractions; 47 is not a multiple of 6
    yield _distinct(rng, (4, 2, 2, 2)), 100, 9


def _distinct(rng, shape):
    """Return random integers with random signs, no two with the same absolute value."""
    size = int(np.prod(shape))
    return (rng.permutation(size) + 1.0).reshape(shape) * rng.choice([-1.0, 1.0], shape)


@pruned.reference
def pruned_reference(w, macs, positions):
    return _kept(w, abs(w), macs // positions)


def _kept(w, importance, keep):
    """Return w with zeros for all but the `keep` weights of the largest importance."""
    result = w.copy()
    smallest = np.argsort(importance, axis=None)[: w.size - keep]
    result.flat[smallest] = 0
    return result


@pruned.right
def pruned_by_a_threshold(w, macs, positions):
    threshold = np.sort(abs(w), axis=None)[-(macs // positions)]
    return np.where(abs(w) >= threshold, w, 0)


@pruned.right
def pruned_one_by_one(w, macs, positions):
    result = np.zeros_like(w)
    for index in sorted(np.ndindex(w.shape), key=lambda index: -abs(w[index]))[: macs // positions]:
        result[index] = w[index]
    return result


@pruned.wrong
def largest_values_kept(w, macs, positions):
    """You kept the largest values, so all large negative weights are gone. Compare absolute values."""
    return _kept(w, w, macs // positions)


@pruned.wrong
def smallest_weights_kept(w, macs, positions):
    """You kept the weights nearest to zero. They change the output least, so they are the ones to remove."""
    return _kept(w, -abs(w), macs // positions)


@pruned.wrong
def budget_as_the_number_removed(w, macs, positions):
    """You removed as many weights as the budget allows to keep."""
    return _kept(w, abs(w), max(w.size - macs // positions, 0))


@pruned.wrong
def positions_ignored(w, macs, positions):
    """You removed too few weights. Each weight is used at every position, and costs one MAC at each."""
    return _kept(w, abs(w), min(macs, w.size))


@pruned.wrong
def one_above_the_budget(w, macs, positions):
    """You kept one weight too many: its MACs exceed the budget. Round down."""
    return _kept(w, abs(w), macs // positions + 1)


@pruned.wrong
def one_too_few(w, macs, positions):
    """You kept one weight too few: the threshold itself may stay."""
    return _kept(w, abs(w), macs // positions - 1)


@pruned.wrong
def flop_instead_of_mac(w, macs, positions):
    """You kept half as many weights as allowed: one MAC is two FLOP, and the budget is in MACs."""
    return _kept(w, abs(w), macs // (2 * positions))


@pruned.wrong
def equal_share_of_every_filter(w, macs, positions):
    """You kept equally many weights in every filter. The smallest weights of the whole layer are removed."""
    share = macs // positions // len(w)
    return np.stack([_kept(filter_, abs(filter_), share) for filter_ in w])


@pruned.wrong
def absolute_values_returned(w, macs, positions):
    """You returned absolute values. The weights that stay keep their signs."""
    return abs(_kept(w, abs(w), macs // positions))


@pruned.wrong
def changes_its_input(w, macs, positions):
    """You changed w. Work on a copy."""
    w.flat[np.argsort(abs(w), axis=None)[: w.size - macs // positions]] = 0
    return w
