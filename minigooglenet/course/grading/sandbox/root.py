"""A root folder of its own for a process that runs a student's code, and namespaces: the mechanism of this package.

What is not in this root cannot be named: other people's files, sockets of programs that listen, other processes.
Everything in it is read-only but one folder in memory, of bounded size and number of files.
"""

import contextlib
import ctypes
import os
from pathlib import Path

from minigooglenet.course.grading.sandbox import linux

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")


def enter(as_root) -> bool:
    """Go on in namespaces of its own as the child of their first process; return whether that is possible.

    When the first process ends, the kernel ends everything inside.
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
    """Be the same user inside the namespace, so that files are owned as they were."""
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def visible(paths) -> list[str]:
    """Return those of some paths that exist, also as what their links lead to, without what another one holds."""
    found = set()
    for path in paths:
        if os.path.exists(path):  # noqa: PTH110 (False, too, for what may not be looked at)
            found |= {str(Path(path).absolute()), os.path.realpath(path)}
    return sorted(path for path in found if not any(str(above) in found for above in Path(path).parents))


def build(folder, paths) -> None:
    """Replace the root folder by one that holds some paths, read-only, and /proc; or raise OSError.

    folder : an empty one, made on the way
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
    with contextlib.suppress(OSError):  # a container that hides parts of its own /proc: then there is none
        linux.mount("proc", base / "proc", "proc", linux.NOSUID | linux.NODEV | linux.NOEXEC)
    os.chdir(folder)
    if linux.libc().pivot_root(b".", b".old"):
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")
    detached = 2
    if linux.libc().umount2(b"/.old", detached):
        raise OSError(ctypes.get_errno(), "umount2")
    Path("/.old").rmdir()
