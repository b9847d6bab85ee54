"""Boxes: their overlap, their validation, and conversions from and to other forms.

A box is x1, y1, x2, y2 in pixels; x points to the right and y down. It is half-open: pixel (x, y) is inside if
x1 <= x < x2 and y1 <= y < y2, so the width is x2 - x1, without an added 1. The whole image of shape (H, W) is
(0, 0, W, H).
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, ArrayLike, FloatArray

FIRST_PIXEL = np.array([1.0, 1.0, 0.0, 0.0])  # inclusive - half-open: the first pixel is 1, and the last one is inside


def checked(boxes: ArrayLike, size: tuple[int, int] | None = None, what: str = "boxes") -> FloatArray:
    """Return boxes as an array (M, 4) of float64, or raise an error that names the first wrong box.

    Parameters
    ----------
    boxes : (M, 4) x1, y1, x2, y2; no boxes are (0, 4) or an empty list
    size : (H, W) of the image that must contain the boxes, by default not checked
    what : the name of the argument, for errors

    Raises
    ------
    ValueError
        If a box has a value that is not finite, is reversed (x2 < x1), is empty (x2 = x1), or extends past the image.
    TypeError
        If the values are not numbers.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.checked([(0, 0, 4, 3)], size=(3, 4)).tolist()
    [[0.0, 0.0, 4.0, 3.0]]
    """
    corners = ordered(boxes, what)
    _report(corners, (corners[:, 2:] == corners[:, :2]).any(axis=1), what, "is empty: its width or height is 0")
    if size is not None:
        height, width = _size(size)
        outside = (corners[:, :2] < 0).any(axis=1) | (corners[:, 2:] > (width, height)).any(axis=1)
        _report(
            corners,
            outside,
            what,
            f"extends past the image, which is {width} wide and {height} high. Clip it with detection.clipped.",
        )
    return corners


def ordered(boxes: ArrayLike, what: str = "boxes") -> FloatArray:
    """Return boxes as an array (M, 4) of float64 with finite values and x1 <= x2, y1 <= y2; else raise an error."""
    corners = _rows(boxes, what)
    advice = "is reversed: boxes are x1, y1, x2, y2. Convert x, y, width, height first: x2 = x + width."
    _report(corners, (corners[:, 2:] < corners[:, :2]).any(axis=1), what, advice)
    return corners


def _rows(boxes, what):
    rows: Array = np.asarray(checks.unmasked(boxes, what))
    if rows.size == 0 and rows.shape in ((0,), (0, 4)):
        return np.zeros((0, 4))
    if rows.dtype.kind not in "iuf":
        raise TypeError(f"{what} must be numbers, got dtype {rows.dtype}")
    if rows.ndim != 2 or rows.shape[1] != 4:
        hint = ". A single box needs an axis more: [box]." if rows.shape == (4,) else ""
        raise ValueError(f"{what} must have shape (M, 4), got {rows.shape}{hint}")
    rows = rows.astype(np.float64)
    _report(rows, ~np.isfinite(rows).all(axis=1), what, "has a value that is not finite")
    return rows


def _report(rows, wrong, what, problem):
    """Raise an error about the first wrong row, if any."""
    indices = np.flatnonzero(wrong)
    if len(indices):
        values = ", ".join(str(value).removesuffix(".0") for value in rows[indices[0]].tolist())
        others = f" ({len(indices):,} of {len(rows):,} boxes are wrong in this way)" if len(indices) > 1 else ""
        raise ValueError(f"{what}[{indices[0]}] = ({values}) {problem}{others}")


def _size(size):
    height, width = size
    return integer(height, "the image's height", 1), integer(width, "the image's width", 1)


def clipped(boxes: ArrayLike, size: tuple[int, int]) -> tuple[FloatArray, int]:
    """Return boxes (M, 4) with the parts outside an image of size (H, W) removed, and how many boxes that changed.

    The order and the number of boxes stay. A box completely outside becomes empty, at the nearest edge. Keep only boxes
    whose `area` is above 0.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> boxes, changed = detection.clipped([(-2, 1, 3, 9), (0, 0, 2, 2)], size=(6, 8))
    >>> boxes.tolist(), changed
    ([[0.0, 1.0, 3.0, 6.0], [0.0, 0.0, 2.0, 2.0]], 1)
    """
    height, width = _size(size)
    corners = ordered(boxes)
    inside = np.clip(corners, 0, (width, height, width, height))
    return inside, int((inside != corners).any(axis=1).sum())


def area(boxes: ArrayLike) -> FloatArray:
    """Return the area of each box (M, 4) in square pixels, (M,).

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.area([(0, 0, 4, 3), (1, 1, 2, 2)]).tolist()
    [12.0, 1.0]
    """
    return _area(ordered(boxes))


def _area(corners):
    return (corners[..., 2] - corners[..., 0]) * (corners[..., 3] - corners[..., 1])


def iou(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Return the intersection over union of each box of `a` (M, 4) with each box of `b` (K, 4), (M, K) in [0, 1].

    An empty box overlaps nothing, itself included: its IoU is 0.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.iou([(0, 0, 2, 2)], [(0, 0, 2, 1), (1, 0, 3, 2), (5, 5, 6, 6)]).round(3).tolist()
    [[0.5, 0.333, 0.0]]
    """
    return iou_of_arrays(ordered(a, "a"), ordered(b, "b"))


