"""State that is restored even if an interrupt arrives: by C code, when the last reference to a `Hold` is dropped.

`try` and `finally` are not enough. Ctrl-C can raise an exception between any two bytecode instructions of the main
thread, and so between `finally` and the first line of a function that restores something. A `Hold` is undone when its
last reference is dropped, and no interrupt can come before that. A function that has a Hold in a variable follows three
rules:

- It deletes the variable if it is interrupted (`except BaseException: del hold; raise`), because tracebacks keep
  variables alive.
- It passes the variable only to C functions, because Python functions would keep it in their own variables.
- Its undo functions are implemented in C: functools.partial of a C function or of a compiled kernel.
"""

import collections
import functools
import operator


class Hold(bytearray):
    """What `held` returns: an object that runs the undo functions when it is deleted. It keeps `other` alive."""

    __slots__ = ("__del__", "__weakref__", "other")
    other: object


def held(undo) -> Hold:
    """Return a Hold that calls the functions `undo` in order when it is deleted; they must be implemented in C."""
    hold = Hold()
    hold.__del__ = functools.partial(collections.deque, map(operator.call, undo), 0)  # a loop in C
    return hold


# within(hold) is a context manager that keeps `hold` until its block ends. Leaving a memoryview runs no Python code, so
# no interrupt can come between the end of the block and the end of the Hold. within(b"") does nothing.
within = memoryview


def undo_now(reference) -> None:
    """Undo the Hold that a weak reference points to, if any, so that deleting it later does nothing."""
    hold = None if reference is None else reference()
    if hold is not None:
        hold.__del__()
