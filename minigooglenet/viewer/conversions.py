"""What a network does not see of a photograph, as notes for the page: transparency, more than 8 bits, other frames.

The rules are those of `data.modes`. The page reports what they change, because a reader compares it with the file.
"""

import contextlib
import warnings
from pathlib import Path
from typing import Any

from PIL import Image

from minigooglenet.data import formats, orientation

ALPHA = {"RGBA": "A", "LA": "A", "PA": "A", "RGBa": "a", "La": "a"}  # {mode: its channel of transparency}


def conversions(image: Any, name: str) -> list[str]:
    """Return a sentence for each part of a photograph that is lost when it becomes 8-bit RGB, before cropping.

    Parameters
    ----------
    image : file that can be read as an image, or PIL image; nothing is lost of an array
    name : of the image, in the sentences

    Examples
    --------
    >>> from PIL import Image
    >>> from minigooglenet.viewer.conversions import conversions
    >>> conversions(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "logo")
    ['logo is transparent in 100% of its pixels. The page shows their colours without transparency.']
    """
    if isinstance(image, (str, Path)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(image, formats=formats.readable()) as opened:
                return _conversions(opened, name)
    if not isinstance(image, Image.Image):
        return []
    notes = _conversions(image, name)
    if orientation.transposition(image) is not None:  # a file is rotated, and an image may have been
        notes.append(
            f"{name} records that it must be rotated, and the page shows it as it is. "
            "Rotate it with PIL.ImageOps.exif_transpose(image), or pass the file."
        )
    return notes


def _conversions(image, name):
    notes = []
    if _is_deep(image):
        notes.append(f"{name} has more than 8 bits per channel. The network gets 8.")
    if _frames(image) > 1:
        notes.append(f"{name} has several frames. The page shows number {image.tell() + 1}.")
    if image.mode == "CMYK":
        notes.append(f"{name} has CMYK colours, which become RGB without a colour profile.")
    elif image.mode != "LAB" and b"sRGB" not in (image.info.get("icc_profile") or b"sRGB").replace(b"\0", b""):
        notes.append(f"{name} has a colour profile other than sRGB, which is not applied.")
    if transparent := _transparent(image):
        percent = f"{transparent:.0%}" if transparent >= 0.01 else "less than 1%"
        notes.append(
            f"{name} is transparent in {percent} of its pixels. The page shows their colours without transparency."
        )
    return notes


def _is_deep(image):
    """Return whether a file has more than 8 bits per channel; Pillow's modes record it only for grey."""
    decoder = str(getattr(image, "tile", ""))  # such as ('zip', (0, 0, 4, 4), 41, 'RGB;16B') until it is loaded
    return image.mode.startswith("I") or ";16" in decoder


def _frames(image):
    if image.format == "MPO":  # a photograph of a camera, with a preview
        return 1
    with contextlib.suppress(Exception):  # a later frame may be corrupt
        return getattr(image, "n_frames", 1)
    return 1


def _transparent(image):
    """Return the fraction of pixels that are not opaque."""
    if image.mode.startswith("I") or (image.mode not in ALPHA and "transparency" not in image.info):
        return 0.0
    with_alpha = image if image.mode in ALPHA else image.convert("RGBA")
    counts = with_alpha.getchannel(ALPHA[with_alpha.mode]).histogram()
    return 1 - counts[255] / sum(counts)
