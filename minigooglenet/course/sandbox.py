"""Walls around a process that runs a student's code, as many as the system has; what is missing is said, not hidden.

Linux: namespaces cut off the network, other processes and a temporary folder of bounded size; Landlock leaves
nothing else to write and little to read; a user of its own bounds the number of processes where root grades. Unix:
limits on CPU time, memory and the size of a file. Windows: none of them.
"""

import contextlib
import ctypes
import os
import signal
import struct
import sys
from pathlib import Path

# What Python and the libraries below it read of a system; no passwords, no home folders, no other process.
SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sys/devices/system/cpu", "/proc/self"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/os-release", "/etc/matplotlibrc"),
)
PROCESSES = 64  # and threads, beyond those there are
NOBODY = 61_000  # ids of users that no system gives away; one for each place in the queue
WALLS = ("network", "processes", "files", "memory", "CPU time")
_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_NO_NEW_PRIVS, _DEATH_SIGNAL, _KEEP_RIGHTS, _READ_ALL = 38, 1, 8, 2
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # Landlock's system calls, the same on every architecture
_READ = 0b1101  # execute, read a file, list a folder
_ALL_FILES = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
_FILE_ONLY = 0b1000000000000111 | 1 << 14  # what Landlock knows of a file that is no folder


def limit(cpu, memory, file_size) -> set:
    """Limit this process and what it starts: seconds of CPU time, bytes of memory, bytes of a file, processes.

    None is no limit. Return what is limited.
    """
    try:
        import resource
    except ImportError:
        return set()
    held = set()
    limits = {
        "CPU time": ("CPU", cpu),
        "memory": ("AS", memory),
        "file size": ("FSIZE", file_size),
        "core": ("CORE", 0),
    }
    limits["count"] = ("NPROC", None if cpu is None else _own_threads() + PROCESSES)
    for name, (kind, most) in limits.items():
        if most is None:
            continue
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))
            held.add(name)
    return held - ({"memory"} if sys.platform == "darwin" else set())  # macOS takes the limit and ignores it


def _own_threads():
    """Return how many threads this user has now, for the limit counts all of them."""
    if not Path("/proc/self/task").exists():
        return 400
    count = 0
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            count += len(list((place / "task").iterdir())) if place.stat().st_uid == os.getuid() else 0
    return count


def confine(folder, disk, readable=(), slot=0, after=lambda: None) -> set:
    """Put this process behind every wall that there is, and return their names; Linux only, elsewhere the empty set.

    folder : the only one that can be written, of `disk` bytes at most;  readable : what else can be read
    slot : which of the users that nobody is to become, where this one is root
    after : called in the new process, for it is a new one that goes on where there is a namespace for processes
    """
    if not sys.platform.startswith("linux"):
        return set()
    libc = ctypes.CDLL(None, use_errno=True)
    root, walls = os.geteuid() == 0, set()
    known = (os.getuid(), os.getgid())
    if _unshare(libc, _NEWNET | _NEWPID | _NEWIPC | _NEWNS | (0 if root else _NEWUSER)):
        walls |= {"network", "processes"}
        if not root:
            _map(*known)
    fenced = libc.syscall(_CREATE, None, ctypes.c_size_t(0), 1) > 0
    if root and (fenced or all(_open_to_all(path) for path in (sys.prefix, sys.base_prefix, *readable))):
        known = (NOBODY + slot, NOBODY + slot)
    if walls:
        _own_disk(libc, folder, disk, *known)
        _as_first_process(libc)
    elif known[0] != os.getuid():
        os.chown(folder, *known)
    after()
    if known[0] != os.getuid():
        _become(libc, *known, keep=1 << _READ_ALL if fenced else 0)
    return walls | _landlock(libc, folder, readable)


def _unshare(libc, flags):
    return libc.unshare(flags) == 0


def _map(user, group):
    """Be the same user inside the namespace, so that files are owned as they were."""
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _become(libc, user, group, keep):
    """Become a user that nobody is, without any right of root's but `keep`: to read what Landlock leaves to read."""
    os.setgroups([])
    os.setresgid(group, group, group)
    libc.prctl(_KEEP_RIGHTS, 1, 0, 0, 0)
    os.setresuid(user, user, user)
    libc.capset(struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", keep, keep, 0, 0, 0, 0))
    libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)  # a change of user forgets it


def _open_to_all(path):
    """Return whether any user may read a folder and go through those above it."""
    path = Path(path).resolve()
    return all(place.stat().st_mode & 0o005 == 0o005 for place in (path, *path.parents) if place.exists())


def _own_disk(libc, folder, size, user, group):
    """Put a file system of bounded size, in memory, where the folder is; it goes with the processes that see it."""
    private = 1 << 18 | 1 << 14
    if libc.mount(b"none", b"/", None, private, None) == 0:
        options = f"size={size},mode=700,uid={user},gid={group}".encode()
        libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 6, options)  # no devices, no set-user-id programs
        os.chdir(folder)


def _as_first_process(libc):
    """Go on as the child of the namespace's first process: when that ends, the kernel ends everything inside."""
    for _ in range(2):
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _landlock(libc, folder, readable):
    """Allow this process to write in one folder and to read what Python needs; return what is walled off by it."""
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return set()
    files = _ALL_FILES[min(version, 5)]
    network, scope = (3 if version >= 4 else 0), (3 if version >= 6 else 0)  # TCP; signals and abstract sockets
    handled = struct.pack("QQQ", files, network, scope)
    rules = libc.syscall(_CREATE, handled, ctypes.c_size_t(8 if version < 4 else 16 if version < 6 else 24), 0)
    if rules < 0:
        return set()
    for path in (*SYSTEM, sys.prefix, sys.base_prefix, *readable):
        _allow(libc, rules, path, _READ & files)
    for path in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", folder):
        _allow(libc, rules, path, files)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    held = libc.syscall(_RESTRICT, rules, 0) == 0
    os.close(rules)
    return {"files"} if held else set()


def _allow(libc, rules, path, what):
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    what = what if Path(path).is_dir() else what & _FILE_ONLY
    libc.syscall(_ADD, rules, 1, struct.pack("=Qi", what, place), 0)
    os.close(place)
