"""NumPy's archives: arrays by name and nothing else, so what they belong to must be known. Never pickled objects."""

import math
import warnings
import zipfile
from pathlib import Path

import numpy as np

from minigooglenet import files
from minigooglenet.weights import limits
from minigooglenet.weights.contents import Contents

# Trained weights shrink by a tenth. A file that unpacks to far more than it has was made to fill the memory.
MOST_GROWTH = 20
HARMLESS = 16 * 1024**2  # bytes that any file may unpack to

_NOTE = {"not verified": "an .npz has no checksum that is bound to its names; its CRC of each array was checked"}


def write(contents: Contents, path) -> None:
    """Write the arrays of `contents`; `path` is as it was or whole. Nothing else of the contents is kept."""
    with files.atomic(path) as file:
        np.savez(file, allow_pickle=False, **contents.arrays)


def declared(path) -> Contents:
    """Return what a file says about itself: arrays are stand-ins of their shape and type, no value is read."""
    return _contents(path, lambda file, stand_in, order: stand_in)


def read(path) -> Contents:
    """Return the arrays of a file in the machine's byte order and in C order, whatever they were written in."""
    declared(path)  # every size is known to be sound before the first value is read
    return _contents(path, _values)


def _contents(path, take):
    """Return {name: take(open member, stand-in, order)} as contents, every member checked against what it declares."""
    size = limits.file_size(path)
    with limits.reading(path), zipfile.ZipFile(Path(path)) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        most = min(limits.MOST_BYTES, max(HARMLESS, MOST_GROWTH * size))
        if total > most:
            raise ValueError(
                f"it has {size:,} bytes and unpacks to {total:,}, more than {most:,}: made to fill the memory, it "
                "seems; if it is yours, write it with np.savez, which does not compress"
            )
        arrays = {}
        for member in members:
            name = limits.check_name(path, member.filename.removesuffix(".npy"))
            if name in arrays:
                raise ValueError(f"array {name!r} is there twice")
            if not member.filename.endswith(".npy"):
                raise ValueError(f"{member.filename!r} is no array of NumPy's")
            with archive.open(member) as file:
                arrays[name] = take(file, *_header(file, name, member.file_size))
    return Contents(arrays, notes=dict(_NOTE))


def _header(file, name, size):
    """Return (stand-in, order) of the array that begins here, if it fills its member exactly."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"array {name!r} is written in version {version} of NumPy's format, 1.0 and 2.0 are read")
    parse = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NumPy reads the headers of Python 2 too, but says so
        shape, fortran, dtype = parse(file)
    if dtype.hasobject:
        raise TypeError(f"array {name!r} holds pickled objects, which can run any code when they are read")
    if any(length < 0 for length in shape):
        raise ValueError(f"array {name!r} declares the shape {shape}")
    order = dtype.byteorder if dtype.byteorder in "<>" else "="
    stand_in = limits.stand_in(name, shape, dtype.newbyteorder("="))
    expected = file.tell() + math.prod(shape) * dtype.itemsize
    if size != expected:
        raise ValueError(f"array {name!r} of shape {shape} takes {expected:,} bytes with its header, got {size:,}")
    return stand_in, (order, "F" if fortran else "C")


def _values(file, stand_in, order):
    byteorder, axes = order
    count = stand_in.size * stand_in.itemsize
    data = file.read(count)
    if len(data) != count or file.read(1):
        raise ValueError(f"an array of {count:,} bytes is cut off or too long")
    values = np.frombuffer(data, stand_in.dtype.newbyteorder(byteorder)).reshape(stand_in.shape, order=axes)
    return np.array(values, stand_in.dtype, order="C")
