"""Pinning: during parallel work the calling thread stays on its processor, and the worker threads use the others.

The scheduler of a virtual machine may wake a worker on the processor of the thread that wakes it, because the other
processor sleeps, and leave both there for many milliseconds. On a machine that is busy with other work, pinning costs
more than it gains. Switch it off with MINIGOOGLENET_PIN=0 or `set_pinning(False)`.
"""

import ctypes
import functools
import os
import threading
import weakref

from minigooglenet.parallel import switches
from minigooglenet.parallel.holds import held, within
from minigooglenet.parallel.state import POOL, THREAD


def get_pinning() -> bool:
    """Return whether threads are pinned: the value of `set_pinning`, else of MINIGOOGLENET_PIN, else True."""
    if POOL.pinning is None:
        POOL.pinning = switches.from_environment("MINIGOOGLENET_PIN")
    return bool(POOL.pinning)


def set_pinning(enabled: bool) -> None:
    """Switch pinning on or off. Results are bit-identical either way; only the time changes."""
    POOL.pinning = switches.checked(enabled, "set_pinning")
    if not enabled and POOL.reserved is not None:
        _, everywhere = POOL.reserved
        POOL.reserved = None
        _move(POOL.worker_ids, everywhere)


def pinned():
    """Return a context manager that keeps the calling thread on its processor and the workers on the others.

    It does nothing if the system has one processor or does not report on which processor a thread runs.
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
        if POOL.reserved != (processor, allowed):  # set before the workers wake, because they may wake there
            POOL.reserved = processor, allowed
            _move(POOL.worker_ids, allowed - {processor})
        return within(pin)
    except BaseException:
        del pin
        raise


def is_pinned() -> bool:
    """Return whether workers are restricted to some processors now, so that a library would count too few."""
    return POOL.reserved is not None


def allowed() -> int:
    """Return how many processors the calling thread may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def everywhere() -> set[int]:
    """Return the processors that this process may use when its threads are not pinned."""
    if POOL.reserved is not None:
        return POOL.reserved[1]
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def move_to(processors: set[int]) -> None:
    """Let the calling thread, and all that it will start, use these processors, if the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)


def begin_worker() -> None:
    """Keep the calling worker thread off the reserved processor."""
    worker = threading.get_native_id()
    THREAD.worker = True
    POOL.worker_ids.add(worker)
    if POOL.reserved is not None:
        processor, everywhere = POOL.reserved
        _move([worker], everywhere - {processor})


def _move(workers, processors):
    for worker in list(workers):
        try:
            os.sched_setaffinity(worker, processors)
        except OSError:
            POOL.worker_ids.discard(worker)  # it has ended


try:  # the processor that this thread runs on, or None if the system does not report it
    _processor = ctypes.PyDLL(None).sched_getcpu if hasattr(os, "sched_setaffinity") else type(None)
except (OSError, AttributeError):  # not every C library of Linux has it
    _processor = type(None)
