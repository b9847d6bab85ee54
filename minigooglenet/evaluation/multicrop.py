"""The crops of an image for evaluation: the paper's 144, AlexNet's 10, or only the centre crop.

144 crops (the paper, section 7): The image is resized to a shorter side of 256, 288, 320 and 352. From each size come
three squares: left, middle and right of a landscape, top, middle and bottom of a portrait. From each square come six
crops of 224 x 224: the four corners, the centre, and the whole square resized. With the mirror image of each crop,
these are 4 x 3 x 6 x 2 = 144. In a square image the three squares are the same, and there are still 144 crops.

10 crops (AlexNet): the corners and the centre of the middle square of 256, and their mirror images. 1 crop: only its
centre. The 1 crop is among the 10 and the 10 are among the 144, so one evaluation with 144 crops gives all three
results. 0 means no cropping: the whole middle square, resized in one step. An image of the network's size is then used
unchanged, as a network that was trained on whole images expects.

For a network with another input size than 224, all sizes are scaled in proportion and rounded to integers.

There are two rules for the position of the single crop. "box", the rule of this package and of BVLC's Caffe networks,
uses the exact square, with fractions of a pixel, and resizes only that. "torchvision" is the rule with which
torchvision evaluated its published weights: the whole image is resized to a shorter side of 256 and a longer side of
int(256 * longer / shorter), and the crop starts at round((side - 224) / 2), with halves rounded to even. The two rules
differ by up to a pixel. For the other numbers of crops torchvision has no rule, so both are the same.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from minigooglenet import checks
from minigooglenet.data import transforms
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, FloatArray, UInt8Array

SIDE = 224  # side of a crop for these scales
SCALES = (256, 288, 320, 352)
SQUARES = ("first", "middle", "last")
IMAGE = "image"  # instead of a square: the whole image, resized by torchvision's rule
MOST_RESIZED = 50_000_000  # pixels of an image that is resized as a whole
RULES = ("box", "torchvision")
PARTS = ("top left", "top right", "bottom left", "bottom right", "centre", "whole")


class Crop(NamedTuple):
    """One crop: the scale of the image, the square in it, the part of the square, and whether it is mirrored."""

    scale: int
    square: str
    part: str
    mirrored: bool


_ALL = tuple(
    Crop(scale, square, part, mirrored)
    for scale in SCALES
    for square in SQUARES
    for part in PARTS
    for mirrored in (False, True)
)
_TEN = tuple(crop for crop in _ALL if crop[:2] == (256, "middle") and crop.part != "whole")
_ONE = (Crop(256, "middle", "centre", False),)
_ONE_OF_TORCHVISION = (Crop(256, IMAGE, "centre", False),)
_WHOLE = (Crop(SIDE, "middle", "whole", False),)
_CHOICES = {0: _WHOLE, 1: _ONE, 10: _TEN, 144: _ALL}
COUNTS = tuple(_CHOICES)


def rule_of(notes: dict[str, str]) -> str:
    """Return the rule for weights with these notes: "torchvision" for the weights that torchvision publishes."""
    return "torchvision" if notes.get("from") == "torchvision" else "box"


def crop_list(count: int, rule: str = "box") -> tuple[Crop, ...]:
    """Return the scale, square, part and mirroring of each of 0 (whole image), 1, 10 or 144 crops.

    All functions for crops use this order, in which the mirroring changes fastest.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.evaluation.crop_list(10)[1]
    Crop(scale=256, square='middle', part='top left', mirrored=True)
    >>> len(mg.evaluation.crop_list(144))
    144
    """
    if count not in _CHOICES:
        raise ValueError(f"crops must be one of {', '.join(map(str, COUNTS))}, got {count!r}")
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    return _ONE_OF_TORCHVISION if rule == "torchvision" and count == 1 else _CHOICES[count]


def boxes(shape: Sequence[int], size: int, count: int, rule: str = "box") -> tuple[FloatArray, Array]:
    """Return the positions of the crops in an image of `shape` (..., H, W) for a network of (C, size, size).

    Returns
    -------
    boxes : (count, 4) float64 (one box for count 0), left, top, right, bottom in pixels of the image
    mirrored : (count,) bool

    Examples
    --------
    >>> import minigooglenet as mg
    >>> boxes, mirrored = mg.evaluation.boxes((3, 256, 256), 224, 1)
    >>> boxes.tolist(), mirrored.tolist()
    ([[16.0, 16.0, 240.0, 240.0]], [False])
    """
    height, width = shape[-2:]
    size = integer(size, "size", 1)
    edges = []
    for scale, square, part, _ in crop_list(count, rule):
        if square == IMAGE:
            edges.append(_torchvision_box(height, width, scaled(scale, size), size))
            continue
        left, top, right, _ = _square_box(width, height, square)
        if part == "whole":
            corner, span = (0, 0), 1.0
        else:
            side = scaled(scale, size)
            corner, span = _corner(part, side - size), size / side
        length = right - left
        pixel = length * span / size  # side of one pixel of the crop
        x, y = (start + pixel * offset for start, offset in zip((left, top), corner, strict=True))
        edges.append((x, y, x + span * length, y + span * length))
    return np.array(edges), np.array([crop.mirrored for crop in crop_list(count, rule)])


def crops(image: UInt8Array, size: int, count: int, rule: str = "box") -> UInt8Array:
    """Return the crops of an image, uint8 (count, C, size, size), in the order of `crop_list`; for 0, the whole image.

    Pillow resizes with bilinear interpolation, and smooths when it shrinks. Only the three squares are resized, so that
    an image of 10,000 x 20 needs little memory. The single crop is also what `data.prepare` returns for a photograph.
    There it is resized from its exact box, here it is cropped from a resized square with an integer side. At 224 the
    two agree up to rounding; at 32 their edges differ by up to a pixel.

    Parameters
    ----------
    image : uint8 (C, H, W) of any size, C = 3 or 1
    size : height and width of the network's input
    count : 0, 1, 10 or 144
    rule : "box" or "torchvision" for the position of the single crop

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> image = np.zeros((3, 300, 400), np.uint8)
    >>> mg.evaluation.crops(image, 224, 10).shape
    (10, 3, 224, 224)
    """
    return crop_pixels(image, size, crop_list(count, rule))


def crop_pixels(image: UInt8Array, size: int, chosen: Iterable[Crop]) -> UInt8Array:
    """Return the `chosen` crops of an image, in that order."""
    image, size = _checked(image), integer(size, "size", 1)
    decoded = Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))

    @functools.cache
    def square(scale, which):
        side = scaled(scale, size)
        return decoded.resize((side, side), Image.Resampling.BILINEAR, box=_square_box(*decoded.size, which))

    @functools.cache
    def square_values(scale, which):
        return _values(square(scale, which))

    @functools.cache
    def part_values(scale, which, part):
        if which == IMAGE:
            return _as_torchvision(image, scaled(scale, size), size)
        if part == "whole":
            return _values(square(scale, which).resize((size, size), Image.Resampling.BILINEAR))
        x, y = _corner(part, scaled(scale, size) - size)
        return square_values(scale, which)[:, y : y + size, x : x + size]

    return np.stack([part_values(*crop[:3])[:, :, :: -1 if crop.mirrored else 1] for crop in chosen])


def _as_torchvision(image, side, size):
    """Return the centre crop (C, size, size) of the image resized to a shorter side of `side`."""
    height, width = image.shape[1:]
    rows, columns = transforms.shorter_side(height, width, side)
    if rows * columns <= MOST_RESIZED:
        return transforms.centre_crop(transforms.resize(image, rows, columns), size)
    return transforms.resize(image, size, size, box=_torchvision_box(height, width, side, size))  # but for rounding


def _torchvision_box(height, width, side, size):
    """Return (left, top, right, bottom) of torchvision's centre crop, in pixels of the image before resizing."""
    rows, columns = transforms.shorter_side(height, width, side)
    top, left = transforms.centre(rows, columns, size)
    down, across = height / rows, width / columns
    return left * across, top * down, (left + size) * across, (top + size) * down


def scaled(scale: int, size: int) -> int:
    """Return the shorter side for `scale` and a network of input size `size`: in proportion, rounded."""
    return (2 * scale * size + SIDE) // (2 * SIDE)


def _square_box(width, height, which):
    """Return (left, top, right, bottom) of a square whose side is the image's shorter side."""
    side = min(width, height)
    fraction = SQUARES.index(which) / 2
    left, top = (width - side) * fraction, (height - side) * fraction
    return left, top, left + side, top + side


def _corner(part, room):
    """Return (x, y) of the upper left corner of a part, if the square is `room` pixels larger than the part."""
    if part == "centre":
        return room // 2, room // 2
    return room * part.endswith("right"), room * part.startswith("bottom")


def _values(image):
    values = np.asarray(image)
    return values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))


def _checked(image):
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"image must be a uint8 array, pixels in 0 .. 255 that are not normalised yet, got {kind}")
    checks.unmasked(image, "image")
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape:
        hint = ". Try image.transpose(2, 0, 1)." if image.ndim == 3 and image.shape[2] in (1, 3) else ""
        raise ValueError(f"image must be (C, H, W) with 3 channels or 1, got {image.shape}{hint}")
    return image
