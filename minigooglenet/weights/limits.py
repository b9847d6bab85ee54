"""How much of a file is believed: what it declares is held against these before anything is allocated."""

import math
from pathlib import Path

import numpy as np

from minigooglenet.weights.contents import cannot_read

MOST_BYTES = 2 * 1024**3  # of a file, and of what it unpacks to
MOST_TEXT = 200  # characters of a name
DTYPES = tuple(map(np.dtype, ("float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64")))


def file_size(path) -> int:
    """Return the size in bytes of the regular file at `path`, or raise a WeightsError that says what is there."""
    path = Path(path)
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # a ValueError: a NUL in the name
        raise cannot_read(path, getattr(error, "strerror", None) or error) from error
    if path.is_dir():
        raise cannot_read(path, "it is a folder")
    if not path.is_file():
        raise cannot_read(path, "it is no regular file")
    if size == 0:
        raise cannot_read(path, "the file is empty; perhaps the disk was full when it was written?")
    if size > MOST_BYTES:
        raise cannot_read(path, f"it has {size:,} bytes, more than {MOST_BYTES:,}")
    return size


def check_name(path, name: str) -> str:
    """Return the name of an array, once it is one that a network could have."""
    if len(name) > MOST_TEXT:
        raise cannot_read(path, f"the name of an array has {len(name):,} characters, more than {MOST_TEXT}")
    if not name or not name.isprintable() or name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        raise cannot_read(path, f"{name!r} is no name of an array")
    return name


def declared(path, name: str, shape, dtype: np.dtype) -> np.ndarray:
    """Return a stand-in of that shape and type, which takes no memory and cannot be written to."""
    if dtype not in DTYPES:
        raise cannot_read(path, f"array {name!r} holds {dtype}; floats of 16, 32 or 64 bits are read, and integers")
    if math.prod(shape) * dtype.itemsize > MOST_BYTES:
        raise cannot_read(path, f"array {name!r} declares the shape {shape}, more than {MOST_BYTES:,} bytes")
    try:
        return np.broadcast_to(np.zeros((), dtype), shape)
    except ValueError as error:  # more axes than NumPy has
        raise cannot_read(path, f"array {name!r} declares the shape {shape}: {error}") from error
