"""A photograph as GoogLeNet takes it."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minigooglenet.data.dataset import BadImageError
from minigooglenet.data.pixels import RGB_MEAN

MOST_PIXELS = 150_000_000  # a small file can declare a picture that fills the memory
# Kinds that hold pixels and run no other program, as Pillow's reader of PostScript does.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")


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
    """Return the file at `path` as an upright RGB image.

    With `least_side`, an image that is larger is made smaller by a whole factor, as far as both sides keep so many
    pixels. A JPEG is then decoded at a half, a quarter or an eighth of its size at once, which is much faster.

    Raises
    ------
    BadImageError
        With the reason, whatever it is: broken bytes lead Pillow to errors of many kinds.
    """
    try:
        with Image.open(Path(path), formats=FORMATS) as image:
            width, height = image.size
            if width * height > most_pixels:
                raise BadImageError(
                    f"it declares {width} x {height} pixels, more than {most_pixels:,}; make it smaller first"
                )
            if least_side is not None:
                image.draft(None, (least_side, least_side))
            ImageOps.exif_transpose(image, in_place=True)  # this loads it; a copy could take 200 MB
            image = _in_colour(image)
            factor = 1 if least_side is None else min(image.size) // least_side
            return image.reduce(factor) if factor > 1 else image
    except BadImageError:
        raise
    except UnidentifiedImageError as error:
        raise BadImageError(f"it is none of {', '.join(FORMATS)}") from error
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BadImageError(reason) from error


def prepare(image: Image.Image, size=224) -> np.ndarray:
    """Return (1, 3, size, size) float32: the central square of 224/256 of the shorter side, mean colour subtracted."""
    if not isinstance(image, Image.Image):
        raise TypeError(f"prepare takes a PIL image, got {type(image).__name__}; perhaps Image.fromarray(...)?")
    side = min(image.size) * 224 / 256
    left, top = ((length - side) / 2 for length in image.size)
    square = (left, top, left + side, top + side)
    crop = np.asarray(image.convert("RGB").resize((size, size), Image.BILINEAR, box=square), dtype=np.float32)
    return np.ascontiguousarray((crop - np.array(RGB_MEAN, np.float32)).transpose(2, 0, 1)[None])


def _in_colour(image):
    if image.mode.startswith("I"):  # 16 bits a value: Pillow would cut every value above 255 to white
        values = np.asarray(image).astype(np.float64)
        image = Image.fromarray((values / (257 if values.max() > 255 else 1)).clip(0, 255).astype(np.uint8))
    if "transparency" in image.info:  # a palette of which some colours are transparent; Pillow wants this step
        image = image.convert("RGBA")
    return image if image.mode == "RGB" else image.convert("RGB")
