"""Files: written atomically, so that a crash leaves the old or the new file, and read only if they are regular."""

import contextlib
import errno
import os
import secrets
import stat
import sys
from pathlib import Path

STDOUT = "-"  # this path means standard output, for text
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# A pipe without a writer does not block, a terminal does not become the controlling terminal, children do not inherit.
NON_BLOCKING = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOINHERIT", "O_NONBLOCK", "O_NOCTTY"))
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class NotAFileError(OSError):
    """The path is not a regular file; `strerror` describes what it is, without the path."""

    def __str__(self):
        return f"{self.filename}: {self.strerror}"


@contextlib.contextmanager
def atomic(path, mode="wb"):
    """Open a temporary file in the folder of `path`; rename it to `path` after everything is written and synced.

    Text is UTF-8, and goes to standard output if `path` is "-". After an exception the temporary file is deleted and
    `path` is unchanged. Links are followed, an existing file keeps its permissions, and anything but a regular file (a
    pipe, a terminal) is written to directly. The folder is synced too, so the new name survives a power failure.
    """
    if path == STDOUT and "b" not in mode:
        yield sys.stdout
        sys.stdout.flush()
        return
    original, path = path, Path(os.path.realpath(path))  # Path.resolve raises a RuntimeError for a link to itself
    if path.is_symlink():  # realpath follows every other link
        raise OSError(f"cannot write {original}: it is a link that leads back to itself")
    text = {} if "b" in mode else {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    if path.exists() and not path.is_file():
        with open(_opened_without_waiting(path, original), mode, **text) as file:  # noqa: PTH123 (a descriptor)
            yield file
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        file = temporary.open(mode.replace("w", "x"), **text)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"cannot write {original}: folder {path.parent} does not exist") from error
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


def check_writable(path) -> None:
    """Raise an OSError unless `atomic` can write to `path`. An empty file in its folder is made and deleted."""
    if path == STDOUT:
        return
    target = Path(os.path.realpath(path))  # Path.resolve raises a RuntimeError for a link to itself
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: folder {target.parent} does not exist")
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder. Give the path of a file in it.")
    if target.exists() and not target.is_file():  # such as a device, which is written to directly
        return
    trial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        trial.open("xb").close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise type(error)(f"cannot write {path}: {reason}. Choose a file in another folder.") from error
    trial.unlink()


def write_text(path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic(path, "w") as file:
        file.write(text)


def make_folder(path) -> Path:
    """Make a folder and its missing parents, and sync the folders that contain them; return its path."""
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
    """Write the names in a folder to the disk, if the system and the filesystem support it."""
    if os.name != "posix":
        return  # Windows cannot open folders; NTFS keeps a journal of names
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def open_regular(path):
    """Open the regular file at `path` for reading bytes, without blocking.

    Raises
    ------
    NotAFileError
        If it is a folder, a pipe, a device or a link to itself. The message describes it.
    FileNotFoundError
        If it does not exist, or is a link whose target does not exist.
    """
    check_regular(path)
    descriptor = os.open(path, os.O_RDONLY | NON_BLOCKING)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):  # it changed after the check
            raise _not_regular(path, status)
        return open(descriptor, "rb")  # noqa: PTH123 (a descriptor, which the caller closes)
    except BaseException:
        os.close(descriptor)
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
    """Return whether an open file is the file at `path`, and not one that was renamed or deleted."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def kind_of(status: os.stat_result) -> str:
    """Return the type of anything but a regular file: "a folder", "a pipe", "a socket" or "a device"."""
    return KINDS.get(stat.S_IFMT(status.st_mode), "something else")


def cache_folder() -> Path:
    """Return the user's folder for files that can be computed or downloaded again."""
    if sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    else:
        caches = os.environ.get("XDG_CACHE_HOME", "")
        caches = caches if Path(caches).is_absolute() else Path.home() / ".cache"  # as the XDG specification requires
    return Path(caches) / "minigooglenet"


def _not_regular(path, status):
    if stat.S_ISDIR(status.st_mode):
        return NotAFileError(errno.EISDIR, "it is a folder, not a file", os.fspath(path))
    reason = f"it is {kind_of(status)}, not a file. Save its content to a file first."
    return NotAFileError(errno.EINVAL, reason, os.fspath(path))


def _opened_without_waiting(path, original):
    """Return a descriptor for writing to a pipe or a device; raise an error if a pipe has no reader."""
    try:
        descriptor = os.open(path, os.O_WRONLY | NON_BLOCKING)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        kind = kind_of(Path(path).stat())
        raise OSError(f"cannot write {original}: it is {kind} without a reader") from error
    if os.name == "posix":
        os.set_blocking(descriptor, True)
    return descriptor
