"""Confidence intervals for results: of a proportion, a paired difference and a mean on a test set, and of repetitions.

The method of a 95% interval covers the true value for 95 of 100 test sets from the same source. Which method achieves
this depends on the quantity:

* A proportion, such as an accuracy: Clopper and Pearson's interval (Biometrika 1934), from the binomial distribution.
  Its coverage is at least the stated one for any number of images and any accuracy. 12 of 12 gives 74% to 100%.
* The difference of two proportions on the same images: Bonett and Price's interval (Journal of Educational and
  Behavioral Statistics 2012), from the images on which the two disagree, with one added to each of the two counts.
* The mean of other numbers, such as a difference of losses: the percentile bootstrap, only with enough images.
* The mean of a few repetitions with different seeds: Student's interval (Biometrika 1908), which assumes that they are
  distributed normally.
"""

from statistics import NormalDist

import numpy as np

from minigooglenet import checks
from minigooglenet.shapes import integer
from minigooglenet.typing import ArrayLike, Rng

LEAST_VALUES, LEAST_OTHERS = 50, 10  # for a bootstrap: images, and images with another value than the most common one


def proportion_interval(successes: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Clopper and Pearson's interval (low, high) for a proportion, such as 12 of 12 images.

    `low` is the proportion for which `successes` or more have a probability of (1 - confidence) / 2. `high` is the
    proportion for which `successes` or fewer have that probability.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> low, high = mg.evaluation.proportion_interval(90, 100)
    >>> print(f"90% accuracy, 95% interval {low:.1%} to {high:.1%}")
    90% accuracy, 95% interval 82.4% to 95.1%
    """
    count, successes = integer(count, "count", 1), integer(successes, "successes", 0)
    if successes > count:
        raise ValueError(f"successes must be at most count, got {successes} of {count}")
    tail = (1 - _checked(confidence)) / 2
    return _least(successes, count, tail), 1 - _least(count - successes, count, tail)


def paired_interval(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return Bonett and Price's interval (low, high) for mean(first) - mean(second), both on the same images.

    Only the images on which the two disagree affect the difference: images that are hard for both cancel out.

    Parameters
    ----------
    first, second : (N,) booleans, or zeros and ones, such as whether each setting misclassifies an image
    confidence : between 0 and 1

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> first, second = np.arange(100) < 20, np.arange(100) < 8  # errors of two networks on 100 images
    >>> low, high = mg.evaluation.paired_interval(first, second)
    >>> print(f"difference 12%, 95% interval {low:.1%} to {high:.1%}")
    difference 12%, 95% interval 4.9% to 18.6%
    """
    a, b = (np.asarray(checks.unmasked(values, "an array of results")) for values in (first, second))
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise ValueError(
            f"a paired interval needs two arrays of one value per image, got shapes {a.shape} and {b.shape}"
        )
    if not all(np.isin(values, (0, 1)).all() for values in (a, b)):
        raise ValueError(
            "a paired interval needs booleans, or zeros and ones. Use bootstrap_interval for other numbers."
        )
    a, b, count = a.astype(bool), b.astype(bool), len(a) + 2
    more, less = ((np.sum(x & ~y) + 1) / count for x, y in ((a, b), (b, a)))
    difference = more - less
    half = NormalDist().inv_cdf((1 + _checked(confidence)) / 2) * np.sqrt((more + less - difference**2) / count)
    return float(max(difference - half, -1)), float(min(difference + half, 1))


def bootstrap_interval(
    values: ArrayLike, confidence: float = 0.95, rounds: int = 10_000, seed: Rng = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval (low, high) for the mean of one number per image.

    It estimates how the mean would vary for other test sets: images are drawn from this test set with replacement,
    `rounds` times. To compare two settings, pass the difference for each image. For proportions and their differences,
    use the other two intervals, which also hold for few images.

    Equal values are drawn together, so that the cost depends only on the number of different values.

    Raises
    ------
    ValueError
        If there are fewer than 50 values, or fewer than 10 that differ from the most common value: values that are not
        in the test set cannot be drawn, so the interval would be too narrow.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> losses = np.random.default_rng(0).exponential(1.0, 200)
    >>> low, high = mg.evaluation.bootstrap_interval(losses)
    >>> bool(low < losses.mean() < high)
    True
    """
    values = np.asarray(checks.unmasked(values, "values"), np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"values must be one finite number per image, got an array of shape {values.shape}")
    tail = (1 - _checked(confidence)) / 2
    different, counts = np.unique(values, return_counts=True)
    others = len(values) - counts.max()
    if len(values) < LEAST_VALUES or others < LEAST_OTHERS:
        raise ValueError(
            f"a bootstrap needs at least {LEAST_VALUES} values, of which {LEAST_OTHERS} differ from the most common "
            f"one, got {len(values)}, of which {others} differ. "
            f"For right and wrong answers, use proportion_interval or paired_interval."
        )
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=rounds)
    low, high = np.quantile(drawn @ different / len(values), [tail, 1 - tail])
    return float(low), float(high)


def repetition_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return Student's interval (low, high) for the mean of a number that was measured with different seeds.

    Parameters
    ----------
    values : (n,) one finite number per seed, at least 2
    confidence : between 0 and 1

    Examples
    --------
    >>> import minigooglenet as mg
    >>> low, high = mg.evaluation.repetition_interval([0.46, 0.43, 0.45, 0.47, 0.44])
    >>> print(f"mean 0.45, 95% interval {low:.2f} to {high:.2f}")
    mean 0.45, 95% interval 0.43 to 0.47
    """
    values = np.asarray(checks.unmasked(values, "values"), np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"an interval needs one finite number for each of at least 2 seeds, got {values.tolist()}")
    low, high, freedom, confidence = 0.0, 1.0, len(values) - 1, _checked(confidence)
    while _within(high, freedom) < confidence:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    half = low * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def _within(t, freedom):
    """Return the probability that Student's t is in -t .. t (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = np.arctan(t / np.sqrt(freedom))
    sine, cosine, odd = np.sin(angle), np.cos(angle), freedom % 2
    powers = np.arange(2 + odd, freedom - 1, 2)
    total = np.cumprod(cosine**2 * (powers - 1) / powers).sum() + 1 if freedom > 1 else 0.0
    return (angle + sine * cosine * total) * 2 / np.pi if odd else sine * total


def _checked(confidence):
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}")
    return confidence


def _least(successes, count, tail):
    """Return the proportion for which `successes` or more of `count` have the probability `tail`, by bisection."""
    if successes == 0:
        return 0.0
    number = np.arange(successes, count + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])  # logarithms of the factorials
    ways = logs[count] - logs[number] - logs[count - number]
    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2
        more = p < 1 and np.exp(ways + number * np.log(p) + (count - number) * np.log1p(-p)).sum() < tail
        low, high = (p, high) if more else (low, p)
    return low
