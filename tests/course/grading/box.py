"""A program that enters the sandbox of graded notebooks and reports what it can do there.

`python box.py MECHANISM` prints JSON: {attempt: whether it succeeded}, and the modes of the grader's files afterwards.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from minigooglenet import children
from minigooglenet.course.grading import sandbox

INSIDE = r"""
import asyncio, ctypes, json, os, shutil, socket, sys, types
package = types.ModuleType("minigooglenet")
work = json.loads(sys.argv[1])
package.__path__ = [work["package"]]
sys.modules["minigooglenet"] = package
from minigooglenet.course.grading import sandbox
sandbox.confine(work["folder"], 32 << 20, (work["package"], work["readable"]), 0, work["mechanism"])
sandbox.limit(60, 1 << 30, 32 << 20, 500)
libc = ctypes.CDLL(None, use_errno=True)
readable, hidden, done = work["grader's file"], work["hidden"], {}

def call(number, *given):
    if libc.syscall(number, *given) < 0:
        raise OSError(ctypes.get_errno(), "denied")

def connect(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)

def secrets():
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if work["secret"].encode() in open(f"/proc/{name}/environ", "rb").read():
                    return
            except OSError:
                pass
    raise OSError("none")

def processes():
    if sum(name.isdigit() for name in os.listdir("/proc")) <= 4:
        raise OSError("no other processes")

def fill():
    for number in range(40_000):
        open(f"f{number}", "w").close()

def write_much():
    with open("much", "wb") as file:
        for _ in range(40):
            file.write(bytes(1 << 20))

def legitimate():
    for name in os.listdir():
        os.remove(name)
    with open("mine.txt", "w") as file:
        file.write("3")
    shutil.copy("mine.txt", "copy.txt")
    os.chmod("copy.txt", 0o600)

async def three():
    return 3

def event_loop():
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(three()) == 3
    loop.close()

attempts = {
    "chmod": lambda: os.chmod(readable, 0o666),
    "fchmod": lambda: os.fchmod(os.open(readable, os.O_RDONLY), 0o666),
    "chown": lambda: os.chown(readable, os.getuid(), os.getgid()),
    "utime": lambda: os.utime(readable, (1, 1)),
    "setxattr": lambda: os.setxattr(readable, "user.owned", b"1"),
    "write": lambda: open(readable, "a"),
    "read hidden": lambda: open(hidden).read(),
    "chmod hidden": lambda: os.chmod(hidden, 0o666),
    "chmod the package": lambda: os.chmod(work["package"] + "/__init__.py", 0o644),
    "socket": lambda: connect(work["socket"]),
    "abstract socket": lambda: connect("\0" + work["abstract"]),
    "network": lambda: socket.create_connection(("127.0.0.1", work["port"]), 2),
    "keyctl": lambda: call(250, 0, -3, 0),
    "request_key": lambda: call(249, b"user", b"minigooglenet", None, 0),
    "memfd": lambda: os.memfd_create("x"),
    "segment": lambda: call(29, 0, 4096, 0o1600),
    "dev shm": lambda: open("/dev/shm/minigooglenet-x", "w"),
    "user namespace": lambda: call(272, 0x10000000),
    "mount": lambda: call(165, b"tmpfs", b"/tmp", b"tmpfs", 0, None),
    "ptrace": lambda: call(101, 16, os.getppid(), 0, 0),
    "processes": processes,
    "secrets": secrets,
    "empty files": fill,
    "large files": write_much,
    "legitimate files": legitimate,
    "legitimate event loop": event_loop,
}
for name, attempt in attempts.items():
    try:
        attempt()
        done[name] = True
    except (OSError, AttributeError):
        done[name] = False
print(json.dumps(done), flush=True)
"""


def main(mechanism):
    """Create the targets, start the program inside the sandbox, and print its results."""
    with contextlib.ExitStack() as stack:
        folder, readable, outside = (stack.enter_context(children.own_folder()) for _ in range(3))
        file, hidden = Path(readable, "file"), Path(outside, "hidden")
        for path in (file, hidden):
            path.write_text("untouched", encoding="ascii")
            path.chmod(0o640)
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        names = {"socket": str(Path(outside, "socket")), "abstract": f"minigooglenet-{os.getpid()}"}
        for name in (names["socket"], f"\0{names['abstract']}"):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(name)
            listener.listen()
        package = str(children.PACKAGE)
        work = {"package": package, "folder": folder, "readable": readable, "mechanism": mechanism, **names}
        work |= {"grader's file": str(file), "hidden": str(hidden), "port": server.getsockname()[1]}
        work |= {"secret": os.environ["BOX_SECRET"]}
        words = children.command("box", json.dumps(work), program=INSIDE)
        words = sandbox.command(mechanism, words, folder, (package, readable), ())
        done = subprocess.run(
            words, cwd=folder, env=children.environment(), capture_output=True, text=True, timeout=120, check=False
        )
        result = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-2000:]}
        print(json.dumps({**result, "modes": [path.stat().st_mode & 0o777 for path in (file, hidden)]}))


if __name__ == "__main__":
    main(sys.argv[1])
