"""Files from outside, opened with care: never a link, a pipe or a device, and never more bytes than a limit.

A pipe without a writer would be waited for, a device never ends, and a link leads to somebody else's file. The size is
checked before anything is read, and again while it is read.
"""

import contextlib
import hashlib
import io
import os
import stat
from pathlib import Path

from minigooglenet import files

LINK = "it is a link to another file, which is not followed"
MOST_AT_ONCE = 8 << 20  # bytes that a reader of archives may ask for at once
_SAFELY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))


def is_link(path) -> bool:
    """Return whether a path is a symbolic link or a junction of Windows; what cannot be looked at is not one."""
    with contextlib.suppress(OSError, ValueError):
        found = os.lstat(path)
        junction = getattr(found, "st_reparse_tag", 0) == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
        return stat.S_ISLNK(found.st_mode) or junction
    return False


def opened(path, follow=False):
    """Open a regular file for reading bytes, or raise a ValueError or OSError that says what it is instead.

    follow : whether a link is followed, for a file that its owner names
    """
    path = Path(path)
    found = path.stat() if follow else path.lstat()
    if not follow and is_link(path):
        raise ValueError(LINK)
    _only_regular(found)
    number = os.open(path, os.O_RDONLY | (_SAFELY & ~getattr(os, "O_NOFOLLOW", 0) if follow else _SAFELY))
    try:
        _only_regular(os.fstat(number))  # it may have been exchanged in between
        return open(number, "rb")  # noqa: PTH123 (a descriptor)
    except BaseException:
        os.close(number)
        raise


def _only_regular(found):
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"it is {files.kind_of(found)}, not a file")


def read(path, most, follow=False) -> bytes:
    """Return the bytes of a regular file of at most `most` bytes; a larger one raises TooLargeError unread."""
    with opened(path, follow) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(most + 1) if size <= most else b""
    if size > most or len(data) > most:
        raise TooLargeError(f"{Path(path).name} has {max(size, len(data)):,} bytes; at most {most:,} are read")
    return data


def head(path, most) -> bytes:
    """Return the first bytes of a regular file."""
    with opened(path) as file:
        return file.read(most)


def digest(path, most) -> str:
    """Return the SHA-256 of a file; of one that is not read, of its size and time."""
    with opened(path) as file:
        found = os.fstat(file.fileno())
        if found.st_size > most:
            return f"{found.st_size} bytes of {found.st_mtime_ns}"
        return hashlib.file_digest(file, "sha256").hexdigest()


class TooLargeError(ValueError):
    """A file with more bytes than are read."""


class Bounded(io.RawIOBase):
    """A file for a reader of archives that believes every size in it: no read is large, and it ends at a limit.

    A forged archive asks for gigabytes with a header of a few bytes: the name of a member, the list of all members.
    """

    def __init__(self, file, most):
        self.file, self.most = file, most

    def readable(self):
        """Return True."""
        return True

    def seekable(self):
        """Return True."""
        return True

    def read(self, size=-1):
        """Return at most `size` bytes, or raise a ValueError if that is more than anybody needs at once."""
        if self.file.tell() > self.most:
            raise ValueError(f"it is too large: more than {self.most:,} bytes")
        data = self.file.read(MOST_AT_ONCE + 1 if size < 0 else min(size, MOST_AT_ONCE + 1))
        if len(data) > MOST_AT_ONCE:
            raise ValueError(f"it has a part that is too large: more than {MOST_AT_ONCE:,} bytes")
        return data

    def seek(self, place, whence=os.SEEK_SET):
        """Go to a place, if that is within the limit."""
        if whence == os.SEEK_SET and place > self.most:
            raise ValueError(f"it is too large: more than {self.most:,} bytes")
        return self.file.seek(place, whence)

    def tell(self):
        """Return the place."""
        return self.file.tell()
