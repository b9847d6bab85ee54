"""Memory of a process and its descendants, measured from outside: system limits apply to each process separately."""

import contextlib
import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
BUFFER, USUAL = 512 << 10, 32  # bytes that one socket may buffer; open files of a process without sockets


def memory(process, enough) -> int:
    """Return the total memory of a process and its descendants in bytes, 0 if the system does not report it.

    enough : up to this total, a quick sum is enough, which counts shared memory once per process
    Socket buffers count as if they were full.
    """
    family = descendants(process)
    buffers = sum(map(_buffers, family))
    quick = buffers + sum(map(_resident, family))
    return quick if quick <= enough else buffers + sum(map(_proportional, family))


def descendants(process) -> list[int]:
    """Return a process and its running descendants."""
    family, waiting = [], [process]
    while waiting:
        current = waiting.pop()
        family.append(current)
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{current}/task"):  # noqa: PTH208 (many times a second)
                with contextlib.suppress(OSError):
                    children = Path(f"/proc/{current}/task/{thread}/children").read_text(encoding="ascii")
                    waiting += map(int, children.split())
    return family


def _buffers(process):
    try:
        return BUFFER * max(0, len(os.listdir(f"/proc/{process}/fd")) - USUAL)  # noqa: PTH208
    except OSError:
        return 0


def _resident(process):
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except (OSError, IndexError, ValueError):
        return 0


def _proportional(process):
    """Return the bytes of a process, with shared memory divided by the number of its owners."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _resident(process)
