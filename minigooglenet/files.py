"""Writing files so that a crash, a full disk or Ctrl-C leaves the old file or the new one, never half of one."""

import contextlib
import os
import tempfile
from pathlib import Path


@contextlib.contextmanager
def atomic(path, mode="wb"):
    """Open a temporary file beside `path` for writing; put it in place of `path` once everything is written and synced.

    Text is UTF-8. After an exception the temporary file is gone and `path` is as it was.
    """
    path = Path(path)
    encoding = None if "b" in mode else "utf-8"
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, mode, encoding=encoding, newline=None if "b" in mode else "") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _give_default_permissions(temporary)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic(path, "w") as file:
        file.write(text)


def _give_default_permissions(path) -> None:
    # mkstemp makes files that only their owner can read; a result should be readable as any other file of the user's.
    mask = os.umask(0)
    os.umask(mask)
    Path(path).chmod(0o666 & ~mask)
