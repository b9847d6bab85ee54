"""The idx format of MNIST: a header of big-endian integers, then unsigned bytes; plain or compressed by gzip.

The header is two zero bytes, the type of the values (8: unsigned bytes), the number of axes, and the length of each
axis in four bytes. LeCun's page on MNIST describes it.
"""

import gzip
import math
import os
import struct
import zlib

import numpy as np

from minigooglenet import files
from minigooglenet.typing import PathLike, UInt8Array

UNSIGNED_BYTES = 8
MOST_BYTES = 1 << 30  # of values; the largest set of EMNIST has 547 million
MOST_EXPANSION = 1032  # of deflate: 258 bytes from 2 bits
GZIP = b"\x1f\x8b"


def read(path: PathLike, axes: int) -> UInt8Array:
    """Return the array in an idx file: labels (M,) for 1 axis, images (M, H, W) for 3.

    The first bytes decide whether the file is compressed, because browsers decompress files but keep their names.

    Raises
    ------
    ValueError
        If the file is not an idx file of unsigned bytes with that many axes, is truncated, or is longer than its
        header declares. Memory is only used for values that the file can contain.
    OSError
        If the file cannot be opened.
    """
    with files.open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        compressed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        try:
            if not compressed:
                return _read(file, axes, size)
            with gzip.GzipFile(fileobj=file) as content:
                return _read(content, axes, size * MOST_EXPANSION)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise ValueError(f"cannot read {path} as an idx file: {error}") from error


def _read(file, axes, most):
    """Read an array from an open file that has at most `most` bytes."""
    start = file.read(4)
    _check_start(start, axes)
    header = file.read(4 * axes)
    if len(header) < 4 * axes:
        raise ValueError(f"it ends within its header, which has {4 + 4 * axes} bytes")
    shape = struct.unpack(f">{axes}I", header)
    expected, sizes = math.prod(shape), " x ".join(f"{length:,}" for length in shape)
    if 0 in shape:
        raise ValueError(f"its header declares {sizes} values, so it is empty")
    if expected > MOST_BYTES:
        raise ValueError(f"its header declares {sizes} = {expected:,} bytes, more than the limit of {MOST_BYTES:,}")
    if expected > most:
        raise ValueError(f"its header declares {sizes} = {expected:,} bytes, but the file is too small for them")
    values = file.read(expected + 1)
    if len(values) != expected:
        found = f"only {len(values):,}" if len(values) < expected else "more"
        raise ValueError(f"its header declares {sizes} = {expected:,} bytes, but {found} follow")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _check_start(start, axes):
    expected = bytes([0, 0, UNSIGNED_BYTES, axes])
    if start == expected:
        return
    reason = f"it starts with {start.hex(' ') or 'nothing'}, not {expected.hex(' ')}"
    if len(start) == 4 and start[:2] == b"\0\0":
        if start[2] != UNSIGNED_BYTES:
            reason += ": its values are not unsigned bytes"
        else:
            kinds = {1: "labels", 3: "images"}
            reason += f": it has {kinds.get(start[3], f'arrays of {start[3]} axes')} instead of {kinds[axes]}"
    raise ValueError(reason)
