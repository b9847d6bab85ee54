"""NumPy's archives: arrays by name and nothing else, so what they belong to must be known. Never pickled objects."""

import math
import os
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np

from minigooglenet import files
from minigooglenet.weights.contents import MOST_BYTES, Contents, array_name, file_size, placeholder, reading

# Trained weights shrink by a tenth. A file that unpacks to far more than it has was made to fill the memory.
MOST_GROWTH = 20
HARMLESS = 16 * 1024**2  # bytes that any file may unpack to
MOST_DIRECTORY = 1024**2  # bytes that list the members; GoogLeNet's has 9,000
END = struct.Struct("<4s6xHII2x")  # of a zip archive: mark, number of members, length and place of their directory

_PARSERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_NOTE = {"not verified": "an .npz has no checksum that is bound to its names; its CRC of each array was checked"}


def write(contents: Contents, path) -> None:
    """Write the arrays of `contents`; `path` is as it was or whole. Nothing else of the contents is kept."""
    for name in contents.arrays:
        array_name(name)
    with files.atomic(path) as file:
        np.savez(file, allow_pickle=False, **contents.arrays)


def declared(path) -> Contents:
    """Return what a file says about itself: arrays are stand-ins of their shape and type, no value is read."""
    return _contents(path, lambda file, stand_in, order: stand_in)


def read(path) -> Contents:
    """Return the arrays of a file in the machine's byte order and in C order, whatever they were written in."""
    return _contents(path, _values)


def _contents(path, take):
    """Return {name: take(open member, stand-in, order)} as contents, every member checked against what it declares."""
    with reading(path):
        size, count = file_size(path), _count(path)
    with reading(path), zipfile.ZipFile(Path(path)) as archive:
        members = archive.infolist()
        if len(members) != count:
            raise ValueError(f"its directory is damaged: it declares {count} arrays, {len(members)} are found in it")
        total = sum(member.file_size for member in members)
        most = min(MOST_BYTES, max(HARMLESS, MOST_GROWTH * size))
        if total > most:
            raise ValueError(
                f"it has {size:,} bytes and unpacks to {total:,}, more than {most:,}: made to fill the memory, it "
                "seems; if it is yours, write it with np.savez, which does not compress"
            )
        arrays = {}
        for member in members:
            name = array_name(member.filename.removesuffix(".npy"))
            if name in arrays:
                raise ValueError(f"array {name!r} is there twice")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(
                    f"array {name!r} has compression method {member.compress_type}, and NumPy writes 0 (none) or 8 "
                    "(deflate); other methods can ask for gigabytes of memory"
                )
            if not member.filename.endswith(".npy"):
                raise ValueError(f"it is an .npz with something else in it: {member.filename!r}")
            with archive.open(member) as file:
                arrays[name] = take(file, *_header(file, name, member.file_size))
    return Contents(arrays, notes=dict(_NOTE))


def _count(path):
    """Return how many members an archive declares, if the directory of them is one that can be read whole.

    The library takes as many as it finds, and that could be none or millions.
    """
    size = file_size(path)
    with Path(path).open("rb") as file:
        file.seek(-min(size, END.size), os.SEEK_END)
        end = file.read()
    mark, count, length, offset = END.unpack(end) if len(end) == END.size else (b"", 0, 0, 0)
    if mark != b"PK\5\6" or offset + length + END.size != size:
        raise ValueError("it is a zip archive that is cut off or damaged: its directory is not at its end")
    if length > MOST_DIRECTORY:
        raise ValueError(f"it declares a directory of {length:,} bytes, more than {MOST_DIRECTORY:,}")
    return count


def _header(file, name, size):
    """Return (stand-in, order) of the array that begins here, if it fills its member exactly."""
    try:
        parse = _PARSERS[np.lib.format.read_magic(file)]
    except (ValueError, KeyError) as error:
        raise ValueError(f"array {name!r} is not written in version 1.0 or 2.0 of NumPy's format: {error}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NumPy reads the headers of Python 2 too, but says so
        try:
            shape, fortran, dtype = parse(file)
        except Exception as error:  # NumPy parses it as Python, so it fails in all the ways in which that can
            raise ValueError(f"array {name!r} has a header that NumPy does not understand") from error
    if dtype.hasobject:
        raise TypeError(f"array {name!r} holds pickled objects, which can run any code when they are read")
    if any(length < 0 for length in shape):
        raise ValueError(f"array {name!r} declares the shape {shape}")
    order = dtype.byteorder if dtype.byteorder in "<>" else "="
    stand_in = placeholder(name, shape, dtype.newbyteorder("="))
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
