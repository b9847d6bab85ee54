"""Regions in which a thread computes: BLAS has one thread there, and subnormal numbers are taken for zero."""

import functools
import weakref

from minigooglenet.parallel import blas
from minigooglenet.parallel.holds import held, within
from minigooglenet.parallel.state import POOL, THREAD


def flush_with(read, write, bits) -> None:
    """Take functions that read and write a thread's floating-point register, and the bits by which it flushes.

    They come from compiled code (`kernels/fast/subnormals.py`), which may never be loaded.
    """
    POOL.register = read, write, bits
    _compiled_register.cache_clear()


@functools.cache
def _compiled_register():
    read, write, _ = POOL.register
    write(read())  # compiled now, and not when an interrupted thread puts its state back
    return POOL.register


def flushing():
    """Return a context manager in which the calling thread takes subnormal numbers for zero.

    The outermost one of a thread puts the thread's state back: also after an exception, and whatever instruction an
    interrupt hits (`holds`).
    """
    return within(_flush())


def flushed(function):
    """Let a function compute with subnormal numbers taken for zero: a decorator."""

    @functools.wraps(function)
    def flushing_function(*args, **kwargs):
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
    """Return a context manager in which the engine computes: one thread for BLAS, and subnormal numbers are zero.

    The outermost one of a thread puts the thread's state back, and the last one of all threads gives BLAS its threads
    back: also after an exception, and whatever instruction an interrupt hits (`holds`).
    """
    hold = None if THREAD.computing is None else THREAD.computing()
    try:
        if hold is None:
            hold = held(give_back := [])
            hold.other = _flush(), blas.hold()
            THREAD.computing = weakref.ref(hold)
            _limit_own(give_back)
        return within(hold)
    except BaseException:
        del hold
        raise


def compute_for_good() -> None:
    """Let the calling thread, one of the engine's own, compute until it ends."""
    read, write, bits = _compiled_register()
    write(read() | bits)
    _limit_own([])


def _limit_own(give_back):
    for library, count in blas.with_several_threads(per_caller=True):
        give_back.append(functools.partial(library.set, count))
        library.set(1)
