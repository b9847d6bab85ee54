"""Safe unpacking of untrusted archives: only regular files, within limits, and only below the target folder.

A member that cannot be unpacked (a link, a device, a corrupt or encrypted file, an impossible name) is skipped and
reported with a reason; all others are unpacked.
"""

import bz2
import contextlib
import gzip
import lzma
import os
import stat
import tarfile
import time
import zipfile
from pathlib import Path, PurePosixPath

from minigooglenet.course import safe_open

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_MEMBERS = 2_000  # in one archive
MOST_UNPACKED = 1 << 30  # bytes unpacked from one archive
MOST_MEMBER = 256 << 20
MOST_NAME = 255  # characters of a reported name of a folder or file
MOST_ARCHIVE = 4 << 30  # bytes of the archive itself
DEEPEST = 12  # nested folders and archives
JUNK = ("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini", "timestamp.txt", "comments.txt")
_COMPRESSED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))
_CORRUPT = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError)


class Budget:
    """Limits on the files and bytes of all archives of a class in total; an archive in an archive counts twice."""

    def __init__(self, members=100_000, size=16 << 30):
        self.members, self.size, self.count = members, size, 0

    def number(self) -> int:
        """Return the number of the next archive."""
        self.count += 1
        return self.count

    def take(self, size):
        """Count one file of this size, or raise a ValueError if the limits are exceeded."""
        self.members, self.size = self.members - 1, self.size - size
        if self.members < 0 or self.size < 0:
            raise TooMuchError("the archives of this class are too large in total")


class TooMuchError(ValueError):
    """Too many files or bytes: nothing more of the archive is unpacked."""


def archive_ending(name: str) -> str | None:
    """Return the ending of a name if it is that of an archive that can be opened, or None."""
    return next((ending for ending in ARCHIVES if name.lower().endswith(ending)), None)


def unpack(path, target, budget=None, follow=False) -> list[tuple[tuple[str, ...], str]]:
    """Unpack the regular files of an archive into a folder.

    Returns
    -------
    [(parts of its name, reason)] of each member that is skipped; without a name for everything after a corrupt position

    Raises
    ------
    ValueError or an exception of the archive's library if no member could be read
    """
    total, skipped, budget, done = 0, [], budget or Budget(), 0
    with safe_open.opened(path, follow) as file:
        members = _members(file, path.name)
        for count in range(MOST_MEMBERS + 1):
            try:
                member = next(members, None)
                if member is None:
                    break
                name, when, size, opens, problem = member
                total += size
                if count >= MOST_MEMBERS or total > MOST_UNPACKED:
                    raise TooMuchError(f"it is too large: more than {MOST_MEMBERS:,} files or {MOST_UNPACKED:,} bytes")
            except TooMuchError:
                raise
            except _CORRUPT as error:  # nothing after this position can be read
                if not done:
                    raise
                skipped.append(((), _message(error)))
                break
            parts = _parts(name)
            if not parts or any(part.startswith(".") or part in JUNK for part in parts):
                continue
            try:
                if problem or size > MOST_MEMBER or len(parts) > 2 * DEEPEST:
                    raise ValueError(problem or _beyond(size))
                budget.take(size)
                _write(Path(target, *parts), opens, size, when)
                done += 1
            except TooMuchError:
                raise
            except _CORRUPT as error:
                skipped.append((tuple(part[:MOST_NAME] for part in parts[: 2 * DEEPEST]), _message(error)))
    return skipped


def _beyond(size):
    if size > MOST_MEMBER:
        return f"it has {size:,} bytes; at most {MOST_MEMBER:,} are unpacked"
    return f"it is nested in more than {2 * DEEPEST} folders"


def _parts(name):
    """Return the folders and the name of a member, relative to the target folder."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "//", "..", ".")]
    return [part.replace(":", "_").replace("\0", "_") for part in parts]


def _message(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _write(path, opens, size, when):
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path) and not path.is_file():
        raise ValueError("a folder has the same name")
    try:
        with opens() as source, path.open("wb") as file:
            written = 0
            while data := source.read(1 << 20):
                written += len(data)
                if written > size:
                    raise ValueError("a file in it is larger than its size in the archive")
                file.write(data)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    with contextlib.suppress(OSError, OverflowError, ValueError):
        os.utime(path, (when, when))


def _members(file, name):
    """Yield (name, time, size, function that opens it, why it is skipped or "") for each member of an archive."""
    if archive_ending(name) == ".zip":
        yield from _zip_members(file)
    else:
        yield from _tar_members(file)


def _zip_members(file):
    with zipfile.ZipFile(safe_open.Bounded(file, MOST_ARCHIVE)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            problem = "it has a password" if member.flag_bits & 1 else ""
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.create_system == 3 and kind not in (0, stat.S_IFREG):
                problem = "it is a link" if kind == stat.S_IFLNK else "it is not a file"
            when = 0.0
            with contextlib.suppress(ValueError, OverflowError):
                when = time.mktime((*member.date_time, 0, 0, -1))
            yield member.filename, when, member.file_size, lambda member=member: archive.open(member), problem


def _tar_members(file):
    start = file.read(6)
    file.seek(0)
    opens = next((opens for signature, opens in _COMPRESSED if start.startswith(signature)), None)
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(opens(file)) if opens else file
        archive = stack.enter_context(tarfile.open(fileobj=safe_open.Bounded(plain, MOST_ARCHIVE), mode="r:"))
        for member in archive:
            if member.isdir():
                continue
            problem = ""
            if member.issym() or member.islnk():
                problem = "it is a link"
            elif not member.isreg():
                problem = "it is not a file"
            yield member.name, member.mtime, member.size, lambda member=member: archive.extractfile(member), problem
