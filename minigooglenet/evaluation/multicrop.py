"""The pieces of an image that testing looks at: the paper's 144, AlexNet's ten, or the middle alone.

The paper's (section 7): the image is resized so that its shorter side is 256, 288, 320 and 352. Of each size three
squares are taken: left, middle and right of a landscape, top, middle and bottom of a portrait. Of each square six
pieces of 224 x 224: the four corners, the centre, and the whole square made smaller. And each piece again, mirrored:
4 x 3 x 6 x 2 = 144. In a square image the three squares are one, and the count stays.

AlexNet's ten are corners and centre of the middle square of 256, and their mirror images. The one is its centre. So the
one is among the ten and the ten are among the 144, and one pass over the 144 tells what all three would say. And 0 is
no cropping: the middle square whole, resized in one go. An image that has the network's size already is left as it is,
which is what a network that was trained on whole images expects.

A network that takes another size than 224 gets everything in proportion, rounded to whole pixels.

Where the squares are in an image is one of two rules. "box", the one of this package and of BVLC's Caffe networks here,
takes the exact square, with fractions of a pixel, and resizes only that. "torchvision" is what the weights that
torchvision publishes were tested with: the whole image is resized to a shorter side of 256, the longer one truncated to
int(256 * longer / shorter), and the one crop begins at round((side - 224) / 2), a half rounded to the even number. The
two differ by up to a pixel. The rule decides about the one crop only: torchvision has no rule for the other counts.
"""

import functools
from typing import NamedTuple

import numpy as np
from PIL import Image

from minigooglenet import checks
from minigooglenet.data import transforms
from minigooglenet.shapes import integer

SIDE = 224  # the side of a piece, to which the scales belong
SCALES = (256, 288, 320, 352)
SQUARES = ("first", "middle", "last")
IMAGE = "image"  # in place of a square: the whole image, resized by torchvision's rule
MOST_RESIZED = 50_000_000  # pixels of an image that is resized as a whole
RULES = ("box", "torchvision")
PARTS = ("top left", "top right", "bottom left", "bottom right", "centre", "whole")


class Crop(NamedTuple):
    """One piece: of which size of the image, which square of it, which part of that, and whether it is mirrored."""

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


def rule_of(notes) -> str:
    """Return the rule for weights with these notes: "torchvision" for the weights that torchvision publishes."""
    return "torchvision" if notes.get("from") == "torchvision" else "box"


def places(count: int, rule="box") -> tuple[Crop, ...]:
    """Return the crops of that count, 0 (whole), 1, 10 or 144, in the order of everything here: mirrored fastest."""
    if count not in _CHOICES:
        raise ValueError(f"crops must be one of {', '.join(map(str, COUNTS))}, got {count!r}")
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    return _ONE_OF_TORCHVISION if rule == "torchvision" and count == 1 else _CHOICES[count]


def boxes(shape, size: int, count: int, rule="box"):
    """Return where the crops lie in an image of `shape` (..., H, W), for a network of (C, size, size).

    Returns
    -------
    boxes : (count, 4) float64 (a single one for 0), left, top, right, bottom in pixels of the image
    mirrored : (count,) bool
    """
    height, width = shape[-2:]
    size = integer(size, "size", 1)
    found = []
    for scale, square, part, _ in places(count, rule):
        if square == IMAGE:
            found.append(_torchvision_box(height, width, scaled(scale, size), size))
            continue
        left, top, right, _ = _square_box(width, height, square)
        if part == "whole":
            corner, span = (0, 0), 1.0
        else:
            side = scaled(scale, size)
            corner, span = _corner(part, side - size), size / side
        length = right - left
        step = length * span / size  # of one pixel of the crop
        x, y = (start + step * offset for start, offset in zip((left, top), corner, strict=True))
        found.append((x, y, x + span * length, y + span * length))
    return np.array(found), np.array([crop.mirrored for crop in places(count, rule)])


def crops(image, size: int, count: int, rule="box") -> np.ndarray:
    """Return the crops of an image, uint8 (count, C, size, size), in the order of `places`; for 0 the whole one.

    Pillow resizes (bilinear, smoothing where it makes smaller), and only the three squares, so that nothing large is
    made of an image of 10,000 x 20. One crop is the piece that `data.prepare` takes from a photograph, resized there
    from its exact box; here it is cut from a resized square, whose side is a whole number. At 224 the two agree up
    to rounding, at 32 their edges lie up to a pixel apart.

    Parameters
    ----------
    image : uint8 (C, H, W) of any size, C = 3 or 1
    size : height and width of what the network takes
    count : 0, 1, 10 or 144
    rule : "box" or "torchvision", where the one crop is
    """
    return cut(image, size, places(count, rule))


def cut(image, size: int, wanted) -> np.ndarray:
    """Return those crops of an image that are `wanted`, in that order."""
    image, size = _checked(image), integer(size, "size", 1)
    decoded = Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))

    @functools.cache
    def square(scale, which):
        side = scaled(scale, size)
        return decoded.resize((side, side), Image.BILINEAR, box=_square_box(*decoded.size, which))

    @functools.cache
    def square_values(scale, which):
        return _values(square(scale, which))

    @functools.cache
    def part_values(scale, which, part):
        if which == IMAGE:
            return _as_torchvision(image, scaled(scale, size), size)
        if part == "whole":
            return _values(square(scale, which).resize((size, size), Image.BILINEAR))
        x, y = _corner(part, scaled(scale, size) - size)
        return square_values(scale, which)[:, y : y + size, x : x + size]

    pieces = (part_values(*crop[:3])[:, :, :: -1 if crop.mirrored else 1] for crop in wanted)
    return np.stack(list(pieces))


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
    """Return the shorter side that stands for `scale` where a network takes `size`: in proportion, rounded."""
    return (2 * scale * size + SIDE) // (2 * SIDE)


def _square_box(width, height, which):
    """Return (left, top, right, bottom) of a square of the image's shorter side."""
    side = min(width, height)
    share = SQUARES.index(which) / 2
    left, top = (width - side) * share, (height - side) * share
    return left, top, left + side, top + side


def _corner(part, room):
    """Return (x, y) of a part's upper left corner, where `room` pixels are left and right, above and below of it."""
    if part == "centre":
        return room // 2, room // 2
    return room * part.endswith("right"), room * part.startswith("bottom")


def _values(image):
    values = np.asarray(image)
    return values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))


def _checked(image):
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"an image is an array of uint8, 0 .. 255, before mean and scale are taken off; got {kind}")
    checks.unmasked(image, "the image")
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape:
        hint = "; perhaps image.transpose(2, 0, 1)?" if image.ndim == 3 and image.shape[2] in (1, 3) else ""
        raise ValueError(f"an image must be (C, H, W) with 3 channels or 1, got {image.shape}{hint}")
    return image
