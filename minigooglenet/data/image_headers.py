"""Memory demands that the header of an image file declares, read before Pillow opens the file.

Each function here parses the outer structure of one format: segments, chunks, blocks. A file that it cannot parse is
left to Pillow, which reports corrupt files. Only files that exceed a limit are rejected here.
"""

import re
import struct
from pathlib import Path

from minigooglenet.data import jpeg2000, tiff_tags
from minigooglenet.data.image_limits import MOST_FILE, MOST_METADATA, MOST_PARTS, Demand, bad

MOST_SCANS = 100  # of a JPEG; encoders write 10, the most thorough about 60
MOST_SCANNED = 4_000_000_000  # pixels times scans: each scan visits the whole image
MOST_GAP = 65_536  # bytes between two segments of a JPEG, or before the first image of a GIF or PPM
BLOCK = 65_536
SMALL_EXIF = 28_000  # bytes: too few for entries that demand MOST_METADATA
UNPACKED = 4 * 1024**2  # bytes of a compressed text in Pillow: a million characters of up to four bytes
DEFLATE = 1032 * 4  # bytes of such characters that one compressed byte can become
MOST_PREVIOUS = 1024**2  # bytes before the first image of a GIF
SAVE_AGAIN = "save it again, without the metadata"

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in coded data, any other pair is data or a restart marker


def demand(path) -> Demand:
    """Return the memory that the header of an image file demands beyond its pixels.

    Raises
    ------
    BadImageError
        If the demand exceeds a limit.
    OSError
        If the file cannot be read.
    """
    with Path(path).open("rb") as file:
        start = file.read(16)
        if start.startswith(b"\xff\xd8\xff"):
            return _jpeg(file)
        size = file.seek(0, 2)
        if size > MOST_FILE:
            raise bad(f"a file of {size:,} bytes", f"{MOST_FILE:,}")
        if start.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(file)
        if start.startswith((b"GIF87a", b"GIF89a")):
            return _gif(file)
        if start[:4] in tiff_tags.STARTS:
            return tiff_tags.demand(file, size)
        if start[:4] == b"\xff\x4f\xff\x51" or start[4:8] == b"jP  ":
            return jpeg2000.demand(file, size)
        if start[4:8] == b"ftyp" or start[8:12] == b"WEBP":
            return Demand(fixed=2 * size)  # Pillow reads the whole file, and so does the decoder
        if start.startswith(b"BM"):
            return _bmp(file)
        if re.match(rb"P[1-6fF]\s|P[1-6][#\s]", start):
            return _ppm(file, size)
    return Demand()


def _jpeg(file):
    """Return the demand of a JPEG: the coefficients of every block if it has several scans."""
    at, exif, parts, height, width, samples, scans = 2, [], 0, 0, 0, 0, 0
    components = several = 0
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[:2] == b"\xff\xd9":
            break
        if head[0] != 0xFF or head[1] in (0, 0xFF):  # padding or junk, which Pillow skips byte by byte
            at = _marker(file, at, MOST_GAP)
            if at is None:
                break
            continue
        kind, length = head[1], int.from_bytes(head[2:], "big")
        parts += 1
        if parts > MOST_PARTS // 10:
            raise bad(f"at least {parts:,} segments", f"{MOST_PARTS // 10:,}", SAVE_AGAIN)
        if kind == 1 or 0xD0 <= kind <= 0xD8:  # without content
            at += 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            frame = file.read(min(length, 64) - 2)
            if len(frame) >= 6:
                height, width, components = struct.unpack_from(">HHB", frame, 1)
                samples = _samples(frame[6:], components)
                several = kind not in (0xC0, 0xC1, 0xC3)
        elif kind == 0xE1 and length > 8:
            content = file.read(length - 2)
            if content.startswith(b"Exif\0\0"):
                exif.append(content[6:])
        elif kind == 0xDA:
            scans += 1
            several = several or file.read(1) != bytes([components])
            if not several:
                break
            if scans > MOST_SCANS or scans * width * height > MOST_SCANNED:
                raise bad(
                    f"at least {scans} scans of {width} x {height} pixels",
                    f"{MOST_SCANS} scans or {MOST_SCANNED:,} pixels in total",
                    "save it again as an ordinary JPEG",
                )
            at = _marker(file, at + 2 + length)
            if at is None:
                break
            continue
        at += 2 + max(length, 2)
    check_exif(b"".join(exif))
    return Demand(per_pixel=2 * samples if several else 0)


