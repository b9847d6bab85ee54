"""The calling thread stays on its processor while work is shared, and the engine's own threads keep away from there.

The scheduler of a virtual machine may wake a thread on the very processor of the thread that wakes it, because the
other processor sleeps, and leave both there for many milliseconds. On a machine that is busy with other work, staying
costs more than it gains; MINIGOOGLENET_PIN=0 or `set_pinning(False)` switches it off.
"""

import ctypes
import functools
import os
import threading
import weakref

from minigooglenet.parallel.holds import held, within
from minigooglenet.parallel.state import POOL, THREAD


def get_pinning() -> bool:
    """Return whether threads are pinned while work is shared: `set_pinning`, else MINIGOOGLENET_PIN, else True."""
    if POOL.pinning is None:
        given = os.environ.get("MINIGOOGLENET_PIN", "").strip()
        if given not in ("", "0", "1"):
            raise ValueError(f"MINIGOOGLENET_PIN must be 0 or 1, got {given!r}")
        POOL.pinning = given != "0"
    return POOL.pinning


def set_pinning(wanted: bool) -> None:
    """Switch pinning on or off from now on. Results stay the same to the bit; only the time changes."""
    if not isinstance(wanted, bool):
        raise TypeError(f"set_pinning takes True or False, got {wanted!r}")
    POOL.pinning = wanted
    if not wanted and POOL.kept is not None:
        _, everywhere = POOL.kept
        POOL.kept = None
        _move(POOL.worker_ids, everywhere)


def pinned():
    """Return a context manager: the calling thread stays on its processor, and the engine's threads keep away.

    Where this system does not say on which processor a thread runs, or has only one, it does nothing.
    """
    pin = None
    try:
        processor = _processor() if get_pinning() else None
        allowed = set() if processor is None else os.sched_getaffinity(0)
        if len(allowed) < 2 or processor not in allowed:
            return within(b"")
        pin = held([functools.partial(os.sched_setaffinity, 0, allowed)])
        THREAD.pin = weakref.ref(pin)
        os.sched_setaffinity(0, {processor})
        if POOL.kept != (processor, allowed):  # said before the workers wake, for they may wake there
            POOL.kept = processor, allowed
            _move(POOL.worker_ids, allowed - {processor})
        return within(pin)
    except BaseException:
        del pin
        raise


def is_pinned() -> bool:
    """Return whether threads keep to some of their processors now, so that a library would count too few."""
    return POOL.kept is not None


def allowed() -> int:
    """Return how many processors the calling thread may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def begin_worker() -> None:
    """Keep the calling thread, one of the engine's own, away from the processor of the thread that calls."""
    worker = threading.get_native_id()
    THREAD.worker = True
    POOL.worker_ids.add(worker)
    if POOL.kept is not None:
        processor, everywhere = POOL.kept
        _move([worker], everywhere - {processor})


def _move(workers, processors):
    for worker in list(workers):
        try:
            os.sched_setaffinity(worker, processors)
        except OSError:
            POOL.worker_ids.discard(worker)  # it has ended


try:  # which processor this thread runs on, or None if the system does not tell
    _processor = ctypes.PyDLL(None).sched_getcpu if hasattr(os, "sched_setaffinity") else type(None)
except (OSError, AttributeError):  # not every C library of Linux has it
    _processor = type(None)
