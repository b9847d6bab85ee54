"""Colour spaces of Selective Search: each channel in 0 .. 1, so that one rule divides every channel into bins.

A channel of another range is a trap: a hue of 0 .. 1 in a histogram over 0 .. 255 fills a single bin.
"""

import numpy as np

from minigooglenet import checks, names
from minigooglenet.typing import Array, FloatArray

# CIE 15, with the primaries and the white (D65) of sRGB (IEC 61966-2-1): rows are X, Y, Z of linear red, green, blue.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def fractions(image: Array) -> FloatArray:
    """Return an image (C, H, W) as float64 of 0 to 1: uint8 is divided by 255, floats keep their values.

    Raises
    ------
    ValueError
        If the image has other axes or no pixels, or floats outside of 0 to 1.
    TypeError
        If the values are neither uint8 nor floats.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.colour_spaces import fractions
    >>> fractions(np.array([[[0, 51, 255]]], np.uint8))
    array([[[0. , 0.2, 1. ]]])
    """
    image = np.asarray(checks.unmasked(image, "image"))
    if image.ndim != 3 or image.size == 0:
        raise ValueError(f"image must be (C, H, W) with at least one pixel, got shape {image.shape}")
    if image.dtype == np.uint8:
        return image / 255
    if image.dtype.kind != "f":
        raise TypeError(f"image must be uint8, or floats of 0 to 1, got {image.dtype}")
    least, most = image.min(), image.max()
    if not (least >= 0 and most <= 1):
        raise ValueError(f"image must have floats of 0 to 1, got {least:g} to {most:g}. Pass uint8 for 0 to 255.")
    return image.astype(np.float64)


def converted(image: Array, space: str) -> FloatArray:
    """Return an image (3, H, W) in a colour space, float64 in 0 .. 1.

    Parameters
    ----------
    image : (3, H, W), red first, uint8 or floats of 0 to 1
    space : "rgb", "hsv" or "lab". A hue of 1 is a full turn. L of 0 .. 100 and a, b of -128 .. 128 become 0 .. 1.

    Raises
    ------
    ValueError
        If the colour space is unknown, or if the image has not three channels.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.colour_spaces import converted
    >>> blue = np.array([0, 0, 255], np.uint8).reshape(3, 1, 1)
    >>> converted(blue, "hsv").ravel().round(3)
    array([0.667, 1.   , 1.   ])
    >>> (converted(blue, "lab").ravel() * [100, 256, 256] - [0, 128, 128]).round(1)
    array([  32.3,   79.2, -107.9])
    """
    if space not in SPACES:
        raise ValueError(names.unknown("colour space", space, SPACES))
    image = fractions(image)
    if len(image) != 3:
        last = image.shape[2] == 3
        advice = "They seem to come last: image.transpose(2, 0, 1)." if last else "Grey: np.repeat(image, 3, axis=0)."
        raise ValueError(f"image must have 3 channels, (3, H, W), got shape {image.shape}. {advice}")
    return SPACES[space](image)


def _rgb(rgb):
    return rgb


def _hsv(rgb):
    """Hue, saturation and value of the hexagonal cone (Smith 1978). Grey has hue and saturation 0."""
    red, green, blue = rgb
    value = rgb.max(axis=0)
    chroma = value - rgb.min(axis=0)
    divisor = np.where(chroma > 0, chroma, 1)
    sixths = np.select(
        [chroma == 0, value == red, value == green],
        [0, (green - blue) / divisor % 6, (blue - red) / divisor + 2],
        (red - green) / divisor + 4,
    )
    return np.stack([sixths / 6, chroma / np.where(value > 0, value, 1), value])


def _lab(rgb):
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    x, y, z = (sum(row[i] * linear[i] for i in range(3)) / row.sum() for row in TO_XYZ)  # white has 1, 1, 1
    x, y, z = (np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29) for t in (x, y, z))
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    return np.clip([lightness / 100, (a + 128) / 256, (b + 128) / 256], 0, 1)  # white may be 1 + 2e-16


SPACES = {"rgb": _rgb, "hsv": _hsv, "lab": _lab}
