"""Runs of a Python program as an ordinary user, even if the tests run as root."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import minigooglenet
from minigooglenet import warmup

USER = 54_321
# In a separate mount namespace, so that the ordinary user can read a Python that is in a closed home folder.
PROGRAM = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def mount(source, target, kind, flags, options=None):
    if libc.mount(source.encode(), target.encode(), kind, ctypes.c_ulong(flags), options):
        raise SystemExit(77)
user, folders, rest = int(sys.argv[1]), sys.argv[2].split(":"), sys.argv[3:]
if libc.unshare(0x20000):
    raise SystemExit(77)
mount("none", "/", None, 1 << 18 | 1 << 14)
closed = {}
for folder in filter(None, folders):
    above, below = folder.split("|")
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
    """Run Python with these arguments as an ordinary user (or as the present user); its home is `folder`."""
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
    """Return "closed parent|folder" for each folder of Python and the test that is inside a closed folder."""
    cache = warmup.folder()
    paths = [
        sys.prefix,
        sys.base_prefix,
        Path(minigooglenet.__file__).parent,
        *sys.path,
        folder,
        Path(__file__).parent,
    ]
    paths += [] if cache is None else [cache.parent]
    closed = set()
    for path in map(Path, map(os.path.realpath, filter(os.path.isdir, paths))):
        for above in reversed((path, *path.parents)):
            if above != path and not above.stat().st_mode & 0o001:
                closed.add(f"{above}|{path}")
                break
    return sorted(closed)


def temporary_folder():
    """Return a context manager for a folder that the ordinary user can reach, because pytest's are closed to others."""
    return tempfile.TemporaryDirectory(prefix="ordinary-", ignore_cleanup_errors=True)