def _samples(components, count):
    """Return the samples per pixel of the components of a JPEG, from their sampling factors."""
    factors = [
        (components[3 * i + 1] >> 4, components[3 * i + 1] & 15) for i in range(min(count, len(components) // 3))
    ]
    across, down = (max((pair[axis] for pair in factors), default=1) or 1 for axis in (0, 1))
    return sum(h * v for h, v in factors) / (across * down)


def _marker(file, at, most=None):
    """Return the position of the next marker at or after `at`, or None at the end of the file."""
    start = at
    file.seek(at)
    tail = b""
    while block := file.read(BLOCK):
        block = tail + block
        if match := _MARKER.search(block):
            return at - len(tail) + match.start()
        at += len(block) - len(tail)
        tail = block[-1:]
        if most is not None and at - start > most:
            raise bad(f"{at - start:,} bytes between two segments", f"{most:,}", "save it again")
    return None


def check_exif(exif: bytes) -> None:
    """Raise a BadImageError if the entries of an EXIF block demand more memory than metadata may use."""
    if len(exif) > SMALL_EXIF:
        tiff_tags.total(lambda at, count: exif[at : at + count], len(exif))


def _png(file):
    """Return the demand of a PNG: its texts and colour profile, decompressed."""
    at, fixed, parts = 8, 0, 0
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            break
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        parts += 1
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            fixed += min(UNPACKED, DEFLATE * length)
        if kind not in (b"IDAT", b"fdAT"):
            fixed += length + 500  # 500 for its entry in a list
        if fixed > 4 * MOST_METADATA or parts > MOST_PARTS:
            raise bad(
                f"{parts:,} chunks with texts and data of {fixed:,} bytes when decompressed",
                f"{MOST_PARTS:,} chunks or {4 * MOST_METADATA:,} bytes",
                SAVE_AGAIN,
            )
        if kind == b"IEND":
            break
        at += 12 + length
    return Demand(fixed=fixed)


def _gif(file):
    """Check the size of the data before the first image of a GIF: Pillow joins its blocks of 255 bytes one by one."""
    file.seek(10)
    flags = file.read(3)
    if len(flags) == 3 and flags[0] & 128:
        file.seek(3 << (flags[0] & 7) + 1, 1)
    start = file.tell()
    while (kind := file.read(1)) and kind != b",":
        if kind == b"!":
            file.read(1)
            while (length := file.read(1)) and length != b"\0":
                file.seek(length[0], 1)
                if file.tell() - start > MOST_PREVIOUS:
                    break
        if file.tell() - start > MOST_PREVIOUS:
            raise bad(f"{file.tell() - start:,} bytes before its first image", f"{MOST_PREVIOUS:,}", SAVE_AGAIN)
    return Demand()


def _bmp(file):
    """Return the demand of a BMP: run-length coding is decoded into an array first, and can skip 255 rows at once."""
    file.seek(18)
    head = file.read(16)
    if len(head) < 16 or int.from_bytes(head[12:], "little") not in (1, 2):
        return Demand()
    return Demand(per_pixel=3, fixed=512 * int.from_bytes(head[:4], "little"))


def _ppm(file, size):
    """Check that the header of a PPM ends: Pillow reads comments byte by byte."""
    file.seek(0)
    head = file.read(MOST_GAP)
    words = re.sub(rb"#[^\r\n]*[\r\n]", b" ", head).split(maxsplit=4)
    needed = 3 if head[:2] in (b"P1", b"P4") else 4
    if size > MOST_GAP and (len(words) < needed or any(word.startswith(b"#") for word in words[:needed])):
        raise bad(f"a header of more than {MOST_GAP:,} bytes", f"{MOST_GAP:,}", "save it again without comments")
    return Demand()
