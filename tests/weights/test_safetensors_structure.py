"""Safetensors headers: this package accepts exactly what the safetensors library accepts."""

import json
import random

import pytest
import weight_files as make
from safetensors import SafetensorError, safe_open

from minigooglenet import weights
from minigooglenet.weights import detect

BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I8": 1, "BOOL": 1}
WRONG = {
    "shape": ([1], [-1], [1.0], None, [True], [2**70], "x", [[1]]),
    "data_offsets": ([0], [0, 1, 2], [1, 0], [0, 99], [0.0, 4], None, [True, 4]),
    "dtype": ("F31", "f32", None, 5),
}
METADATA = ({}, {"a": "b"}, None, {"a": 1}, [], "x")


def _header(rng):
    """Return ({name: entry} of up to three arrays without gaps or overlaps, their size in bytes)."""
    header, at = {}, 0
    for number in range(rng.randrange(4)):
        kind, shape = rng.choice(list(BYTES)), [rng.randrange(4) for _ in range(rng.randrange(3))]
        size = BYTES[kind]
        for length in shape:
            size *= length
        header[f"{rng.choice('zyx')}{number}"] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return header, at


def _file(seed):
    """Return the bytes of a file; about half of the files are invalid."""
    rng = random.Random(seed)
    header, size = _header(rng)
    if header and rng.random() < 0.5:
        entry = header[rng.choice(list(header))]
        key = rng.choice(list(entry))
        way = rng.randrange(4)
        if way == 0:
            entry[key] = rng.choice(WRONG[key])
        elif way == 1:
            del entry[key]
        elif way == 2:
            entry["more"] = 1
        else:
            entry["data_offsets"][rng.randrange(2)] += rng.choice((-1, 1))
    if rng.random() < 0.3:
        header["__metadata__"] = rng.choice(METADATA)
    text = json.dumps(header) + rng.choice(["", "", " ", "       ", "x"])
    return make.safetensors(text.encode(), bytes(max(0, size + rng.choice([0] * 8 + [-1, 1]))))


def _library(path):
    """Return {name: (type, shape)} as the library reads it, or None if it rejects the file."""
    try:
        with safe_open(path, "numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (file is not a dict)
            return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
    except SafetensorError:
        return None


def _read(path):
    try:
        with detect.opened(path) as reader:
            return {name: (part.dtype, part.shape) for name, part in reader._parts.items()}
    except weights.WeightsError:
        return None


@pytest.mark.parametrize("block", range(4))
def test_headers_are_read_like_the_library(tmp_path, block):
    path, outcomes = tmp_path / "a.safetensors", []
    for seed in range(100 * block, 100 * block + 100):
        path.write_bytes(_file(seed))
        expected = _library(path)
        header = _read(path)
        assert header == expected, path.read_bytes()
        assert list(header or ()) == list(expected or ())
        outcomes.append(header is None)
    assert 20 < sum(outcomes) < 80
