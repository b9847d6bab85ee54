"""The directory of a TIFF file or an EXIF block: how much memory its entries, strips and tiles demand.

Pillow reads the data of every entry, and several entries can point to the same bytes.
"""

import struct

from minigooglenet.data.image_limits import MOST_METADATA, MOST_PARTS, Demand, bad

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
WIDTH, HEIGHT, BITS, SAMPLES, ROWS, ORIENTATION = 256, 257, 258, 277, 278, 274
OFFSETS, COUNTS, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 273, 279, 322, 323, 324, 325
COMPRESSION = 259
INSIDE = (34665, 34853, 40965)  # EXIF, GPS and interoperability: these entries point to nested directories
SHORT, LONG, LONG8 = 3, 4, 16
MOST_ENTRIES = 10_000


def demand(file, size) -> Demand:
    """Return the demand of a TIFF file: its entries, and the buffer for one strip or tile."""

    def read(at, count):
        if at > size:
            return b""
        file.seek(at)
        return file.read(count)

    entries, total_bytes = _directory(read, size)
    if not entries:
        return Demand()
    width, height = (_number(entries, tag, 1) for tag in (WIDTH, HEIGHT))
    samples, bits = _number(entries, SAMPLES, 1), _bits(entries, read)
    across, down = width, min(height, _number(entries, ROWS, height))
    if TILE_WIDTH in entries:
        across, down = _number(entries, TILE_WIDTH, 1), _number(entries, TILE_HEIGHT, 1)
    parts = max(entries[tag][1] if tag in entries else 0 for tag in (OFFSETS, COUNTS, TILE_OFFSETS, TILE_COUNTS))
    if parts > MOST_PARTS:
        raise bad(f"{parts:,} strips or tiles", f"{MOST_PARTS:,}", "save it again with larger strips")
    part = across * down * samples * bits // 8
    if _number(entries, COMPRESSION, 1) == 1:
        part = 0  # read row by row
    # Pillow copies the image to transpose it, and keeps a few hundred bytes for each strip or tile.
    transposed = 4 * width * height if _number(entries, ORIENTATION, 1) in range(2, 9) else 0
    return Demand(fixed=2 * part + 3 * total_bytes + transposed + 500 * parts)


def total(read, size) -> int:
    """Return the bytes that all entries demand; raise a BadImageError if they are too many."""
    return _directory(read, size)[1]


def _directory(read, size):
    """Return ({tag: (type, count, bytes of the value or of its position)} of the first directory, total bytes)."""
    start = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None or len(start) < 8:
        return {}, 0
    big = start[2:4] in (b"+\0", b"\0+")
    position = struct.unpack(order + "Q", start[8:16])[0] if big and len(start) == 16 else _word(order, start[4:8])
    first, total_bytes = _entries(read, order, big, position)
    for tag in INSIDE:
        if tag in first and first[tag][1] == 1:
            form = {LONG: "L", 13: "L", LONG8: "Q"}.get(first[tag][0])
            if form and (inner := struct.unpack_from(order + form, first[tag][2])[0]) < size:
                total_bytes += _entries(read, order, big, inner)[1]
    if total_bytes > MOST_METADATA:
        raise bad(
            f"entries of {total_bytes:,} bytes in a file of {size:,}", f"{MOST_METADATA:,}", "remove its EXIF data"
        )
    return {tag: (kind, count, value, order) for tag, (kind, count, value) in first.items()}, total_bytes


def _entries(read, order, big, position):
    """Return ({tag: (type, count, value)}, bytes of all values outside the directory)."""
    head = read(position, 8 if big else 2)
    if len(head) < (8 if big else 2):
        return {}, 0
    count = struct.unpack(order + ("Q" if big else "H"), head)[0]
    if count > MOST_ENTRIES:
        raise bad(f"a directory of {count:,} entries", f"{MOST_ENTRIES:,}", "save it again")
    length, inline = (20, 8) if big else (12, 4)
    content = read(position + len(head), length * count)
    entries, elsewhere = {}, 0
    for at in range(0, len(content) - length + 1, length):
        tag, kind, items = struct.unpack_from(order + ("HHQ" if big else "HHL"), content, at)
        needed = SIZES.get(kind, 0) * items
        if needed > inline:
            elsewhere += needed
        entries[tag] = kind, items, content[at + length - inline : at + length]
    return entries, elsewhere


def _number(entries, tag, default):
    """Return the value of an entry that is stored in the directory itself, or the default."""
    if tag not in entries:
        return default
    kind, count, value, order = entries[tag]
    form = {SHORT: "H", LONG: "L", LONG8: "Q"}.get(kind)
    if form is None or count != 1 or len(value) < struct.calcsize(order + form):
        return default
    return struct.unpack_from(order + form, value)[0]


def _bits(entries, read):
    """Return the largest number of bits per sample."""
    if BITS not in entries:
        return 1
    kind, count, value, order = entries[BITS]
    if kind != SHORT or count > 8:
        return 64
    if 2 * count > len(value):
        value = read(_word(order, value[:4]) if len(value) == 4 else 0, 2 * count)
    count = min(count, len(value) // 2)
    return max(struct.unpack_from(f"{order}{count}H", value), default=64)


def _word(order, content):
    return struct.unpack(order + "L", content)[0]
