"""The front door: any file of weights that the package knows, told by what it holds."""

import importlib

from minigooglenet.weights import kinds, limits, own
from minigooglenet.weights.contents import Contents
from minigooglenet.weights.fill import fill, match

_READERS = {kinds.SAFETENSORS: "own", kinds.NPZ: "npz", kinds.CAFFE: "caffe", kinds.TORCH: "torchvision"}
_OF_TORCHVISION = "inception3a.branch1.conv.weight"  # a name that only its GoogLeNet has


def read(path) -> Contents:
    """Return what the file at `path` holds: safetensors, .npz, .caffemodel or torchvision's GoogLeNet.

    Raises
    ------
    WeightsError
        If the file is of no such kind, damaged, or declares more than it has: one sentence that says so.
    """
    return reader(path).read(path)


def load_into(graph, path, *, only=None, strict=True) -> list[str]:
    """Copy a file's arrays into a network, and return their names; `only` and `strict` are those of `fill`.

    Raises
    ------
    WeightsError
        If the file cannot be read or does not fit; then nothing was changed.
    """
    kind = reader(path)
    with limits.reading(path):
        if hasattr(kind, "declared"):  # what does not fit is refused before any value is read
            match(graph, kind.declared(path).arrays, only=only, strict=strict)
        return fill(graph, kind.read(path).arrays, only=only, strict=strict)


def reader(path):
    """Return the module that reads the file at `path`: it has `read`, and `declared` where that costs less."""
    kind = kinds.kind(path)
    if kind == kinds.SAFETENSORS and _OF_TORCHVISION in own.declared(path).arrays:
        kind = kinds.TORCH
    # Imported when needed: protobuf and torch take long.
    return importlib.import_module(f"minigooglenet.weights.{_READERS[kind]}")
