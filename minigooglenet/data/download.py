"""Files from the network: kept in one folder, checked, and gone on with where a broken download ended."""

import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

CHUNK = 1 << 18
ATTEMPTS = 20  # of one address, as long as each gets further than the one before
TIMEOUT = 30  # seconds without a byte


class Source(NamedTuple):
    """A file that never changes: its name in the data folder, its size in bytes, its SHA-256, and where it is."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


class _UnusableError(Exception):
    """An address does not have the file, with the reason."""


def data_folder() -> Path:
    """Return where data is kept: MINIGOOGLENET_DATA, else a folder of the user's for what can be had again."""
    given = os.environ.get("MINIGOOGLENET_DATA", "").strip()
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "minigooglenet"


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
    if path.is_file():
        wrong = _difference(path, source)
        if wrong:
            raise ValueError(
                f"{path} is not the file that it should be: {wrong}; remove it, then it is downloaded anew"
            )
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"cannot make the data folder {path.parent}: {error}; MINIGOOGLENET_DATA names another"
        ) from error
    part = path.with_name(path.name + ".part")
    reasons = []
    for url in source.urls:
        try:
            _download(url, part, source, on_bytes)
        except _UnusableError as error:
            reasons.append(f"{url}: {error}")
        else:
            part.replace(path)
            return path
    raise OSError(
        f"cannot download {source.name} ({'; '.join(reasons)}). Without a network, get it elsewhere "
        f"({source.size:,} bytes, SHA-256 {source.sha256}) and put it at {path}; MINIGOOGLENET_DATA can name another"
    )


def _download(url, part, source, on_bytes):
    """Bring `part` to its full size from one address, in as many attempts as get further, and check it."""
    from http.client import HTTPException

    for _ in range(ATTEMPTS):
        before, reason = _length(part), None
        try:
            _go_on(url, part, source, on_bytes)
        except (OSError, HTTPException, ValueError) as error:
            reason = str(error) or type(error).__name__
        if not before < _length(part) < source.size:
            break
    if _length(part) < source.size:
        raise _UnusableError(reason or f"it ended after {_length(part):,} of {source.size:,} bytes")
    wrong = _difference(part, source)
    if wrong:
        part.unlink()
        raise _UnusableError(f"what came is another file, {wrong}; it was deleted")


def _go_on(url, part, source, on_bytes):
    """Append to `part` what it lacks; from a server that knows no ranges, start anew."""
    from urllib.request import Request, urlopen

    have = _length(part)
    if have >= source.size:
        return
    with urlopen(Request(url, headers={"Range": f"bytes={have}-"} if have else {}), timeout=TIMEOUT) as answer:
        if answer.status != 206:  # the whole file comes
            have = 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise _UnusableError(f"asked for what follows {have:,} bytes, it sends another part")
        declared = answer.headers.get("Content-Length")
        if declared is not None and have + int(declared) != source.size:
            raise _UnusableError(
                f"it offers {have + int(declared):,} bytes, not {source.size:,}; perhaps a sign-in page?"
            )
        with part.open("ab" if have else "wb") as file:
            # One byte more than there may be is enough to know that it is another file.
            while chunk := answer.read(min(CHUNK, source.size + 1 - have)):
                file.write(chunk)
                have += len(chunk)
                if on_bytes:
                    on_bytes(have, source.size)


def _length(path):
    return path.stat().st_size if path.exists() else 0


def _difference(path, source):
    """Return what is wrong with a file, or nothing."""
    if _length(path) != source.size:
        return f"its size is {_length(path):,} bytes, not {source.size:,}"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if digest == source.sha256 else f"its SHA-256 is {digest}, not {source.sha256}"
