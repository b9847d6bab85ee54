"""Compiled kernels on disk: loaded only from folders that no other user may write to, and only if a checksum matches.

Numba's own cache unpickles an index and a data file without checks and runs the machine code in them. Here each
compiled kernel is one file: a checksum, then the content. The checksum also covers the inputs of the compilation
(sources, versions, processor, argument types). So a corrupt, truncated, exchanged or outdated file is detected before
any of its content is used, and the kernel is compiled again. A checksum does not stop an attacker who can write to the
folder. Ownership and permissions do, so they are checked first.

No error here stops a computation: it is reported once per process, and the kernel is compiled.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import pickle
import platform
import secrets
import stat
import sys
from pathlib import Path

import llvmlite
import numba
import numpy as np

from minigooglenet import files
from minigooglenet.kernels.fast import compile_ahead

VARIABLE = "NUMBA_CACHE_DIR"
ADVICE = f"Try setting {VARIABLE} to a folder that only you can write to."
MAGIC = b"minigooglenet kernel 1\n"
HEAD = len(MAGIC) + 32  # bytes before the content
_VERSIONS = (numba.__version__, llvmlite.__version__, np.__version__, sys.version, platform.machine())
_ADMINISTRATORS = {0, 80} if sys.platform == "darwin" else set()  # wheel and admin, whose members can become root
_POSIX = hasattr(os, "getuid")
_reported: set[str] = set()
_safe: set[Path] = set()
_keeping = True


class KernelCache:
    """The cache of one function, with the methods that Numba's dispatcher calls.

    Parameters
    ----------
    function : the Python function
    sources : digest of all sources whose code may be inlined
    """

    def __init__(self, function, sources: str):
        """Compute a digest of everything that the compiled code depends on."""
        self.function = function
        self.file = Path(inspect.getfile(function)).absolute()
        self.made_from = (sources, _digest_of(self.file), _VERSIONS, function.__code__.co_code)
        self.enabled = True

    @property
    def cache_path(self):
        """Return the folder in which this function is cached, or None."""
        folder = kept_in(self.file.parent)
        return None if folder is None else str(folder)

    def enable(self):
        self.enabled = True

    def disable(self):
        self.enabled = False

    def flush(self):
        """Do nothing: when a function is compiled again, its file is replaced."""

    def load_overload(self, sig, target_context):
        """Return the compiled code for a signature, or None."""
        load = functools.partial(self._load, sig, target_context)
        found = load()
        if found is None and self.enabled and _keeping and self.cache_path is not None:
            return compile_ahead.wait_for(self.function, load)
        return found

    def _load(self, sig, target_context):
        if not self.enabled:
            return None
        try:
            from numba.core.compiler import CompileResult

            _initialise(target_context)
            name, identity = self._name_and_identity(sig, target_context.codegen())
            for folder in folders(self.file.parent):
                content = _read(folder, name, self.file.parent)
                if content is not None and content[:HEAD] == _seal(identity, memoryview(content)[HEAD:]):
                    return CompileResult._rebuild(target_context, *pickle.loads(memoryview(content)[HEAD:]))
        except Exception as error:  # a Numba whose internals changed
            report("read", f"cached kernels cannot be loaded ({_reason(error)}), so they are compiled again")
        return None

    def save_overload(self, sig, data):
        """Save compiled code in the first writable folder."""
        try:
            if not (self.enabled and _keeping) or data.lifted or data.library.has_dynamic_globals:
                return
            from numba.core.serialize import dumps

            name, identity = self._name_and_identity(sig, data.codegen)
            content = dumps(data._reduce())
            reasons = []
            for folder in folders(self.file.parent):
                try:
                    _write(folder, name, (_seal(identity, content), content), self.file.parent)
                except OSError as error:
                    reasons.append(f"{folder}: {_reason(error)}")
                else:
                    return
            why = "; ".join(reasons) or "no folder is safe for them"
        except Exception as error:
            why = _reason(error)
        report("keep", f"compiled kernels cannot be cached, so every process compiles them again ({why}). {ADVICE}")

    def _name_and_identity(self, sig, codegen):
        """Return (name of the file, key of its checksum): everything that the compiled code depends on."""
        from numba.core.serialize import dumps

        cells = self.function.__closure__
        closure = b"" if cells is None else dumps(tuple(cell.cell_contents for cell in cells))
        key = repr((repr(sig), codegen.magic_tuple(), hashlib.sha256(closure).hexdigest()))
        short = hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
        function = f"{self.file.stem}.{self.function.__qualname__}-{self.function.__code__.co_firstlineno}"
        python = f"py{sys.version_info.major}{sys.version_info.minor}{getattr(sys, 'abiflags', '')}"
        name = f"{function.replace('<', '').replace('>', '')}.{python}.{short}.nbc"
        return name, hashlib.blake2b(repr((key, function, self.made_from)).encode()).digest()


def _initialise(target_context):
    """Prepare to run cached kernels, which need only Numba's memory allocator.

    `target_context.refresh()` also loads the types of all functions that code could call, including those of SciPy.
    Numba calls it before it compiles.
    """
    from numba.core.runtime import rtsys

    rtsys.initialize(target_context)


def attach(dispatcher, sources: str) -> None:
    """Make a compiled function use this cache. If Numba's internals do not allow that, it is not cached."""
    try:
        dispatcher._cache = KernelCache(dispatcher.py_func, sources)
    except Exception as error:
        why = f"compiled kernels cannot be cached, so every process compiles them again ({_reason(error)})"
        report("keep", why)


