"""Regions: the part of an image inside a box, with context around it, warped to the square input of a network.

R-CNN (Girshick et al. 2014, appendix A) enlarges a box so that 16 of the 227 pixels on each side of the warped region
show its surroundings, and stretches it to a square regardless of its proportions.
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.data import transforms
from minigooglenet.detection import boxes as box_checks
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, ArrayLike, FloatArray, UInt8Array

CONTEXT = 16 / 227  # R-CNN's pixels of context and the side of its input
MOST_CONTEXT = 0.45  # at 0.5 the box itself would have no pixels
STRIDE = 2  # pixels between two samples; bilinear samples farther apart skip pixels
CHANNELS = (1, 3)  # grey or colour
MOST_SIDE = 500  # of an image; R-CNN searches photographs of this width (Girshick et al. 2014, 4.2)
TOGETHER = 4_000_000  # values of the regions that are warped at a time, which bounds the memory


def crop(image: UInt8Array, box: ArrayLike, side: int, context: float = CONTEXT) -> UInt8Array:
    """Return one region of an image, uint8 (C, side, side); see `crops`.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection import regions
    >>> image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    >>> regions.crop(image, (1, 1, 3, 3), side=2, context=0).tolist()
    [[[5, 6], [9, 10]]]
    """
    return crops(image, np.asarray(box, np.float64)[None], side, context)[0]


def crops(image: UInt8Array, boxes: ArrayLike, side: int, context: float = CONTEXT) -> UInt8Array:
    """Return the regions of an image, each warped to a square.

    An output pixel is the mean of k x k bilinear samples, with the smallest k per axis that puts samples at most two
    pixels apart, so that a large region skips no pixel. Beyond the edge of the image, its outermost pixels are
    repeated. (R-CNN uses the mean colour there.) Regions of a larger image than 500 pixels are those of `smaller`.

    Parameters
    ----------
    image : uint8 (C, H, W)
    boxes : (M, 4) x1, y1, x2, y2 in pixels, in the image
    side : height and width of each region
    context : fraction of the side that shows the surroundings, on each of the four sides of the box

    Returns
    -------
    uint8 (M, C, side, side)

    Raises
    ------
    TypeError, ValueError
        If the image is not uint8 (C, H, W), or a box is not in it, with its index.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection import regions
    >>> image = np.zeros((3, 40, 60), np.uint8)
    >>> regions.crops(image, [(0, 0, 30, 20), (10, 10, 60, 40)], side=32).shape
    (2, 3, 32, 32)
    """
    image = checked_image(image)
    corners = box_checks.checked(boxes, image.shape[1:])
    image, factors = smaller(image)
    corners, channels = corners * factors, len(image)
    side, context = integer(side, "side", 1), checks.number(context, "context", 0, MOST_CONTEXT)
    corners = enlarged(corners, context)
    result = np.empty((len(corners), channels, side, side), np.uint8)
    pixels = np.ascontiguousarray(image.transpose(1, 2, 0), np.float32)  # the channels of a sample are contiguous
    samples = np.maximum(1, np.ceil((corners[:, 2:] - corners[:, :2]) / (STRIDE * side))).astype(np.int64)
    most = max(1, TOGETHER // (channels * side**2))
    for across, down in np.unique(samples, axis=0).tolist():
        (rows,) = np.nonzero((samples == (across, down)).all(axis=1))
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            warped = _warp(pixels, corners[part], side, across, down)
            result[part] = np.rint(warped).astype(np.uint8).transpose(0, 3, 1, 2)
    return result


def smaller(image: UInt8Array) -> tuple[UInt8Array, FloatArray]:
    """Return (the image with sides of at most 500 pixels, the factors (4,) from boxes in the image to boxes in it).

    The time of Selective Search, and of warping, grows with the pixels: 6000 x 4000 are 144 times as many as 500 x 333.
    An object that is visible only at full size is lost.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection import regions
    >>> image, factors = regions.smaller(np.zeros((3, 800, 1000), np.uint8))
    >>> image.shape, factors.tolist()
    ((3, 400, 500), [0.5, 0.5, 0.5, 0.5])
    """
    height, width = image.shape[1:]
    factor = min(1, MOST_SIDE / max(height, width))
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    if factor < 1:
        image = transforms.resize(image, rows, columns)
    return image, np.array([columns / width, rows / height] * 2)


def warped_whole(images: UInt8Array, side: int) -> UInt8Array:
    """Return whole images (N, C, H, W), each warped to (C, side, side).

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection import regions
    >>> regions.warped_whole(np.zeros((2, 3, 32, 32), np.uint8), side=24).shape
    (2, 3, 24, 24)
    """
    box = (0, 0, images.shape[3], images.shape[2])
    return np.stack([crop(image, box, side, context=0) for image in images])


def enlarged(boxes: FloatArray, context: float = CONTEXT) -> FloatArray:
    """Return boxes (M, 4) with context, also beyond the image: each box is the middle 1 - 2 * context of its result.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection import regions
    >>> regions.enlarged(np.array([[10.0, 10.0, 30.0, 20.0]]), context=0.25).tolist()
    [[0.0, 5.0, 40.0, 25.0]]
    """
    margin = (boxes[:, 2:] - boxes[:, :2]) * (context / (1 - 2 * context))
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)


def _warp(pixels: FloatArray, corners: FloatArray, side: int, across: int, down: int) -> FloatArray:
    """Return float32 (M, side, side, C): each output pixel is the mean of `down` x `across` bilinear samples."""
    height, width, channels = pixels.shape
    total = np.zeros((len(corners), side, side, channels), np.float32)
    for j in range(down):
        top, bottom, low = _neighbours(corners[:, 1], corners[:, 3], side, (j + 0.5) / down, height)
        for i in range(across):
            left, right, far = _neighbours(corners[:, 0], corners[:, 2], side, (i + 0.5) / across, width)
            top_row = _between(pixels, top, left, right, far)
            total += top_row + low[:, :, None, None] * (_between(pixels, bottom, left, right, far) - top_row)
    return total / np.float32(down * across)


def _between(pixels: FloatArray, rows: Array, left: Array, right: Array, far: FloatArray) -> FloatArray:
    """Return the values (M, side, side, C) in these rows, interpolated between the columns `left` and `right`."""
    first = pixels[rows[:, :, None], left[:, None, :]]
    return first + far[:, None, :, None] * (pixels[rows[:, :, None], right[:, None, :]] - first)


def _neighbours(start: FloatArray, stop: FloatArray, side: int, offset: float, length: int):
    """Return the pixels (M, side) before and after each sample along one axis, and its distance from the first.

    The centre of pixel k is at k + 0.5. `offset` is the position of the sample in its output pixel, in (0, 1).
    """
    positions = start[:, None] + (stop - start)[:, None] * ((np.arange(side) + offset) / side) - 0.5
    positions = np.clip(positions, 0, length - 1)
    before = np.floor(positions).astype(np.int64)
    return before, np.minimum(before + 1, length - 1), (positions - before).astype(np.float32)


def checked_image(image: UInt8Array, channels: int | None = None) -> UInt8Array:
    """Return an image if it is uint8 (C, H, W) with so many channels, by default 1 or 3; else raise an error."""
    image = np.asarray(checks.unmasked(image, "image"))
    if image.dtype != np.uint8 or image.ndim != 3 or image.size == 0:
        raise TypeError(f"image must be uint8 (C, H, W), got {image.dtype} of shape {image.shape}")
    if len(image) not in CHANNELS:
        last = ". The channels seem to come last: image.transpose(2, 0, 1)" * (image.shape[2] in CHANNELS)
        raise ValueError(f"image must have 1 or 3 channels, (C, H, W), got shape {image.shape}{last}")
    if channels is not None and len(image) != channels:
        grey = ". For a grey image, np.repeat(image, 3, axis=0)." if len(image) == 1 else ""
        raise ValueError(f"image must have {channels} channels, as the network's input, got {len(image)}{grey}")
    return image
