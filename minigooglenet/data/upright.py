"""Large images in bands of rows: each step of the conversion needs memory for one band only, not for the image.

Every pixel becomes what it would become in one go, because no step looks beyond its own pixel or its own block.
"""

import numpy as np
from PIL import Image

from minigooglenet.data import modes

BAND = 4 * 1024**2  # pixels; smaller images are converted in one go
TRANSPOSED = (
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)
# Whether a transposition reverses the rows and the columns of the image that it takes.
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


def convert(image: Image.Image, turn, factor: int) -> Image.Image:
    """Return a loaded image as upright 8-bit RGB, made smaller by a whole factor."""
    if image.width * image.height <= BAND or (image.mode == "RGB" and turn is None and factor == 1):
        return _converted(image, turn, factor)
    width, height = image.size[::-1] if turn in TRANSPOSED else image.size
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = max(1, BAND // (width * factor)) * factor
    for top in range(0, height, rows):
        band = _cropped(image, turn, top, min(top + rows, height), height)
        result.paste(_converted(band, turn, factor), (0, top // factor))
    return result


def values(image: Image.Image, mode: str) -> np.ndarray:
    """Return the pixels of an image in a mode, (height, width) or (height, width, 3) uint8."""
    if image.width * image.height <= BAND:
        return np.asarray(image.convert(mode))
    result = np.empty((image.height, image.width) if mode == "L" else (image.height, image.width, 3), np.uint8)
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        result[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)).convert(mode))
    return result


def _converted(image, turn, factor):
    image = modes.to_rgb(image)
    if turn is not None:
        image = image.transpose(turn)
    return image.reduce(factor) if factor > 1 else image


def _cropped(image, turn, top, bottom, height):
    """Return the part of the image that becomes the rows `top` to `bottom` of `height` once it is turned."""
    along_columns, (rows_reversed, columns_reversed) = turn in TRANSPOSED, REVERSED[turn]
    if columns_reversed if along_columns else rows_reversed:
        top, bottom = height - bottom, height - top
    box = (top, 0, bottom, image.height) if along_columns else (0, top, image.width, bottom)
    part = image.crop(box)
    part.format, part.tag_v2 = image.format, getattr(image, "tag_v2", {})  # which `modes` needs
    return part
