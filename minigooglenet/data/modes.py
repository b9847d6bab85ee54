"""Conversion of every Pillow mode to 8-bit RGB: the mode and the header decide the scale, never the pixel values.

If the brightest pixel decided, one pixel could change the scale of an image, and two images of a data set could have
different scales. So an image that does not state its range is rejected. docs/data.md has the rule for each mode.
"""

import numpy as np
from PIL import Image

from minigooglenet.data.dataset import BadImageError

ADVICE = "save it with 8 or 16 bits per channel"
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262  # tags of TIFF
WHITE_IS_ZERO = 0


def to_rgb(image: Image.Image) -> Image.Image:
    """Return a loaded image as 8-bit RGB, without alpha; of several frames, the first.

    Raises
    ------
    BadImageError
        If neither the mode nor the file states which value is white.
    """
    if image.mode == "F":
        raise BadImageError(f"its pixels are floats, and the file does not state which value is white; {ADVICE}")
    if image.mode.startswith("I"):
        image = _deep(image)
    if image.mode == "La":  # grey, multiplied by its alpha
        image = image.convert("LA")
    if "transparency" in image.info:  # a palette with transparent colours; Pillow recommends this step
        image = image.convert("RGBA")
    return image if image.mode == "RGB" else image.convert("RGB")


def _deep(image):
    """Return an image of one channel with more than 8 bits as 8-bit grey, rounded down."""
    white, tags = 65_535, getattr(image, "tag_v2", {})
    if image.mode == "I":
        # Pillow scales a PGM to 16 bits, and a PNG has at most 16.
        if image.format not in ("PNG", "PPM"):
            raise BadImageError(
                "its pixels are signed or 32-bit integers, and the file does not state which value is white; " + ADVICE
            )
    elif tags.get(BITS_PER_SAMPLE) == (12,):
        white = 4_095
    levels = np.arange(white + 1)
    if image.format == "TIFF" and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow inverts only 8-bit images
        levels = levels[::-1]
    table = (levels * 255 // white).astype(np.uint8)
    return Image.fromarray(table[np.asarray(image).clip(0, white)])
