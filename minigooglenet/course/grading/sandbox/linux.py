"""Linux system calls without a function in Python, and the rights of a process."""

import contextlib
import ctypes
import os
import platform
import signal
import struct
from pathlib import Path

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
READ_ALL, SET_GROUP, SET_USER, SET_RIGHTS, ADMIN = 2, 6, 7, 8, 21  # numbers of rights of root
_DEATH_SIGNAL, _KEEP_RIGHTS, _DROP_FOR_EVER, _NO_NEW_PRIVS = 1, 8, 24, 38
_MOUNT_SETATTR, _KEYCTL = 442, {"x86_64": 250, "aarch64": 219}
RDONLY, NOSUID, NODEV, NOEXEC, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 1 << 12, 1 << 14, 1 << 18


def libc():
    """Return the C library."""
    return ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind=None, flags=0, options=None) -> None:
    """Mount a file system, or raise OSError."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    data = None if options is None else options.encode()
    if libc().mount(*words, ctypes.c_ulong(flags), data):
        raise OSError(ctypes.get_errno(), f"mount of {target}")


def mount_disk(folder, size, files, user, group) -> None:
    """Mount an in-memory file system on a folder: at most `size` bytes and `files` files, for one user."""
    options = f"size={size},nr_inodes={files},mode=700,uid={user},gid={group}"
    mount("tmpfs", folder, "tmpfs", NOSUID | NODEV, options)


def make_read_only() -> None:
    """Make every mounted file system read-only, or raise OSError (before Linux 5.12)."""
    attributes = struct.pack("4Q", RDONLY | NOSUID, 0, 0, 0)
    recursive = 0x8000
    if libc().syscall(_MOUNT_SETATTR, -100, b"/", recursive, attributes, ctypes.c_size_t(len(attributes))):
        raise OSError(ctypes.get_errno(), "mount_setattr")


def die_with_parent() -> None:
    """Let the kernel end this process when its parent ends."""
    libc().prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def no_new_rights() -> None:
    """Prevent programs that are started from now on from having more rights than this process."""
    libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)


def new_session_keyring() -> bool:
    """Replace the keyring of the session by an empty one; return whether that worked."""
    number = _KEYCTL.get(platform.machine())
    return number is not None and libc().syscall(number, 1, None) >= 0


def become(user, group, keep=0) -> None:
    """Become another user, with no rights of root except those in the bits of `keep`."""
    os.setgroups([])
    os.setresgid(group, group, group)
    libc().prctl(_KEEP_RIGHTS, 1, 0, 0, 0)
    os.setresuid(user, user, user)
    drop_rights(keep)
    die_with_parent()  # again, because a change of user resets it


def drop_rights(keep=0) -> None:
    """Drop all rights of root permanently, except those in the bits of `keep`."""
    for right in range(64):
        if not keep >> right & 1:
            libc().prctl(_DROP_FOR_EVER, right, 0, 0, 0)
    libc().capset(struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", keep, keep, 0, 0, 0, 0))


def rights() -> int:
    """Return the rights of root that this process has, as bits."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    return 0


def open_to_all(path) -> bool:
    """Return whether any user may read a folder and enter its parents."""
    path = Path(path).resolve()
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.parents) if folder.exists())


def mapped(user) -> bool:
    """Return whether a user ID exists here: the namespace of a container may have only one user."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines():
            first, _, count = map(int, line.split())
            if first <= user < first + count:
                return True
    return False
