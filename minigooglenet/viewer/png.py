"""Arrays as 8-bit PNG images in data URIs, and how feature maps shrink to the size of a page."""

import base64
import io

import numpy as np
from PIL import Image

from minigooglenet.typing import Array, UInt8Array


def data_uri(pixels: UInt8Array) -> str:
    """Return uint8 pixels, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, as a PNG in a data URI.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.viewer import png
    >>> png.data_uri(np.zeros((2, 3), np.uint8))[:26]
    'data:image/png;base64,iVBO'
    """
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def row(maps: UInt8Array) -> UInt8Array:
    """Return maps (M, H, W) next to each other from left to right: (H, M * W)."""
    return np.concatenate(list(maps), axis=1)


def grid(maps: UInt8Array, columns: int) -> UInt8Array:
    """Return maps (M, H, W) or (M, H, W, 4) in rows of `columns`; the last row is filled with zeros."""
    rows = -(-len(maps) // columns)
    cells = np.zeros((rows * columns, *maps.shape[1:]), maps.dtype)
    cells[: len(maps)] = maps
    return np.concatenate([row(cells[start : start + columns]) for start in range(0, len(cells), columns)])


def shrunk(maps: Array, most: int) -> Array:
    """Return float64 maps (M, h, w) with sides of at most `most` for maps (M, H, W): the mean of each area.

    The mean is how a map looks from a distance. The maximum would hide how sparse a map after ReLU is, and would not be
    defined for gradients, which have both signs.
    """
    height, width = size_within(maps.shape[-2:], most)
    sums, area = maps.astype(np.float64), 1
    for axis, count in ((-2, height), (-1, width)):
        starts = _starts(maps.shape[axis], count)
        sums = np.add.reduceat(sums, starts, axis)
        lengths = np.diff([*starts, maps.shape[axis]])
        area = area * (lengths[:, None] if axis == -2 else lengths)
    return sums / area


def peaks(maps: Array, size: tuple[int, int]) -> Array:
    """Return maps (M, h, w) of `size` for maps (M, H, W): the maximum of each area, so that no pixel vanishes."""
    for axis, count in ((-2, size[0]), (-1, size[1])):
        maps = np.maximum.reduceat(maps, _starts(maps.shape[axis], count), axis)
    return maps


def size_within(size: tuple[int, ...], most: int) -> tuple[int, int]:
    """Return (height, width) divided by the smallest integer that makes both at most `most`, rounded up."""
    factor = max(1, -(-max(size) // most))
    return -(-size[0] // factor), -(-size[1] // factor)


def grey(values: Array, low: float, high: float) -> UInt8Array:
    """Return 8-bit grey: 0 for `low`, 255 for `high`."""
    scale = 255 / (high - low) if high > low else 0.0
    return np.round((values.astype(np.float64) - low) * scale).clip(0, 255).astype(np.uint8)


def signed_grey(values: Array, bound: float) -> UInt8Array:
    """Return 8-bit grey: 128 for 0, 1 for -bound, 255 for bound."""
    scale = 127 / bound if bound > 0 else 0.0
    return np.round(128 + values.astype(np.float64) * scale).clip(1, 255).astype(np.uint8)


def _starts(length, count):
    return np.arange(count) * length // count
