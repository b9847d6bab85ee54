"""Safe opening of untrusted files: never a link, a pipe or a device, and never more bytes than a limit.

Reading a pipe without a writer blocks, a device never ends, and a link may lead to a file of another person. The size
is checked before and while a file is read.
"""

import contextlib
import hashlib
import io
import os
import stat
from pathlib import Path

from minigooglenet import files

LINK = "it is a link to another file, which is not followed"
MOST_AT_ONCE = 8 << 20  # bytes in one read by an archive library
_SAFELY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))


def is_link(path) -> bool:
    """Return whether a path is a symbolic link or a junction of Windows; False if it cannot be examined."""
    with contextlib.suppress(OSError, ValueError):
        status = os.lstat(path)
        junction = getattr(status, "st_reparse_tag", 0) == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
        return stat.S_ISLNK(status.st_mode) or junction
    return False


def opened(path, follow=False):
    """Open a regular file for reading bytes, or raise a ValueError or OSError with the type of the path.

    follow : whether to follow a link for a file that its owner names
    """
    path = Path(path)
    status = path.stat() if follow else path.lstat()
    if not follow and is_link(path):
        raise ValueError(LINK)
    _only_regular(status)
    descriptor = os.open(path, os.O_RDONLY | (_SAFELY & ~getattr(os, "O_NOFOLLOW", 0) if follow else _SAFELY))
    try:
        _only_regular(os.fstat(descriptor))  # it may have been replaced in the meantime
        return open(descriptor, "rb")  # noqa: PTH123 (a descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _only_regular(status):
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"it is {files.kind_of(status)}, not a file")


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
    """Return the SHA-256 of a file, or its size and time if it is too large."""
    with opened(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size > most:
            return f"{status.st_size} bytes of {status.st_mtime_ns}"
        return hashlib.file_digest(file, "sha256").hexdigest()


class TooLargeError(ValueError):
    """A file with more bytes than the limit."""


class Bounded(io.RawIOBase):
    """A file with limits for archive libraries, which trust every size in an archive.

    A forged header of a few bytes can request gigabytes for the name of a member or the list of all members.
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
        """Return at most `size` bytes, or raise a ValueError if that is above the limit."""
        if self.file.tell() > self.most:
            raise ValueError(f"it is too large: more than {self.most:,} bytes")
        data = self.file.read(MOST_AT_ONCE + 1 if size < 0 else min(size, MOST_AT_ONCE + 1))
        if len(data) > MOST_AT_ONCE:
            raise ValueError(f"it has a part that is too large: more than {MOST_AT_ONCE:,} bytes")
        return data

    def seek(self, position, whence=os.SEEK_SET):
        """Move to a position, if it is within the limit."""
        if whence == os.SEEK_SET and position > self.most:
            raise ValueError(f"it is too large: more than {self.most:,} bytes")
        return self.file.seek(position, whence)

    def tell(self):
        """Return the position."""
        return self.file.tell()
