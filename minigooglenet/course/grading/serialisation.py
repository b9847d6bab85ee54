"""Serialisation between a worker and the comparer: values as JSON, and their arrays in NumPy's npz, without pickle.

The reader does not trust the writer, because a student's code may have written the bytes. A record is a length and an
npz file. Its first array is the JSON as bytes, in which ["array", 3] refers to array 3. Members are stored without
compression, so no record takes more memory than it has bytes. Malformed bytes raise an error and never run code.
"""

import builtins
import io
import json
import math
import zipfile

import numpy as np

from minigooglenet.exercises.outputs import Raised

FAILED, MISSING = "failed", "missing"  # keys of a record without an answer, and the statuses of its row
MOST_JSON, MOST_BYTES = 4 << 20, 64 << 20  # bytes of JSON and of all arrays in one record
MOST_ARRAYS = 5_000  # in one record
MOST_RECORD = MOST_JSON + MOST_BYTES + 1_000 * MOST_ARRAYS
MOST_RECORDS, MOST_TOTAL = 2_000, 512 << 20  # records and bytes of one notebook
MOST_STRINGS = 10_000  # in one array
_TYPES = {np.dtype(kind).str: np.dtype(kind).type for kind in "?bBhHiIlLqQefdFD"}


class NotPlainError(TypeError):
    """A value that cannot be sent: a function, an object, an array of objects."""


def pack(value) -> bytes:
    """Return a value as a record, or raise NotPlainError."""
    arrays: list[np.ndarray] = [np.empty(0)]
    try:
        text = json.dumps(_encoded(value, arrays)).encode()
    except RecursionError:
        raise NotPlainError("it is nested too deeply") from None
    size = sum(array.nbytes for array in arrays)
    if len(text) > MOST_JSON or size > MOST_BYTES:
        raise NotPlainError(f"it is too large: {len(text) + size:,} bytes")
    if len(arrays) > MOST_ARRAYS:
        raise NotPlainError(f"it has more than {MOST_ARRAYS:,} arrays")
    file = io.BytesIO()
    np.savez(file, np.frombuffer(text, np.uint8), *arrays[1:])
    return file.tell().to_bytes(8, "little") + file.getvalue()


def unpack(stream: bytes) -> list:
    """Return the values of all records in `stream`, up to the first truncated or malformed record."""
    values, start, remaining = [], 8, MOST_TOTAL
    while start <= len(stream) and len(values) < MOST_RECORDS:
        size = int.from_bytes(stream[start - 8 : start], "little")
        remaining -= size
        if size > min(MOST_RECORD, len(stream) - start) or remaining < 0:
            break
        try:
            values.append(_read(stream[start : start + size]))
        except TimeoutError:
            raise
        except Exception:  # zipfile, NumPy and json raise many kinds of errors for forged bytes
            break
        start += size + 8
    return values


def _encoded(value, arrays):
    if value is None or isinstance(value, (bool, str)):
        return value
    if value is Ellipsis:
        return ["..."]
    if isinstance(value, np.generic):
        kind = _kind(value)
        return ["scalar", kind, _encoded(np.asarray(value, kind).item(), arrays)]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, dict):
        return ["dict", *([_encoded(key, arrays), _encoded(of, arrays)] for key, of in value.items())]
    for kind, name in ((tuple, "tuple"), (list, "list"), (set, "set"), (frozenset, "set")):
        if isinstance(value, kind):
            return [name, *(_encoded(item, arrays) for item in value)]
    if isinstance(value, Raised):
        return ["raised", type(value.error).__name__, str(value.error)[:2000]]
    if isinstance(value, np.ndarray):
        kind = _kind(value)
        if value.nbytes > MOST_BYTES:
            raise NotPlainError(f"it is too large: {value.nbytes:,} bytes")
        arrays.append(np.asarray(value, kind, order="C"))
        return ["array", len(arrays) - 1]
    raise NotPlainError(f"{type(value).__name__} is neither a number nor an array")


def _kind(array):
    """Return the dtype in which a NumPy array or scalar is sent, or raise NotPlainError."""
    if array.dtype.kind == "U" and array.size <= MOST_STRINGS:
        return "U"
    if array.dtype.kind not in "biufc":
        raise NotPlainError(f"an array of {array.dtype} does not contain numbers")
    kind = array.dtype.newbyteorder("<").str
    if kind in _TYPES:
        return kind
    return "<c16" if array.dtype.kind == "c" else "<f8"  # long doubles differ between systems


def _read(record):
    """Return the value of a record, or raise an error if it is malformed."""
    with zipfile.ZipFile(io.BytesIO(record)) as archive:  # checked before NumPy reads it
        members = archive.infolist()
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    size = sum(member.file_size for member in members)
    if not stored or size > len(record) or len(members) > MOST_ARRAYS:
        raise ValueError("not a record of this package")
    with np.load(io.BytesIO(record), allow_pickle=False) as loaded:
        arrays = {number: _checked(loaded[f"arr_{number}"]) for number in range(len(members))}
    text = arrays.pop(0)
    if text.nbytes > MOST_JSON:
        raise ValueError("too much JSON")
    return _decoded(json.loads(text.tobytes()), arrays)


def _checked(array):
    size = math.prod(max(1, length) for length in array.shape)  # an empty array may still have a huge number of rows
    if size > (MOST_STRINGS if array.dtype.kind == "U" else MOST_BYTES):
        raise ValueError(f"an array of shape {array.shape}")
    if array.dtype.kind != "U" and array.dtype.str not in _TYPES:
        raise ValueError(f"an array of {array.dtype}")
    return array


def _decoded(node, arrays):
    if not isinstance(node, list):
        return node
    tag, rest = node[0], node[1:]
    if tag == "array":
        (number,) = rest
        return arrays.pop(number)  # only once: a value that is sent twice must take its bytes twice
    if tag == "scalar":
        kind, value = rest
        return _TYPES[kind](_decoded(value, arrays))
    if tag == "complex":
        return complex(*map(float, rest))
    if tag == "raised":
        return Raised(_error(*map(str, rest)))
    if tag == "...":
        return Ellipsis
    if tag == "dict":
        return {_decoded(key, arrays): _decoded(value, arrays) for key, value in rest}
    return {"tuple": tuple, "list": list, "set": set}[tag](_decoded(item, arrays) for item in rest)


def _error(name, message):
    """Return a built-in exception of this name, or a plain Exception."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(message)
        except TypeError:  # some constructors take more than a message
            pass
    return Exception(message)
