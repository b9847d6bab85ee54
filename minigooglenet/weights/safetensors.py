"""The native format: safetensors files whose metadata describes the network and contains checksums.

The safetensors structure cannot reveal a changed bit. So the metadata has a SHA-256 over the name, dtype, shape and
values of each array, and one over the metadata. This protects against corruption, not against someone who forges both.
Safetensors files from other programs can be read too, but not verified. The safetensors library writes the files. It
cannot read an open file, so the header is parsed here.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, extras, files
from minigooglenet.data import seen
from minigooglenet.data.pixels import Pixels
from minigooglenet.weights.contents import (
    MOST_HEADER,
    NOT_VERIFIED,
    Contents,
    WeightsReader,
    array_name,
    check_contents,
    check_values,
    placeholder,
    size_of,
    some,
)

SUFFIX = ".safetensors"
KEY = "minigooglenet"  # the only metadata entry, because the library writes several in random order
FORMAT = "minigooglenet weights 1"
MARKS = ("minigooglenet weights", '"arrays":{', '"sha256":"')  # these identify a native file with a corrupt key
BFLOAT16 = "BF16"
MOST_AXES = 100

_DTYPES = {
    BFLOAT16: "float32",  # NumPy lacks it; float32 represents all its values
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
    """Write a file atomically, with the same bytes for the same contents.

    A process that is killed while it writes may leave a hidden file .NAME.*.part next to `path`, which can be deleted.

    Raises
    ------
    ValueError, TypeError
        If `path` does not end in .safetensors, or a value could not be read back, such as infinity.
    """
    with extras.needed("weights", "saving weights"):
        from safetensors.numpy import save

    if Path(path).suffix != SUFFIX:
        raise ValueError(f"path must end in {SUFFIX}, got {str(path)!r}")
    check_contents(contents)
    # The library would silently write a non-contiguous array in the wrong order.
    names = _file_names(contents.arrays)
    arrays = {
        names[name]: np.asarray(checks.unmasked(array, repr(name)), order="C")
        for name, array in contents.arrays.items()
    }
    for name, array in zip(contents.arrays, arrays.values(), strict=True):
        placeholder(name, array.shape, array.dtype)
        if not np.isfinite(array).all():
            raise ValueError(f"{name!r} contains values that are not finite. Nothing was written to {path}.")
        try:
            check_values(name, array)
        except ValueError as error:
            raise ValueError(f"{error}. Nothing was written to {path}.") from error
    pixels = contents.pixels
    record = {
        "format": FORMAT,
        "model": contents.model,
        "arguments": contents.arguments,
        "pixels": pixels and {"mean": pixels.mean, "std": pixels.std, "colours": pixels.colours},
        "classes": contents.classes,
        "notes": contents.notes,
        "architecture": contents.architecture,
        "renamed": {in_file: name for name, in_file in names.items() if in_file != name},
        "arrays": {name: _digest(name, array) for name, array in arrays.items()},
    }
    if contents.training_images is not None:
        record["training_images"] = contents.training_images.to_json()
    data = save(arrays, metadata={KEY: _sealed(record)})
    if (length := int.from_bytes(data[:8], "little")) > MOST_HEADER:
        raise ValueError(
            f"notes and names take {length:,} bytes, more than {MOST_HEADER:,}. Nothing was written to {path}."
        )
    with files.atomic(path) as file:
        file.write(data)


def _file_names(arrays) -> dict[str, str]:
    """Return {name of an array: its name in the file}, which differs if the name could not be read back."""
    names = {}
    for index, name in enumerate(arrays):
        try:
            names[name] = array_name(name)
        except ValueError:
            names[name] = f"array {index}"
            while names[name] in arrays:
                names[name] += "_"
    return names


class Reader(WeightsReader):
    """A safetensors file. Its header is parsed once, on construction."""

    FORMAT = "safetensors"

    def __init__(self, file):
        self._file = file
        self._parts, metadata = _header(file)
        self.declared, self._digests = _declared(self._parts, metadata)
        self._names = tuple(self.declared.arrays)

    def arrays(self):
        """Return {name: array}, each verified by its checksum if the file has checksums."""
        arrays = {name: self._values(self._parts[name]) for name in self._digests or self._parts}
        corrupt = [name for name, digest in self._digests.items() if _digest(name, arrays[name]) != digest]
        if corrupt:
            verb = "is" if len(corrupt) == 1 else "are"
            raise ValueError(
                f"{len(corrupt)} of {len(self._digests)} arrays {verb} corrupt, for example {corrupt[0]!r}: "
                "the values do not match their checksum"
            )
        return dict(zip(self._names, arrays.values(), strict=True))

    def _values(self, part):
        array = np.empty(
            part.shape, "<u2" if part.dtype == BFLOAT16 else np.dtype(_DTYPES[part.dtype]).newbyteorder("<")
        )
        self._file.seek(part.start)
        if self._file.readinto(array) != array.nbytes:
            raise EOFError("the file became shorter while it was read")
        if part.dtype == BFLOAT16:
            array = (array.astype(np.uint32) << 16).view(np.float32)
        return array.astype(array.dtype.newbyteorder("="), copy=False)


class _Part(NamedTuple):
    """An array in a file: its dtype name in the header, its shape, and the byte range of its values."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def _header(file):
    """Return ({name: _Part} sorted by name, metadata), after checking that the arrays fill the file without gaps.

    Duplicate names are rejected, because a JSON parser would keep the last one.
    """
    size = size_of(file)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if 8 + length > size:
        raise ValueError(
            f"it declares a header of {length:,} bytes but has {size:,} in total: it is truncated or corrupt"
        )
    if length > MOST_HEADER:
        raise ValueError(f"it declares a header of {length:,} bytes, more than {MOST_HEADER:,}")
    try:
        header = json.loads(file.read(length).decode(), object_pairs_hook=_unique_keys)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError("its header is not JSON") from error
    if not isinstance(header, dict):
        raise TypeError(f"its header must be a JSON object, got {some(header)}")
    metadata = header.pop("__metadata__", None)
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise TypeError(f"its metadata must map names to strings, got {some(metadata)}")
    parts = {name: _part(name, entry, 8 + length) for name, entry in header.items()}
    parts = dict(sorted(parts.items(), key=lambda item: item[1][2:]))
    end = max((part.end for part in parts.values()), default=8 + length)
    if end > size:
        raise EOFError(f"it declares {end:,} bytes but has {size:,}: it is truncated")
    at = 8 + length
    for name, part in parts.items():
        if part.start != at:
            raise ValueError(f"array {some(name)} begins at byte {part.start:,}, but the data before it ends at {at:,}")
        at = part.end
        expected = math.prod(part.shape) * np.dtype(_DTYPES[part.dtype]).itemsize // (1 + (part.dtype == BFLOAT16))
        if part.end - part.start != expected:
            raise ValueError(
                f"array {some(name)} of shape {some(part.shape)} needs {expected:,} bytes as {part.dtype}, "
                f"but its offsets give {part.end - part.start:,}"
            )
    if at != size:
        raise ValueError(f"it has {size:,} bytes, but its arrays end at {at:,}")
    return dict(sorted(parts.items())), metadata


