"""Small image files that demand much memory: each function returns the bytes of one, below a megabyte."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from minigooglenet.data import formats

SIDE = 12_000  # 144 million pixels, below the limit of `classify`


def _chunk(kind, content):
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def _zeros(count):
    """Return about `count` zeros, deflated: a block of one megabyte is compressed once and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    blocks = -(-count >> 20)
    checksum = (blocks << 20) % 65_521 << 16 | 1
    return b"\x78\xda" + block * blocks + b"\3\0" + struct.pack(">L", checksum)


def png(width, height, *, depth=8, colour=0, before=(), data=None):
    """Return a black PNG; `colour` is the type in its header, 0 grey, 2 RGB, 3 palette, 6 RGBA."""
    samples = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    rows = height * (1 + -(-width * depth * samples // 8))
    header = struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0)
    palette = [_chunk(b"PLTE", bytes(6))] if colour == 3 else []
    parts = [_chunk(b"IHDR", header), *palette, *(_chunk(kind, content) for kind, content in before)]
    parts += [_chunk(b"IDAT", _zeros(rows) if data is None else data), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_texts(count=60):
    text = zlib.compress(b"a" * 1_000_000, 9)
    return png(10_000, 10_000, before=[(b"zTXt", b"k%d\0\0" % i + text) for i in range(count)])


def png_chunks(count=75_000):
    return png(8, 8, before=[(b"prVt", b"")] * count)


def _saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def jpeg(side=16, **options):
    return _saved(Image.new("RGB", (side, side)), "JPEG", **options)


def jpeg_scans(count, side):
    """Return a progressive JPEG whose last scan is repeated `count` times."""
    content = _saved(Image.new("L", (side, side)), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + b"\xff\xd9"


def jpeg_declares(width, height):
    """Return a truncated progressive JPEG without subsampling of the declared size."""
    content = jpeg(progressive=True, subsampling=0)
    at = content.index(b"\xff\xc2")
    return (content[: at + 5] + struct.pack(">HH", height, width) + content[at + 9 :])[:-30]


def _directory(entries, *, following=0, start=8):
    """Return a file with a little-endian TIFF directory of (tag, type, count, value or position) at `start`."""
    packed = b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<LH", start, len(entries)) + packed + struct.pack("<L", following)


def jpeg_exif(parts=14):
    """Return a JPEG whose EXIF entries all point to the same bytes."""
    entries = [(0xC000 + i, 7, 800_000, 60_000) for i in range(4_000)]
    exif = _directory(entries).ljust(parts * 65_000, b"\0")
    blocks = (b"Exif\0\0" + exif[i : i + 65_000] for i in range(0, len(exif), 65_000))
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block for block in blocks)
    return b"\xff\xd8" + segments + jpeg()[2:]


def jpeg_segments(count=200_000):
    return b"\xff\xd8" + b"\xff\xfe\0\2" * count + jpeg()[2:]


def jpeg_junk(count=900_000):
    return b"\xff\xd8" + b"\xff\xfe\0\2" + bytes(count) + jpeg()[2:]


def jpeg2000(width, height, across, down, *, components=1, precincts=False):
    """Return the header of a JPEG 2000 codestream with an empty first tile-part."""
    size = struct.pack(">HLLLLLLLLH", 0, width, height, 0, 0, across, down, 0, 0, components)
    size += b"\7\1\1" * components
    style = b"\1\0\0\1\0\0\0\0\0\1\x11" if precincts else b"\0\0\0\1\0\5\4\4\0\1"
    quantisation = b"\x40" + b"\x40" * (1 if precincts else 16)
    parts = ((0x51, size), (0x52, style), (0x5C, quantisation))
    segments = b"".join(struct.pack(">BBH", 0xFF, kind, len(content) + 2) + content for kind, content in parts)
    tile = b"\xff\x90" + struct.pack(">HHLBB", 10, 0, 14, 0, 1) + b"\xff\x93"
    return b"\xff\x4f" + segments + tile + b"\xff\xd9"


def _tiff(entries, rest=b"", *, following=0):
    base = {256: (4, 1, 8), 257: (4, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1)}
    base |= {273: (4, 1, 8), 278: (4, 1, 8), 279: (4, 1, 64), **entries}
    listed = [(tag, *base[tag]) for tag in sorted(base) if base[tag] is not None]
    return _directory(listed, following=following) + rest


def tiff_overlapping(count=4_000):
    """Return a TIFF whose private entries all point to the same bytes."""
    return _tiff({0xC000 + i: (7, 800_000, 60_000) for i in range(count)}, bytes(860_000))


def tiff_tile(side):
    tile = {273: None, 278: None, 279: None, 322: (4, 1, side), 323: (4, 1, side), 324: (4, 1, 8), 325: (4, 1, 64)}
    return _tiff({259: (3, 1, 8), **tile})


def tiff_strip(side):
    return _tiff({256: (4, 1, side), 257: (4, 1, side), 258: (3, 1, 16), 259: (3, 1, 8), 278: (4, 1, side)})


def tiff_strips(count=900_000):
    one = {256: (4, 1, 1000), 257: (4, 1, count), 278: (4, 1, 1)}
    return _tiff({**one, 273: (1, count, 1_000), 279: (1, count, 1_000)}, bytes(count + 1_000))


def tiff_loop():
    return _tiff({}, bytes(64), following=8)


def gif_comment(count=900_000):
    content = _saved(Image.new("L", (8, 8)), "GIF")
    at = content.index(b",")
    blocks = b"\1x" * (count // 2)
    return content[:at] + b"!\xfe" + blocks + b"\0" + content[at:]


def gif(side):
    return _saved(Image.new("L", (side, side)), "GIF")


def webp_canvas(width, height):
    """Return an animation of 16 x 16 that declares a larger canvas."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    content = bytearray(_saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50))
    at = content.index(b"VP8X") + 12
    content[at : at + 6] = struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
    return bytes(content)


def bmp(width, height, *, compression=0, data=b"", bits=24):
    header = struct.pack("<LllHHLLllLL", 40, width, height, 1, bits, compression, len(data), 0, 0, 256 * (bits == 8), 0)
    palette = bytes(1024) if bits == 8 else b""
    return b"BM" + struct.pack("<LLL", 0, 0, 54 + len(palette)) + header + palette + data


def avif(width, height):
    """Return an AVIF of 16 x 16 that declares a larger size."""
    content = bytearray(_saved(Image.new("RGB", (16, 16)), "AVIF"))
    at = content.index(b"ispe") + 8
    content[at : at + 8] = struct.pack(">LL", width, height)
    return bytes(content)


IMAGES = {
    "a grey PNG of 100 million pixels": lambda: png(10_000, 10_000),
    "a PNG in RGB of 144 million pixels": lambda: png(SIDE, SIDE, colour=2),
    "a PNG with 16 bits and alpha": lambda: png(10_000, 10_000, depth=16, colour=6),
    "a palette of one bit": lambda: png(SIDE, SIDE, depth=1, colour=3),
    "a PNG of one row": lambda: png(149_000_000, 1),
    "a PNG of one column": lambda: png(1, 100_000_000),
    "a PNG that is narrow": lambda: png(50, 2_900_000),
    "a truncated PNG": lambda: png(SIDE, SIDE, colour=2, data=_zeros(100_000)),
    "a PNG with texts": png_texts,
    "a PNG with a profile": lambda: png(SIDE, SIDE, before=[(b"iCCP", b"x\0\0" + _zeros(500_000_000))]),
    "a PNG of chunks": png_chunks,
    "a JPEG of 1,500 scans": lambda: jpeg_scans(1_500, 3_000),
    "a progressive JPEG, truncated": lambda: jpeg_declares(12_200, 12_200),
    "a JPEG whose EXIF overlaps": jpeg_exif,
    "a JPEG of segments": jpeg_segments,
    "a JPEG with junk": jpeg_junk,
    "a JPEG 2000 of 65,025 tiles": lambda: jpeg2000(255, 255, 1, 1, components=4),
    "a JPEG 2000 of 16,384 components": lambda: jpeg2000(100, 100, 100, 100, components=16_384),
    "a JPEG 2000 of small precincts": lambda: jpeg2000(5_000, 5_000, 5_000, 5_000, precincts=True),
    "a JPEG 2000 of 144 million pixels": lambda: jpeg2000(SIDE, SIDE, SIDE, SIDE, components=3),
    "a TIFF whose entries overlap": tiff_overlapping,
    "a TIFF with one large tile": lambda: tiff_tile(60_000),
    "a TIFF with one strip": lambda: tiff_strip(SIDE),
    "a TIFF of 900,000 strips": tiff_strips,
    "a TIFF that links to itself": tiff_loop,
    "a GIF of 49 million pixels": lambda: gif(7_000),
    "a GIF with a long comment": gif_comment,
    "a WebP with a large canvas": lambda: webp_canvas(16_000, 9_000),
    "a BMP that skips rows": lambda: bmp(140_000_000, 1, compression=1, data=b"\0\2\xff\xff" * 9, bits=8),
    "a BMP that skips to its end": lambda: bmp(SIDE, SIDE, compression=1, data=b"\0\2\xff\xff" * 60, bits=8),
    "a truncated BMP": lambda: bmp(SIDE, SIDE),
    "a PPM with a long comment": lambda: b"P6 #" + b"x" * 900_000 + b"\n8 8 255\n" + bytes(192),
    "a truncated PPM": lambda: b"P6 12000 12000 255\n" + bytes(100),
}
if "AVIF" in formats.readable():
    IMAGES["an AVIF with a large frame"] = lambda: avif(SIDE, SIDE)


def noise(shape, seed=0):
    """Return an image of random pixels, (height, width) or (height, width, channels)."""
    return Image.fromarray(np.random.default_rng([seed, *shape]).integers(0, 256, shape, np.uint8))
