"""What passes between a student's process and the one that marks: numbers, text, containers and arrays, nothing else.

No pickle: what is read here was written by whoever wishes to be marked well. A record is two lengths, a header in
JSON, and the bytes of its arrays. Whatever does not fit the form is an error of the reader's, never code that runs.
"""

import builtins
import json
import math

import numpy as np

from minigooglenet.exercises.outputs import Raised

FAILED, MISSING = "failed", "missing"  # keys of a record without an answer, and the status of its row
MOST_HEADER, MOST_BYTES = 4 << 20, 64 << 20  # of one record
MOST_RECORDS, MOST_TOTAL = 2_000, 512 << 20  # of one notebook: records, and bytes of all their arrays in memory
MOST_STRINGS = 10_000  # of one array
_TYPES = {np.dtype(kind).str for kind in "?bBhHiIlLqQefdFD"}


class NotPlainError(TypeError):
    """A value that cannot pass: a function, an object, an array of objects."""


def pack(value) -> bytes:
    """Return a value as a record, or raise NotPlainError."""
    data: list[bytes] = []
    try:
        header = json.dumps(_encoded(value, data)).encode()
    except RecursionError:
        raise NotPlainError("it is nested without end") from None
    size = sum(map(len, data))
    if len(header) > MOST_HEADER or size > MOST_BYTES:
        raise NotPlainError(f"it is too large: {len(header) + size:,} bytes")
    return b"".join([len(header).to_bytes(8, "little"), size.to_bytes(8, "little"), header, *data])


def unpack(stream: bytes) -> list:
    """Return the values of all records in `stream`, up to the first that is cut short or malformed."""
    values, place, left = [], 0, [MOST_TOTAL]
    while len(stream) - place >= 16 and len(values) < MOST_RECORDS:
        header, size = (int.from_bytes(stream[at : at + 8], "little") for at in (place, place + 8))
        start, end = place + 16, place + 16 + header + size
        if header > MOST_HEADER or size > MOST_BYTES or end > len(stream):
            break
        try:
            data = _Data(memoryview(stream)[start + header : end], left)
            values.append(_decoded(json.loads(stream[start : start + header]), data))
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, MemoryError):
            break
        place = end
    return values


def _encoded(value, data):
    if value is None or isinstance(value, (bool, str)):
        return value
    if value is Ellipsis:
        return ["..."]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and not isinstance(value, np.generic):
        return float(value)
    if isinstance(value, complex) and not isinstance(value, np.generic):
        return ["complex", value.real, value.imag]
    if isinstance(value, dict):
        return ["dict", *([_encoded(key, data), _encoded(of, data)] for key, of in value.items())]
    for kind, name in ((tuple, "tuple"), (list, "list"), (set, "set"), (frozenset, "set")):
        if isinstance(value, kind):
            return [name, *(_encoded(each, data) for each in value)]
    if isinstance(value, Raised):
        return ["raised", type(value.error).__name__, str(value.error)[:2000]]
    if isinstance(value, np.generic):
        return ["scalar", _array(np.asarray(value), data)]
    if isinstance(value, np.ndarray):
        return _array(np.asarray(value), data)
    raise NotPlainError(f"{type(value).__name__} is neither a number nor an array")


def _array(array, data):
    if array.dtype.kind == "U" and array.size <= MOST_STRINGS:
        return ["strings", list(array.shape), [str(each) for each in array.flat]]
    if array.dtype.kind not in "biufc":
        raise NotPlainError(f"an array of {array.dtype} holds no numbers")
    kind = array.dtype.newbyteorder("<")
    if kind.str not in _TYPES:  # long doubles: no two systems agree on them
        kind = np.dtype(np.complex128 if kind.kind == "c" else np.float64)
    if array.nbytes > MOST_BYTES:
        raise NotPlainError(f"it is too large: {array.nbytes:,} bytes")
    data.append(np.ascontiguousarray(array, kind).tobytes())
    return ["array", kind.str, list(array.shape)]


class _Data:
    """The bytes of a record's arrays, taken one after another; `left` is what all records may still take in memory."""

    def __init__(self, view, left):
        self.view, self.place, self.left = view, 0, left

    def spend(self, size):
        """Count bytes in memory, or raise a ValueError."""
        self.left[0] -= size
        if self.left[0] < 0:
            raise ValueError("more bytes than a notebook may send")

    def take(self, kind, shape):
        count = math.prod(shape)
        end = self.place + count * kind.itemsize
        if end > len(self.view):
            raise ValueError("an array is cut short")
        self.spend(count * kind.itemsize)
        array = np.frombuffer(self.view[self.place : end], kind).reshape(shape).copy()
        self.place = end
        return array


def _decoded(node, data):
    if not isinstance(node, list):
        return node
    tag, rest = node[0], node[1:]
    if tag == "array":
        kind, shape = rest
        if kind not in _TYPES:
            raise ValueError(f"no type of array: {kind!r}")
        return data.take(np.dtype(kind), _shape(shape))
    if tag == "strings":
        shape, values = rest
        if len(values) > MOST_STRINGS or not all(isinstance(value, str) for value in values):
            raise ValueError("no array of strings")
        data.spend(4 * len(values) * min(1000, max(map(len, values), default=0)))
        return np.array([value[:1000] for value in values], dtype=np.str_).reshape(_shape(shape))
    if tag == "scalar":
        return _decoded(rest[0], data)[()]
    if tag == "complex":
        return complex(*map(float, rest))
    if tag == "raised":
        return Raised(_error(*map(str, rest)))
    if tag == "...":
        return Ellipsis
    if tag == "dict":
        return {_decoded(key, data): _decoded(value, data) for key, value in rest}
    return {"tuple": tuple, "list": list, "set": set}[tag](_decoded(each, data) for each in rest)


def _shape(shape):
    if len(shape) > 16 or not all(isinstance(size, int) and 0 <= size <= MOST_BYTES for size in shape):
        raise ValueError(f"no shape: {shape!r}")
    return tuple(shape)


def _error(name, message):
    """Return an exception of Python's own that bears a name, or a plain one."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(message)
        except TypeError:  # some take more than a message
            pass
    return Exception(message)
