"""The detections in one image, and the true objects in it."""

from typing import Any, NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.detection import boxes as geometry
from minigooglenet.typing import Array, ArrayLike, FloatArray, IntArray


class Detections(NamedTuple):
    """The detections in one image; boxes, scores and labels have the same order.

    `checked` validates them, and accepts lists too: `Detections([], [], []).checked()` has no detections.

    Attributes
    ----------
    boxes : (M, 4) float64, x1, y1, x2, y2
    scores : (M,) float64, confidences
    labels : (M,) int64, indices of classes, without the background

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.Detections([(0, 0, 4, 4), (1, 1, 3, 3)], [0.9, 0.4], [2, 0]).checked()
    Detections(boxes=float64 (2, 4), scores=float64 (2,), labels=int64 (2,))
    """

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray

    def __repr__(self) -> str:
        return console.brief(self)

    def filtered(self, indices: ArrayLike) -> "Detections":
        """Return some of the detections: by indices, in their order, or by M booleans.

        Examples
        --------
        >>> from minigooglenet import detection
        >>> both = detection.Detections([(0, 0, 4, 4), (1, 1, 3, 3)], [0.9, 0.4], [2, 0]).checked()
        >>> both.filtered(both.scores >= 0.5).labels.tolist()
        [2]
        """
        return Detections(*_rows(self, indices))

    def checked(
        self, classes: int | None = None, size: tuple[int, int] | None = None, what: str = "detections"
    ) -> "Detections":
        """Return the detections as arrays of the dtypes above, or raise an error of one sentence.

        Parameters
        ----------
        classes : number of classes; a label that is not in 0 .. classes - 1 is an error
        size : (H, W) of the image that must contain the boxes
        what : name for errors

        Examples
        --------
        >>> from minigooglenet import detection
        >>> detection.Detections([(0, 0, 4, 4)], [0.9], [3]).checked(classes=3, what="image 7")
        Traceback (most recent call last):
        ...
        ValueError: image 7: label 3 at index 0 is not in 0 .. 2, the indices of the 3 classes
        """
        boxes, labels = _boxes_and_labels(self, classes, size, what)
        return Detections(boxes, checked_scores(self.scores, len(boxes), f"{what}: "), labels)


class Truths(NamedTuple):
    """The true objects in one image; boxes, labels and difficult have the same order.

    Attributes
    ----------
    boxes : (K, 4) float64, x1, y1, x2, y2
    labels : (K,) int64, indices of classes
    difficult : (K,) booleans: the evaluation does not count this object, because it is hidden or tiny

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.Truths([(0, 0, 4, 4)], [2], [False]).checked()
    Truths(boxes=float64 (1, 4), labels=int64 (1,), difficult=bool (1,))
    """

    boxes: FloatArray
    labels: IntArray
    difficult: Array

    def __repr__(self) -> str:
        return console.brief(self)

    def filtered(self, indices: ArrayLike) -> "Truths":
        """Return some of the objects: by indices, in their order, or by K booleans.

        Examples
        --------
        >>> from minigooglenet import detection
        >>> both = detection.Truths([(0, 0, 4, 4), (1, 1, 3, 3)], [2, 0], [False, True]).checked()
        >>> both.filtered([1]).labels.tolist()
        [0]
        """
        return Truths(*_rows(self, indices))

    def checked(
        self, classes: int | None = None, size: tuple[int, int] | None = None, what: str = "truths"
    ) -> "Truths":
        """Return the objects as arrays of the dtypes above, or raise an error of one sentence.

        The parameters are those of `Detections.checked`.

        Examples
        --------
        >>> from minigooglenet import detection
        >>> detection.Truths([(0, 0, 4, 0)], [0], [False]).checked(what="image 7")
        Traceback (most recent call last):
        ...
        ValueError: image 7: boxes[0] = (0, 0, 4, 0) is empty: its width or height is 0
        """
        boxes, labels = _boxes_and_labels(self, classes, size, what)
        difficult = _column(self.difficult, "difficult", len(boxes), f"{what}: ")
        if len(boxes) and difficult.dtype.kind != "b":
            raise TypeError(f"{what}: difficult must be booleans, got {difficult.dtype}")
        return Truths(boxes, labels, difficult.astype(bool))


def _rows(columns, indices):
    """Return the rows of each column, by indices or by booleans."""
    chosen: Any = np.asarray(indices)
    if not chosen.size:  # an empty list has the dtype float64
        chosen = chosen.astype(bool if chosen.dtype.kind == "b" else np.int64)
    return [column[chosen] for column in columns]


def _boxes_and_labels(columns, classes, size, what):
    """Return the checked boxes and labels of Detections or Truths."""
    boxes = geometry.checked(columns.boxes, size, f"{what}: boxes")
    return boxes, _labels(columns.labels, len(boxes), classes, what)


def _column(values, name, count, prefix):
    column: Array = np.asarray(checks.unmasked(values, f"{prefix}{name}"))
    if column.shape != (count,):
        raise ValueError(f"{prefix}{name} must have shape ({count},), one per box, got {column.shape}")
    return column


def checked_scores(values: ArrayLike, count: int, prefix: str = "") -> FloatArray:
    """Return scores as an array (count,) of float64, or raise an error that names the first wrong one."""
    scores = _column(values, "scores", count, prefix)
    if count and scores.dtype.kind not in "iuf":
        raise TypeError(f"{prefix}scores must be numbers, got {scores.dtype}")
    scores = scores.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        raise ValueError(f"{prefix}scores[{wrong[0]}] = {scores[wrong[0]]} is not finite, so it has no rank")
    return scores


def _labels(values, count, classes, what):
    labels = _column(values, "labels", count, f"{what}: ")
    if count and labels.dtype.kind not in "iu":
        raise TypeError(f"{what}: labels must be integers, got {labels.dtype}")
    wrong = np.flatnonzero((labels < 0) | (labels >= (np.inf if classes is None else classes)))
    if len(wrong):
        known = "negative" if classes is None else f"not in 0 .. {classes - 1}, the indices of the {classes} classes"
        raise ValueError(f"{what}: label {labels[wrong[0]]} at index {wrong[0]} is {known}")
    return labels.astype(np.int64)
