"""An ONNX file before it is parsed: its fields are counted, and the values of its arrays are left in the file.

An empty message takes two bytes in a file and hundreds in memory, so the counts are checked first. The parser would
also copy every array. So it gets the file without the values, and each array is read once, straight from the file.
"""

import math
import mmap
from typing import NamedTuple

import numpy as np

from minigooglenet.weights.wire_format import FIXED32, FIXED64, LENGTH, VARINT, varint

MOST_VALUES = 2**28  # of all arrays in a file: 1 GiB of float32
MOST_FIELDS = 500_000  # of a whole file; a network of 1,000 nodes has about 20,000
MOST_TEXT = 16 * 1024**2  # bytes of a field that is neither a message nor the values of an array
MOST_TEXTS = 64 * 1024**2  # and of all such fields
MOST_DEPTH = 20  # of messages in messages
TENSOR, RAW_DATA, DIMS = "TensorProto", 9, 1
PACKED = (4, 5, 7, 10, 11)  # a TensorProto's other fields of values
_DAMAGED = "it is no ONNX file, or a damaged one, or its end is missing"


class Walked(NamedTuple):
    """A file without the values of its arrays.

    content : the bytes to parse, in which the raw data of each array is its index in `spans`, four bytes
    spans : (position, length) of the values in the file
    """

    content: bytes
    spans: list[tuple[int, int]]


def walk(file, descriptor) -> Walked:
    """Return an open file without the values of its arrays.

    Parameters
    ----------
    descriptor : protobuf's descriptor of the whole file's message

    Raises
    ------
    ValueError
        If the file has more fields, longer texts or larger arrays than a network needs, or is not such a message.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        walker = _Walker(content)
        try:
            parts = walker.message(0, len(content), descriptor, 0)
        except EOFError as error:
            raise ValueError(_DAMAGED) from error
        return Walked(b"".join(parts), walker.spans)


class _Walker:
    def __init__(self, content):
        self.content, self.spans = content, []
        self.fields = self.values = self.texts = 0

    def message(self, at, end, descriptor, depth):
        """Return the bytes of the message from `at` to `end` in parts, once its fields are within the limits."""
        if depth > MOST_DEPTH:
            raise ValueError(f"its messages are nested more than {MOST_DEPTH} deep, which no network needs")
        parts, dims, fields = [], [], descriptor.fields_by_number
        while at < end:
            start = at
            tag, at = varint(self.content, at, end)
            number, wire = tag >> 3, tag & 7
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise ValueError(
                    f"it has more than {MOST_FIELDS:,} fields (names, numbers, nodes, attributes); "
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
                    raise ValueError(_DAMAGED)
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
                raise ValueError(_DAMAGED)
            if at > end:
                raise ValueError(_DAMAGED)
            parts.append(self.content[start:at])
        if descriptor.name == TENSOR:
            self._check_values(dims)
        return parts

    def _check_text(self, length):
        self.texts += length
        if length > MOST_TEXT or self.texts > MOST_TEXTS:
            raise ValueError(
                f"it has a name, text or list of numbers of {length:,} bytes, {self.texts:,} so far; at most "
                f"{MOST_TEXT:,} and {MOST_TEXTS:,} are read"
            )

    def _check_values(self, dims):
        if all(0 <= size < 2**63 for size in dims):  # others are rejected with the array's name
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
                raise ValueError(f"an array in it has {len(numbers)} axes or more")
        return numbers


def _encoded(number) -> bytes:
    """Return a number in seven bits to a byte."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def values(file, span, dtype, count) -> np.ndarray:
    """Return `count` values from their position in the file, in the machine's byte order."""
    found = np.empty(count, np.dtype(dtype).newbyteorder("<"))
    file.seek(span[0])
    if file.readinto(found) != found.nbytes:
        raise ValueError("it became shorter while it was read")
    return found.astype(dtype, copy=False)
