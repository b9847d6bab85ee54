"""How good predictions are, how far their confidence can be trusted, and how far a difference can."""

from typing import NamedTuple

import numpy as np

from minigooglenet import checks
from minigooglenet.shapes import integer


def ranks(probabilities, labels) -> np.ndarray:
    """Return how many classes come before each picture's own, N integers: 0 where the likeliest class is right.

    Of two classes with equal probability the one with the smaller number comes first, as argmax has it.

    Parameters
    ----------
    probabilities : (N, classes)
    labels : N integers
    """
    probabilities = checks.floating(np.asarray(probabilities), "probabilities", 2, checks.FLOATS)
    labels = checks.labels(labels, *probabilities.shape)
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities must be finite")
    own = probabilities[np.arange(len(labels)), labels][:, None]
    tied_before = (probabilities == own) & (np.arange(probabilities.shape[1]) < labels[:, None])
    return ((probabilities > own) | tied_before).sum(axis=1)


def top_k_error(probabilities, labels, k: int) -> float:
    """Return the share of pictures whose own class is not among the k likeliest."""
    return float(np.mean(ranks(probabilities, labels) >= integer(k, "k", 1)))


def accuracy(probabilities, labels) -> float:
    """Return the share of pictures whose likeliest class is right."""
    return 1 - top_k_error(probabilities, labels, 1)


class Calibration(NamedTuple):
    """Pictures by the probability of their likeliest class, in bins of equal width from 0 to 1.

    edges : (bins + 1,)
    counts : (bins,) pictures
    confidence, accuracy : (bins,) mean probability and share right of the pictures in a bin, 0 in an empty one
    error : the expected calibration error, the mean over all pictures of |accuracy - confidence| of their bin
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    error: float


def calibration(probabilities, labels, bins: int = 10) -> Calibration:
    """Return how often the network is right among pictures on which it is about equally sure.

    The expected calibration error depends on the number of bins, and with few pictures it is above zero by chance.
    """
    right = ranks(probabilities, labels) == 0
    sure = np.asarray(probabilities).max(axis=1)
    edges = np.linspace(0, 1, integer(bins, "bins", 1) + 1)
    place = np.clip(np.searchsorted(edges, sure) - 1, 0, bins - 1)  # a bin holds its upper edge, the first both
    counts = np.bincount(place, minlength=bins)
    confidence, hits = (
        np.bincount(place, weights=values, minlength=bins) / np.maximum(counts, 1) for values in (sure, right)
    )
    return Calibration(edges, counts, confidence, hits, float(counts @ np.abs(hits - confidence) / len(right)))


def bootstrap_interval(values, confidence=0.95, rounds=10_000, seed=0) -> tuple[float, float]:
    """Return the percentile bootstrap interval (low, high) for the mean of one number a picture.

    How the mean would spread if the test set were drawn again: pictures are drawn from it with replacement, `rounds`
    times. To compare two settings, give the difference on each picture: what is hard for both then cancels out. Of a
    handful of pictures, or where all values are equal, no such interval can say much.

    Values that occur often are drawn together, so that 0 and 1 cost the same for any number of pictures.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"a bootstrap takes one finite number a picture, got an array of shape {values.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}")
    different, counts = np.unique(values, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=rounds)
    low, high = np.quantile(drawn @ different / len(values), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
