"""Image files as RGB images and arrays, and the preprocessing of photographs for GoogLeNet."""

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from minigooglenet import files
from minigooglenet.data import formats, image_headers, image_limits, modes, orientation, transforms, upright
from minigooglenet.data.dataset import BadImageError
from minigooglenet.data.pixels import Pixels
from minigooglenet.typing import FloatArray, PathLike, UInt8Array

MOST_PIXELS = 150_000_000  # a small file can declare an image that fills the memory


def photograph(path: PathLike | None = None) -> Image.Image:
    """Return the RGB photograph at `path`; by default the portrait of Grace Hopper that comes with matplotlib.

    Raises
    ------
    ValueError
        If the file cannot be read as an image, with the reason.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.photograph().size
    (512, 600)
    """
    if path is None:
        from matplotlib import cbook

        path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the error of the limit below is clearer
            return decode(path, MOST_PIXELS)
    except BadImageError as error:
        raise ValueError(f"cannot read {path} as an image: {error}") from error


def decode(path, most_pixels: int, least_side: int | None = None) -> Image.Image:
    """Return the file at `path` as an upright 8-bit RGB image, by the rules of `modes` and `orientation`.

    With `least_side`, a larger image is reduced by the largest integer factor that leaves both sides at least that
    long. A JPEG is decoded directly at a half, a quarter or an eighth of its size, which is much faster.

    Raises
    ------
    BadImageError
        If the file cannot be decoded, with the reason. Pillow's errors of any type become this one.
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
            with image_limits.decoding_lock(total):
                image.load()
                return upright.convert(image, orientation.transposition(image), factor)
    except BadImageError:
        raise
    except Image.DecompressionBombError as error:
        raise BadImageError(f"it declares more than {most_pixels:,} pixels; make it smaller first") from error
    except UnidentifiedImageError as error:
        raise BadImageError(formats.why_unidentified(path)) from error
    except Exception as error:
        reason = (getattr(error, "strerror", None) or "").lower() or str(error) or type(error).__name__
        raise BadImageError(reason) from error


def read(path, channels=3, *, size=None, most_pixels=MOST_PIXELS) -> UInt8Array:
    """Return the image file at `path` as uint8 (channels, height, width), as evaluation and `classify` use it.

    Parameters
    ----------
    path : path of the file
    channels : 3, red first, or 1, grey
    size : height and width of the network's input. A larger image is decoded at a smaller size, with sides of at least
        2 * size: the largest scale of the 144 crops is 352/224 of size. None keeps every pixel.
    most_pixels : images that declare more pixels are not decoded

    Raises
    ------
    BadImageError
        If the file cannot be decoded, with the reason.
    """
    return as_array(decode(path, most_pixels, None if size is None else 2 * size), channels)


def as_array(image: Image.Image, channels=3) -> UInt8Array:
    """Return an 8-bit image as uint8 (channels, height, width), red first or grey."""
    values = upright.values(image, "L" if channels == 1 else "RGB")
    return values[None] if channels == 1 else values.transpose(2, 0, 1)


def prepare(image: Image.Image, size: int = 224) -> FloatArray:
    """Return (1, 3, size, size) float32: the central square of 224/256 of the shorter side, mean colour subtracted.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.prepare(mg.data.photograph()).shape
    (1, 3, 224, 224)
    """
    if not isinstance(image, Image.Image):
        raise TypeError(f"image must be a PIL image, got {type(image).__name__}. Try Image.fromarray(...).")
    return Pixels().to_input(transforms.middle(as_array(modes.to_rgb(image)), size)[None])