def keep_nothing() -> None:
    """Save no more compiled code in this process. Cached kernels are still loaded."""
    global _keeping
    _keeping = False


@functools.cache
def folders(source: Path) -> tuple[Path, ...]:
    """Return the folders in which the kernels of a source folder may be cached, in order; they need not exist.

    If NUMBA_CACHE_DIR is set and usable, it is the only one. Otherwise they are `__pycache__` in the source folder and
    then a folder in the user's cache. The environment variable counts, not `numba.config`, which also reads a file in
    the current folder: that folder may belong to someone else.
    """
    below = f"{source.name}_{hashlib.sha1(os.fsencode(source)).hexdigest()}"
    candidates = []
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        folder = Path(os.path.realpath(given)) / below
        if Path(given).is_absolute():
            reason = unsafe(folder) or _made(folder) or unsafe(folder)
        else:
            reason = "the path is relative, so it would depend on the folder in which a program starts"
        if reason is None:
            return (folder,)
        report("folder", f"compiled kernels are not cached in {VARIABLE}={given}: {reason}")
    else:
        folder = Path(os.path.realpath(source / "__pycache__"))
        reason = unsafe(folder, source)
        if reason is None:
            candidates.append(folder)
        elif _belongs_to_user(folder):  # a user of someone else's installation cannot change it
            report("folder", f"compiled kernels are not cached in {folder}: {reason}")
    try:
        folder = Path(os.path.realpath(files.cache_folder())) / "kernels" / below
    except RuntimeError:  # the user has no home folder
        return tuple(candidates)
    reason = unsafe(folder)
    if reason is None:
        candidates.append(folder)
    elif not candidates:
        report("folder", f"compiled kernels are not cached in {folder}: {reason}")
    return tuple(candidates)


def kept_in(source: Path) -> Path | None:
    """Return the folder in which the kernels of a source folder are cached now, or None if none is writable."""
    if "keep" in _reported:
        return None
    usable = (folder for folder in folders(source) if _made(folder) is None and not unsafe(folder, source))
    return next((folder for folder in usable if os.access(folder, os.W_OK | os.X_OK)), None)


