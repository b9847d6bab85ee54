"""Torch files made byte by byte, valid and hostile, without torch and without the code under test."""

import io
import struct
import zipfile
from typing import Any, NamedTuple

import numpy as np

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
STORAGES = {
    "f4": "FloatStorage",
    "f8": "DoubleStorage",
    "f2": "HalfStorage",
    "?": "BoolStorage",
    "u1": "ByteStorage",
    "i1": "CharStorage",
    "i2": "ShortStorage",
    "i4": "IntStorage",
    "i8": "LongStorage",
    "c8": "ComplexFloatStorage",
}


class Name(str):
    """A name in a pickle, "module name"."""


class Call(NamedTuple):
    """A call in a pickle."""

    name: str
    arguments: tuple[Any, ...]


class Persistent(NamedTuple):
    """A tuple that torch writes instead of a storage."""

    record: tuple[Any, ...]


class Raw(NamedTuple):
    """Instructions of a pickle."""

    code: bytes


class Tensor(NamedTuple):
    """A view of a storage: an array, or bytes with the name of their storage class."""

    values: Any
    key: str = "0"
    kind: str | None = None
    offset: int = 0
    shape: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None
    location: str = "cpu"


def encoded(value) -> bytes:
    """Return the instructions that push a value."""
    match value:
        case Raw():
            return value.code
        case Name():
            return b"c" + value.replace(" ", "\n").encode() + b"\n"
        case Call():
            return encoded(Name(value.name)) + encoded(value.arguments) + b"R"
        case Persistent():
            return encoded(value.record) + b"Q"
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            size = value.bit_length() // 8 + 1
            return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return b"X" + struct.pack("<I", len(text)) + text
        case tuple():
            return b"(" + b"".join(map(encoded, value)) + b"t"
        case list():
            return b"](" + b"".join(map(encoded, value)) + b"e"
        case dict():
            return b"}(" + b"".join(encoded(part) for item in value.items() for part in item) + b"u"
    raise TypeError(value)


def pickled(value, protocol=2) -> bytes:
    """Return the pickle of a value."""
    return b"\x80" + bytes([protocol]) + encoded(value) + b"."


def described(value, storages, view=()):
    """Return a value in which each array and Tensor is a call; put the bytes of its storage into `storages`."""
    if isinstance(value, np.ndarray):
        value = Tensor(value, str(len(storages)))
    if isinstance(value, Tensor):
        array = value.values if isinstance(value.values, bytes) else np.asarray(value.values, order="C")
        data = array if isinstance(array, bytes) else array.tobytes()
        kind = value.kind or STORAGES[array.dtype.str[1:].replace("b1", "?")]
        count = len(data) // (1 if kind == "UntypedStorage" else width(kind))
        storages[value.key] = count, data
        shape = array.shape if value.shape is None else value.shape
        strides = tuple(np.cumprod((1, *shape[:0:-1]))[::-1].tolist()) if value.strides is None else value.strides
        record = ("storage", Name(f"torch {kind}"), value.key, value.location, count, *view)
        rest = (value.offset, shape, strides if shape else (), False, Call("collections OrderedDict", ()))
        return Call("torch._utils _rebuild_tensor_v2", (Persistent(record), *rest))
    if isinstance(value, dict):
        return {key: described(one, storages, view) for key, one in value.items()}
    if isinstance(value, Call):
        return Call(value.name, tuple(described(one, storages, view) for one in value.arguments))
    if type(value) in (tuple, list):
        return type(value)(described(one, storages, view) for one in value)
    return value


def width(kind) -> int:
    """Return the bytes of a value in a storage class."""
    if kind == "BFloat16Storage":
        return 2
    return np.dtype({name: dtype for dtype, name in STORAGES.items()}[kind]).itemsize


def archive(value, *, folder="archive", byteorder=b"little", members=(), protocol=2, without=()) -> bytes:
    """Return a torch file of the format since 2020, with these members added, or left out if their name is given."""
    storages: dict[str, Any] = {}
    body = pickled(described(value, storages), protocol)
    parts = [("data.pkl", body), ("byteorder", byteorder), ("version", b"3\n")]
    parts += [(f"data/{key}", data) for key, (_, data) in storages.items()]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, data in (*parts, *members):
            if name not in without:
                file.writestr(zipfile.ZipInfo(f"{folder}/{name}"), data)
    return stream.getvalue()


def stream(value, *, keys=None, magic=MAGIC, version=VERSION, view=(None,), tail=b"") -> bytes:
    """Return a torch file of the format before 2020."""
    storages: dict[str, Any] = {}
    body = pickled(described(value, storages, view))
    facts = {"protocol_version": VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = pickled(magic) + pickled(version) + pickled(facts) + body
    head += pickled(sorted(storages) if keys is None else keys)
    return head + b"".join(struct.pack("<q", count) + data for _, (count, data) in sorted(storages.items())) + tail
