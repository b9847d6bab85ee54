"""Walls around a process that runs a student's code, as many as the system has; what is missing is said, not hidden.

Linux: a root folder of its own and namespaces (made by bubblewrap where it is installed, otherwise by `root`) leave
nothing of the grader's to name; Landlock leaves nothing else to write and little to read; seccomp denies what a
notebook never needs; a user of its own bounds the number of processes where root grades; `watch` bounds their memory.
Unix: limits on CPU time, memory and the size of a file. Windows: none of them.
"""

import contextlib
import os
import sys
from pathlib import Path

from minigooglenet.course.grading.sandbox import bubblewrap, landlock, linux, root, seccomp

# What Python and the libraries below it read of a system; no passwords, no home folders, no other process.
SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/nix/store", "/sys/devices/system/cpu", "/proc/self"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/os-release", "/etc/matplotlibrc"),
)
PROCESSES = 64  # and threads, beyond those there are
OPEN_FILES = 128
FILES = 20_000  # in the notebook's folder, empty ones too
NOBODY = 61_000  # ids of users that no system gives away; one for each place in the queue
BUBBLEWRAP, NAMESPACES, LANDLOCK = "bubblewrap", "namespaces", "landlock"
MECHANISMS = (BUBBLEWRAP, NAMESPACES, LANDLOCK)  # the best one first; the last one needs no namespaces
WALLS = {  # and what a notebook can do where one is missing
    "network": "reach other machines and programs that listen on this one",
    "processes": "see and end your other processes, and leave some behind",
    "files": "read and change your files and those of other students",
    "attributes": "change modes, owners and times of your files",
    "sockets": "talk to programs that listen on UNIX sockets, such as ssh-agent and docker",
    "keys": "read the keys in your session's keyring",
    "disk": "fill the disk with more than 256 MB or with any number of files",
    "memory": "use more memory than --memory in one process",
    "total memory": "use more memory than twice --memory in several processes, or in memory that belongs to none",
    "CPU time": "use more CPU time than --timeout; the clock still ends it",
}


def command(mechanism, words, folder, readable, writable) -> list[str]:
    """Return the command that starts a process inside what has to be built first: bubblewrap's box, or nothing.

    readable : what the process may read;  writable : what it may write before it calls `confine`
    """
    if mechanism != BUBBLEWRAP:
        return list(words)
    return bubblewrap.command(words, folder, [*_system(), *readable], writable)


def confine(folder, disk, readable=(), slot=0, mechanism=NAMESPACES) -> set:
    """Put this process behind every wall that there is, and return their names; Linux only, elsewhere the empty set.

    folder : the only one that can be written, of `disk` bytes at most;  readable : what else can be read
    slot : which of the users that nobody is to become, where this one is root
    It may be a new process that goes on: the child of the first one in a namespace.
    """
    if not sys.platform.startswith("linux"):
        return set()
    as_root, known, walls = os.geteuid() == 0, (os.getuid(), os.getgid()), set()
    paths = [*_system(), *readable]
    inside = mechanism == BUBBLEWRAP or (mechanism == NAMESPACES and root.enter(as_root))
    rooted = mechanism == BUBBLEWRAP or (inside and _build(folder, paths))
    fenced = landlock.version() > 0
    if as_root and (fenced or rooted or all(map(linux.open_to_all, (sys.prefix, sys.base_prefix, *readable)))):
        known = (NOBODY + slot,) * 2 if linux.mapped(NOBODY + slot) else known
    sealed = inside and _seal(mechanism)
    if inside:
        walls |= {"network", "processes"}
        with contextlib.suppress(OSError):
            linux.mount_disk(folder, disk, FILES, *known)
            walls.add("disk")
        os.chdir(folder)
    elif known[0] != os.getuid():
        os.chown(folder, *known)
    joined = linux.new_session_keyring()
    if known[0] != os.getuid():
        linux.become(*known, keep=1 << linux.READ_ALL if fenced or rooted else 0)
    elif inside or as_root:
        linux.drop_rights()
    devices = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
    fenced = landlock.restrict([*paths, "/proc"] if rooted else paths, (*devices, folder))
    filtered = seccomp.restrict(attributes=not sealed)
    walls |= {"network", "attributes", "sockets", "keys"} if filtered else set()
    walls |= {"files"} if rooted or fenced else set()
    walls |= {"attributes"} if sealed else set()
    walls |= {"sockets"} if rooted else set()
    walls |= {"keys"} if joined else set()
    return walls | ({"total memory"} if filtered and "disk" in walls else set())


def packages() -> list[str]:
    """Return the folders of Python's search path that packages were installed in."""
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]


def _system():
    return [*SYSTEM, sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)]


def _build(folder, paths):
    try:
        root.build(folder, paths)
    except OSError:
        linux.libc().umount2(os.fsencode(folder), 2)
        return False
    return True


def _seal(mechanism):
    """Make everything read-only; bubblewrap's box, which is still open for caches, must not stay open."""
    try:
        linux.make_read_only()
    except OSError:
        if mechanism == BUBBLEWRAP:
            raise
        return False
    return True


def limit(cpu, memory, file_size, threads=0) -> set:
    """Limit this process and what it starts: seconds of CPU time, bytes of memory, bytes of a file, processes.

    None is no limit;  threads : how many the user has already, because the system counts all of them
    Return what is limited.
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
    if cpu is not None:
        limits |= {"count": ("NPROC", threads + PROCESSES), "open": ("NOFILE", OPEN_FILES), "queues": ("MSGQUEUE", 0)}
    for name, (kind, most) in limits.items():
        if most is None:
            continue
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))
            held.add(name)
    return held - ({"memory"} if sys.platform == "darwin" else set())  # macOS takes the limit and ignores it


def threads_of(slot) -> int:
    """Return how many threads the user has, as whom a notebook will run in that place of the queue."""
    if not Path("/proc/self/task").exists():
        return 400
    user, count = os.getuid() or NOBODY + slot, 0
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            count += len(list((place / "task").iterdir())) if place.stat().st_uid == user else 0
    return count
