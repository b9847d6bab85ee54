"""A photograph as GoogLeNet takes it."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from minigooglenet.data.pixels import RGB_MEAN

MOST_PIXELS = 150_000_000  # a small file can declare a picture that fills the memory


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
            image = Image.open(Path(path))
        with image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(
                    f"it declares {width} x {height} pixels, more than {MOST_PIXELS:,}; make it smaller first"
                )
            return _eight_bit(ImageOps.exif_transpose(image)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"cannot read {path} as an image: {error}") from error


def prepare(image: Image.Image, size=224) -> np.ndarray:
    """Return (1, 3, size, size) float32: the central square of 224/256 of the shorter side, mean colour subtracted."""
    if not isinstance(image, Image.Image):
        raise TypeError(f"prepare takes a PIL image, got {type(image).__name__}; perhaps Image.fromarray(...)?")
    side = min(image.size) * 224 / 256
    left, top = ((length - side) / 2 for length in image.size)
    square = (left, top, left + side, top + side)
    crop = np.asarray(image.convert("RGB").resize((size, size), Image.BILINEAR, box=square), dtype=np.float32)
    return np.ascontiguousarray((crop - np.array(RGB_MEAN, np.float32)).transpose(2, 0, 1)[None])


def _eight_bit(image):
    """Return a picture of 16 bits a value in 8; Pillow would cut every value above 255 to white."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.float64)
    return Image.fromarray((values / (257 if values.max() > 255 else 1)).clip(0, 255).astype(np.uint8))
