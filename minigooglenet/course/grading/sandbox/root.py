"""The package's own sandbox mechanism: a separate root folder and namespaces for a process that runs a student's code.

The process cannot name anything outside this root: files of other people, listening sockets, other processes.
Everything inside is read-only except one in-memory folder with a bounded size and number of files.
"""

import contextlib
import ctypes
import os
from pathlib import Path

from minigooglenet.course.grading.sandbox import linux

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")


def enter(as_root) -> bool:
    """Continue in new namespaces, as the child of their first process; return whether that is possible.

    When the first process ends, the kernel ends every process inside.
    """
    known = (os.getuid(), os.getgid())
    spaces = linux.NEWNET | linux.NEWPID | linux.NEWIPC | linux.NEWNS | linux.NEWUTS
    if linux.libc().unshare(spaces | (0 if as_root else linux.NEWUSER)):
        return False
    if not as_root:
        _map(*known)
    for _ in range(2):
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        linux.die_with_parent()
    return True


def _map(user, group):
    """Keep the same user inside the namespace, so that files keep their owners."""
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def visible(paths) -> list[str]:
    """Return the existing paths and the targets of their links, without paths that are inside another one."""
    existing = set()
    for path in paths:
        if os.path.exists(path):  # noqa: PTH110 (also False for a path that may not be read)
            existing |= {str(Path(path).absolute()), os.path.realpath(path)}
    return sorted(path for path in existing if not any(str(above) in existing for above in Path(path).parents))


def build(folder, paths) -> None:
    """Replace the root folder by one that contains these paths, read-only, and /proc; or raise OSError.

    folder : an empty folder, which exists in the new root too
    """
    linux.mount("none", "/", flags=linux.PRIVATE | linux.RECURSIVE)
    linux.mount("tmpfs", folder, "tmpfs", linux.NOSUID, "size=4m,nr_inodes=10000,mode=755")
    base = Path(folder)
    for path in [*visible(path for path in paths if not path.startswith("/proc")), *DEVICES]:
        target = base / path.lstrip("/")
        if Path(path).is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        linux.mount(path, target, flags=linux.BIND | linux.RECURSIVE)
    for name in (folder.lstrip("/"), "proc", ".old"):
        (base / name).mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # fails in a container that hides parts of its /proc: the new root then has none
        linux.mount("proc", base / "proc", "proc", linux.NOSUID | linux.NODEV | linux.NOEXEC)
    os.chdir(folder)
    if linux.libc().pivot_root(b".", b".old"):
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")
    detached = 2
    if linux.libc().umount2(b"/.old", detached):
        raise OSError(ctypes.get_errno(), "umount2")
    Path("/.old").rmdir()
