"""Regions in which a thread computes: BLAS is limited to one thread, and subnormal numbers are flushed to zero."""

import functools
import weakref
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from minigooglenet.parallel import blas
from minigooglenet.parallel.holds import held, within
from minigooglenet.parallel.state import POOL, THREAD

P = ParamSpec("P")
R = TypeVar("R")


def flush_with(read, write, bits) -> None:
    """Set the functions that read and write a thread's floating-point register, and the bits that make it flush.

    They come from compiled code (`kernels/fast/subnormals.py`), which may never be loaded.
    """
    POOL.register = read, write, bits
    _compiled_register.cache_clear()


@functools.cache
def _compiled_register():
    read, write, _ = POOL.register
    write(read())  # compile them now, not while an interrupted thread restores its state
    return POOL.register


def flushing():
    """Return a context manager in which the calling thread flushes subnormal numbers to zero.

    The outermost block of a thread restores the thread's state, also after an exception and whatever instruction an
    interrupt hits (`holds`).
    """
    return within(_flush())


def flushed(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that it computes with subnormal numbers flushed to zero."""

    @functools.wraps(function)
    def flushing_function(*args: P.args, **kwargs: P.kwargs) -> R:
        with flushing():
            return function(*args, **kwargs)

    return flushing_function


def _flush():
    hold = None if THREAD.flushing is None else THREAD.flushing()
    try:
        if hold is None:
            read, write, bits = _compiled_register()
            state = read()
            hold = held([functools.partial(write, state)])
            THREAD.flushing = weakref.ref(hold)
            write(state | bits)
        return hold
    except BaseException:
        del hold
        raise


def computing():
    """Return a context manager in which the engine computes: BLAS uses one thread, subnormal numbers become zero.

    The outermost block of a thread restores the thread's state, and the last block of all threads restores BLAS's
    thread count, also after an exception and whatever instruction an interrupt hits (`holds`).
    """
    hold = None if THREAD.computing is None else THREAD.computing()
    try:
        if hold is None:
            restore: list[Callable[[], Any]] = []
            hold = held(restore)
            hold.other = _flush(), blas.hold()
            THREAD.computing = weakref.ref(hold)
            _limit_per_caller(restore)
        return within(hold)
    except BaseException:
        del hold
        raise


def compute_for_good() -> None:
    """Prepare the calling worker thread to compute until it ends."""
    read, write, bits = _compiled_register()
    write(read() | bits)
    _limit_per_caller([])


def _limit_per_caller(restore):
    for library, count in blas.with_several_threads(per_caller=True):
        restore.append(functools.partial(library.set, count))
        library.set(1)
