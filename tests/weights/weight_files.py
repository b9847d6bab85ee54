"""Weights files made byte by byte, valid and hostile, without the code under test."""

import hashlib
import io
import json
import struct
import zipfile

import numpy as np

FORMAT = "minigooglenet weights 1"
ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def arrays(seed=0):
    """Return four small arrays, as in a network of two layers."""
    rng = np.random.default_rng(seed)
    shapes = {"conv/weight": (4, 3, 3, 3), "conv/bias": (4,), "fc/weight": (5, 4), "fc/bias": (5,)}
    return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def safetensors(header, data=b""):
    """Return the bytes of a safetensors file: header length, JSON header (or its bytes), data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def digest(name, array):
    about = json.dumps([name, array.dtype.name, list(array.shape)]).encode()
    return hashlib.sha256(about + array.tobytes()).hexdigest()


def sealed(record):
    text = json.dumps(record, separators=(",", ":"))
    seal = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({**record, "sha256": seal}, separators=(",", ":"))


def native(values=None, text=None, **metadata):
    """Return the bytes of a file in the native format with this metadata, and with valid checksums."""
    values = arrays() if values is None else values
    record = {"format": FORMAT, "model": None, "arguments": {}, "pixels": None, "classes": None, "notes": {}}
    record |= {"arrays": {name: digest(name, array) for name, array in values.items()}, **metadata}
    header, data = {"__metadata__": {"minigooglenet": sealed(record) if text is None else text}}, b""
    for name, array in values.items():
        ends = [len(data), len(data) + array.nbytes]
        kind = {"float32": "F32", "float64": "F64", "float16": "F16"}[array.dtype.name]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": ends}
        data += array.tobytes()
    return safetensors(header, data)


def npy(descr="'<f4'", shape="(2,)", data=bytes(8), fortran=False, header=None, version=(1, 0)):
    """Return the bytes of a .npy file with exactly this header."""
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}" if header is None else header
    text = (text + "\n").encode("latin1")
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def archive(members, method=zipfile.ZIP_STORED):
    """Return the bytes of a zip archive of (name, bytes) pairs."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


def changed(data, old, new):
    """Return `data` with the first `old` replaced; `old` must occur."""
    assert old in data
    return data.replace(old, new, 1)
