"""Compiled kernels on disk: loaded only from folders that no other user may write to, and only if every bit is right.

Numba's own cache unpickles an index and a data file as they are, and runs the machine code in them. Here each compiled
kernel is one file: a checksum, then the content. The checksum also covers what the code was compiled from and for
(sources, versions, processor, argument types). So a corrupt, truncated, exchanged or outdated file is recognised before
anything in it is used, and compiled again. A checksum does not stop an attacker who can write to the folder. Ownership
and permissions do, so they are checked first.

No fault here stops a computation: it is reported once in a process, and the kernel is compiled.
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

VARIABLE = "NUMBA_CACHE_DIR"
ADVICE = f"Try setting {VARIABLE} to a folder of your own."
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
        """Read what the compiled code depends on."""
        self.function = function
        self.file = Path(inspect.getfile(function)).absolute()
        self.made_from = (sources, _digest_of(self.file), _VERSIONS, function.__code__.co_code)
        self.enabled = True

    @property
    def cache_path(self):
        """Return the folder in which this function is kept, or None."""
        folder = kept_in(self.file.parent)
        return None if folder is None else str(folder)

    def enable(self):
        self.enabled = True

    def disable(self):
        self.enabled = False

    def flush(self):
        """Do nothing: a function that is compiled again replaces its file."""

    def load_overload(self, sig, target_context):
        """Return the compiled form for a signature, or None."""
        if not self.enabled:
            return None
        try:
            from numba.core.compiler import CompileResult

            target_context.refresh()
            name, identity = self._name_and_identity(sig, target_context.codegen())
            for folder in folders(self.file.parent):
                content = _read(folder, name, self.file.parent)
                if content is not None and content[:HEAD] == _seal(identity, memoryview(content)[HEAD:]):
                    return CompileResult._rebuild(target_context, *pickle.loads(memoryview(content)[HEAD:]))
        except Exception as error:  # a Numba whose internals changed
            report("read", f"compiled kernels cannot be loaded ({_reason(error)}), so they are compiled again")
        return None

    def save_overload(self, sig, data):
        """Keep a compiled form in the first folder that can be written."""
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
            why = "; ".join(reasons) or "no folder is safe to keep them in"
        except Exception as error:
            why = _reason(error)
        report("keep", f"compiled kernels cannot be kept, so every process compiles them again ({why}). {ADVICE}")

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


def attach(dispatcher, sources: str) -> None:
    """Make a compiled function use this cache. If Numba's internals do not allow that, it is not kept."""
    try:
        dispatcher._cache = KernelCache(dispatcher.py_func, sources)
    except Exception as error:
        why = f"compiled kernels cannot be kept, so every process compiles them again ({_reason(error)})"
        report("keep", why)


def keep_nothing() -> None:
    """Write no more compiled code in this process. Kernels that are on disk are still loaded."""
    global _keeping
    _keeping = False


@functools.cache
def folders(source: Path) -> tuple[Path, ...]:
    """Return where the kernels of a folder of sources may be kept, first choice first; the folders need not exist.

    That is NUMBA_CACHE_DIR, if it is set and usable. Otherwise it is `__pycache__` in the folder, then a folder of the
    user's. The environment decides and not `numba.config`, which also reads a file in the current folder: that folder
    may have come from someone else.
    """
    below = f"{source.name}_{hashlib.sha1(os.fsencode(source)).hexdigest()}"
    candidates = []
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        folder = Path(os.path.realpath(given)) / below
        if Path(given).is_absolute():
            reason = unsafe(folder) or _made(folder) or unsafe(folder)
        else:
            reason = "the path is relative, so it is another folder wherever a program starts"
        if reason is None:
            return (folder,)
        report("folder", f"compiled kernels are not kept in {VARIABLE}={given}: {reason}")
    else:
        folder = Path(os.path.realpath(source / "__pycache__"))
        reason = unsafe(folder, source)
        if reason is None:
            candidates.append(folder)
        elif _is_mine(folder):  # a reader of someone else's installation cannot change it
            report("folder", f"compiled kernels are not kept in {folder}: {reason}")
    try:
        folder = Path(os.path.realpath(files.cache_folder())) / "kernels" / below
    except RuntimeError:  # the user has no home
        return tuple(candidates)
    reason = unsafe(folder)
    if reason is None:
        candidates.append(folder)
    elif not candidates:
        report("folder", f"compiled kernels are not kept in {folder}: {reason}")
    return tuple(candidates)


