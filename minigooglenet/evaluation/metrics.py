"""Accuracy, top-k error, confusion matrix and calibration of predictions."""

from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.shapes import integer
from minigooglenet.typing import ArrayLike, FloatArray, IntArray


def ranks(probabilities: ArrayLike, labels: ArrayLike) -> IntArray:
    """Return the rank of the right class for each image, N integers: 0 if the likeliest class is right.

    Of two classes with equal probability, the class with the smaller index comes first, as in argmax.

    Parameters
    ----------
    probabilities : (N, classes)
    labels : N integers

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> mg.evaluation.ranks(np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]]), [0, 2]).tolist()
    [0, 2]
    """
    probabilities = checks.floating(_array(probabilities), "probabilities", 2, checks.FLOATS)
    labels = checks.labels(labels, *probabilities.shape)
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities must be finite")
    right = probabilities[np.arange(len(labels)), labels][:, None]
    tied_before = (probabilities == right) & (np.arange(probabilities.shape[1]) < labels[:, None])
    return np.asarray(((probabilities > right) | tied_before).sum(axis=1))


def _array(probabilities):
    return np.asarray(checks.unmasked(probabilities, "probabilities"))


def top_k_error(probabilities: ArrayLike, labels: ArrayLike, k: int) -> float:
    """Return the fraction of images for which the right class is not among the k likeliest.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]])
    >>> mg.evaluation.top_k_error(probabilities, [1, 2], 1), mg.evaluation.top_k_error(probabilities, [1, 2], 2)
    (1.0, 0.5)
    """
    return float(np.mean(ranks(probabilities, labels) >= integer(k, "k", 1)))


def accuracy(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Return the fraction of images whose likeliest class is right.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> mg.evaluation.accuracy(np.array([[0.7, 0.3], [0.6, 0.4]]), [0, 1])
    0.5
    """
    return 1 - top_k_error(probabilities, labels, 1)


def confusion(labels: ArrayLike, predicted: ArrayLike, classes: int) -> IntArray:
    """Return the confusion matrix, (classes, classes) integers: images by true (row) and predicted class (column).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.evaluation.confusion([0, 0, 1], [0, 1, 1], classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    rows, columns = (checks.labels(values, np.size(labels), classes) for values in (labels, predicted))
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (rows, columns), 1)
    return matrix


class Calibration(NamedTuple):
    """Images in bins of equal width by their confidence, the largest predicted probability.

    A bin contains its upper edge and not its lower one, (low, high], as in Guo et al. (2017, section 2); the first bin
    also contains 0. torchmetrics includes the other edge, [low, high): a confidence of exactly 0.5 is in (0.4, 0.5]
    here and in [0.5, 0.6) there, which changes the error if many probabilities are round numbers.

    edges : (bins + 1,)
    counts : (bins,) numbers of images
    confidence, accuracy : (bins,) mean confidence and accuracy of the images in a bin, 0 in an empty bin
    error : the expected calibration error, the mean over all images of |accuracy - confidence| of their bin
    """

    edges: FloatArray
    counts: IntArray
    confidence: FloatArray
    accuracy: FloatArray
    error: float

    def __repr__(self) -> str:
        return console.brief(self)


def calibration(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> Calibration:
    """Return the accuracy of images with about equal confidence, bin by bin.

    The expected calibration error depends on the number of bins, and with few images it is above zero by chance.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> probabilities = np.array([[0.75, 0.25]] * 4)  # the network is 75% sure, and right for 3 of 4 images
    >>> mg.evaluation.calibration(probabilities, [0, 0, 0, 1]).error
    0.0
    """
    right = ranks(probabilities, labels) == 0
    confidences = np.asarray(probabilities).max(axis=1)
    edges = np.linspace(0, 1, integer(bins, "bins", 1) + 1)
    index = np.clip(np.searchsorted(edges, confidences) - 1, 0, bins - 1)  # bin 0 has both its edges
    counts = np.bincount(index, minlength=bins)
    confidence, hits = (
        np.bincount(index, weights=values, minlength=bins) / np.maximum(counts, 1) for values in (confidences, right)
    )
    return Calibration(edges, counts, confidence, hits, float(counts @ np.abs(hits - confidence) / len(right)))
