"""Functions that jobs of the tests run in other processes."""

import ctypes
import os
import signal
import time
from pathlib import Path

from minigooglenet import parallel


def count(folder, name, result="ok"):
    """Note this call in a file, and return `result`."""
    with Path(folder, name).open("a", encoding="ascii") as file:
        file.write("x")
    return result


def threads():
    return parallel.get_num_threads()


def raise_error(text):
    raise ValueError(text)


def use_all_memory():
    raise MemoryError


def kill_once(folder, name):
    """Kill this process in the first two calls."""
    path = Path(folder, name)
    count(folder, name)
    if path.stat().st_size < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return path.stat().st_size


def exit_with(code):
    os._exit(code)


def read_address_zero():
    ctypes.string_at(0)


def wait(folder, name, limit=60.0):
    """Count up in a file until interrupted."""
    path = Path(folder, name)
    try:
        for number in range(int(limit / 0.02)):
            path.write_text(f"{os.getpid()} {number}", encoding="ascii")
            time.sleep(0.02)
    except KeyboardInterrupt:
        Path(folder, f"{name}.saved").touch()
        raise


def wait_for(path):
    """Wait until a file exists."""
    while not Path(path).exists():
        time.sleep(0.02)
    return os.getpid()


def wait_unless(folder, name):
    """Wait in the first call; return at once in later ones."""
    if Path(folder, name).exists():
        return "again"
    return wait(folder, name)


def terminate_itself():
    """Send this process the signals that a cluster sends to all processes of a job."""
    for name in ("SIGTERM", "SIGHUP", "SIGUSR1"):
        os.kill(os.getpid(), getattr(signal, name))
    return "still here"