def kept_in(source: Path) -> Path | None:
    """Return the folder in which the kernels of a folder of sources are kept now; None if none can be written."""
    if "keep" in _reported:
        return None
    usable = (folder for folder in folders(source) if _made(folder) is None and not unsafe(folder, source))
    return next((folder for folder in usable if os.access(folder, os.W_OK | os.X_OK)), None)


def unsafe(folder: Path, source: Path | None = None) -> str | None:
    """Return in words why code from a folder must not run, or None if only its owner and root can write there.

    A missing folder is as safe as the folders above it. All of them count. A sticky folder above, such as /tmp, may be
    writable, because other users cannot rename there what is not theirs. If the folder is `__pycache__` in `source`,
    the folders above do not count: who can write to them can change the sources. Windows has no such permissions, so
    nothing is checked there.

    Parameters
    ----------
    folder : absolute, without links
    source : folder of the sources, whose owner is trusted because they run already
    """
    if not _POSIX:
        return None
    if os.path.realpath(folder) != str(folder):
        return f"{folder} leads through a link"
    owners, chain = {0, os.getuid()}, (folder, *folder.parents)
    try:
        if source is not None and folder == Path(os.path.realpath(source)) / "__pycache__":
            owners.add(source.stat().st_uid)
            chain = (folder,)
        for place in chain:
            try:
                status = place.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                return f"{place} is not a folder"
            if status.st_uid not in owners:
                return f"{place} belongs to another user (number {status.st_uid}), who could put any code there"
            sticky = place != folder and status.st_mode & stat.S_ISVTX
            if not sticky and (writers := _other_writers(place, status)):
                return f"{writers} may write to {place} and could put any code there. Try `chmod go-w {place}`."
    except OSError as error:
        return _reason(error)
    return None


def report(kind: str, sentence: str) -> None:
    """Print a sentence on standard error, once in a process for each kind."""
    if kind not in _reported:
        _reported.add(kind)
        say(f"minigooglenet: {sentence}")


def say(sentence: str) -> None:
    """Print a line on standard error. A stream that is closed, or on a full disk, stops nothing."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(sentence, file=sys.stderr, flush=True)


def _other_writers(place, status):
    """Return in words who else may write to a file or folder, or None."""
    if status.st_mode & stat.S_IWOTH:
        return "every user"
    if not status.st_mode & stat.S_IWGRP or status.st_gid in _ADMINISTRATORS or _is_private(place, status.st_gid):
        return None
    return "a group"


def _is_private(place, gid):
    """Return whether a group is the user's own: of the same name, without another member, as many systems make it."""
    if os.getuid() == 0:
        return False  # system accounts are in root's group
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    # The users in an access list appear as the permissions of the group.
    with contextlib.suppress(OSError, AttributeError):
        if "system.posix_acl_access" in os.listxattr(place):
            return False
    return (user.pw_name, user.pw_gid) == (group.gr_name, gid) and set(group.gr_mem) <= {user.pw_name}


def _is_mine(folder):
    try:
        return not _POSIX or folder.stat().st_uid == os.getuid()
    except OSError:
        return False


def _made(folder):
    """Make a folder and those above it, which only the user may write to; return why that is impossible, or None."""
    try:
        for place in (*reversed(folder.parents), folder):
            if not place.is_dir():
                place.mkdir(0o755, exist_ok=True)
    except OSError as error:
        return _reason(error)
    return None


def _read(folder, name, source):
    """Return the content of a file that no other user may change, or None."""
    if folder not in _safe:
        if not folder.is_dir() or unsafe(folder, source):  # it may have appeared since it was chosen
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
        return None  # missing, as a rule


def _write(folder, name, parts, source):
    """Write a file completely or not at all. Others may read it and never write to it."""
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
            return  # another process has the same kernel open
        raise


def _seal(identity, content):
    """Return the bytes before the content: a checksum of it under the key `identity`."""
    return MAGIC + hashlib.blake2b(content, digest_size=HEAD - len(MAGIC), key=identity).digest()


@functools.cache
def _digest_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _reason(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
