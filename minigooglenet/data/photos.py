"""A photograph as GoogLeNet takes it."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from minigooglenet import files
from minigooglenet.data import formats, image_headers, image_limits, modes, orientation, transforms, upright
from minigooglenet.data.dataset import BadImageError
from minigooglenet.data.pixels import Pixels

MOST_PIXELS = 150_000_000  # a small file can declare an image that fills the memory


def photograph(path=None) -> Image.Image:
    """Return the RGB photograph at `path`; without one, the portrait of Grace Hopper that matplotlib carries.

    Raises
    ------
    ValueError
        If the file cannot be read as an image, with the reason.
    """
    if path is None:
        from matplotlib import cbook

        path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below has better words
            return decode(path, MOST_PIXELS)
    except BadImageError as error:
        raise ValueError(f"cannot read {path} as an image: {error}") from error


def decode(path, most_pixels: int, least_side: int | None = None) -> Image.Image:
    """Return the file at `path` as an upright 8-bit RGB image, by the rules of `modes` and `orientation`.

    With `least_side`, an image that is larger is made smaller by a whole factor, as far as both sides keep so many
    pixels. A JPEG is then decoded at a half, a quarter or an eighth of its size at once, which is much faster.

    Raises
    ------
    BadImageError
        With the reason, whatever it is: broken bytes lead Pillow to errors of many kinds.
    """
    try:
        files.check_regular(path)
        demand = image_headers.demand(path)
        with Image.open(Path(path), formats=formats.readable()) as image:
            declared = image.size
            image_limits.check_pixels(*declared, most_pixels)
            if least_side is not None:
                image.draft(None, (least_side, least_side))
            factor = 1 if least_side is None else max(1, min(image.size) // least_side)
            total = image_limits.memory(declared, image.size, image.mode, image.format, demand, factor == 1)
            with image_limits.turn_to_decode(total):
                image.load()
                return upright.convert(image, orientation.turn(image), factor)
    except BadImageError:
        raise
    except Image.DecompressionBombError as error:
        raise BadImageError(f"it declares more than {most_pixels:,} pixels; make it smaller first") from error
    except UnidentifiedImageError as error:
        raise BadImageError(formats.why_unidentified(path)) from error
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BadImageError(reason) from error


def read(path, channels=3, *, size=None, most_pixels=MOST_PIXELS) -> np.ndarray:
    """Return the image file at `path` as uint8 (channels, height, width), as every test and `classify` see it.

    Parameters
    ----------
    path : of the file
    channels : 3, red first, or 1, grey
    size : height and width of the network's input. A larger image is decoded at a smaller size, with sides of at least
        twice that: the largest of the 144 crops' scales is 352/224 of it. None keeps every pixel.
    most_pixels : an image that declares more is not decoded

    Raises
    ------
    BadImageError
        With the reason.
    """
    return as_array(decode(path, most_pixels, None if size is None else 2 * size), channels)


def as_array(image: Image.Image, channels=3) -> np.ndarray:
    """Return an 8-bit image as uint8 (channels, height, width), red first or grey."""
    values = upright.values(image, "L" if channels == 1 else "RGB")
    return values[None] if channels == 1 else values.transpose(2, 0, 1)


def prepare(image: Image.Image, size=224) -> np.ndarray:
    """Return (1, 3, size, size) float32: the central square of 224/256 of the shorter side, mean colour subtracted."""
    if not isinstance(image, Image.Image):
        raise TypeError(f"prepare takes a PIL image, got {type(image).__name__}; perhaps Image.fromarray(...)?")
    return Pixels().to_input(transforms.middle(as_array(modes.to_rgb(image)), size)[None])
