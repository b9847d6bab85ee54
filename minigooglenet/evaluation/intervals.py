"""How far a number from a test set can be trusted: intervals for a proportion, for a paired difference, for a mean.

A 95% interval is a recipe that covers the true value for 95 of 100 test sets, drawn from the same source. Which recipe
keeps that promise depends on the numbers:

* a proportion, such as an accuracy: Clopper and Pearson's interval (Biometrika 1934), from the binomial distribution
  itself. It covers at least as often as it says for any number of images and any accuracy; 12 of 12 gives 74% to 100%.
* the difference of two proportions on the same images: Bonett and Price's interval (Journal of Educational and
  Behavioral Statistics 2012), from the images on which the two disagree, with one more of each kind.
* the mean of other numbers, such as a difference of losses: the percentile bootstrap, with enough images only.
"""

from statistics import NormalDist

import numpy as np

from minigooglenet import checks
from minigooglenet.shapes import integer

LEAST_VALUES, LEAST_OTHERS = 50, 10  # of a bootstrap: images, and images that have another value than the most common


def proportion_interval(successes: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Clopper and Pearson's interval (low, high) for a proportion, such as 12 of 12 images.

    `low` is the proportion that would give `successes` or more with a probability of (1 - confidence) / 2, `high` the
    one that would give `successes` or fewer with that probability.
    """
    count, successes = integer(count, "count", 1), integer(successes, "successes", 0)
    if successes > count:
        raise ValueError(f"successes must be at most count, got {successes} of {count}")
    tail = (1 - _checked(confidence)) / 2
    return _least(successes, count, tail), 1 - _least(count - successes, count, tail)


def paired_interval(first, second, confidence: float = 0.95) -> tuple[float, float]:
    """Return Bonett and Price's interval (low, high) for mean(first) - mean(second), both on the same images.

    Only the images on which the two disagree tell anything about the difference: what is hard for both cancels out.

    Parameters
    ----------
    first, second : (N,) booleans, or zeros and ones, such as whether each setting is wrong
    confidence : between 0 and 1
    """
    first, second = (np.asarray(checks.unmasked(values, "an array of results")) for values in (first, second))
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"a paired interval needs two values for each image, got arrays of shape {first.shape} and {second.shape}"
        )
    if not all(np.isin(values, (0, 1)).all() for values in (first, second)):
        raise ValueError("a paired interval needs booleans, or zeros and ones; bootstrap_interval takes other numbers")
    first, second, count = first.astype(bool), second.astype(bool), len(first) + 2
    more, less = ((np.sum(a & ~b) + 1) / count for a, b in ((first, second), (second, first)))
    difference = more - less
    half = NormalDist().inv_cdf((1 + _checked(confidence)) / 2) * np.sqrt((more + less - difference**2) / count)
    return float(max(difference - half, -1)), float(min(difference + half, 1))


def bootstrap_interval(values, confidence: float = 0.95, rounds: int = 10_000, seed=0) -> tuple[float, float]:
    """Return the percentile bootstrap interval (low, high) for the mean of one number for each image.

    How the mean would vary if the test set were drawn again: images are drawn from it with replacement, `rounds`
    times. To compare two settings, pass the difference for each image. Proportions and their differences have intervals
    of their own, which hold for few images too.

    Values that occur often are drawn together, so that 0 and 1 cost the same for any number of images.

    Raises
    ------
    ValueError
        If there are fewer than 50 values, or fewer than 10 that differ from the most common value: what was not seen
        cannot be drawn, so the interval would be too narrow.
    """
    values = np.asarray(checks.unmasked(values, "values"), np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"a bootstrap takes one finite number an image, got an array of shape {values.shape}")
    tail = (1 - _checked(confidence)) / 2
    different, counts = np.unique(values, return_counts=True)
    others = len(values) - counts.max()
    if len(values) < LEAST_VALUES or others < LEAST_OTHERS:
        raise ValueError(
            f"a bootstrap needs at least {LEAST_VALUES} values, of which {LEAST_OTHERS} differ from the most common "
            f"one; got {len(values)}, of which {others} differ. "
            f"For right and wrong answers, take proportion_interval or paired_interval."
        )
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=rounds)
    low, high = np.quantile(drawn @ different / len(values), [tail, 1 - tail])
    return float(low), float(high)


def _checked(confidence):
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}")
    return confidence


def _least(successes, count, tail):
    """Return the proportion for which `successes` or more of `count` have the probability `tail`, by bisection."""
    if successes == 0:
        return 0.0
    number = np.arange(successes, count + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])  # of factorials
    ways = logs[count] - logs[number] - logs[count - number]
    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2
        more = p < 1 and np.exp(ways + number * np.log(p) + (count - number) * np.log1p(-p)).sum() < tail
        low, high = (p, high) if more else (low, p)
    return low
