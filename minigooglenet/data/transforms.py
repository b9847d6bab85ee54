"""Crops, resizing and augmentation: small functions of uint8 images (C, H, W), red first or grey.

Random functions take a Generator as their second argument and have no other source of randomness. Pillow resamples.
"""

import math

import numpy as np
from PIL import Image

from minigooglenet.typing import UInt8Array

AREA_FRACTION = (0.08, 1.0)  # the paper, section 6
ASPECT = (3 / 4, 4 / 3)
TRIES = 10
MIDDLE_FRACTION = 224 / 256  # evaluation uses the central 224 pixels of a shorter side of 256
JITTER = (0.5, 1.5)  # Howard 2013
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # perceived brightness of red, green and blue
INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
}


def resize(
    image: UInt8Array,
    height: int,
    width: int,
    interpolation: str = "bilinear",
    *,
    box: tuple[float, float, float, float] | None = None,
) -> UInt8Array:
    """Return the image resized to (C, height, width), or its part inside `box` (x0, y0, x1, y1; fractions allowed)."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    grey = len(image) == 1
    pixels = image[0] if grey else image.transpose(1, 2, 0)
    resized = Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), INTERPOLATIONS[interpolation], box)
    return np.asarray(resized)[None] if grey else np.ascontiguousarray(np.asarray(resized).transpose(2, 0, 1))


def resize_shorter_side(image: UInt8Array, side: int, interpolation: str = "bilinear") -> UInt8Array:
    """Return the image resized to a shorter side of `side` pixels, with its proportions, by torchvision's rule."""
    _, height, width = image.shape
    rows, columns = shorter_side(height, width, side)
    return resize(image, rows, columns, interpolation)


def shorter_side(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (height, width) for a shorter side of `side`; the longer side is rounded down, by torchvision's rule."""
    longer = int(side * max(height, width) / min(height, width))
    return (longer, side) if height > width else (side, longer)


def crop(image: UInt8Array, top: int, left: int, height: int, width: int) -> UInt8Array:
    """Return the crop (C, height, width) from row `top` and column `left` on, as a view."""
    if min(top, left) < 0 or top + height > image.shape[1] or left + width > image.shape[2]:
        raise ValueError(
            f"the crop, rows {top} to {top + height} and columns {left} to {left + width}, extends past the edge of an "
            f"image of {image.shape[1]} x {image.shape[2]}"
        )
    return image[:, top : top + height, left : left + width]


def centre_crop(image: UInt8Array, size: int) -> UInt8Array:
    """Return the centre crop (C, size, size), as a view."""
    _, height, width = image.shape
    top, left = centre(height, width, size)
    return crop(image, top, left, size, size)


def centre(height: int, width: int, size: int) -> tuple[int, int]:
    """Return (top, left) of the centre crop; halves are rounded to even numbers, by torchvision's rule."""
    return round((height - size) / 2), round((width - size) / 2)


def middle(image: UInt8Array, size: int) -> UInt8Array:
    """Return (C, size, size): the central square of 224/256 of the shorter side, as in an evaluation with one crop.

    Resizing the shorter side first would give the same result, but a very long image would then fill the memory.
    """
    _, height, width = image.shape
    side = min(height, width) * MIDDLE_FRACTION
    left, top = (width - side) / 2, (height - side) / 2
    return resize(image, size, size, box=(left, top, left + side, top + side))


def random_area_crop(
    image: UInt8Array, rng: np.random.Generator, size: int, *, interpolation: str = "bilinear"
) -> UInt8Array:
    """Return (C, size, size): the paper's training crop, resized.

    Its area is uniform in 8% .. 100% of the image area. Its aspect ratio is in 3/4 .. 4/3 and its logarithm is uniform,
    so that wide and tall crops are equally likely. A crop that does not fit is drawn again, at most ten times; after
    that, the central square is used. `interpolation="random"` draws one of four, equally likely.
    """
    _, height, width = image.shape
    top, left, rows, columns = area_box(rng, height, width)
    if interpolation == "random":
        interpolation = list(INTERPOLATIONS)[rng.integers(len(INTERPOLATIONS))]
    return resize(crop(image, top, left, rows, columns), size, size, interpolation)


def area_box(rng: np.random.Generator, height: int, width: int) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the crop of `random_area_crop`, in pixels."""
    for _ in range(TRIES):
        area = rng.uniform(*AREA_FRACTION) * height * width
        aspect = math.exp(rng.uniform(*np.log(ASPECT)))
        rows, columns = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
        if 0 < rows <= height and 0 < columns <= width:
            return int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1)), rows, columns
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side


def mirror(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Return the image flipped horizontally with probability 1/2."""
    return image[:, :, ::-1] if rng.random() < 0.5 else image


def shift(image: UInt8Array, rng: np.random.Generator, most: int = 4) -> UInt8Array:
    """Return the image shifted by up to `most` pixels along each axis, with reflection padding."""
    rows, columns = (_reflected(length, int(rng.integers(-most, most + 1)), most) for length in image.shape[1:])
    return image[:, rows[:, None], columns]


def _reflected(length, by, most):
    if most >= length:
        raise ValueError(f"a shift by up to {most} pixels needs an image larger than {most} pixels, got {length}")
    indices = abs(np.arange(length) + by)
    return length - 1 - abs(length - 1 - indices)


def distort(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Return the image with brightness, contrast and saturation each changed by a factor in 0.5 .. 1.5 (Howard 2013).

    The order is random too: it matters because values are clipped to 0 .. 255 after each step.
    """
    values = image.astype(np.float32)
    for step in rng.permutation(3):
        factor = np.float32(rng.uniform(*JITTER))
        values = (_black, _mean_grey, _grey)[step](values) * (1 - factor) + values * factor
        np.clip(values, 0, 255, out=values)
    return np.rint(values).astype(np.uint8)


def _black(values):
    return np.float32(0)


def _grey(values):
    return values if len(values) == 1 else np.tensordot(GREY, values, 1)


def _mean_grey(values):
    return _grey(values).mean()


def photo_augmentation(
    image: UInt8Array, rng: np.random.Generator, size: int, *, interpolation: str = "bilinear"
) -> UInt8Array:
    """Return (C, size, size) for training on photographs: the paper's crop, randomly mirrored and distorted."""
    image = random_area_crop(image, rng, size, interpolation=interpolation)
    return distort(mirror(image, rng), rng)


def small_augmentation(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Return a small image for training: randomly mirrored, and shifted by up to 4 pixels."""
    return shift(mirror(image, rng), rng)
