"""Opens any weights file: detects its format by what it holds, not by its name, and reads it with that reader."""

import contextlib
import mmap
import re
from pathlib import Path

from minigooglenet.weights import caffe, npz, safetensors, torchvision, wire_format
from minigooglenet.weights.contents import (
    MOST_HEADER,
    MOST_TEXT,
    Contents,
    cannot_read,
    check_values,
    open_file,
    some,
)

READERS = (safetensors.Reader, npz.Reader, caffe.Reader, torchvision.Reader)
NOT_USABLE = "not usable"  # the note on values that no network can have
RUN_FILE = "weights.safetensors"  # in the folder of a run
SAFETENSORS, NPZ, CAFFE, TORCH = "safetensors", "npz", "caffemodel", "torch"

HEAD = 512  # bytes that decide
MOST_FIELDS = 10_000  # of a protobuf message; GoogLeNet's has 170
ARCHIVE, EMPTY_ARCHIVE = b"PK\3\4", b"PK\5\6"
TORCH_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."  # how torch's files began until 2020

# Beginnings of files that people take for weights, or get in their place.
OTHERS = (
    (rb"version https://git-lfs", "it is a Git LFS pointer, which only names the file; run `git lfs pull` to fetch it"),
    (rb"(?i)\s*(<!doctype|<html|<\?xml|<head|<body)", "it is a web page, an error or a log-in perhaps; download again"),
    (rb"\x80[\2-\5]", "it is a Python pickle, which can run any code when it is read; save its arrays with np.savez"),
    (rb"\x93NUMPY", "it is one array without a name; save all of them with np.savez(file, **arrays)"),
    (rb"\x89HDF\r\n", "it is an HDF5 file, which is not read here; save its arrays with np.savez"),
    (rb"\x89PNG\r\n|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|RIFF....WEBP", "it is an image"),
    (rb"%PDF", "it is a PDF document"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|\x28\xb5\x2f\xfd|Rar!", "it is compressed; unpack it first"),
    (rb"(?s).{257}ustar", "it is a tar archive; unpack it first"),
    (rb"\s*(#.*\n\s*)*(name|layers?|input)\s*[:{]", "it is a prototxt, which describes a network without its weights"),
    (rb"[\t\r\n -~]*$", "it is text"),
)
# Number and wire type of the fields of ONNX's ModelProto that are always there, and of all of Caffe's NetParameter.
MODEL_PROTO = {(1, 0), (7, 2)}
NET_PARAMETER = {(1, 2), (2, 2), (3, 2), (4, 0), (4, 2), (5, 0), (6, 2), (7, 0), (8, 2), (100, 2)}
LAYERS = {(2, 2), (100, 2)}


@contextlib.contextmanager
def opened(path):
    """Open a weights file once, and yield its reader, by what it holds: `declared` and `arrays()` of a `Reader`.

    path : a file of any known format, or the folder of a run

    Raises
    ------
    WeightsError
        If the file is of no such format, or for whatever goes wrong inside the block: one sentence that says so.
    """
    with open_file(weights_file(path)) as file:
        form = kind(file)
        reader = {SAFETENSORS: safetensors, NPZ: npz, CAFFE: caffe, TORCH: torchvision}[form].Reader(file)
        if form == SAFETENSORS and any(name.endswith(torchvision.FIRST) for name in reader.declared.arrays):
            reader = torchvision.Reader(file, reader)
        yield reader


def read(path) -> Contents:
    """Return what the file at `path` holds: safetensors, .npz, .caffemodel or torchvision's GoogLeNet.

    If its values cannot be those of a network (NaN, infinity, a negative running variance), the note "not usable" says
    so; `load` and `load_into` reject them.

    Raises
    ------
    WeightsError
        If the file is of no such kind, damaged, or declares more than it has: one sentence that says so.
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
    """Return the file that is meant: of the folder of a run its weights.safetensors, else `path` itself."""
    path = Path(path)
    if not path.is_dir():
        return path
    if (path / RUN_FILE).is_file():
        return path / RUN_FILE
    members = sorted(path.glob(f"*/{RUN_FILE}"))
    hint = f"; name one of its members, such as {members[0].parent}" if members else ""
    raise cannot_read(path, f"it is a folder without {RUN_FILE}, which a run of training writes{hint}")


def kind(file) -> str:
    """Return SAFETENSORS, NPZ, CAFFE or TORCH of an open file, or raise a ValueError that says what it is instead."""
    head = file.read(HEAD)
    if head.startswith((ARCHIVE, EMPTY_ARCHIVE)):
        file.seek(30)
        return _kind_of_archive(head, file.read(int.from_bytes(head[26:28], "little")))
    if head.startswith(TORCH_MAGIC):
        return TORCH
    # Eight bytes of length, which can look like any of the others' beginnings, then JSON.
    as_safetensors = head[8:9] == b"{"
    if as_safetensors and int.from_bytes(head[:8], "little") <= MOST_HEADER:
        return SAFETENSORS
    for pattern, reason in OTHERS:
        if re.match(pattern, head):
            raise ValueError(reason)
    found = _protobuf_fields(file)
    if found >= MODEL_PROTO:
        raise ValueError("it is an ONNX file, a whole network; weights.onnx.import_graph makes a graph of it")
    if found & LAYERS and found <= NET_PARAMETER:
        return CAFFE
    if as_safetensors:
        return SAFETENSORS
    raise ValueError("it is none of safetensors, npz, caffemodel and torch, or damaged at its beginning")


def _kind_of_archive(head, name):
    """Return the kind of a zip archive by the name of its first member, all that is known without its directory."""
    name = name.decode("ascii", "replace")
    if name.endswith("/data.pkl"):
        return TORCH
    if name.endswith(".npy") or head.startswith(EMPTY_ARCHIVE):
        return NPZ
    if re.search(r"/(data/\d+|code/.*|constants\.pkl)$", name):
        raise ValueError("it is a TorchScript program; save its state_dict() with torch.save or as safetensors")
    if not name.isprintable() or not name:
        raise ValueError("it is a zip archive that is damaged at its beginning")
    raise ValueError(f"it is a zip archive with {some(name)} in it; unpack it first")


def _protobuf_fields(file):
    """Return {(number, wire type)} of the outermost fields as far as they make sense, skipping what they hold."""
    found = set()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, contextlib.suppress(EOFError):
        for number, wire, _, end in wire_format.fields(content, MOST_FIELDS):
            if number == 0:
                break
            found.add((number, wire))
            if end > len(content):
                break
    return found
