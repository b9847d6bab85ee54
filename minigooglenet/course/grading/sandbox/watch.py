"""The memory of a process and all that it started, seen from outside: the limits of a system count each for itself."""

import contextlib
import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
BUFFER, USUAL = 512 << 10, 32  # bytes that may wait in one socket; files that are open without any


def memory(process, enough) -> int:
    """Return the bytes that a process and its descendants hold together, 0 where the system does not tell.

    enough : up to here a quick sum will do, which counts what processes share once for each of them
    What is in the buffers of sockets counts as if they were full.
    """
    family = descendants(process)
    buffers = sum(map(_buffers, family))
    quick = buffers + sum(map(_resident, family))
    return quick if quick <= enough else buffers + sum(map(_share, family))


def descendants(process) -> list[int]:
    """Return a process and all that it started, directly or not, and that still run."""
    found, left = [], [process]
    while left:
        each = left.pop()
        found.append(each)
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{each}/task"):  # noqa: PTH208 (many times a second)
                with contextlib.suppress(OSError):
                    left += map(int, Path(f"/proc/{each}/task/{thread}/children").read_text(encoding="ascii").split())
    return found


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


def _share(process):
    """Return the bytes of a process, of what it shares its part."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _resident(process)
