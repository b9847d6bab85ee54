"""The orientation that a camera recorded in an image file, read even if other entries are corrupt.

Cameras, phones and editors write EXIF blocks that are truncated, point outside the file or have wrong types. Pillow's
reader stops at the first bad entry and may raise. The orientation usually comes after entries that are often corrupt.
"""

import re
import struct

from PIL import Image

TAG = 0x0112
SIZES = {3: 2, 4: 4}  # bytes of the two types that an orientation can have, a short or a long integer
METHODS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


def transposition(image):
    """Return the transposition that makes a loaded image upright, or None. Pillow already transposes a TIFF."""
    if image.format == "TIFF":
        return None
    return METHODS.get(_of_exif(_exif(image.info)) or _of_xmp(image.info) or 1)


def _exif(info) -> bytes:
    exif = info.get("exif")
    if exif is None and isinstance(text := info.get("Raw profile type exif"), str):  # ImageMagick's form in a PNG
        try:
            exif = bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            return b""
    return exif if isinstance(exif, bytes) else b""


def _of_exif(exif: bytes) -> int | None:
    """Return the value of the orientation entry in the first directory of an EXIF block."""
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return None
    (start,) = struct.unpack_from(order + "L", exif, 4)
    if start + 2 > len(exif):
        return None
    (count,) = struct.unpack_from(order + "H", exif, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, length = struct.unpack_from(order + "HHL", exif, at)
        if tag == TAG and kind in SIZES and 4 >= length * SIZES[kind] > 0:  # otherwise the value is elsewhere
            return struct.unpack_from(order + ("H" if SIZES[kind] == 2 else "L"), exif, at + 8)[0]
    return None


def _of_xmp(info) -> int | None:
    text = info.get("XML:com.adobe.xmp") or info.get("xmp") or b""
    match = _IN_XMP.search(text.encode(errors="replace") if isinstance(text, str) else text)
    return int(match[1]) if match else None
