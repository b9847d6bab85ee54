"""Offsets: a box relative to its prior, which is what the network predicts.

The distance of the centres is measured in sides of the prior, and the sides are logarithms of ratios, as in the
regression of R-CNN (Girshick et al. 2014, appendix C). So errors of small and large objects count the same. Erhan et
al. (2014, section 3) take the differences of the corners in fractions of the image, which are larger for large objects.
"""

import numpy as np

from minigooglenet.detection.boxes import from_centre, to_centre
from minigooglenet.typing import Array, FloatArray

MOST = np.log(1000.0)  # a side is at most 1,000 times the prior's, so that exp does not overflow


def encode(boxes: Array, priors: Array) -> FloatArray:
    """Return the offsets (M, 4) of boxes (M, 4) x1, y1, x2, y2 from priors (M, 4), both with sides above 0.

    dx = (x - px) / pw, dy = (y - py) / ph for the centres, and dw = log(w / pw), dh = log(h / ph) for the sides.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import encode
    >>> encode(np.array([[2.0, 0.0, 6.0, 4.0]]), np.array([[0.0, 0.0, 4.0, 4.0]]))
    array([[0.5, 0. , 0. , 0. ]])
    """
    box, prior = to_centre(boxes), to_centre(priors)
    moved = (box[:, :2] - prior[:, :2]) / prior[:, 2:]
    return np.concatenate([moved, np.log(box[:, 2:] / prior[:, 2:])], axis=1)


def decode(offsets: Array, priors: Array) -> FloatArray:
    """Return the boxes (M, 4) with these offsets (M, 4) from priors (M, 4): the inverse of `encode`.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import decode
    >>> decode(np.array([[0.5, 0.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 4.0, 4.0]]))
    array([[2., 0., 6., 4.]])
    """
    prior, offsets = to_centre(priors), np.asarray(offsets, np.float64)
    centres = prior[:, :2] + offsets[:, :2] * prior[:, 2:]
    sides = prior[:, 2:] * np.exp(offsets[:, 2:].clip(-MOST, MOST))
    return from_centre(np.concatenate([centres, sides], axis=1))
