"""Limits for image files: declared sizes are compared with these before any pixel is decoded.

An image file of a few kilobytes can declare pixels, tiles, scans or metadata that would fill the memory or take
minutes. docs/data.md has the table.
"""

import threading
from contextlib import nullcontext
from typing import NamedTuple

from minigooglenet.data.dataset import BadImageError

MOST_FILE = 2 * 1024**3  # bytes of an image file
MOST_BYTES = 640 * 1024**2  # of memory while an image is decoded and converted
MOST_METADATA = 64 * 1024**2  # bytes of everything in a file except pixels, decompressed
MOST_PARTS = 100_000  # segments, chunks, strips or tiles
LARGE = 64 * 1024**2  # bytes: images that need more are decoded one at a time, for any number of workers
PER_ROW = 32  # bytes of Pillow's pointers and padding, in the image and its copies
PER_COLUMN = 24  # bytes of the decoder's row buffers, at 8 bytes per pixel
SMALLER = "make it smaller first, or save it as a JPEG"

# Bytes per pixel that a decoder needs in addition to the image that it returns; measured with Pillow 13.
DECODERS = {"WEBP": 13, "AVIF": 12, "GIF": 1}
# Bytes of a pixel in memory; every other mode has four.
MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
WHOLE = 7  # bytes per pixel if no pixel is dropped: a copy with four channels, and the array

_one_large = threading.Lock()


class Demand(NamedTuple):
    """Memory that the header of a file demands in addition to the decoded image.

    per_pixel : bytes per pixel of the file
    fixed : bytes
    """

    per_pixel: float = 0
    fixed: int = 0


def bad(declared: str, limit: str, advice=SMALLER) -> BadImageError:
    """Return the error for a file that declares more than the limit; the advice is an imperative."""
    return BadImageError(f"it declares {declared}, more than {limit}; {advice}")


def check_pixels(width: int, height: int, most_pixels: int) -> None:
    """Raise a BadImageError if an image has more pixels than allowed."""
    if width * height > most_pixels:
        raise bad(f"{width} x {height} pixels", f"{most_pixels:,}", "make it smaller first")


def memory(declared, loaded, mode, kind, demand, whole: bool) -> int:
    """Return how many bytes decoding needs; raise a BadImageError if they are more than MOST_BYTES.

    Parameters
    ----------
    declared : (width, height) of the file
    loaded : (width, height) that is decoded: a JPEG can be decoded at an eighth of its size
    mode, kind : Pillow's mode and format of the image
    demand : Demand of the file's header
    whole : whether the image keeps every pixel instead of being reduced
    """
    per_pixel = MODES.get(mode, 4)
    if whole:
        per_pixel = max(WHOLE, per_pixel + (0 if mode == "RGB" else 4))
    decoder = demand.per_pixel + DECODERS.get(kind, 0)
    rows = PER_ROW * loaded[1] + PER_COLUMN * declared[0]
    total = per_pixel * loaded[0] * loaded[1] + decoder * declared[0] * declared[1] + rows + demand.fixed
    if total > MOST_BYTES:
        terms = f"{per_pixel + decoder:.3g} bytes per pixel"
        if demand.fixed + rows > LARGE:
            terms += f" and {demand.fixed + rows:,} for the rest of the file"
        raise BadImageError(
            f"it declares {declared[0]} x {declared[1]} pixels, which need {int(total):,} bytes to decode ({terms}), "
            f"more than {MOST_BYTES:,}; {SMALLER}"
        )
    return int(total)


def decoding_lock(total: int):
    """Return the context for decoding an image of `total` bytes: only one large image is decoded at a time."""
    return _one_large if total > LARGE else nullcontext()
