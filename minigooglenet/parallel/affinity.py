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

from minigooglenet.parallel.holds import held, nothing, undo_now, within

_thread = threading.local()  # .pin: a weak reference to what keeps it on its processor; .helper
_helpers: set[int] = set()  # the engine's threads, as the system numbers them
_kept: tuple[int, set[int]] | None = None  # the processor that they keep away from, and all that there are
_wanted: bool | None = None


def get_pinning() -> bool:
    """Return whether threads are pinned while work is shared: `set_pinning`, else MINIGOOGLENET_PIN, else True."""
    global _wanted
    if _wanted is None:
        given = os.environ.get("MINIGOOGLENET_PIN", "").strip()
        if given not in ("", "0", "1"):
            raise ValueError(f"MINIGOOGLENET_PIN must be 0 or 1, got {given!r}")
        _wanted = given != "0"
    return _wanted


def set_pinning(wanted: bool) -> None:
    """Switch pinning on or off from now on. Results stay the same to the bit; only the time changes."""
    global _wanted, _kept
    if not isinstance(wanted, bool):
        raise TypeError(f"set_pinning takes True or False, got {wanted!r}")
    _wanted = wanted
    if not wanted and _kept is not None:
        _, allowed = _kept
        _kept = None
        for helper in list(_helpers):
            _use(helper, allowed)


def pinned():
    """Return a context manager: the calling thread stays on its processor, and the engine's threads keep away.

    Where this system does not say on which processor a thread runs, or has only one, it does nothing.
    """
    pin = None
    try:
        processor = _processor() if get_pinning() else None
        allowed = set() if processor is None else os.sched_getaffinity(0)
        if len(allowed) < 2 or processor not in allowed:
            return nothing()
        pin = held([functools.partial(os.sched_setaffinity, 0, allowed)])
        _thread.pin = weakref.ref(pin)
        os.sched_setaffinity(0, {processor})
        _keep_helpers_away(processor, allowed)
        return within(pin)
    except BaseException:
        del pin
        raise


def is_pinned() -> bool:
    """Return whether threads keep to some of their processors now, so that a library would count too few."""
    return _kept is not None


def allowed() -> int:
    """Return how many processors the calling thread may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def begin_helper() -> None:
    """Keep the calling thread, one of the engine's own, away from the processor of the thread that calls."""
    helper = threading.get_native_id()
    _thread.helper = True
    _helpers.add(helper)
    if _kept is not None:
        processor, everywhere = _kept
        _use(helper, everywhere - {processor})


def forget_helpers() -> None:
    """Forget the engine's threads, which end."""
    _helpers.clear()


def _keep_helpers_away(processor, everywhere):
    # Said before they wake, for they may wake there.
    global _kept
    if _kept != (processor, everywhere):
        _kept = processor, everywhere
        for helper in list(_helpers):
            _use(helper, everywhere - {processor})


def _use(helper, processors):
    try:
        os.sched_setaffinity(helper, processors)
    except OSError:
        _helpers.discard(helper)  # it has ended


def _find_processor():
    """Return the function that tells on which processor it is called, or that returns None where none tells."""
    try:
        function = ctypes.PyDLL(None).sched_getcpu if hasattr(os, "sched_setaffinity") else None
    except (OSError, AttributeError):  # not every C library of Linux has it
        function = None
    return (lambda: None) if function is None else function


_processor = _find_processor()


def start_in_child() -> None:
    """Let a forked child use every processor that its parent's thread could, even if it was pinned."""
    global _kept
    undo_now(getattr(_thread, "pin", None))
    if _kept is not None and getattr(_thread, "helper", False):  # one of the engine's threads has forked
        _use(0, _kept[1])
    _kept = None
    _helpers.clear()
