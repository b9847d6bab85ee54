"""Records of the images that a network was trained on, small enough to be stored with its weights.

With such a record, an evaluation can report how many of its images were used in training. An image is identified by a
hash of its file name (in Unicode's NFC form, without folders) and its content. So it is recognised after the data set
or its folders were moved or renamed, and 0.png in `train` is not confused with 0.png in `val`. An image that was
renamed or saved again is not recognised.

A hash has 24 bits of the name, then 24 bits of the content. With more than 8,192 images, the record keeps only the
hashes below a limit. The names decide which, so only these files are read, and the number of known images is then an
estimate from this sample.
"""

import base64
import binascii
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigooglenet import console, files
from minigooglenet.data import names

HALF = 24  # bits for the name, and bits for the content
MOST = 8192  # hashes in a record, which takes 64 kB with them
PART = 65_536  # bytes at the start and at the end of a file that are hashed as its content, together with its size
MOST_IMAGES = 2**40


class SeenImages(NamedTuple):
    """The record of the images that a network was trained on.

    count : number of images
    halvings : the record keeps the hashes below 2**48 / 2**halvings; with 0 it keeps all of them
    hashes : uint64, sorted
    """

    count: int  # type: ignore[assignment]
    halvings: int
    hashes: np.ndarray

    def __repr__(self) -> str:
        return console.brief(self)

    def to_json(self) -> dict[str, int | str]:
        """Return the record as plain values, which `from_json` reads."""
        data = self.hashes.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:].tobytes()
        return {"count": self.count, "halvings": self.halvings, "hashes": base64.b64encode(data).decode()}


class Overlap(NamedTuple):
    """The number of images, out of `of`, that a network was trained on; an estimate unless it is `exact`."""

    count: int  # type: ignore[assignment]
    of: int
    exact: bool


def from_json(values) -> SeenImages:
    """Return the record of which `to_json` returned the values; raise a ValueError or TypeError for other values."""
    if not isinstance(values, dict) or set(values) != {"count", "halvings", "hashes"}:
        raise TypeError("the record of training images must have count, halvings and hashes")
    count, halvings, text = values["count"], values["halvings"], values["hashes"]
    for name, value, most in (("count", count, MOST_IMAGES), ("halvings", halvings, HALF)):
        if type(value) is not int or not 0 <= value <= most:
            raise ValueError(f"{name} of the record of training images must be in 0 .. {most:,}, got {value!r}")
    if not isinstance(text, str):
        raise TypeError(f"hashes of the record of training images must be text, got {type(text).__name__}")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"hashes of the record of training images are not base64: {error}") from error
    if len(data) % 6 or len(data) > 6 * min(MOST, count):
        raise ValueError(f"the record of {count:,} training images has {len(data):,} bytes of hashes")
    padded = np.zeros((len(data) // 6, 8), np.uint8)
    padded[:, 2:] = np.frombuffer(data, np.uint8).reshape(-1, 6)
    return SeenImages(count, halvings, np.unique(padded.view(">u8").ravel().astype(np.uint64)))


def record(folder, files) -> SeenImages:
    """Return the record of the `files` in a folder; unreadable files are left out."""
    heads = np.sort([_head(file) for file in files])
    halvings = 0
    while np.searchsorted(heads, 2 ** (HALF - halvings)) > MOST:
        halvings += 1
    return SeenImages(len(files), halvings, np.unique(_hashes(folder, files, halvings)))


def merged(records) -> SeenImages | None:
    """Return one record of all images in the records, as for fine-tuning; None if there are none."""
    records = [one for one in records if one is not None]
    if not records:
        return None
    halvings, hashes = _union(records)
    count = max(len(hashes) << halvings, *(one.count for one in records))
    while len(hashes) > MOST:
        halvings += 1
        hashes = hashes[hashes < _limit(halvings)]
    return SeenImages(min(count, MOST_IMAGES), halvings, hashes)


def overlap(records, folder, files) -> Overlap | None:
    """Return how many of the `files` in a folder are in at least one record; None without a record."""
    records = [one for one in records if one is not None]
    if not records:
        return None
    halvings, known = _union(records)
    hits = int(np.isin(_hashes(folder, files, halvings), known).sum())
    return Overlap(min(hits << halvings, len(files)), len(files), halvings == 0)


def _union(records):
    """Return (halvings, hashes) of all records together: the hashes below the lowest limit."""
    halvings = max(one.halvings for one in records)
    hashes = np.unique(np.concatenate([one.hashes for one in records]))
    return halvings, hashes[hashes < _limit(halvings)]


def _hashes(folder, files, halvings):
    """Return the hashes below the limit; unreadable files are left out."""
    limit = 2 ** (HALF - halvings)
    heads = {file: head for file in files if (head := _head(file)) < limit}
    tails = ((head, _tail(Path(folder) / file)) for file, head in heads.items())
    return np.array([head << HALF | tail for head, tail in tails if tail is not None], np.uint64)


def _limit(halvings):
    return np.uint64(2 ** (2 * HALF - halvings))


def _head(file) -> int:
    """Return the 24 bits of the name of "folder/file"."""
    name = names.same(file.rpartition("/")[2]).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(name).digest()[: HALF // 8], "big")


def _tail(path) -> int | None:
    """Return the 24 bits of the content, or None if the file cannot be read."""
    try:
        with files.open_regular(path) as file:
            size = file.seek(0, 2)
            file.seek(0)
            content = file.read(PART)
            if size > PART:
                file.seek(max(PART, size - PART))
                content += file.read(PART)
    except OSError:
        return None
    return int.from_bytes(hashlib.sha256(f"{size}\n".encode() + content).digest()[: HALF // 8], "big")
