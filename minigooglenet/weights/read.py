"""The front door: any file of weights that the package knows, told by what it holds."""

import importlib
from dataclasses import replace
from pathlib import Path

from minigooglenet.weights import detect, safetensors, torch_state
from minigooglenet.weights.assign import fill, match
from minigooglenet.weights.contents import CHECKPOINT_STATE, MOST_TEXT, Contents, cannot_read, check_values, reading

NOT_USABLE = "not usable"  # the note on values that no network can have
RUN_FILE = "weights.safetensors"  # in the folder of a run
_READERS = {detect.SAFETENSORS: "safetensors", detect.NPZ: "npz", detect.CAFFE: "caffe", detect.TORCH: "torchvision"}
_OF_TORCHVISION = "inception3a.branch1.conv.weight"  # a name that only its GoogLeNet has


def read(path) -> Contents:
    """Return what the file at `path` holds: safetensors, .npz, .caffemodel or torchvision's GoogLeNet.

    If its values cannot be those of a network (NaN, infinity, a negative running variance), the note "not usable" says
    so; `load` and `load_into` reject them.

    Raises
    ------
    WeightsError
        If the file is of no such kind, damaged, or declares more than it has: one sentence that says so.
    """
    path = weights_file(path)
    contents = reader(path).read(path)
    for name, array in contents.arrays.items():
        try:
            check_values(name, array)
        except ValueError as error:
            contents.notes.setdefault(NOT_USABLE, str(error)[:MOST_TEXT])
    return contents


def weights_file(path) -> Path:
    """Return the file that is meant: of the folder of a run its weights.safetensors, else `path` itself."""
    path = Path(path)
    if not path.is_dir():
        return path
    if (path / RUN_FILE).is_file():
        return path / RUN_FILE
    members = sorted(path.glob(f"*/{RUN_FILE}"))
    hint = f"; name one of its members, such as {members[0].parent}" if members else ""
    raise cannot_read(path, f"it is a folder without {RUN_FILE}, which a run of training writes{hint}")


def load_into(graph, path, *, only=None, strict=True) -> list[str]:
    """Copy a file's arrays into a network, and return their names; `only` and `strict` are those of `fill`.

    Raises
    ------
    WeightsError
        If the file cannot be read or does not fit; then nothing was changed.
    """
    path = weights_file(path)
    kind = reader(path)
    with reading(path):
        if hasattr(kind, "arrays"):  # names or shapes that depend on the network
            return fill(graph, kind.arrays(path, graph), only=only, strict=strict)
        contents = of_checkpoint(kind.declared(path))
        arrays = _without_prefix(contents, graph)
        match(graph, arrays, only=only, strict=strict)  # what does not fit is rejected before any value is read
        contents.arrays = of_checkpoint(kind.read(path)).arrays
        return fill(graph, _without_prefix(contents, graph), only=only, strict=strict)


def of_checkpoint(contents: Contents) -> Contents:
    """Return contents as they are, or those of the checkpoint of a training as the network that it trained."""
    if CHECKPOINT_STATE not in contents.arrays:
        return contents
    arrays = {}
    for group in ("params/", "buffers/", "average/"):  # a mean over the last steps replaces what it is the mean of
        arrays |= {name.removeprefix(group): a for name, a in contents.arrays.items() if name.startswith(group)}
    return replace(contents, arrays=arrays)


def _without_prefix(contents, graph):
    """Return the arrays, in files of other origin without a prefix that all names share and the network lacks."""
    known = {*graph.params, *graph.buffers}
    if safetensors.NOT_VERIFIED not in contents.notes or known.intersection(contents.arrays):
        return contents.arrays
    return torch_state.without_prefix(contents.arrays, None)[0]


def reader(path):
    """Return the module that reads the file at `path`: it has `read`, and `declared` where that costs less."""
    kind = detect.kind(path)
    if kind == detect.SAFETENSORS and any(name.endswith(_OF_TORCHVISION) for name in safetensors.declared(path).arrays):
        kind = detect.TORCH
    # Imported when needed: protobuf and torch take long.
    return importlib.import_module(f"minigooglenet.weights.{_READERS[kind]}")
