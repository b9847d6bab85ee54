"""NumPy's archives: arrays by name and nothing else, so what they belong to must be known. Never pickled objects."""

import math
import os
import struct
import warnings
import zipfile

import numpy as np

from minigooglenet import files
from minigooglenet.weights.contents import (
    MOST_BYTES,
    NOT_VERIFIED,
    Contents,
    WeightsReader,
    array_name,
    placeholder,
    size_of,
)

# Trained weights shrink by a tenth. A file that unpacks to far more than it has was made to fill the memory.
MOST_GROWTH = 20
HARMLESS = 16 * 1024**2  # bytes that any file may unpack to
MOST_DIRECTORY = 1024**2  # bytes that list the members; GoogLeNet's has 9,000
END = struct.Struct("<4s6xHII2x")  # of a zip archive: mark, number of members, length and place of their directory

_PARSERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_NOTE = "an .npz has no checksum that is bound to its names; its CRC of each array was checked"


def write(contents: Contents, path) -> None:
    """Write the arrays of `contents`; `path` is as it was or whole. Nothing else of the contents is kept."""
    for name in contents.arrays:
        array_name(name)
    with files.atomic(path) as file:
        np.savez(file, allow_pickle=False, **contents.arrays)


class Reader(WeightsReader):
    """A NumPy archive. Its directory, and each array's header, are parsed once, when the reader is made."""

    FORMAT = "NumPy archive"

    def __init__(self, file):
        size, count = size_of(file), _count(file)
        self._archive = zipfile.ZipFile(file)
        members = self._archive.infolist()
        if len(members) != count:
            raise ValueError(f"its directory is damaged: it declares {count} arrays, {len(members)} are found in it")
        total = sum(member.file_size for member in members)
        most = min(MOST_BYTES, max(HARMLESS, MOST_GROWTH * size))
        if total > most:
            raise ValueError(
                f"it has {size:,} bytes and unpacks to {total:,}, more than {most:,}: made to fill the memory, it "
                "seems; if it is yours, write it with np.savez, which does not compress"
            )
        self._members, arrays = {}, {}
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
            with self._archive.open(member) as part:
                arrays[name], *form = _header(part, name, member.file_size)
            self._members[name] = member, arrays[name], *form
        self.declared = Contents(arrays, notes={NOT_VERIFIED: _NOTE})

    def arrays(self):
        """Return {name: array} in the machine's byte order and in C order, whatever they were written in."""
        return {name: self._values(*told) for name, told in self._members.items()}

    def _values(self, member, like, start, byteorder, axes):
        with self._archive.open(member) as file:
            file.read(start)  # from the beginning, because the checksum is of the whole member
            data = file.read(like.nbytes)
            if len(data) != like.nbytes or file.read(1):
                raise ValueError(f"an array of {like.nbytes:,} bytes is cut off or too long")
        values = np.frombuffer(data, like.dtype.newbyteorder(byteorder)).reshape(like.shape, order=axes)
        return np.array(values, like.dtype, order="C")


def _count(file):
    """Return how many members an archive declares, if the directory of them is one that can be read whole.

    The library takes as many as it finds, and that could be none or millions.
    """
    size = size_of(file)
    file.seek(-min(size, END.size), os.SEEK_END)
    end = file.read()
    mark, count, length, offset = END.unpack(end) if len(end) == END.size else (b"", 0, 0, 0)
    if mark != b"PK\5\6" or offset + length + END.size != size:
        raise ValueError("it is a zip archive that is cut off or damaged: its directory is not at its end")
    if length > MOST_DIRECTORY:
        raise ValueError(f"it declares a directory of {length:,} bytes, more than {MOST_DIRECTORY:,}")
    return count


def _header(file, name, size):
    """Return (placeholder, position of the values, byte order, order of the axes), if the array fills its member."""
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
    byteorder = dtype.byteorder if dtype.byteorder in "<>" else "="
    like, start = placeholder(name, shape, dtype.newbyteorder("=")), file.tell()
    expected = start + math.prod(shape) * dtype.itemsize
    if size != expected:
        raise ValueError(f"array {name!r} of shape {shape} takes {expected:,} bytes with its header, got {size:,}")
    return like, start, byteorder, "F" if fortran else "C"