def _part(name, entry, first):
    """Return the _Part of a header entry, after checking the types of its values."""
    fields = [entry.get(field) for field in ("dtype", "shape", "data_offsets")] if isinstance(entry, dict) else [None]
    kind, *sizes = fields
    if not (
        isinstance(kind, str)
        and all(isinstance(ints, list) and all(type(n) is int and 0 <= n < 2**63 for n in ints) for ints in sizes)
        and len(sizes[1]) == 2
        and sizes[1][0] <= sizes[1][1]
    ):
        raise TypeError(
            f"array {some(name)} needs dtype, shape and data_offsets, with integers of at least 0, got {some(entry)}"
        )
    if kind not in _DTYPES:
        raise TypeError(f"array {some(name)} has dtype {kind}. Save it as F32 first.")
    if len(sizes[0]) > MOST_AXES:  # multiplying more would take minutes
        raise ValueError(f"array {some(name)} has {len(sizes[0]):,} axes, more than {MOST_AXES}")
    return _Part(kind, tuple(sizes[0]), first + sizes[1][0], first + sizes[1][1])


def _declared(parts, metadata):
    """Return (contents with placeholders, {name: digest}); files from other programs have no digests."""
    arrays = {
        array_name(name): placeholder(name, part.shape, np.dtype(_DTYPES[part.dtype])) for name, part in parts.items()
    }
    if KEY not in metadata and not any(mark in value for mark in MARKS for value in metadata.values()):
        return Contents(arrays, notes={NOT_VERIFIED: "the file has no checksums of this package"}), {}
    if set(metadata) != {KEY}:
        raise ValueError(f"its metadata is corrupt: {sorted(metadata)} instead of {KEY!r}")
    return _contents(_unsealed(metadata[KEY]), arrays)


def _unique_keys(pairs):
    result = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"its header has {name!r} twice")
        result[name] = value
    return result


def _contents(record, placeholders):
    """Return (contents, {name: digest}) from the metadata, in the order in which the arrays were written."""
    for name, kind in (("arguments", dict), ("notes", dict), ("arrays", dict)):
        if not isinstance(record.get(name), kind):
            raise TypeError(f"its metadata has invalid {name}: {some(record.get(name))}")
    digests, pixels, classes = record["arrays"], record.get("pixels"), record.get("classes")
    if set(digests) != set(placeholders):
        odd = sorted(set(digests) ^ set(placeholders))
        raise ValueError(f"its metadata and its arrays disagree about {len(odd)} names, for example {odd[0]!r}")
    if pixels is not None:
        try:
            pixels = Pixels(tuple(pixels["mean"]), tuple(pixels["std"]), pixels["colours"])
        except (TypeError, KeyError) as error:
            raise TypeError(f"its metadata has invalid pixels: {pixels!r}") from error
    if not isinstance(classes, list | None):
        raise TypeError(f"its metadata has invalid classes: {classes!r}")
    renamed = record.get("renamed", {})
    if not isinstance(renamed, dict) or not all(isinstance(name, str) for name in renamed.values()):
        raise TypeError(f"its metadata has invalid renamed: {some(renamed)}")
    arrays = {renamed.get(name, name): placeholders[name] for name in digests}
    if len(arrays) < len(digests):
        raise ValueError("its metadata gives two arrays the same name")
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
    """Return the SHA-256 of an array, including its name, dtype and shape."""
    digest = hashlib.sha256(json.dumps([name, array.dtype.name, array.shape]).encode())
    digest.update(array.data)
    return digest.hexdigest()


def _sealed(record) -> str:
    """Return a record as text that ends with the SHA-256 of the rest."""
    digest = hashlib.sha256(_text(record).encode()).hexdigest()
    return _text({**record, "sha256": digest})


def _unsealed(text):
    """Return the record in a text, after checking that `_sealed` gives exactly this text."""
    try:
        record = json.loads(text)
        record.pop("sha256")
        intact = _sealed(record) == text
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        intact = False
    if not intact:
        raise ValueError("its metadata is corrupt: it does not match its checksum")
    if record.get("format") != FORMAT:
        raise ValueError(
            f"its format is {record.get('format')!r}, but this version reads {FORMAT!r}. Try a newer version."
        )
    return record


def _text(record):
    return json.dumps(record, separators=(",", ":"), allow_nan=False)
