"""How good predictions are, and how far their confidence can be trusted."""

from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.shapes import integer


def ranks(probabilities, labels) -> np.ndarray:
    """Return how many classes come before each image's own, N integers: 0 where the likeliest class is right.

    Of two classes with equal probability the one with the smaller number comes first, as argmax has it.

    Parameters
    ----------
    probabilities : (N, classes)
    labels : N integers
    """
    probabilities = checks.floating(_array(probabilities), "probabilities", 2, checks.FLOATS)
    labels = checks.labels(labels, *probabilities.shape)
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities must be finite")
    own = probabilities[np.arange(len(labels)), labels][:, None]
    tied_before = (probabilities == own) & (np.arange(probabilities.shape[1]) < labels[:, None])
    return ((probabilities > own) | tied_before).sum(axis=1)


def _array(probabilities):
    return np.asarray(checks.unmasked(probabilities, "probabilities"))


def top_k_error(probabilities, labels, k: int) -> float:
    """Return the share of images whose own class is not among the k likeliest."""
    return float(np.mean(ranks(probabilities, labels) >= integer(k, "k", 1)))


def accuracy(probabilities, labels) -> float:
    """Return the share of images whose likeliest class is right."""
    return 1 - top_k_error(probabilities, labels, 1)


def confusion(labels, predicted, classes: int) -> np.ndarray:
    """Return (classes, classes) integers: how many images of each class (row) were taken for each class (column)."""
    labels, predicted = (checks.labels(values, len(labels), classes) for values in (labels, predicted))
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


class Calibration(NamedTuple):
    """Images by the probability of their likeliest class, in bins of equal width from 0 to 1.

    A bin contains its upper edge and not its lower one, (low, high], as in Guo et al. (2017, section 2); the first also
    contains 0. torchmetrics closes its bins on the other side, [low, high): a confidence of exactly 0.5 is in
    (0.4, 0.5] here and in [0.5, 0.6) there, which changes the error where many probabilities are round numbers.

    edges : (bins + 1,)
    counts : (bins,) images
    confidence, accuracy : (bins,) mean probability and share right of the images in a bin, 0 in an empty one
    error : the expected calibration error, the mean over all images of |accuracy - confidence| of their bin
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    error: float

    def __repr__(self) -> str:
        return console.brief(self)


def calibration(probabilities, labels, bins: int = 10) -> Calibration:
    """Return how often the network is right among images on which it is about equally sure.

    The expected calibration error depends on the number of bins, and with few images it is above zero by chance.
    """
    right = ranks(probabilities, labels) == 0
    sure = np.asarray(probabilities).max(axis=1)
    edges = np.linspace(0, 1, integer(bins, "bins", 1) + 1)
    place = np.clip(np.searchsorted(edges, sure) - 1, 0, bins - 1)  # a bin contains its upper edge, the first bin both
    counts = np.bincount(place, minlength=bins)
    confidence, hits = (
        np.bincount(place, weights=values, minlength=bins) / np.maximum(counts, 1) for values in (sure, right)
    )
    return Calibration(edges, counts, confidence, hits, float(counts @ np.abs(hits - confidence) / len(right)))
