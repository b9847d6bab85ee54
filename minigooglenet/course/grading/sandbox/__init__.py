"""The sandbox of a process that runs a student's code: it uses the system's protections and reports missing ones.

Linux: the process has its own root folder and namespaces (made by bubblewrap if it is installed, otherwise by `root`),
so it cannot name any file of the grader. Landlock restricts writing to one folder, and reading to what Python needs.
Seccomp denies system calls that no notebook needs. If root grades, a separate user bounds the number of processes.
`watch` bounds their memory. Unix: limits on CPU time, memory and file size. Windows: nothing.
"""

import contextlib
import os
import sys
from pathlib import Path

from minigooglenet.course.grading.sandbox import bubblewrap, landlock, linux, root, seccomp

# What Python and its libraries read from a system: no passwords, no home folders, no other process.
SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/nix/store", "/sys/devices/system/cpu", "/proc/self"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/os-release", "/etc/matplotlibrc"),
)
PROCESSES = 64  # processes and threads that a notebook may add
OPEN_FILES = 128
FILES = 20_000  # in the notebook's folder, including empty ones
NOBODY = 61_000  # first user ID that no system assigns; one for each slot
BUBBLEWRAP, NAMESPACES, LANDLOCK = "bubblewrap", "namespaces", "landlock"
MECHANISMS = (BUBBLEWRAP, NAMESPACES, LANDLOCK)  # from best to worst; the last one needs no namespaces
PROTECTIONS = {  # {name: what a notebook can do without it}
    "network": "reach other machines and programs that listen on this one",
    "processes": "see and end your other processes, and leave processes running",
    "files": "read and change your files and the files of other students",
    "attributes": "change the modes, owners and times of your files",
    "sockets": "talk to programs that listen on UNIX sockets, such as ssh-agent and docker",
    "keys": "read the keys in your session's keyring",
    "disk": "fill the disk with more than 256 MB or with any number of files",
    "memory": "use more memory than --memory in one process",
    "total memory": "use more than twice --memory in several processes, or in memory that belongs to no process",
    "CPU time": "use more CPU time than --timeout (the wall-clock limit still ends it)",
}


def command(mechanism, words, folder, readable, writable) -> list[str]:
    """Return the command that starts a process: inside bubblewrap, or unchanged for the other mechanisms.

    readable : what the process may read;  writable : what it may write before it calls `confine`
    """
    if mechanism != BUBBLEWRAP:
        return list(words)
    return bubblewrap.command(words, folder, [*_system(), *readable], writable)


def confine(folder, disk, readable=(), slot=0, mechanism=NAMESPACES) -> set:
    """Apply every protection that this system has to this process; return their names (on Linux, otherwise none).

    folder : the only writable folder, of at most `disk` bytes;  readable : what else can be read
    slot : selects the unprivileged user to become, if this process is root
    The caller may continue as a new process: the child of the first process in a namespace.
    """
    if not sys.platform.startswith("linux"):
        return set()
    as_root, known, protections = os.geteuid() == 0, (os.getuid(), os.getgid()), set()
    paths = [*_system(), *readable]
    inside = mechanism == BUBBLEWRAP or (mechanism == NAMESPACES and root.enter(as_root))
    rooted = mechanism == BUBBLEWRAP or (inside and _build(folder, paths))
    fenced = landlock.version() > 0
    if as_root and (fenced or rooted or all(map(linux.open_to_all, (sys.prefix, sys.base_prefix, *readable)))):
        known = (NOBODY + slot,) * 2 if linux.mapped(NOBODY + slot) else known
    sealed = inside and _seal(mechanism)
    if inside:
        protections |= {"network", "processes"}
        with contextlib.suppress(OSError):
            linux.mount_disk(folder, disk, FILES, *known)
            protections.add("disk")
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
    protections |= {"network", "attributes", "sockets", "keys"} if filtered else set()
    protections |= {"files"} if rooted or fenced else set()
    protections |= {"attributes"} if sealed else set()
    protections |= {"sockets"} if rooted else set()
    protections |= {"keys"} if joined else set()
    return protections | ({"total memory"} if filtered and "disk" in protections else set())


def packages() -> list[str]:
    """Return the folders on Python's search path that contain installed packages."""
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
    """Make everything read-only. In bubblewrap this must not fail, because caches are still writable until now."""
    try:
        linux.make_read_only()
    except OSError:
        if mechanism == BUBBLEWRAP:
            raise
        return False
    return True


def limit(cpu, memory, file_size, threads=0) -> set:
    """Limit this process and its children: seconds of CPU time, bytes of memory, bytes per file, processes.

    None means no limit;  threads : threads that the user already has, because the system counts them too
    Return the names of the limits that hold.
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


def thread_count(slot) -> int:
    """Return the number of threads of the user that runs the notebook of this slot."""
    if not Path("/proc/self/task").exists():
        return 400
    user, count = os.getuid() or NOBODY + slot, 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            count += len(list((process / "task").iterdir())) if process.stat().st_uid == user else 0
    return count
