"""Non-maximum suppression: one detection per object. And the average confidence of several networks."""

from collections.abc import Sequence

import numpy as np

from minigooglenet import checks
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection.detections import Detections, checked_scores
from minigooglenet.typing import Array, ArrayLike, FloatArray, IntArray


def nms(boxes: ArrayLike, scores: ArrayLike, threshold: float = 0.5) -> IntArray:
    """Return the indices of the boxes that remain after non-maximum suppression, the best score first.

    The best box stays and removes every box whose IoU with it is above the threshold; then the best of the others
    stays, and so on. A removed box removes no other. Of equal scores, the smaller index is first. This is greedy
    suppression as in Girshick et al., "Rich feature hierarchies" (2014), section 2.2.

    Parameters
    ----------
    boxes : (M, 4) x1, y1, x2, y2
    scores : (M,)
    threshold : in [0, 1]; a box whose IoU is exactly the threshold stays

    Returns
    -------
    (kept,) int64

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.nms([(0, 0, 4, 4), (9, 9, 12, 12), (0, 0, 4, 3)], [0.6, 0.5, 0.9]).tolist()
    [2, 1]
    """
    corners = geometry.ordered(boxes)
    values = checked_scores(scores, len(corners))
    return _kept(corners, values, checks.number(threshold, "threshold", 0, 1))


def _kept(boxes, scores, threshold):
    """Return `nms` of checked arrays.

    Only boxes that overlap along x can remove each other. In the order of x1, these are neighbours: their x1 is at
    most this box's x2, and `reach`, the largest x2 so far, is above this box's x1.
    """
    by_x = np.argsort(boxes[:, 0], kind="stable")
    reach = np.maximum.accumulate(boxes[by_x, 2])
    first = np.searchsorted(reach, boxes[:, 0], side="right")
    last = np.searchsorted(boxes[by_x, 0], boxes[:, 2], side="left")
    alive, kept = np.ones(len(boxes), bool), []
    for i in np.argsort(-scores, kind="stable"):
        if alive[i]:
            kept.append(i)
            near = by_x[first[i] : last[i]]
            near = near[alive[near]]
            alive[near[geometry.iou_of_arrays(boxes[None, i], boxes[near])[0] > threshold]] = False
    return np.array(kept, np.int64)


def nms_per_class(detections: Detections, threshold: float = 0.5) -> Detections:
    """Return the detections that remain if each class is suppressed separately, the best score first.

    Boxes, scores and labels are filtered together. Of equal scores, the smaller index is first.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> boxes = [(0, 0, 4, 4), (0, 0, 4, 3), (0, 0, 4, 4)]
    >>> kept = detection.nms_per_class(detection.Detections(boxes, [0.5, 0.6, 0.9], [1, 1, 0]))
    >>> kept.labels.tolist(), kept.scores.tolist()
    ([0, 1], [0.9, 0.6])
    """
    detections = detections.checked()
    threshold = checks.number(threshold, "threshold", 0, 1)
    alive = np.zeros(len(detections.scores), bool)
    for label in np.unique(detections.labels):
        indices = np.flatnonzero(detections.labels == label)
        alive[indices[_kept(detections.boxes[indices], detections.scores[indices], threshold)]] = True
    order = np.argsort(-detections.scores, kind="stable")
    return detections.filtered(order[alive[order]])


def average_of(confidences: Sequence[ArrayLike]) -> FloatArray:
    """Return the mean confidence of several networks for the same regions, (M, classes).

    Average the confidences before suppression, because the networks' detections then have the same boxes.

    Parameters
    ----------
    confidences : one array (M, classes) per network, with the same regions in the same order

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.average_of([[[0.5, 0.5]], [[1.0, 0.0]]]).tolist()
    [[0.75, 0.25]]
    """
    arrays: list[Array] = [np.asarray(checks.unmasked(values, "confidences")) for values in confidences]
    if not arrays:
        raise ValueError("an average needs the confidences of at least one network, got none")
    for i, values in enumerate(arrays):
        if values.ndim != 2 or values.dtype.kind not in "iuf":
            raise ValueError(
                f"the confidences of network {i} must be numbers of shape (M, classes), got {values.dtype} "
                f"{values.shape}"
            )
        if values.shape != arrays[0].shape:
            raise ValueError(
                "all networks need the same regions and classes: network 0 has confidences of shape "
                f"{arrays[0].shape}, network {i} of {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"the confidences of network {i} must be finite")
    return np.mean(arrays, axis=0, dtype=np.float64)
