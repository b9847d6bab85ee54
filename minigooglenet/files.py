"""Writing files so that a crash, a full disk or Ctrl-C leaves the old file or the new one, never half of one."""

import contextlib
import os
import secrets
import sys
from pathlib import Path

STDOUT = "-"  # as a path: standard output, for text


@contextlib.contextmanager
def atomic(path, mode="wb"):
    """Open a temporary file beside `path` for writing; put it in place of `path` once everything is written and synced.

    Text is UTF-8, and goes to standard output if `path` is "-". After an exception the temporary file is gone and
    `path` is as it was. A link is followed, an existing file keeps its permissions, and what is not a regular file (a
    pipe, a terminal) is written to as it is.
    """
    if path == STDOUT and "b" not in mode:
        yield sys.stdout
        sys.stdout.flush()
        return
    asked, path = path, Path(path).resolve()
    text = {} if "b" in mode else {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    if path.exists() and not path.is_file():
        with path.open(mode, **text) as file:
            yield file
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        file = temporary.open(mode.replace("w", "x"), **text)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"cannot write {asked}: there is no folder {path.parent}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic(path, "w") as file:
        file.write(text)
