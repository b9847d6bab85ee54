"""Coverage: the fraction of the objects that proposals overlap, the measure of proposals in GoogLeNet's paper."""

import numpy as np

from minigooglenet.detection.boxes import iou

COVERED = 0.5  # least IoU of an object and a proposal that covers it


def coverage(proposals, truths, least: float = COVERED) -> float:
    """Return the fraction of objects, without difficult ones, that a proposal overlaps with IoU at least `least`.

    Parameters
    ----------
    proposals : boxes (M, 4) of each image;  truths : Truths of each image

    Examples
    --------
    >>> from minigooglenet.detection import Truths
    >>> from minigooglenet.detection.coverage import coverage
    >>> truths = Truths([(0, 0, 8, 8), (10, 10, 14, 14)], [0, 1], [False, False])
    >>> coverage([[(0, 0, 8, 6)]], [truths])
    0.5
    """
    best = []
    for boxes, objects in zip(proposals, truths, strict=True):
        objects = objects.checked()
        best.append(iou(boxes, objects.boxes[~objects.difficult]).max(axis=0, initial=0))
    overlaps = np.concatenate(best)
    return float(np.mean(overlaps >= least)) if len(overlaps) else float("nan")
