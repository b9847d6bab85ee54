"""Image file formats: which are read, their file name suffixes, and how their first bytes identify them."""

import functools

from PIL import Image

from minigooglenet import files

# Formats that contain pixels. Pillow's PostScript reader is left out, because it runs another program.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".mpo"),
        *(".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpf", ".jpx", ".jpc", ".j2c"),
    )
)
FIRST_BYTES = 16
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# These formats are recognised although they are not decoded, so that the error can name them.
_UNREAD_BRANDS = {
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"heim": "HEIC",
    b"heis": "HEIC",
    b"hevc": "HEIC",
    b"hevx": "HEIC",
    b"mif1": "HEIF",
    b"msf1": "HEIF",
}


@functools.cache
def readable() -> tuple[str, ...]:
    """Return the formats that the installed Pillow reads; not every build reads AVIF."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def is_image_name(name: str) -> bool:
    """Return whether a file name has the suffix of an image, in any capitalisation."""
    stem, dot, suffix = name.rpartition(".")  # ten times faster than pathlib; a data set can have a million names
    return stem != "" and dot + suffix.lower() in SUFFIXES


def first_bytes(path) -> bytes:
    """Return the first 16 bytes of a file, or as many as can be read."""
    try:
        with files.open_regular(path) as file:
            return file.read(FIRST_BYTES)
    except OSError:
        return b""


def recognise(start: bytes) -> str | None:
    """Return the image format that begins with these bytes, or None; never TIFF, as raw camera files begin alike."""
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[4:8] == b"ftyp":
        return "AVIF" if start[8:12] in (b"avif", b"avis") else _UNREAD_BRANDS.get(start[8:12])
    return None


def why_unidentified(path) -> str:
    """Return a sentence for a file that Pillow does not recognise as any of `readable()`."""
    start = first_bytes(path)
    kind = recognise(start)
    if kind in readable() or start.startswith(TIFF_STARTS):
        return f"it starts as {kind or 'TIFF'}, but its header is corrupt or of a variant that Pillow does not read"
    if kind is not None:
        return f"it is {kind}, which the installed Pillow does not read. Convert it to JPEG or PNG first."
    if not start:
        return "the file is empty"
    return f"it is not an image in one of these formats: {', '.join(readable())}"
