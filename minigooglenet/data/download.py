"""Files that never change from the network: kept in one folder, and compared with their size and SHA-256."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from minigooglenet import files
from minigooglenet.data import transfer


class Source(NamedTuple):
    """A file that never changes: its name in the data folder, its size in bytes, its SHA-256, and where it is."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


def data_folder() -> Path:
    """Return where data is kept: MINIGOOGLENET_DATA, else a folder of the user's for what can be had again."""
    given = os.environ.get("MINIGOOGLENET_DATA", "").strip()
    if given:
        return Path(given).expanduser()
    return files.cache_folder()


def fetched(source: Source, *, on_bytes=None) -> Path:
    """Return the path of a file in the data folder, downloaded if it is not there, its checksum compared.

    Parameters
    ----------
    source : Source
    on_bytes : called with (bytes so far, bytes in all) while downloading

    Raises
    ------
    OSError
        If no address gives the file, with each one's reason and what can be done by hand.
    ValueError
        If the file that lies there is another one.
    """
    path = data_folder() / source.name
    while not os.path.lexists(path):
        try:
            files.make_folder(path.parent)
        except OSError as error:
            raise OSError(
                f"cannot make the data folder {path.parent}: {error}; MINIGOOGLENET_DATA names another"
            ) from error
        try:
            if transfer.obtain(
                path, source.urls, lambda file: _check(file, source), size=source.size, on_bytes=on_bytes
            ):
                return path
        except transfer.UnavailableError as error:
            raise OSError(
                f"cannot download {source.name} ({error}). Without a network, get it elsewhere ({source.size:,} bytes, "
                f"SHA-256 {source.sha256}) and put it at {path}; MINIGOOGLENET_DATA can name another"
            ) from error
    with files.open_regular(path) as file:
        wrong = _difference(file, source)
    if wrong:
        raise ValueError(f"{path} is not the file that it should be: {wrong}; remove it, then it is downloaded anew")
    return path


def _check(file, source):
    if wrong := _difference(file, source):
        raise ValueError(f"what came is another file, {wrong}")
    return True


def _difference(file, source):
    """Return what is wrong with an open file, or nothing."""
    if (size := os.fstat(file.fileno()).st_size) != source.size:
        return f"its size is {size:,} bytes, not {source.size:,}"
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if digest == source.sha256 else f"its SHA-256 is {digest}, not {source.sha256}"
