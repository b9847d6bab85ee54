"""Run a Python program as an ordinary user, also where the tests run as root."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import minigooglenet
from minigooglenet import warmup

USER = 54_321
# In a mount namespace of its own, so that a Python in a closed home folder can be read by the user that is made here.
PROGRAM = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def mount(source, target, kind, flags, options=None):
    if libc.mount(source.encode(), target.encode(), kind, ctypes.c_ulong(flags), options):
        raise SystemExit(77)
user, places, rest = int(sys.argv[1]), sys.argv[2].split(":"), sys.argv[3:]
if libc.unshare(0x20000):
    raise SystemExit(77)
mount("none", "/", None, 1 << 18 | 1 << 14)
closed = {}
for place in filter(None, places):
    above, below = place.split("|")
    closed.setdefault(above, []).append((below, os.open(below, os.O_PATH)))
for above, kept in closed.items():
    mount("tmpfs", above, b"tmpfs", 0, b"mode=755")
    for below, opened in kept:
        os.makedirs(below, exist_ok=True)
        mount(f"/proc/self/fd/{opened}", below, None, 1 << 12 | 1 << 14)
        os.close(opened)
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
os.execv(rest[0], rest)
"""


def python(arguments, folder, as_root=False, cwd=None, **variables) -> subprocess.CompletedProcess:
    """Run Python with some arguments as an ordinary user, or as it is, whose home is a folder that it owns."""
    words, env = [sys.executable, *map(str, arguments)], {"HOME": str(folder), "PATH": os.environ["PATH"], **variables}
    if os.geteuid() == 0 and not as_root:
        if not sys.platform.startswith("linux"):
            pytest.skip("not tried: on this system the test cannot make an ordinary user")
        Path(folder).mkdir(exist_ok=True)
        subprocess.run(["/bin/chown", "-R", f"{USER}:{USER}", str(folder)], check=True)
        words = [sys.executable, "-I", "-c", PROGRAM, str(USER), ":".join(_closed(folder)), *words]
    done = subprocess.run(words, cwd=cwd or folder, env=env, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode == 77:
        pytest.skip("not tried: root may not make mount namespaces here, which an ordinary user needs to read Python")
    return done


def _closed(folder):
    """Return "the first folder above it that others may not enter|a folder" of all that Python and the test read."""
    cache = warmup.folder()
    places = [
        sys.prefix,
        sys.base_prefix,
        Path(minigooglenet.__file__).parent,
        *sys.path,
        folder,
        Path(__file__).parent,
    ]
    places += [] if cache is None else [cache.parent]
    found = set()
    for place in map(Path, map(os.path.realpath, filter(os.path.isdir, places))):
        for above in reversed((place, *place.parents)):
            if above != place and not above.stat().st_mode & 0o001:
                found.add(f"{above}|{place}")
                break
    return sorted(found)


def temporary_folder():
    """Return a context manager: a folder that the ordinary user can reach; pytest's own are closed to others."""
    return tempfile.TemporaryDirectory(prefix="ordinary-", ignore_cleanup_errors=True)