def iou_of_arrays(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return `iou` of arrays (M, 4) and (K, 4) that were checked before."""
    widths = np.minimum(a[:, None, 2], b[:, 2]) - np.maximum(a[:, None, 0], b[:, 0])
    heights = np.minimum(a[:, None, 3], b[:, 3]) - np.maximum(a[:, None, 1], b[:, 1])
    both = np.clip(widths, 0, None) * np.clip(heights, 0, None)
    union = _area(a)[:, None] + _area(b) - both
    return np.divide(both, union, out=np.zeros_like(both), where=both > 0)


def from_centre(boxes: ArrayLike) -> FloatArray:
    """Return boxes (M, 4) of centre, width and height, cx, cy, w, h, as x1, y1, x2, y2.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.from_centre([(2, 3, 4, 2)]).tolist()
    [[0.0, 2.0, 4.0, 4.0]]
    """
    rows = _rows(boxes, "boxes")
    _report(rows, (rows[:, 2:] < 0).any(axis=1), "boxes", "has a negative width or height: cx, cy, w, h are needed")
    half = rows[:, 2:] / 2
    return np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)


def to_centre(boxes: ArrayLike) -> FloatArray:
    """Return boxes (M, 4) as centre, width and height, cx, cy, w, h, the inverse of `from_centre`.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.to_centre([(0, 2, 4, 4)]).tolist()
    [[2.0, 3.0, 4.0, 2.0]]
    """
    corners = ordered(boxes)
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)


def from_inclusive(boxes: ArrayLike) -> FloatArray:
    """Return boxes (M, 4) of their first and last pixels, counted from 1, as x1, y1, x2, y2.

    PASCAL VOC's files have this form: an image of 500 x 375 is (1, 1, 500, 375).

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.from_inclusive([(1, 1, 500, 375), (3, 3, 3, 3)]).tolist()
    [[0.0, 0.0, 500.0, 375.0], [2.0, 2.0, 3.0, 3.0]]
    """
    return ordered(boxes) - FIRST_PIXEL


def to_inclusive(boxes: ArrayLike) -> FloatArray:
    """Return boxes (M, 4) as their first and last pixels, counted from 1, the inverse of `from_inclusive`.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.to_inclusive([(0, 0, 500, 375)]).tolist()
    [[1.0, 1.0, 500.0, 375.0]]
    """
    return ordered(boxes) + FIRST_PIXEL


def from_normalised(boxes: ArrayLike, size: tuple[int, int]) -> FloatArray:
    """Return boxes (M, 4) in fractions of an image of size (H, W), as pixels.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.from_normalised([(0.25, 0, 1, 0.5)], size=(20, 40)).tolist()
    [[10.0, 0.0, 40.0, 10.0]]
    """
    height, width = _size(size)
    return ordered(boxes) * (width, height, width, height)


def to_normalised(boxes: ArrayLike, size: tuple[int, int]) -> FloatArray:
    """Return boxes (M, 4) in pixels as fractions of an image of size (H, W), the inverse of `from_normalised`.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> detection.to_normalised([(10, 0, 40, 10)], size=(20, 40)).tolist()
    [[0.25, 0.0, 1.0, 0.5]]
    """
    height, width = _size(size)
    return ordered(boxes) / (width, height, width, height)
