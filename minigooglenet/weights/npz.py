"""NumPy archives (.npz): named arrays without any metadata. Pickled objects are rejected."""

import math
import os
import struct
import warnings
import zipfile

import numpy as np

from minigooglenet import files
from minigooglenet.weights.contents import (
    NOT_VERIFIED,
    Contents,
    WeightsReader,
    array_name,
    most_unpacked,
    placeholder,
    size_of,
)

MOST_DIRECTORY = 1024**2  # bytes of the list of members; GoogLeNet has 9,000
END = struct.Struct("<4s6xHII2x")  # of a zip archive: mark, number of members, length and offset of their directory

_PARSERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_NOTE = "an .npz file has no checksums over its names; the CRC of each array was checked"


def write(contents: Contents, path) -> None:
    """Write the arrays of `contents` atomically; nothing else of the contents is stored."""
    for name in contents.arrays:
        array_name(name)
    with files.atomic(path) as file:
        np.savez(file, allow_pickle=False, **contents.arrays)


class Reader(WeightsReader):
    """A NumPy archive. Its directory and the array headers are parsed once, on construction."""

    FORMAT = "NumPy archive"

    def __init__(self, file):
        size, count = size_of(file), _count(file)
        self._archive = zipfile.ZipFile(file)
        members = self._archive.infolist()
        if len(members) != count:
            raise ValueError(f"its directory is corrupt: it declares {count} arrays but lists {len(members)}")
        total = sum(member.file_size for member in members)
        if total > (most := most_unpacked(size)):
            raise ValueError(
                f"it has {size:,} bytes and unpacks to {total:,}, more than {most:,}: it looks like a "
                "decompression bomb. If the file is yours, save it with np.savez, which does not compress."
            )
        self._members, arrays = {}, {}
        for member in members:
            name = array_name(member.filename.removesuffix(".npy"))
            if name in arrays:
                raise ValueError(f"array {name!r} appears twice")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(
                    f"array {name!r} has compression method {member.compress_type}, but NumPy writes 0 (none) or 8 "
                    "(deflate); other methods can take gigabytes of memory"
                )
            if not member.filename.endswith(".npy"):
                raise ValueError(f"it has a member that is not an .npy file: {member.filename!r}")
            with self._archive.open(member) as part:
                arrays[name], *form = _header(part, name, member.file_size)
            self._members[name] = member, arrays[name], *form
        self.declared = Contents(arrays, notes={NOT_VERIFIED: _NOTE})

    def arrays(self):
        """Return {name: array} in native byte order and C order, converted if needed."""
        return {name: self._values(*member) for name, member in self._members.items()}

    def _values(self, member, like, start, byteorder, axes):
        with self._archive.open(member) as file:
            file.read(start)  # from the beginning, because the checksum covers the whole member
            data = file.read(like.nbytes)
            if len(data) != like.nbytes or file.read(1):
                raise ValueError(f"an array of {like.nbytes:,} bytes is truncated or too long")
        values = np.frombuffer(data, like.dtype.newbyteorder(byteorder)).reshape(like.shape, order=axes)
        return np.array(values, like.dtype, order="C")


def _count(file):
    """Return the number of members that an archive declares, after checking the size of its directory.

    The library accepts any number, from none to millions.
    """
    size = size_of(file)
    file.seek(-min(size, END.size), os.SEEK_END)
    end = file.read()
    mark, count, length, offset = END.unpack(end) if len(end) == END.size else (b"", 0, 0, 0)
    if mark != b"PK\5\6" or offset + length + END.size != size:
        raise ValueError("it is a truncated or corrupt zip archive: its directory is not at its end")
    if length > MOST_DIRECTORY:
        raise ValueError(f"it declares a directory of {length:,} bytes, more than {MOST_DIRECTORY:,}")
    return count


def _header(file, name, size):
    """Return (placeholder, offset of the values, byte order, axis order); the array must fill the member."""
    try:
        parse = _PARSERS[np.lib.format.read_magic(file)]
    except (ValueError, KeyError) as error:
        raise ValueError(f"array {name!r} is not written in version 1.0 or 2.0 of NumPy's format: {error}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NumPy also reads headers from Python 2, with a warning
        try:
            shape, fortran, dtype = parse(file)
        except Exception as error:  # NumPy parses it as Python code, so any exception is possible
            raise ValueError(f"array {name!r} has a header that NumPy cannot parse") from error
    if dtype.hasobject:
        raise TypeError(f"array {name!r} contains pickled objects, which can run any code when they are read")
    if any(length < 0 for length in shape):
        raise ValueError(f"array {name!r} declares the shape {shape}")
    byteorder = dtype.byteorder if dtype.byteorder in "<>" else "="
    like, start = placeholder(name, shape, dtype.newbyteorder("=")), file.tell()
    expected = start + math.prod(shape) * dtype.itemsize
    if size != expected:
        raise ValueError(f"array {name!r} of shape {shape} needs {expected:,} bytes with its header, got {size:,}")
    return like, start, byteorder, "F" if fortran else "C"
