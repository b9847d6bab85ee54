"""Non-maximum suppression: one detection per object."""

import numpy as np

from minigooglenet import checks
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection.detections import Detections, checked_scores
from minigooglenet.typing import ArrayLike, IntArray

SLACK = 1e-12  # more than the rounding error of an IoU


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

    The boxes are sorted by x1 or by y1, so that the boxes which one box can remove are in a slice. The axis with the
    shorter slices decides: text lines as wide as the image differ only in y1.
    """
    low, high = _ranges(boxes, threshold)
    orders = np.argsort(boxes[:, :2], axis=0, kind="stable")
    columns = [boxes[orders[:, axis], axis] for axis in (0, 1)]
    starts = [np.searchsorted(columns[axis], low[:, axis]) for axis in (0, 1)]
    stops = [np.searchsorted(columns[axis], high[:, axis], side="right") for axis in (0, 1)]
    axis = int(np.argmin([(stops[axis] - starts[axis]).sum() for axis in (0, 1)]))
    order, start, stop, other = orders[:, axis], starts[axis], stops[axis], 1 - axis
    positions, ordered, across = np.argsort(order), boxes[order], boxes[order, other]
    alive, kept = np.ones(len(boxes), bool), []
    for i in np.argsort(-scores, kind="stable").tolist():
        if alive[positions[i]]:
            kept.append(i)
            alive[positions[i]] = False
            part = slice(start[i], stop[i])
            inside = (across[part] >= low[i, other]) & (across[part] <= high[i, other])
            candidates = np.flatnonzero(alive[part] & inside) + start[i]
            if len(candidates):
                overlaps = geometry.iou_of_arrays(boxes[None, i], ordered[candidates])[0]
                alive[candidates[overlaps > threshold]] = False
    return np.array(kept, np.int64)


def _ranges(boxes, threshold):
    """Return the smallest and the largest (x1, y1), (M, 2) each, of the boxes that each box can remove.

    The IoU of two boxes is at most that of their sides along an axis. A side of length s, and one that begins d later,
    have at most (s - d) / s; one that begins d earlier has at most s / (s + d). Both are above t only if
    d < s (1 - t) or d < s (1 - t) / t. The slack covers the rounding of the IoU.
    """
    least = max(threshold - SLACK, 0)
    sides = boxes[:, 2:] - boxes[:, :2]
    before = sides * ((1 - least) / least) if least else np.inf
    return boxes[:, :2] - before, boxes[:, :2] + sides * (1 - least)


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
    by_label = np.argsort(detections.labels, kind="stable")
    for indices in np.split(by_label, np.flatnonzero(np.diff(detections.labels[by_label])) + 1):
        alive[indices[_kept(detections.boxes[indices], detections.scores[indices], threshold)]] = True
    order = np.argsort(-detections.scores, kind="stable")
    return detections.filtered(order[alive[order]])
