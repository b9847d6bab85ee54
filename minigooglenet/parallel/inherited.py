"""A per-thread value that worker threads inherit from the thread that they work for.

It is not a context variable: notebook kernels drop those between cells, and a setting would silently disappear.
"""

import contextlib

from minigooglenet.parallel.state import THREAD

_every: list = []


class Inherited:
    """A value of the current thread, initially `default()`."""

    def __init__(self, default):
        self.default = default
        _every.append(self)

    def get(self):
        """Return the value of this thread."""
        values = THREAD.inherited
        try:
            return values[self]
        except KeyError:
            values[self] = self.default()
            return values[self]

    def set(self, value) -> None:
        """Set the value of this thread."""
        THREAD.inherited[self] = value

    @contextlib.contextmanager
    def replaced(self, value):
        """Set the value of this thread until the end of a `with` block."""
        before = self.get()
        self.set(value)
        try:
            yield
        finally:
            self.set(before)


def check() -> None:
    """Initialise every value of this thread, so that a wrong setting is reported here and not inside a layer."""
    for value in _every:
        value.get()


def snapshot() -> dict:
    """Return all values of this thread, for another thread to adopt."""
    return dict(THREAD.inherited)


def adopt(values: dict) -> None:
    """Use the values of another thread."""
    THREAD.inherited = dict(values)
