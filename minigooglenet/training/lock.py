"""One training at a time in a folder: two would write over each other's records."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

FILE = ".training.lock"


@contextmanager
def only_one(folder):
    """Hold the folder inside; raise a BlockingIOError if another process does. A process that ends lets go of it.

    None is no folder, and nothing is held.
    """
    if folder is None:
        yield
        return
    path = Path(folder) / FILE
    with path.open("a+b") as file:
        try:
            _lock(file)
        except OSError as error:
            raise BlockingIOError(f"another process is training in {folder}; take another folder, or wait") from error
        yield
    with suppress(OSError):
        path.unlink()


def _lock(file):
    if os.name == "nt":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
