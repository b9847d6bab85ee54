"""Files: written so that a crash leaves the old one or the new one, and read only if they are regular files."""

import contextlib
import errno
import os
import secrets
import stat
import sys
from pathlib import Path

STDOUT = "-"  # as a path: standard output, for text
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# No pipe without a writer blocks the call, no terminal becomes the process's own, no child inherits the file.
WITHOUT_WAITING = sum(
    getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOINHERIT", "O_NONBLOCK", "O_NOCTTY")
)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class NotAFileError(OSError):
    """Something that is not a regular file is at a path; `strerror` says what, without the path."""

    def __str__(self):
        return f"{self.filename}: {self.strerror}"


@contextlib.contextmanager
def atomic(path, mode="wb"):
    """Open a temporary file in the folder of `path`; rename it to `path` after everything is written and synced.

    Text is UTF-8, and goes to standard output if `path` is "-". After an exception the temporary file is gone and
    `path` is as it was. A link is followed, an existing file keeps its permissions, and what is not a regular file (a
    pipe, a terminal) is written to as it is. The folder is synced too, so the new name survives a power cut.
    """
    if path == STDOUT and "b" not in mode:
        yield sys.stdout
        sys.stdout.flush()
        return
    asked, path = path, Path(os.path.realpath(path))  # Path.resolve raises a RuntimeError for a link to itself
    if path.is_symlink():  # realpath follows every other one
        raise OSError(f"cannot write {asked}: it is a link that leads back to itself")
    text = {} if "b" in mode else {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    if path.exists() and not path.is_file():
        with open(_opened_without_waiting(path, asked), mode, **text) as file:  # noqa: PTH123 (a descriptor)
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
    sync_folder(path.parent)


def write_text(path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic(path, "w") as file:
        file.write(text)


def make_folder(path) -> Path:
    """Make a folder and its missing parents, and sync the folders that hold them; return its path."""
    path = Path(path)
    missing = []
    for folder in (path, *path.parents):
        if folder.exists():
            break
        missing.append(folder)
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)
    return path


def sync_folder(folder) -> None:
    """Write the names in a folder to the disk, on systems and filesystems that can."""
    if os.name != "posix":
        return  # Windows opens no folders; NTFS keeps a journal of names
    with contextlib.suppress(OSError):
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def open_regular(path):
    """Open the regular file at `path` for reading bytes, without ever waiting for it.

    Raises
    ------
    NotAFileError
        If something else is there: a folder, a pipe, a device, a link to itself. The message says what it is.
    FileNotFoundError
        If nothing is there, or a link to nothing.
    """
    check_regular(path)
    place = os.open(path, os.O_RDONLY | WITHOUT_WAITING)
    try:
        status = os.fstat(place)
        if not stat.S_ISREG(status.st_mode):  # it changed since it was checked
            raise _not_regular(path, status)
        return open(place, "rb")  # noqa: PTH123 (a descriptor, which the caller closes)
    except BaseException:
        os.close(place)
        raise


def check_regular(path) -> os.stat_result:
    """Return the status of the regular file at `path`, or raise the errors of `open_regular`. Nothing is opened."""
    path = Path(path)
    try:
        status = path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP or getattr(error, "winerror", None) == 1921:
            raise NotAFileError(errno.ELOOP, "it is a link that leads back to itself", os.fspath(path)) from error
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            raise FileNotFoundError(errno.ENOENT, "it is a link to nothing", os.fspath(path)) from error
        raise
    if not stat.S_ISREG(status.st_mode):
        raise _not_regular(path, status)
    return status


def read_bytes(path) -> bytes:
    """Return the content of the regular file at `path`, or raise the errors of `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def is_at(descriptor, path) -> bool:
    """Return whether an open file is the one at `path`, not one that was renamed or deleted."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def kind_of(status: os.stat_result) -> str:
    """Return what something that is not a regular file is: "a folder", "a pipe", "a socket" or "a device"."""
    return KINDS.get(stat.S_IFMT(status.st_mode), "something else")


def cache_folder() -> Path:
    """Return the user's folder for what can be made or downloaded again."""
    if sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    else:
        caches = os.environ.get("XDG_CACHE_HOME", "")
        caches = caches if Path(caches).is_absolute() else Path.home() / ".cache"  # as the specification asks
    return Path(caches) / "minigooglenet"


def _not_regular(path, status):
    if stat.S_ISDIR(status.st_mode):
        return NotAFileError(errno.EISDIR, "it is a folder, not a file", os.fspath(path))
    reason = f"it is {kind_of(status)}, not a file. Save its content to a file first."
    return NotAFileError(errno.EINVAL, reason, os.fspath(path))


def _opened_without_waiting(path, asked):
    """Return a descriptor for writing to a pipe or a device; a pipe without a reader is an error at once."""
    try:
        place = os.open(path, os.O_WRONLY | WITHOUT_WAITING)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        kind = kind_of(Path(path).stat())
        raise OSError(f"cannot write {asked}: it is {kind}, and nothing reads from it") from error
    if os.name == "posix":
        os.set_blocking(place, True)
    return place
