"""The package's own files: safetensors whose metadata says what the network is and holds a checksum of all that counts.

The safetensors library checks the structure of a file, but notices no changed bit. So each array is under a SHA-256 of
its name, type, shape and values, and the metadata is under one of its own. That is a guard against damage, not against
somebody who forges both. Safetensors of other origin are read too; nothing in them can be verified.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np

from minigooglenet import checks, files
from minigooglenet.data import seen
from minigooglenet.data.pixels import Pixels
from minigooglenet.weights.contents import (
    MOST_HEADER,
    Contents,
    array_name,
    cannot_read,
    check_contents,
    check_values,
    file_size,
    placeholder,
    reading,
    some,
)

SUFFIX = ".safetensors"
KEY = "minigooglenet"  # the one entry of the metadata: the library would write several in random order
FORMAT = "minigooglenet weights 1"
MARKS = ("minigooglenet weights", '"arrays":{', '"sha256":"')  # by which a file is known whose key is damaged
NOT_VERIFIED = "not verified"
BFLOAT16 = "BF16"

_DTYPES = {
    BFLOAT16: "float32",  # NumPy lacks it; every value of it is one of float32
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
}


def write(contents: Contents, path) -> None:
    """Write a file, the same bytes for the same contents; whatever goes wrong, `path` is as it was or whole.

    A process that is killed while it writes may leave a hidden file .NAME.*.part beside `path`, which can be deleted.

    Raises
    ------
    ValueError, TypeError
        If `path` does not end in .safetensors, or a value could not be read back: one that is not finite, say.
    """
    from safetensors.numpy import save

    if Path(path).suffix != SUFFIX:
        raise ValueError(f"weights are written to a file whose name ends in {SUFFIX}, got {str(path)!r}")
    check_contents(contents)
    # The library would write an array that is not contiguous in the wrong order, without a word.
    names = _file_names(contents.arrays)
    arrays = {
        names[name]: np.asarray(checks.unmasked(array, repr(name)), order="C")
        for name, array in contents.arrays.items()
    }
    for name, array in zip(contents.arrays, arrays.values(), strict=True):
        placeholder(name, array.shape, array.dtype)
        if not np.isfinite(array).all():
            raise ValueError(f"{name!r} holds values that are not finite, so nothing was written to {path}")
        try:
            check_values(name, array)
        except ValueError as error:
            raise ValueError(f"{error}, so nothing was written to {path}") from error
    pixels = contents.pixels
    record = {
        "format": FORMAT,
        "model": contents.model,
        "arguments": contents.arguments,
        "pixels": pixels and {"mean": pixels.mean, "std": pixels.std, "colours": pixels.colours},
        "classes": contents.classes,
        "notes": contents.notes,
        "architecture": contents.architecture,
        "renamed": {ours: name for name, ours in names.items() if ours != name},
        "arrays": {name: _digest(name, array) for name, array in arrays.items()},
    }
    if contents.training_images is not None:
        record["training_images"] = contents.training_images.to_json()
    data = save(arrays, metadata={KEY: _sealed(record)})
    if (length := int.from_bytes(data[:8], "little")) > MOST_HEADER:
        raise ValueError(f"the notes and names take {length:,} bytes, more than {MOST_HEADER:,}: not written to {path}")
    with files.atomic(path) as file:
        file.write(data)


def _file_names(arrays) -> dict[str, str]:
    """Return {name of an array: its name in a file}, another one where that could not be read back."""
    names = {}
    for number, name in enumerate(arrays):
        try:
            names[name] = array_name(name)
        except ValueError:
            names[name] = f"array {number}"
            while names[name] in arrays:
                names[name] += "_"
    return names


@contextlib.contextmanager
def _open(path):
    """Open a file with the safetensors library, which checks that its arrays fill it without gap or overlap."""
    from safetensors import SafetensorError, safe_open

    with reading(path):
        try:
            with safe_open(path, framework="numpy") as file:
                yield file
        except SafetensorError as error:
            reason = str(error).removeprefix("Error while deserializing header: ")
            raise ValueError(f"the safetensors library refuses it: {reason}") from error


def declared(path) -> Contents:
    """Return what a file says about itself: arrays are stand-ins of their shape and type, no value is read."""
    return _opened(path)[0]


def read(path) -> Contents:
    """Return what a file holds, every array checked against its checksum where the file has them."""
    contents, digests = _opened(path)
    with _open(path) as file:
        header = _header(path)
        arrays = {name: _values(path, file, name, *header) for name in digests or contents.arrays}
    damaged = [name for name, digest in digests.items() if _digest(name, arrays[name]) != digest]
    if damaged:
        raise cannot_read(
            path,
            f"{len(damaged)} of {len(digests)} arrays are damaged, the first {damaged[0]!r}: "
            "the values do not match their checksum",
        )
    contents.arrays = dict(zip(contents.arrays, arrays.values(), strict=True))
    return contents


def _header(path):
    """Return (parsed header, position of the first value) of a file that the library has checked."""
    with Path(path).open("rb") as whole:
        length = int.from_bytes(whole.read(8), "little")
        return json.loads(whole.read(length)), 8 + length


def _values(path, file, name, header, first):
    if file.get_slice(name).get_dtype() != BFLOAT16:
        return file.get_tensor(name)
    part = header[name]
    start, end = part["data_offsets"]
    with Path(path).open("rb") as whole:
        whole.seek(first + start)
        upper = np.frombuffer(whole.read(end - start), "<u2").astype(np.uint32)
    return (upper << 16).view(np.float32).reshape(part["shape"])


def _opened(path):
    """Return (contents with stand-ins, {name: digest}), the latter empty for a file that was not written here."""
    _check_header(path)
    with _open(path) as file:
        metadata = file.metadata() or {}
        arrays = {}
        for name in file.keys():  # noqa: SIM118 (it is no dict)
            part = file.get_slice(name)
            kind = part.get_dtype()
            if kind not in _DTYPES:
                raise TypeError(f"array {name!r} holds {kind}; save it as F32 first")
            arrays[array_name(name)] = placeholder(name, part.get_shape(), np.dtype(_DTYPES[kind]))
        if KEY not in metadata and not any(mark in value for mark in MARKS for value in metadata.values()):
            return Contents(arrays, notes={NOT_VERIFIED: "the file has no checksums that this package knows"}), {}
        if set(metadata) != {KEY}:
            raise ValueError(f"its metadata is damaged: {sorted(metadata)} in place of {KEY!r}")
        return _contents(_unsealed(metadata[KEY]), arrays)


def _check_header(path):
    """Refuse a file that is shorter than it declares, or that names a thing twice: the library would take the last."""
    size = file_size(path)
    with reading(path), files.open_regular(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if 8 + length > size:
            raise ValueError(f"it declares a header of {length:,} bytes and has {size:,} in all; cut off or damaged")
        if length > MOST_HEADER:
            raise ValueError(f"it declares a header of {length:,} bytes, more than {MOST_HEADER:,}")
        try:
            header = json.loads(file.read(length).decode(), object_pairs_hook=_without_twins)
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise ValueError("its header is not JSON") from error
        with contextlib.suppress(AttributeError, KeyError, TypeError):  # the library has words for what is malformed
            ends = [part["data_offsets"][-1] for name, part in header.items() if name != "__metadata__"]
            if (end := 8 + length + max(ends, default=0)) > size:
                raise EOFError(f"it declares {end:,} bytes and has {size:,}; cut off while it was copied, perhaps")


def _without_twins(pairs):
    result = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"its header has {name!r} twice")
        result[name] = value
    return result


def _contents(record, stand_ins):
    """Return (contents, {name: digest}) of the metadata, in the order in which the arrays were written."""
    for name, kind in (("arguments", dict), ("notes", dict), ("arrays", dict)):
        if not isinstance(record.get(name), kind):
            raise TypeError(f"its metadata has {some(record.get(name))} as {name}")
    digests, pixels, classes = record["arrays"], record.get("pixels"), record.get("classes")
    if set(digests) != set(stand_ins):
        odd = sorted(set(digests) ^ set(stand_ins))
        raise ValueError(f"its metadata and its arrays disagree about {len(odd)} names, the first {odd[0]!r}")
    if pixels is not None:
        try:
            pixels = Pixels(tuple(pixels["mean"]), tuple(pixels["std"]), pixels["colours"])
        except (TypeError, KeyError) as error:
            raise TypeError(f"its metadata has {pixels!r} as pixels") from error
    if not isinstance(classes, list | None):
        raise TypeError(f"its metadata has {classes!r} as classes")
    renamed = record.get("renamed", {})
    if not isinstance(renamed, dict) or not all(isinstance(name, str) for name in renamed.values()):
        raise TypeError(f"its metadata has {some(renamed)} as renamed")
    arrays = {renamed.get(name, name): stand_ins[name] for name in digests}
    if len(arrays) < len(digests):
        raise ValueError("its metadata gives two arrays one name")
    contents = Contents(
        arrays,
        record.get("model"),
        record["arguments"],
        pixels,
        None if classes is None else tuple(classes),
        record["notes"],
        record.get("architecture"),
    )
    if "training_images" in record:
        contents.training_images = seen.from_json(record["training_images"])
    return check_contents(contents), digests


def _digest(name, array) -> str:
    """Return the SHA-256 of an array, its name, type and shape included."""
    digest = hashlib.sha256(json.dumps([name, array.dtype.name, array.shape]).encode())
    digest.update(array.data)
    return digest.hexdigest()


def _sealed(record) -> str:
    """Return the one text that stands for a record, with the SHA-256 of the rest at its end."""
    digest = hashlib.sha256(_text(record).encode()).hexdigest()
    return _text({**record, "sha256": digest})


def _unsealed(text):
    """Return the record that a text stands for, if it is exactly what `_sealed` made of it."""
    try:
        record = json.loads(text)
        record.pop("sha256")
        whole = _sealed(record) == text
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise ValueError("its metadata is damaged: it does not match its checksum")
    if record.get("format") != FORMAT:
        raise ValueError(f"it is written as {record.get('format')!r}, this version reads {FORMAT!r}; perhaps update?")
    return record


def _text(record):
    return json.dumps(record, separators=(",", ":"), allow_nan=False)
