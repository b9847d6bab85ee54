"""State that is put back whatever interrupts: when nobody holds it any more, in C, between two steps of Python.

`try` and `finally` are not enough for that. Ctrl-C raises between any two steps of Python in the main thread, and so
between `finally` and the first line of a function that puts something back. A `Hold` is undone by the end of its last
reference instead, which no interrupt can precede. The rules for a function that has one in a variable:

- it drops the variable if it is interrupted (`except BaseException: del hold; raise`), for a traceback keeps variables;
- it passes the variable to functions of C only: those of Python keep it in variables of their own;
- what it undoes with was made in C: functools.partial of a function of C, or of a compiled kernel.
"""

import collections
import functools
import operator


class Hold(bytearray):
    """What `held` returns: an object whose end runs `undo`. `other` is what it keeps until then."""

    __slots__ = ("__del__", "__weakref__", "other")


def held(undo) -> Hold:
    """Return a Hold whose end calls the functions `undo`, made in C, one after the other."""
    hold = Hold()
    hold.__del__ = functools.partial(collections.deque, map(operator.call, undo), 0)  # a loop in C
    return hold


# within(hold) is a context manager that holds `hold` until its block ends: leaving a memoryview runs no Python code, so
# that no interrupt comes between the block and the end of the Hold. within(b"") does nothing.
within = memoryview


def undo_now(reference) -> None:
    """Undo the Hold of a weak reference, if there is one: its end then does nothing."""
    hold = None if reference is None else reference()
    if hold is not None:
        hold.__del__()
