"""Which sandbox protections hold on this system: a process inside the sandbox attempts what each of them forbids."""

import contextlib
import ctypes
import functools
import json
import mmap
import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from minigooglenet import children
from minigooglenet.course.grading import sandbox

CHOICE = "MINIGOOGLENET_SANDBOX"  # the best mechanism to try, by its name
DISK = 16 << 20
SECONDS = 300  # time limit of a probe, which takes a quarter of a second on an idle machine
# The package's first lines load NumPy, and a worker loads Numba: both must be readable inside bubblewrap.
PROGRAM = """
import contextlib, sys, types
if sys.argv[3]:
    import numpy, matplotlib
    with contextlib.suppress(Exception):
        import numba
package = types.ModuleType("minigooglenet")
package.__path__ = [sys.argv[1]]
sys.modules["minigooglenet"] = package
from minigooglenet.course.grading.sandbox import probe
probe.inside(sys.argv[2])
"""


class Held(NamedTuple):
    """The sandbox on this system: the mechanism, and the protections that hold."""

    mechanism: str | None
    protections: frozenset

    def missing(self) -> list[str]:
        """Return a sentence about each protection that does not hold."""
        absent = [name for name in sandbox.PROTECTIONS if name not in self.protections]
        return [f"{name}: a notebook can {sandbox.PROTECTIONS[name]}" for name in absent]


@functools.cache
def held(best=None) -> Held:
    """Return the best mechanism that works here, and the protections that hold.

    best : first mechanism to try, from `sandbox.MECHANISMS` (default: the variable MINIGOOGLENET_SANDBOX, or the first)
    """
    best = best or os.environ.get(CHOICE, "").strip() or sandbox.BUBBLEWRAP
    if best not in sandbox.MECHANISMS:
        raise ValueError(f"{CHOICE} is {best!r}; choose from: {', '.join(sandbox.MECHANISMS)}")
    choices = sandbox.MECHANISMS[sandbox.MECHANISMS.index(best) :]
    if not sys.platform.startswith("linux"):
        choices = choices[-1:]
    for mechanism in choices:
        if mechanism == sandbox.BUBBLEWRAP and not sandbox.bubblewrap.usable():
            continue
        protections = _tried(mechanism)
        if protections is not None and (mechanism != sandbox.NAMESPACES or "processes" in protections):
            return Held(mechanism if sys.platform.startswith("linux") else None, frozenset(protections))
    return Held(None, frozenset())


def _tried(mechanism):
    """Return the protections that hold for a process that tests them, or None if the process does not finish."""
    with (
        children.own_folder() as folder,
        children.own_folder() as outside,
        contextlib.ExitStack() as stack,
        tempfile.TemporaryFile() as output,
    ):
        work = {"mechanism": mechanism, "folder": folder, **_targets(outside, stack)}
        package, boxed = str(children.PACKAGE), "boxed" if mechanism == sandbox.BUBBLEWRAP else ""
        words = children.command("probe", package, json.dumps(work), boxed, program=PROGRAM)
        words = sandbox.command(mechanism, words, folder, (package, *sandbox.packages()), ())
        quiet = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.DEVNULL}
        try:
            subprocess.run(words, cwd=folder, env=children.environment(), timeout=SECONDS, check=True, **quiet)
            output.seek(0)
            return set(json.loads(output.read()))
        except (OSError, ValueError, subprocess.SubprocessError):
            return None


def _targets(outside, stack):
    """Create what the process attempts to reach: a file, a server on the network, two servers on UNIX sockets."""
    file = Path(outside, "file")
    file.touch()
    targets = {"file": str(file), "port": None, "paths": []}
    if sys.platform.startswith("linux"):
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        targets["port"] = server.getsockname()[1]
        for path in (str(Path(outside, "socket")), f"\0minigooglenet-{os.getpid()}-{os.urandom(4).hex()}"):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            with contextlib.suppress(OSError):  # the path may be too long for a socket
                listener.bind(path)
                listener.listen()
                targets["paths"].append(path)
    return targets


def inside(work) -> None:
    """Enter the sandbox, attempt what it forbids, and print the names of the protections that hold."""
    work = json.loads(work)
    claimed = sandbox.confine(work["folder"], DISK, (str(children.PACKAGE),), 0, work["mechanism"])
    claimed |= sandbox.limit(60, 1 << 30, DISK, 400) & set(sandbox.PROTECTIONS)
    if sys.platform.startswith("linux"):
        attempts = {
            "network": [lambda: socket.create_connection(("127.0.0.1", work["port"]), 2)],
            "processes": [_see_others],
            "files": [Path(work["file"]).read_bytes, lambda: _owned(children.__file__).open("r+b")],
            "attributes": [lambda: _touch(work["file"]), lambda: _touch(children.__file__)],
            "sockets": [lambda path=path: _connect(path) for path in work["paths"]],
            "disk": [lambda: _see_no_bounds(work["folder"])],
            "total memory": [lambda: os.memfd_create("probe"), _make_segment],
        }
        claimed = {name for name in claimed if not any(map(_works, attempts.get(name, ())))}
    print(json.dumps(sorted(claimed)), flush=True)


def _works(attempt):
    try:
        attempt()
    except (OSError, AttributeError):
        return False
    return True


def _owned(path):
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(path)
    return path


def _see_others():
    """Raise OSError unless other processes are visible than this one, its parent and the first of a namespace."""
    if sum(name.isdigit() for name in os.listdir("/proc")) <= 4:  # noqa: PTH208
        raise FileNotFoundError("others")


def _touch(path):
    """Set the mode and the times of a file to their present values."""
    status = os.stat(path)  # noqa: PTH116
    with contextlib.suppress(OSError):
        os.chmod(path, stat.S_IMODE(status.st_mode))  # noqa: PTH101
        return
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _connect(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def _see_no_bounds(folder):
    status = os.statvfs(folder)
    if status.f_files and status.f_files <= sandbox.FILES and status.f_blocks * status.f_frsize <= DISK:
        raise OSError("bounded")


def _make_segment():
    """Create a System V segment of one page, and remove it."""
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(0, mmap.PAGESIZE, 0o600)
    if segment < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    libc.shmctl(segment, 0, None)
