"""What changes an image before a network sees it: small functions on uint8 arrays (C, H, W), red first or grey.

Those that draw take a Generator, the second argument, and nothing else decides what they draw. Pillow resamples.
"""

import math

import numpy as np
from PIL import Image

AREA_SHARE = (0.08, 1.0)  # the paper, section 6
ASPECT = (3 / 4, 4 / 3)
TRIES = 10
MIDDLE_SHARE = 224 / 256  # testing looks at the middle 224 pixels of a shorter side of 256
JITTER = (0.5, 1.5)  # Howard 2013
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # how bright red, green and blue look
INTERPOLATIONS = {
    "bilinear": Image.BILINEAR,
    "area": Image.BOX,
    "nearest": Image.NEAREST,
    "bicubic": Image.BICUBIC,
}


def resize(image, height, width, interpolation="bilinear", *, box=None):
    """Return the image, or its part inside `box` (x0, y0, x1, y1, fractions allowed), at (C, height, width)."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    grey = len(image) == 1
    pixels = image[0] if grey else image.transpose(1, 2, 0)
    resized = Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), INTERPOLATIONS[interpolation], box)
    return np.asarray(resized)[None] if grey else np.ascontiguousarray(np.asarray(resized).transpose(2, 0, 1))


def resize_shorter_side(image, side, interpolation="bilinear"):
    """Return the image with a shorter side of `side` pixels and its proportions kept, as torchvision resizes it."""
    return resize(image, *shorter_side(*image.shape[1:], side), interpolation)


def shorter_side(height, width, side):
    """Return (height, width) for a shorter side of `side`. torchvision's rule: the longer side is truncated."""
    longer = int(side * max(height, width) / min(height, width))
    return (longer, side) if height > width else (side, longer)


def crop(image, top, left, height, width):
    """Return (C, height, width) from row `top` and column `left` on, a view."""
    if min(top, left) < 0 or top + height > image.shape[1] or left + width > image.shape[2]:
        raise ValueError(
            f"a crop of rows {top} to {top + height} and columns {left} to {left + width} does not lie inside an "
            f"image of {image.shape[1]} x {image.shape[2]}"
        )
    return image[:, top : top + height, left : left + width]


def centre_crop(image, size):
    """Return the middle (C, size, size), a view."""
    return crop(image, *centre(*image.shape[1:], size), size, size)


def centre(height, width, size):
    """Return (top, left) of the centre crop. torchvision's rule: a half is rounded to the even number."""
    return tuple(round((length - size) / 2) for length in (height, width))


def middle(image, size):
    """Return (C, size, size): the central square of 224/256 of the shorter side, as a test with one crop takes it.

    Resizing the shorter side first would give the same, but a very long image would then fill the memory.
    """
    _, height, width = image.shape
    side = min(height, width) * MIDDLE_SHARE
    left, top = (width - side) / 2, (height - side) / 2
    return resize(image, size, size, box=(left, top, left + side, top + side))


def random_area_crop(image, rng, size, *, interpolation="bilinear"):
    """Return (C, size, size): the paper's training crop, resized.

    Its area is uniform in 8% .. 100% of the image's; its aspect ratio lies in 3/4 .. 4/3, uniform in its logarithm,
    so that wide is as likely as tall. What does not fit is drawn again, ten times at most; then the central square is
    taken. `interpolation` "random" draws one of four, equally likely.
    """
    _, height, width = image.shape
    top, left, rows, columns = area_box(rng, height, width)
    if interpolation == "random":
        interpolation = list(INTERPOLATIONS)[rng.integers(len(INTERPOLATIONS))]
    return resize(crop(image, top, left, rows, columns), size, size, interpolation)


def area_box(rng, height, width):
    """Return (top, left, height, width) of the part that `random_area_crop` takes, in pixels."""
    for _ in range(TRIES):
        area = rng.uniform(*AREA_SHARE) * height * width
        aspect = math.exp(rng.uniform(*np.log(ASPECT)))
        rows, columns = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
        if 0 < rows <= height and 0 < columns <= width:
            return int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1)), rows, columns
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side


def mirror(image, rng):
    """Return the image with left and right exchanged, or as it is, equally likely."""
    return image[:, :, ::-1] if rng.random() < 0.5 else image


def shift(image, rng, most=4):
    """Return the image moved by up to `most` pixels along each axis; what comes in mirrors what is at the border."""
    rows, columns = (_reflected(length, int(rng.integers(-most, most + 1)), most) for length in image.shape[1:])
    return image[:, rows[:, None], columns]


def _reflected(length, by, most):
    if most >= length:
        raise ValueError(f"a shift by up to {most} pixels needs an image of more than {most}, got {length}")
    places = abs(np.arange(length) + by)
    return length - 1 - abs(length - 1 - places)


def distort(image, rng):
    """Return the image with brightness, contrast and saturation each changed by a factor in 0.5 .. 1.5 (Howard 2013).

    The order is random too: it matters because values are cut to 0 .. 255 after each step.
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


def photo_augmentation(image, rng, size, *, interpolation="bilinear"):
    """Return (C, size, size) for training on photographs: the paper's crop, mirrored or not, distorted."""
    image = random_area_crop(image, rng, size, interpolation=interpolation)
    return distort(mirror(image, rng), rng)


def small_augmentation(image, rng):
    """Return a small image for training: mirrored or not, and shifted by up to 4 pixels."""
    return shift(mirror(image, rng), rng)