def unsafe(folder: Path, source: Path | None = None) -> str | None:
    """Return the reason why code from a folder must not run, or None if only its owner and root can write to it.

    A missing folder is as safe as its parent folders, which are all checked. A sticky parent folder, such as /tmp, may
    be writable, because other users cannot rename files there that belong to someone else. If the folder is
    `__pycache__` in `source`, its parent folders are not checked: anyone who can write to them can change the sources.
    Windows has no such permissions, so nothing is checked there.

    Parameters
    ----------
    folder : absolute path, without links
    source : source folder, whose owner is trusted because the sources are already running
    """
    if not _POSIX:
        return None
    if os.path.realpath(folder) != str(folder):
        return f"the path of {folder} contains a link"
    owners, chain = {0, os.getuid()}, (folder, *folder.parents)
    try:
        if source is not None and folder == Path(os.path.realpath(source)) / "__pycache__":
            owners.add(source.stat().st_uid)
            chain = (folder,)
        for path in chain:
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                return f"{path} is not a folder"
            if status.st_uid not in owners:
                return f"{path} belongs to another user (ID {status.st_uid}), who could put any code there"
            sticky = path != folder and status.st_mode & stat.S_ISVTX
            if not sticky and (writers := _other_writers(path, status)):
                return f"{writers} may write to {path} and could put any code there. Try `chmod go-w {path}`."
    except OSError as error:
        return _reason(error)
    return None


def report(kind: str, sentence: str) -> None:
    """Print a sentence to standard error, once per process and kind."""
    if kind not in _reported:
        _reported.add(kind)
        print_line(f"minigooglenet: {sentence}")


def print_line(sentence: str) -> None:
    """Print a line to standard error; ignore errors, such as a closed stream or a full disk."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(sentence, file=sys.stderr, flush=True)


def _other_writers(path, status):
    """Return who else may write to a file or folder, as text, or None."""
    if status.st_mode & stat.S_IWOTH:
        return "every user"
    if not status.st_mode & stat.S_IWGRP or status.st_gid in _ADMINISTRATORS or _is_private(path, status.st_gid):
        return None
    return "a group"


def _is_private(path, gid):
    """Return whether a group belongs to the user only: the same name and no other members, as on many systems."""
    if os.getuid() == 0:
        return False  # root's group has other system accounts
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    # The permissions of users in an access control list appear as group permissions.
    with contextlib.suppress(OSError, AttributeError):
        if "system.posix_acl_access" in os.listxattr(path):
            return False
    return (user.pw_name, user.pw_gid) == (group.gr_name, gid) and set(group.gr_mem) <= {user.pw_name}


def _belongs_to_user(folder):
    try:
        return not _POSIX or folder.stat().st_uid == os.getuid()
    except OSError:
        return False


def _made(folder):
    """Make a folder and its parents, writable only by the user; return the reason if that fails, or None."""
    try:
        for path in (*reversed(folder.parents), folder):
            if not path.is_dir():
                path.mkdir(0o755, exist_ok=True)
    except OSError as error:
        return _reason(error)
    return None


def _read(folder, name, source):
    """Return the content of a file that no other user may change, or None."""
    if folder not in _safe:
        if not folder.is_dir() or unsafe(folder, source):  # it may have been created after it was chosen
            return None
        _safe.add(folder)
    try:
        with files.open_regular(folder / name) as file:
            status = os.fstat(file.fileno())
            if _POSIX and (
                status.st_uid not in {0, os.getuid(), folder.stat().st_uid} or _other_writers(folder / name, status)
            ):
                return None
            return file.read()
    except OSError:
        return None  # usually the file does not exist


def _write(folder, name, parts, source):
    """Write a file atomically. Other users may read it but not write to it."""
    if reason := _made(folder) or unsafe(folder, source):
        raise OSError(reason)
    temporary = folder / f"{name}.{secrets.token_hex(4)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        with open(os.open(temporary, flags, 0o644), "wb") as file:  # noqa: PTH123 (a descriptor)
            file.writelines(parts)
        temporary.replace(folder / name)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if os.name == "nt" and isinstance(error, PermissionError) and (folder / name).exists():
            return  # another process has opened the same kernel
        raise


def _seal(identity, content):
    """Return the bytes before the content: a checksum of the content with key `identity`."""
    return MAGIC + hashlib.blake2b(content, digest_size=HEAD - len(MAGIC), key=identity).digest()


@functools.cache
def _digest_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _reason(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
