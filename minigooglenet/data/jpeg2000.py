"""The header of a JPEG 2000 file: how much memory its tiles and code-blocks demand.

The decoder stores each sample of a tile in four bytes, and a record for each tile, precinct and code-block. A few bytes
can declare millions of these.
"""

import struct

from minigooglenet.data.image_limits import Demand, bad

MOST_BOXES = 1_000
MOST_COMPONENTS = 4  # what Pillow reads
MOST_SEGMENTS = 10_000  # of the main header and of all tile-parts
PER_TILE, PER_COMPONENT = 6_000, 1_200  # bytes of decoder settings per tile, and per component in it
PER_SAMPLE = 6  # bytes: the coefficients, and the decoder's copy for Pillow
PER_BLOCK = 400  # bytes of a code-block, including the tag trees
PER_PRECINCT = 400
SIZ, COD, COC, SOT, SOD, END = 0x51, 0x52, 0x53, 0x90, 0x93, 0xD9
SAVE_AGAIN = "save it again with the usual settings, or as a PNG"


def demand(file, size) -> Demand:
    """Return the memory that a JPEG 2000 file demands beyond its pixels."""
    at = _codestream(file, size)
    if at is None:
        return Demand()
    file.seek(at + 2)
    if file.read(2) != b"\xff\x51":
        return Demand()
    content = file.read(40)
    if len(content) < 40:
        return Demand()
    x1, y1, x0, y0, across, down, left, top, components = struct.unpack_from(">8LH", content, 4)
    if components > MOST_COMPONENTS:
        raise bad(f"{components:,} components", f"{MOST_COMPONENTS}", SAVE_AGAIN)
    width, height = max(0, x1 - x0), max(0, y1 - y0)
    if not (across and down and width and height):
        return Demand()
    tiles = -(-max(0, x1 - left) // across) * -(-max(0, y1 - top) // down)
    samples = min(across, width) * min(down, height) * components
    block, precinct = _smallest(file, at + 2, size, components)
    # Each resolution level halves the sides: a third more records in total, and at least one per level. 2x covers that.
    records = 2 * samples * (PER_BLOCK / block + PER_PRECINCT / precinct)
    fixed = tiles * (PER_TILE + PER_COMPONENT * components) + int(PER_SAMPLE * samples + records) + 100_000
    return Demand(fixed=fixed)


def _codestream(file, size):
    """Return the position of the codestream: the start of the file, or inside a box of a JP2 file."""
    at = 0
    for _ in range(MOST_BOXES):
        if at > size:
            return None
        file.seek(at)
        head = file.read(16)
        if head[:4] == b"\xff\x4f\xff\x51":
            return at
        if len(head) < 8:
            return None
        length, start = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), 16
        if head[4:8] == b"jp2c":
            return at + start
        if length < 8:
            return None
        at += length
    raise bad(f"more than {MOST_BOXES:,} boxes", f"{MOST_BOXES:,}", SAVE_AGAIN)


def _smallest(file, at, size, components):
    """Return the area of the smallest code-block and of the smallest precinct that any header declares."""
    block, precinct, part_end = 4096, 1 << 30, None
    for _ in range(MOST_SEGMENTS):
        file.seek(at)
        head = file.read(12)
        if len(head) < 4 or head[0] != 0xFF or head[1] == END:
            return block, precinct
        kind, length = head[1], int.from_bytes(head[2:4], "big")
        if kind == SOD:
            if part_end is None or part_end <= at:
                return block, precinct
            at = part_end
            continue
        if kind == SOT and len(head) == 12:
            declared = int.from_bytes(head[6:10], "big")
            part_end = at + declared if declared else size
        if kind in (COD, COC):
            file.seek(at + 4)
            content = file.read(min(length, 100))
            if kind == COD:
                style, settings = content[:1], content[5:]
            else:
                wide = 2 if components > 256 else 1
                style, settings = content[wide : wide + 1], content[wide + 1 :]
            if len(settings) >= 5 and style:
                levels, sides = settings[0], (1 << min(settings[1] & 15, 8) + 2, 1 << min(settings[2] & 15, 8) + 2)
                block = min(block, sides[0] * sides[1])
                if style[0] & 1:
                    for byte in settings[5 : 6 + levels]:
                        x, y = 1 << (byte & 15), 1 << (byte >> 4)
                        precinct = min(precinct, x * y)
                        block = min(block, min(x, sides[0]) * min(y, sides[1]))
        at += 2 + max(length, 2)
    raise bad(f"more than {MOST_SEGMENTS:,} segments", f"{MOST_SEGMENTS:,}", SAVE_AGAIN)
