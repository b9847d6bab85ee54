"""State dicts, {name: tensor}, as torch and training scripts save them. No code in a file is run."""

import re
import struct
import zipfile

from minigooglenet.weights import pickles
from minigooglenet.weights.contents import ESCAPE, MOST_SHOWN, MOST_TEXT, size_of, some

# Prefixes that DataParallel, torch.compile and Lightning add to every name, possibly several at once.
PREFIX = re.compile(r"(?:(?:module|_orig_mod|model)\.)+")
INSIDE = ("state_dict", "model_state_dict", "model")  # its key in a checkpoint, the most likely first
MOST_DIRECTORY = 16 * 1024**2  # bytes of the list of members of an archive; GoogLeNet has 30,000
SAVE = "torch.save(model.state_dict(), PATH)"
CONVERT = "safetensors.torch.save_file(torch.load(PATH, weights_only=True), 'googlenet.safetensors')"


def read(file) -> tuple[dict, dict[str, str]]:
    """Return ({name: tensor}, notes) from an open torch file: a state dict, or a checkpoint that contains one."""
    size = size_of(file)
    file.seek(0)
    if zipfile.is_zipfile(file):
        _check_zip(file, size)
    else:
        file.seek(0)
        pickles.check(file, size)
    file.seek(0)
    try:
        import torch
    except ImportError as error:
        raise ValueError(f"a .pth file needs torch. On a computer with torch, convert it with {CONVERT}.") from error
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a corrupt file can raise any exception
        raise ValueError(_reason(error)) from error
    state, notes = _state_dict(loaded, torch)
    for name, tensor in state.items():
        if tensor.numel() > size:  # a tensor with strides of 0 repeats its values
            shape = tuple(tensor.shape)
            raise ValueError(f"array {some(name)} has the shape {shape}, which has more values than the file has bytes")
    return state, notes


def without_prefix(tensors, known) -> tuple[dict, dict[str, str]]:
    """Return ({name: tensor}, notes) without the prefix that a training script added to the names.

    Parameters
    ----------
    tensors : {name: tensor}
    known : a name in the network; the prefix before it is removed from every name that has it. If `known` is None, or
        no name ends with it, only the common prefix of all names is removed
    """
    names = [name for name in tensors if name.endswith(known)] if known else []
    match = PREFIX.match(names[0] if names else next(iter(tensors), ""))
    prefix = match.group() if match else ""
    if names and prefix + known != names[0]:
        return tensors, {}
    if not prefix or (not names and not all(name.startswith(prefix) for name in tensors)):
        return tensors, {}
    shorter = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    if len(shorter) < len(tensors):
        raise ValueError(f"some of its names appear with and without {prefix!r}")
    return shorter, {"prefix": f"the prefix {prefix!r} was removed from the names"}


def _state_dict(loaded, torch):
    if _is_state(loaded, torch):
        return loaded, {}
    if isinstance(loaded, dict):
        inside = [key for key, value in loaded.items() if _is_state(value, torch)]
        for key in [key for key in INSIDE if key in inside] or inside[:1] * (len(inside) == 1):
            if isinstance(key, str):
                others = ", ".join(some(name) for name in loaded if name != key)
                note = f"{key!r} of a checkpoint, next to {others or 'nothing'}"
                return loaded[key], {"inside": note[:MOST_TEXT]}
    raise TypeError(f"it does not contain a plain state dict. Save one with {SAVE}.")


def _is_state(value, torch):
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(name, str) for name in value)
        and all(isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided for tensor in value.values())
    )


def _reason(error):
    text = ESCAPE.sub("", str(error))
    match = re.search(r"GLOBAL ([\w.]+)", text)
    if match or "Unsupported" in text:
        name = f", {match.group(1)[:MOST_SHOWN]}," if match else ""
        return (
            f"torch cannot load it with weights_only=True: it contains a Python object{name} that could run any code. "
            f"Save the tensors with {SAVE}."
        )
    return f"torch cannot load it with weights_only=True: {(text or type(error).__name__).splitlines()[0]}"


def _check_zip(file, size):
    """Reject a compressed archive, because torch never compresses, and an archive with wrong checksums."""
    if (start := _directory(file, size)) < size - MOST_DIRECTORY:
        raise ValueError(f"its directory takes {size - start:,} bytes, more than {MOST_DIRECTORY:,}")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > size or any(member.compress_type for member in members):
            raise ValueError(f"it has {size:,} bytes and would unpack to {unpacked:,}, but torch never compresses")
        corrupt = archive.testzip()
        for member in members:
            if member.filename.endswith("data.pkl"):
                with archive.open(member) as part:
                    pickles.check(part, member.file_size)
    if corrupt:
        raise ValueError(f"it is corrupt: its member {some(corrupt)} does not match its checksum")


def _directory(file, size) -> int:
    """Return the offset of the list of members in an archive, or 0 if the end of the archive is missing."""
    tail = min(size, 65_557)  # the longest comment and the end of the directory
    file.seek(size - tail)
    end = file.read()
    at = end.rfind(b"PK\5\6")
    if at < 0 or len(end) - at < 22:
        return 0
    length, offset = struct.unpack_from("<II", end, at + 12)
    if 0xFFFFFFFF in (length, offset):  # in the 64-bit record before it
        wide = end.rfind(b"PK\6\6", 0, at)
        if wide < 0 or at - wide < 56:
            return 0
        length = struct.unpack_from("<Q", end, wide + 40)[0]
    return size - tail + at - length
