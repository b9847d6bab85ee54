"""Downloads of files that never change: kept in one folder, and checked by size and SHA-256."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from minigooglenet import files
from minigooglenet.data import transfer


class Source(NamedTuple):
    """A file that never changes: its name in the data folder, its size in bytes, its SHA-256 and its URLs."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


def data_folder() -> Path:
    """Return the folder for downloaded data: MINIGOOGLENET_DATA if it is set, otherwise the user's cache folder.

    Examples
    --------
    >>> import os
    >>> import minigooglenet as mg
    >>> os.environ["MINIGOOGLENET_DATA"] = "datasets"
    >>> mg.data.data_folder().name
    'datasets'
    >>> del os.environ["MINIGOOGLENET_DATA"]
    """
    folder = os.environ.get("MINIGOOGLENET_DATA", "").strip()
    if folder:
        return Path(folder).expanduser()
    return files.cache_folder()


def fetch(source: Source, *, on_bytes=None) -> Path:
    """Return the path of a file in the data folder; download it if it is missing, and check it.

    Parameters
    ----------
    source : Source
    on_bytes : called with (bytes so far, total bytes) while downloading

    Raises
    ------
    OSError
        If no URL provides the file, with the reason for each URL and instructions for a manual download.
    ValueError
        If the file in the data folder is not the expected one.
    """
    path = data_folder() / source.name
    while not os.path.lexists(path):
        try:
            files.make_folder(path.parent)
        except OSError as error:
            raise OSError(
                f"cannot create the data folder {path.parent}: {error}. Set MINIGOOGLENET_DATA to another folder."
            ) from error
        try:
            if transfer.obtain(
                path, source.urls, lambda file: _check(file, source), size=source.size, on_bytes=on_bytes
            ):
                return path
        except transfer.UnavailableError as error:
            raise OSError(
                f"cannot download {source.name} ({error}). Without a network, get it elsewhere ({source.size:,} bytes, "
                f"SHA-256 {source.sha256}) and save it as {path}, or set MINIGOOGLENET_DATA to a folder that has it."
            ) from error
    with files.open_regular(path) as file:
        wrong = _difference(file, source)
    if wrong:
        raise ValueError(f"{path} is not the expected file: {wrong}. Delete it to download it again.")
    return path


def _check(file, source):
    if wrong := _difference(file, source):
        raise ValueError(f"the URL provided another file: {wrong}")
    return True


def _difference(file, source):
    """Return how an open file differs from the source, as text; empty if it does not."""
    if (size := os.fstat(file.fileno()).st_size) != source.size:
        return f"its size is {size:,} bytes, not {source.size:,}"
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if digest == source.sha256 else f"its SHA-256 is {digest}, not {source.sha256}"
