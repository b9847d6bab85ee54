"""File lock for the folder of a run: two processes in one folder would overwrite each other's files.

The operating system locks an open file, so the lock ends with its process, even if the process is killed. The lock file
itself is never removed, because then two processes could each hold a lock: one on the removed file, one on a new file.
The first byte of the file is locked (on Windows no other process can read it), and the rest records the holder.

filelock locks the open file. Its class FileLock is not used, because it locks a pipe, creates a missing folder, and
accepts a lock file that was renamed while it was opened, which a second holder would not see.
"""

import contextlib
import datetime
import json
import os
import socket
import stat
import weakref
from pathlib import Path

from minigooglenet import extras, files

FILE = ".training.lock"
MOST = 4096  # bytes of the holder's description
_OPEN: "weakref.WeakSet[Hold]" = weakref.WeakSet()


class Hold:
    """The lock of one folder, held from `take` until `release` or the end of the process.

    It is a context manager that releases the lock but does not take it: call `take` first. Two Holds of one folder
    exclude each other, even in the same process and thread.
    """

    def __init__(self, folder):
        self.folder, self._file, self._pid = Path(folder), None, None

    @property
    def taken(self) -> bool:
        """Whether this process has the lock; a forked child does not."""
        return self._file is not None and self._pid == os.getpid()

    def take(self) -> None:
        """Take the lock, or do nothing if it is already taken.

        Raises
        ------
        BlockingIOError
            If another process uses the folder, with its ID.
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
                        f"another process is training in {self.folder}{_holder(file)}. Wait until it ends, or choose "
                        "another folder."
                    )
                current = _same(file, self.folder / FILE)
            except BaseException:
                os.close(file)
                raise
            if current:
                break
            os.close(file)  # the file was removed in the meantime: lock the new one
        self._file, self._pid = file, os.getpid()
        _OPEN.add(self)
        since = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
        _write(file, json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": since}))

    def check(self) -> None:
        """Raise a FileNotFoundError if the folder was removed or replaced, so that this lock no longer protects it."""
        if not _same(self._file, self.folder / FILE):
            raise FileNotFoundError(
                f"{self.folder} was removed, moved or replaced while this process was training in it, so nothing more "
                "is written there. Choose another folder."
            )

    def release(self) -> None:
        """Release the lock, or do nothing if it is not taken."""
        file, taken, self._file = self._file, self.taken, None
        _OPEN.discard(self)
        if file is None or not taken:
            return
        from filelock import unlock_descriptor

        try:
            _write(file, "")
            with contextlib.suppress(OSError):
                unlock_descriptor(file)  # explicitly, because a forked child may also have the file open
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
        """Close the file in a forked child: only the parent has the lock."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)


@contextlib.contextmanager
def locked(folder, hold=None):
    """Yield a taken Hold of an existing folder: `hold` if it is taken, otherwise a new one for the block.

    If `folder` is None, nothing is locked and None is yielded.
    """
    if folder is None:
        yield None
    elif hold is not None and hold.taken:
        hold.check()
        yield hold
    else:
        with Hold(folder) as new:
            new.take()
            yield new


def _open(folder):
    """Return a descriptor of the lock file, which is created if it does not exist."""
    path = folder / FILE
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | files.NON_BLOCKING | files.NO_LINK, 0o666)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"cannot train in {folder}: the folder does not exist") from error
    except OSError as error:
        if path.is_symlink() or path.is_dir():
            raise _not_a_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _not_a_file(path)
    return file


def _not_a_file(path):
    kind = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "not a regular file"
    return OSError(f"cannot lock {path.parent}: {path} is {kind}. Move it away, then run the command again.")


def _lock(file, folder) -> bool:
    with extras.needed("training", "training into a folder"):
        from filelock import lock_descriptor

    try:
        return lock_descriptor(file, blocking=False)
    except OSError as error:
        raise OSError(
            f"cannot lock {folder}: its file system does not support locks ({(error.strerror or str(error)).lower()}). "
            "Choose a folder on a local disk."
        ) from error


def _same(file, path) -> bool:
    """Return whether an open file is the one at `path`; on Windows it always is, because open files stay."""
    with contextlib.suppress(OSError):
        return os.name == "nt" or files.is_at(file, path)
    return False


def _write(file, text):
    """Write the holder's description after the locked byte; a full disk is not an error here."""
    with contextlib.suppress(OSError):
        os.ftruncate(file, 0)
        if text:
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, b"\n" + text.encode()[:MOST])


def _holder(file) -> str:
    """Return the holder of the lock in parentheses for a message; empty if it is unknown."""
    try:
        os.lseek(file, 1, os.SEEK_SET)
        holder = json.loads(os.read(file, MOST))
        process, host, since = holder["process"], holder["host"], holder["since"]
        if type(process) is not int or not (host + since).isprintable():
            return ""
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""
    local = host == socket.gethostname()
    this = ", this one" if local and process == os.getpid() else ""
    return f" (process {process}{this}{'' if local else f' on {host[:64]}'}, since {since[:40]})"


def _forget_all():
    for hold in list(_OPEN):
        hold._forget()
    _OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
