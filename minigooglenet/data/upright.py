"""Conversion of large images in bands of rows, so that each step needs memory for one band and not for the image.

The result is the same as for the whole image at once, because each step depends on one pixel or one block of pixels.
"""

import numpy as np
from PIL import Image

from minigooglenet.data import modes

BAND = 4 * 1024**2  # pixels; smaller images are converted at once
TRANSPOSED = (
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)
# Whether a transposition reverses the rows and the columns of its input image.
REVERSED = {
    None: (False, False),
    Image.Transpose.FLIP_LEFT_RIGHT: (False, True),
    Image.Transpose.FLIP_TOP_BOTTOM: (True, False),
    Image.Transpose.ROTATE_180: (True, True),
    Image.Transpose.TRANSPOSE: (False, False),
    Image.Transpose.ROTATE_90: (False, True),
    Image.Transpose.ROTATE_270: (True, False),
    Image.Transpose.TRANSVERSE: (True, True),
}


def convert(image: Image.Image, transposition, factor: int) -> Image.Image:
    """Return a loaded image as upright 8-bit RGB, reduced by an integer factor."""
    if image.width * image.height <= BAND or (image.mode == "RGB" and transposition is None and factor == 1):
        return _converted(image, transposition, factor)
    width, height = image.size[::-1] if transposition in TRANSPOSED else image.size
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = max(1, BAND // (width * factor)) * factor
    for top in range(0, height, rows):
        band = _cropped(image, transposition, top, min(top + rows, height), height)
        result.paste(_converted(band, transposition, factor), (0, top // factor))
    return result


def values(image: Image.Image, mode: str) -> np.ndarray:
    """Return the pixels of an image, converted to a mode, as (height, width) or (height, width, 3) uint8."""
    if image.width * image.height <= BAND:
        return np.asarray(image.convert(mode))
    result = np.empty((image.height, image.width) if mode == "L" else (image.height, image.width, 3), np.uint8)
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        result[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)).convert(mode))
    return result


def _converted(image, transposition, factor):
    image = modes.to_rgb(image)
    if transposition is not None:
        image = image.transpose(transposition)
    return image.reduce(factor) if factor > 1 else image


def _cropped(image, transposition, top, bottom, height):
    """Return the part of the image that becomes the rows `top` to `bottom` of `height` after the transposition."""
    along_columns, (rows_reversed, columns_reversed) = transposition in TRANSPOSED, REVERSED[transposition]
    if columns_reversed if along_columns else rows_reversed:
        top, bottom = height - bottom, height - top
    box = (top, 0, bottom, image.height) if along_columns else (0, top, image.width, bottom)
    part = image.crop(box)
    part.format, part.tag_v2 = image.format, getattr(image, "tag_v2", {})  # `modes` reads them
    return part
