"""Detection of the file format of weights files, by their first bytes and not by their names."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
from pathlib import Path

from minigooglenet.typing import PathLike
from minigooglenet.weights import caffe, npz, published, safetensors, torch_files, torch_state, torchvision, wire_format
from minigooglenet.weights.contents import (
    MOST_HEADER,
    MOST_TEXT,
    Contents,
    cannot_read,
    check_values,
    open_file,
    reading,
    some,
)
from minigooglenet.weights.state_dicts.known import recognised

READERS = (safetensors.Reader, npz.Reader, caffe.Reader, torch_state.Reader, torchvision.Reader)
NOT_USABLE = "not usable"  # note: values that no network can have
RUN_FILE = "weights.safetensors"  # in the folder of a run
SAFETENSORS, NPZ, CAFFE, TORCH = "safetensors", "npz", "caffemodel", "torch"

HEAD = 512  # bytes that decide the format
MOST_FIELDS = 10_000  # of a protobuf message; GoogLeNet has 170
ARCHIVE, EMPTY_ARCHIVE = b"PK\3\4", b"PK\5\6"
TORCH_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."  # beginning of torch files until 2020
TORCH_HEAD = rb"(?s)\x80[\2-\5](\x95.{8})?" + re.escape(TORCH_MAGIC[2:-1])  # the same with any protocol of pickles

# Beginnings of files that are mistaken for weights, or downloaded instead of them.
OTHERS = (
    (
        rb"version https://git-lfs",
        "it is a Git LFS pointer, not the file itself. Run `git lfs pull` to fetch the file.",
    ),
    (
        rb"(?i)\s*(<!doctype|<html|<\?xml|<head|<body)",
        "it is a web page, such as an error or log-in page. Download the file again.",
    ),
    (rb"\x80[\2-\5]", "it is a Python pickle, which can run any code when it is read. Save its arrays with np.savez."),
    (rb"\x93NUMPY", "it is a single array without a name. Save all arrays with np.savez(file, **arrays)."),
    (rb"\x89HDF\r\n", "it is an HDF5 file, which this package cannot read. Save its arrays with np.savez."),
    (rb"\x89PNG\r\n|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|RIFF....WEBP", "it is an image"),
    (rb"%PDF", "it is a PDF document"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|\x28\xb5\x2f\xfd|Rar!", "it is compressed. Unpack it first."),
    (rb"(?s).{257}ustar", "it is a tar archive. Unpack it first."),
    (
        rb"\s*(#.*\n\s*)*(name|layers?|input)\s*[:{]",
        "it is a prototxt file, which describes a network but has no weights",
    ),
    (rb"[\t\r\n -~]*$", "it is a text file"),
)
# (number, wire type) of the required fields of ONNX's ModelProto, and of all fields of Caffe's NetParameter.
MODEL_PROTO = {(1, 0), (7, 2)}
NET_PARAMETER = {(1, 2), (2, 2), (3, 2), (4, 0), (4, 2), (5, 0), (6, 2), (7, 0), (8, 2), (100, 2)}
LAYERS = {(2, 2), (100, 2)}


@contextlib.contextmanager
def opened(path):
    """Open a weights file, detect its format, and yield its `Reader`, with `declared` and `arrays()`.

    path : file of any known format, or folder of a training run

    Raises
    ------
    WeightsError
        If the format is unknown, and for errors inside the block: one sentence with the reason.
    """
    with open_file(weights_file(path)) as file:
        form = file_format(file)
        reader = {SAFETENSORS: safetensors, NPZ: npz, CAFFE: caffe, TORCH: torch_state}[form].Reader(file)
        if form in (SAFETENSORS, TORCH) and (known := recognised(reader.declared.arrays)):
            reader = torchvision.Reader(file, reader, known)
        yield reader


def read(path: PathLike) -> Contents:
    """Return the contents of a weights file: safetensors, .npz, .caffemodel or a state dict of torch.

    Values that no network can have (NaN, infinity, a negative running variance) are reported in the note "not usable";
    `load` and `load_into` reject them.

    Raises
    ------
    WeightsError
        If the format is unknown, or the file is corrupt or declares more than it has: one sentence with the reason.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(os.path.join(folder, "a.npz"), **{"fc/bias": np.zeros(2, np.float32)})
    ...     contents = mg.weights.read(os.path.join(folder, "a.npz"))
    >>> contents.arrays
    {'fc/bias': array([0., 0.], dtype=float32)}
    """
    with opened(path) as reader:
        contents = reader.read()
        for name, array in contents.arrays.items():
            try:
                check_values(name, array)
            except ValueError as error:
                contents.notes.setdefault(NOT_USABLE, str(error)[:MOST_TEXT])
    return contents


def weights_file(path) -> Path:
    """Return `path`, weights.safetensors in it if it is the folder of a training run, or the file of published weights.

    The name of published weights, such as "efficientnet-lite0", is used if no file has this name.
    """
    name, path = path, Path(path)
    if not path.is_dir():
        named = isinstance(name, str) and not path.suffix and path.name == name and not os.path.lexists(path)
        with reading(path):
            return (published.local(name) if named else None) or path
    if (path / RUN_FILE).is_file():
        return path / RUN_FILE
    members = sorted(path.glob(f"*/{RUN_FILE}"))
    hint = f". Pass one of its members, such as {members[0].parent}." if members else ""
    raise cannot_read(path, f"it is a folder without {RUN_FILE}, which a training run writes{hint}")


def file_format(file) -> str:
    """Return SAFETENSORS, NPZ, CAFFE or TORCH for an open file, or raise a ValueError about its actual content."""
    head = file.read(HEAD)
    if head.startswith((ARCHIVE, EMPTY_ARCHIVE)):
        file.seek(30)
        return _archive_format(head, file.read(int.from_bytes(head[26:28], "little")))
    if re.match(TORCH_HEAD, head):
        return TORCH
    # Eight bytes of length, which can look like the beginning of any other format, then JSON.
    as_safetensors = head[8:9] == b"{"
    if as_safetensors and int.from_bytes(head[:8], "little") <= MOST_HEADER:
        return SAFETENSORS
    for pattern, reason in OTHERS:
        if re.match(pattern, head):
            raise ValueError(reason)
    fields = _protobuf_fields(file)
    if fields >= MODEL_PROTO:
        raise ValueError("it is an ONNX file. Import it with weights.onnx.import_graph(path).")
    if fields & LAYERS and fields <= NET_PARAMETER:
        return CAFFE
    if as_safetensors:
        return SAFETENSORS
    raise ValueError("it is not a safetensors, .npz, .caffemodel or torch file, or its first bytes are corrupt")


def _archive_format(head, name):
    """Return the format of a zip archive from the name of its first member, without reading its directory."""
    name = name.decode("ascii", "replace")
    if name.endswith("/data.pkl"):
        return TORCH
    if name.endswith(".npy") or head.startswith(EMPTY_ARCHIVE):
        return NPZ
    if re.search(r"/(data/\d+|code/.*|constants\.pkl)$", name):
        raise ValueError(torch_files.TORCHSCRIPT)
    if not name.isprintable() or not name:
        raise ValueError("it is a zip archive whose first bytes are corrupt")
    raise ValueError(f"it is a zip archive with {some(name)} in it. Unpack it first.")


def _protobuf_fields(file):
    """Return {(number, wire type)} of the outermost fields, as far as they are valid, without their contents."""
    types = set()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, contextlib.suppress(EOFError):
        for number, wire, _, end in wire_format.fields(content, MOST_FIELDS):
            if number == 0:
                break
            types.add((number, wire))
            if end > len(content):
                break
    return types
