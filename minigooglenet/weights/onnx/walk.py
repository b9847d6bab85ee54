"""A scan of an ONNX file before it is parsed: it counts fields and leaves the array values in the file.

An empty message has two bytes in a file but hundreds in memory, so the counts are checked first. The parser would also
copy every array. So it gets the file without the values, and each array is read once, directly from the file.
"""

import math
import mmap
from typing import NamedTuple

import numpy as np

from minigooglenet.weights.wire_format import FIXED32, FIXED64, LENGTH, VARINT, varint

MOST_VALUES = 2**28  # of all arrays in a file: 1 GiB of float32
MOST_FIELDS = 500_000  # of a file; a network of 1,000 nodes has about 20,000
MOST_TEXT = 16 * 1024**2  # bytes of a field that is neither a message nor array values
MOST_TEXTS = 64 * 1024**2  # bytes of all such fields
MOST_DEPTH = 20  # of nested messages
TENSOR, RAW_DATA, DIMS = "TensorProto", 9, 1
PACKED = (4, 5, 7, 10, 11)  # the other value fields of a TensorProto
_CORRUPT = "it is not an ONNX file, or it is corrupt or truncated"


class Walked(NamedTuple):
    """An ONNX file without its array values.

    content : the bytes to parse; the raw data of each array is replaced by its index in `spans`, in four bytes
    spans : (offset, length) of the array values in the file
    """

    content: bytes
    spans: list[tuple[int, int]]


def walk(file, descriptor) -> Walked:
    """Return an open file without its array values.

    Parameters
    ----------
    descriptor : protobuf descriptor of the outermost message

    Raises
    ------
    ValueError
        If the file has more fields, longer strings or larger arrays than a network needs, or is not such a message.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        walker = _Walker(content)
        try:
            parts = walker.message(0, len(content), descriptor, 0)
        except EOFError as error:
            raise ValueError(_CORRUPT) from error
        return Walked(b"".join(parts), walker.spans)


class _Walker:
    def __init__(self, content):
        self.content, self.spans = content, []
        self.fields = self.values = self.texts = 0

    def message(self, at, end, descriptor, depth):
        """Return the bytes of the message from `at` to `end`, in parts, after checking the limits."""
        if depth > MOST_DEPTH:
            raise ValueError(f"its messages are nested more than {MOST_DEPTH} levels deep, which no network needs")
        parts, dims, fields = [], [], descriptor.fields_by_number
        while at < end:
            start = at
            tag, at = varint(self.content, at, end)
            number, wire = tag >> 3, tag & 7
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise ValueError(
                    f"it has more than {MOST_FIELDS:,} fields (names, values, nodes, attributes); "
                    "a network of 1,000 nodes has about 20,000"
                )
            if wire == VARINT:
                value, at = varint(self.content, at, end)
                if number == DIMS and descriptor.name == TENSOR:
                    dims.append(value)
            elif wire in (FIXED64, FIXED32):
                at += 8 if wire == FIXED64 else 4
            elif wire == LENGTH:
                length, at = varint(self.content, at, end)
                if at + length > end:
                    raise ValueError(_CORRUPT)
                field = fields.get(number)
                inner = None if field is None else field.message_type
                if inner is not None:
                    inside = self.message(at, at + length, inner, depth + 1)
                    parts += [_encoded(tag), _encoded(sum(map(len, inside))), *inside]
                    at += length
                    continue
                if descriptor.name == TENSOR and number == RAW_DATA:
                    parts += [_encoded(tag), b"\4", len(self.spans).to_bytes(4, "little")]
                    self.spans.append((at, length))
                    at += length
                    continue
                if descriptor.name == TENSOR and number == DIMS:
                    dims += self._numbers(at, at + length)
                elif descriptor.name != TENSOR or number not in PACKED:
                    self._check_text(length)
                at += length
            else:
                raise ValueError(_CORRUPT)
            if at > end:
                raise ValueError(_CORRUPT)
            parts.append(self.content[start:at])
        if descriptor.name == TENSOR:
            self._check_values(dims)
        return parts

    def _check_text(self, length):
        self.texts += length
        if length > MOST_TEXT or self.texts > MOST_TEXTS:
            raise ValueError(
                f"it has a name, string or list of {length:,} bytes, {self.texts:,} so far; the limits are "
                f"{MOST_TEXT:,} and {MOST_TEXTS:,}"
            )

    def _check_values(self, dims):
        if all(0 <= size < 2**63 for size in dims):  # other sizes are rejected later, with the array name
            self.values += math.prod(dims)
        if self.values > MOST_VALUES:
            raise ValueError(
                f"its arrays declare {self.values:,} values so far, more than {MOST_VALUES:,} "
                f"({MOST_VALUES * 4:,} bytes of float32)"
            )

    def _numbers(self, at, end):
        numbers = []
        while at < end:
            value, at = varint(self.content, at, end)
            numbers.append(value)
            if len(numbers) > 100:
                raise ValueError(f"it has an array with {len(numbers)} axes or more")
        return numbers


def _encoded(number) -> bytes:
    """Return an integer with seven bits per byte."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def values(file, span, dtype, count) -> np.ndarray:
    """Return `count` values from a span of the file, in native byte order."""
    array = np.empty(count, np.dtype(dtype).newbyteorder("<"))
    file.seek(span[0])
    if file.readinto(array) != array.nbytes:
        raise ValueError("the file became shorter while it was read")
    return array.astype(dtype, copy=False)
