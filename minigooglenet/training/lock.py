"""One process at a time in the folder of a run: two would write over each other's records.

The lock is the operating system's, on an open file, so it ends with its process, however that ends. The file stays: a
process that removed it could leave two others with a lock each, one on the removed file and one on its successor. Its
first byte is locked (on Windows nobody else can read it), and the rest says who holds it.

filelock locks the open file. Its class FileLock would do less: it locks a pipe, makes a folder that is missing, and
takes a lock file that was renamed while it was opened, which a second holder then does not see.
"""

import contextlib
import datetime
import json
import os
import socket
import stat
import weakref
from pathlib import Path

from minigooglenet import files

FILE = ".training.lock"
MOST = 4096  # bytes of what the holder writes about itself
_OPEN: "weakref.WeakSet[Hold]" = weakref.WeakSet()


class Hold:
    """The lock of one folder: take it, and it is yours until `release` or the end of the process.

    It is a context manager that releases, but does not take: whoever needs the folder first calls `take`. Another Hold
    of the same folder is another holder, in the same process and thread too.
    """

    def __init__(self, folder):
        self.folder, self._file, self._pid = Path(folder), None, None

    @property
    def taken(self) -> bool:
        """Whether this process has the lock; a fork of it has not."""
        return self._file is not None and self._pid == os.getpid()

    def take(self) -> None:
        """Take the lock, or do nothing if it is taken already.

        Raises
        ------
        BlockingIOError
            If the folder is in use, with the process that uses it.
        OSError
            If the folder does not exist, cannot be written to or cannot be locked.
        """
        if self.taken:
            self.check()
            return
        while True:
            file = _open(self.folder)
            try:
                if not _lock(file, self.folder):
                    raise BlockingIOError(
                        f"another process is training in {self.folder}{_holder(file)}. Wait for its end, or choose "
                        "another folder."
                    )
                current = _same(file, self.folder / FILE)
            except BaseException:
                os.close(file)
                raise
            if current:
                break
            os.close(file)  # somebody removed the file in between: lock its successor
        self._file, self._pid = file, os.getpid()
        _OPEN.add(self)
        since = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
        _write(file, json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": since}))

    def check(self) -> None:
        """Raise a FileNotFoundError if the folder was removed or replaced, so that this lock no longer guards it."""
        if not _same(self._file, self.folder / FILE):
            raise FileNotFoundError(
                f"{self.folder} was removed, moved or replaced while this process trained in it, so nothing more is "
                "written there. Choose another folder."
            )

    def release(self) -> None:
        """Give the folder to others; nothing happens if the lock is not taken."""
        file, ours, self._file = self._file, self.taken, None
        _OPEN.discard(self)
        if not ours:
            return
        from filelock import unlock_descriptor

        try:
            _write(file, "")
            with contextlib.suppress(OSError):
                unlock_descriptor(file)  # a child that was forked meanwhile may have the file open too
        finally:
            os.close(file)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.release()

    def __deepcopy__(self, memo):
        return Hold(self.folder)

    def __del__(self):
        with contextlib.suppress(Exception):
            self.release()

    def _forget(self):
        """Close the file in a child that was forked: the lock is the parent's alone."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)


@contextlib.contextmanager
def only_one(folder, hold=None):
    """Yield a taken Hold of a folder that exists: `hold` if it is taken, else one for the time of the block.

    None is not a folder: then nothing is held, and None is given.
    """
    if folder is None:
        yield None
    elif hold is not None and hold.taken:
        hold.check()
        yield hold
    else:
        with Hold(folder) as own:
            own.take()
            yield own


def _open(folder):
    """Return a descriptor of the lock file, which is made if it is not there."""
    path = folder / FILE
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | files.NON_BLOCKING | files.NO_LINK, 0o666)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"cannot train in {folder}: the folder does not exist") from error
    except OSError as error:
        if path.is_symlink() or path.is_dir():
            raise _odd(path) from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _odd(path)
    return file


def _odd(path):
    kind = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "not a regular file"
    return OSError(f"cannot lock {path.parent}: {path} is {kind}. Move it away, then run the command again.")


def _lock(file, folder) -> bool:
    from filelock import lock_descriptor

    try:
        return lock_descriptor(file, blocking=False)
    except OSError as error:
        raise OSError(
            f"cannot lock {folder}: its file system does not support locks ({(error.strerror or str(error)).lower()}). "
            "Choose a folder on a local disk."
        ) from error


def _same(file, path) -> bool:
    """Return whether an open file is the one at `path`; Windows does not remove a file that is open."""
    with contextlib.suppress(OSError):
        return os.name == "nt" or files.is_at(file, path)
    return False


def _write(file, text):
    """Note who holds the lock, after the byte that is locked; a full disk is not a reason to stop here."""
    with contextlib.suppress(OSError):
        os.ftruncate(file, 0)
        if text:
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, b"\n" + text.encode()[:MOST])


def _holder(file) -> str:
    """Return who holds the lock, as the rest of a sentence; empty if it is not known."""
    try:
        os.lseek(file, 1, os.SEEK_SET)
        noted = json.loads(os.read(file, MOST))
        process, host, since = noted["process"], noted["host"], noted["since"]
        if type(process) is not int or not (host + since).isprintable():
            return ""
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""
    here = host == socket.gethostname()
    this = ", this one" if here and process == os.getpid() else ""
    return f" (process {process}{this}{'' if here else f' on {host[:64]}'}, since {since[:40]})"


def _forget_all():
    for hold in list(_OPEN):
        hold._forget()
    _OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
