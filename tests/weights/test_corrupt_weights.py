"""Thousands of corrupt files: each is rejected or reads the same, and a killed writer leaves no partial file."""

import io
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
import weight_files as make

import minigooglenet as mg
from minigooglenet import data, weights
from minigooglenet.weights import safetensors

MUTATIONS = 3000


def _mutated(original, rng):
    """Return the bytes with one to three changes: a bit or byte changed, bytes removed, copied, inserted or zeroed."""
    result = bytearray(original)
    for _ in range(rng.integers(1, 4)):
        position = (
            int(rng.integers(len(result) + 1)) if rng.random() < 0.5 else int(rng.integers(min(len(result), 1500) + 1))
        )
        length = int(rng.integers(1, 20))
        kind = rng.integers(7)
        if kind <= 1 and position < len(result):
            result[position] ^= 1 << int(rng.integers(8))
        elif kind == 2 and position < len(result):
            result[position] = int(rng.integers(256))
        elif kind == 3:
            del result[position : position + length]
        elif kind == 4:
            result[position:position] = rng.bytes(length)
        elif kind == 5:
            other = int(rng.integers(len(result) + 1))
            result[position : position + length] = result[other : other + length]
        else:
            result = result[:position]
    return bytes(result)


def _facts(contents):
    """Return contents as plain values for a comparison bit by bit."""
    arrays = {name: (array.dtype, array.shape, array.tobytes()) for name, array in contents.arrays.items()}
    return arrays, contents.model, contents.arguments, contents.pixels, contents.classes, contents.notes


def _read(path):
    """Return (message, None) or (None, facts); any other error fails the test."""
    try:
        return None, _facts(weights.read(path))
    except weights.WeightsError as error:
        return str(error), None


def _native(tmp_path):
    metadata = ("mini_googlenet", {"width": 0.5, "norm": None}, data.Pixels(), ("a", "b"), {"one": "two"})
    safetensors.write(weights.Contents(make.arrays(), *metadata), tmp_path / "a.safetensors")
    return (tmp_path / "a.safetensors").read_bytes()


def _npz(save):
    stream = io.BytesIO()
    save(stream, **make.arrays())
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["native", "npz", "packed"])
def test_every_mutation_is_rejected_or_harmless(tmp_path, kind):
    original = {
        "native": lambda: _native(tmp_path),
        "npz": lambda: _npz(np.savez),
        "packed": lambda: _npz(np.savez_compressed),
    }
    original = original[kind]()
    path = tmp_path / "mutated"
    path.write_bytes(original)
    expected = _facts(weights.read(path))
    rng, noticed = np.random.default_rng(0), 0
    tracemalloc.start()
    try:
        for number in range(MUTATIONS if kind == "native" else MUTATIONS // 3):
            mutated = _mutated(original, rng)
            path.write_bytes(mutated)
            error, facts = _read(path)
            noticed += error is not None
            assert len(error or "") < 1000
            assert error or facts == expected, f"mutation {number} silently changed the contents"
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
    finally:
        tracemalloc.stop()
    assert noticed > 0.8 * number


def test_flipped_bits_are_rejected(tmp_path):
    original, path = _native(tmp_path), tmp_path / "flipped"
    expected = _facts(weights.read(tmp_path / "a.safetensors"))
    header = 8 + int.from_bytes(original[:8], "little")
    bits = np.random.default_rng(0).integers(8 * len(original), size=500)
    for bit in bits:
        flipped = bytearray(original)
        flipped[bit // 8] ^= 1 << int(bit % 8)
        path.write_bytes(flipped)
        error, facts = _read(path)
        assert error or (facts == expected and bit // 8 < header), "a value changed silently"


def test_corrupt_files_leave_a_network_unchanged(tmp_path):
    g = mg.models.mini_googlenet(2, in_channels=1, width=0.1, rng=0)
    weights.save(g, tmp_path / "a.safetensors")
    original, path = (tmp_path / "a.safetensors").read_bytes(), tmp_path / "corrupt"
    other = mg.models.mini_googlenet(2, in_channels=1, width=0.1, rng=1)
    before = {key: value.tobytes() for key, value in {**other.params, **other.buffers}.items()}
    rng, rejected = np.random.default_rng(3), 0
    for _ in range(100):
        corrupt = bytearray(original)
        corrupt[int(rng.integers(len(corrupt) // 2, len(corrupt)))] ^= 16
        path.write_bytes(corrupt)
        with pytest.raises(weights.WeightsError):
            weights.load_into(other, path)
        rejected += 1
    assert rejected == 100
    assert {key: value.tobytes() for key, value in {**other.params, **other.buffers}.items()} == before


WRITER = """
import sys
import numpy as np
from minigooglenet.weights import Contents, safetensors
for number in range(10**6):
    contents = Contents({"a/weight": np.full(500_000, number, np.float32)}, notes={"n": str(number)})
    safetensors.write(contents, sys.argv[1])
    print(number, flush=True)
"""


def test_killed_writer_leaves_a_complete_file(tmp_path):
    path, rng = tmp_path / "a.safetensors", np.random.default_rng(0)
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            writer.stdout.readline()  # the first file exists
            time.sleep(rng.uniform(0, 0.05))
            writer.kill()
            finished = [int(line) for line in writer.stdout.read().split()]
        contents = weights.read(path)
        number = int(contents.notes["n"])
        assert np.all(contents.arrays["a/weight"] == number)
        assert number >= max(finished, default=0)  # a finished file is never lost
    assert all(part.name.endswith(".part") for part in tmp_path.iterdir() if part != path)
