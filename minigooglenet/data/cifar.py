"""CIFAR-10: 60,000 small photographs of ten classes, from Krizhevsky's archive of plain bytes.

Each of its six members has 10,000 records of one label and 3 x 32 x 32 values. Unlike the pickled version, it cannot
run code. The members are read by name directly from the archive. The download page states its MD5,
c32a1d4ab5d03f1284b67883e8d87530.
"""

import os
import tarfile
import zlib
from collections.abc import Callable

import numpy as np

from minigooglenet.data.dataset import Images, Split
from minigooglenet.data.download import Source, fetch
from minigooglenet.data.pixels import UNIT

ARCHIVE = Source(
    "cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)
RECORDS = 10_000  # in each member
SHAPE = (3, 32, 32)
TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6))
TEST = ("cifar-10-batches-bin/test_batch.bin",)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10(*, on_bytes: Callable[[int, int], object] | None = None) -> Split:
    """Return CIFAR-10 with its official split: 50,000 training images and 10,000 test images.

    The archive is downloaded once into the data folder (MINIGOOGLENET_DATA). The URLs in MINIGOOGLENET_CIFAR10_URLS,
    separated by spaces, are tried before the original one.

    Parameters
    ----------
    on_bytes : called with (bytes so far, total bytes) while downloading

    Raises
    ------
    OSError
        If the archive cannot be downloaded, with instructions for a manual download.
    ValueError
        If the archive is not the published one.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.cifar10()  # doctest: +SKIP
    Split(50000 train, 10000 test, 10 classes, 3x32x32)
    """
    mirrors = tuple(os.environ.get("MINIGOOGLENET_CIFAR10_URLS", "").split())
    path = fetch(ARCHIVE._replace(urls=mirrors + ARCHIVE.urls), on_bytes=on_bytes)
    members = _members(path)
    return Split(*(_images([members[name] for name in names]) for names in (TRAIN, TEST)))


def _members(path):
    """Return {name: (records, 3073) uint8} of the six members; nothing is written to disk."""
    record = 1 + int(np.prod(SHAPE))
    members = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                if member.name not in TRAIN + TEST:
                    continue
                if not member.isfile() or member.size != RECORDS * record:
                    raise ValueError(f"{member.name} has {member.size:,} bytes, not {RECORDS * record:,}")
                content = archive.extractfile(member).read()  # type: ignore[union-attr]
                members[member.name] = np.frombuffer(content, np.uint8).reshape(RECORDS, record)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise ValueError(f"cannot read {path} as CIFAR-10: {error}") from error
    missing = [name for name in TRAIN + TEST if name not in members]
    if missing:
        raise ValueError(f"cannot read {path} as CIFAR-10: it lacks {', '.join(missing)}")
    return members


def _images(members):
    records = np.concatenate(members)
    return Images(records[:, 1:].reshape(-1, *SHAPE), records[:, 0], CLASSES, UNIT)
