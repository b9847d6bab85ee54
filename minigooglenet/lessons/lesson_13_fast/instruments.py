"""Instruments that look at how an answer works and never at a clock: steps of Python, products, who writes where."""

import sys
import sysconfig
from collections import Counter
from pathlib import Path

import numpy as np

from minigooglenet.exercises.outputs import call

LIBRARIES = (str(Path(np.__file__).parent), sysconfig.get_path("stdlib"), "<frozen", "<__array")


def steps(function, arguments) -> tuple[int, Counter]:
    """Return how often the busiest line of Python ran that is not a library's, and {name: calls} of functions."""
    lines, calls = Counter(), Counter()

    def trace(frame, event, _):
        code = frame.f_code
        if event == "call":
            calls[code.co_name] += 1
            return None if code.co_filename.startswith(LIBRARIES) else trace
        if event == "line":
            lines[code.co_filename, frame.f_lineno] += 1
        return trace

    def traced(*given):
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            return function(*given)
        finally:
            sys.settrace(before)

    call(traced, arguments)
    return max(lines.values(), default=0), calls


class Factor(float):
    """A number that knows whether it comes from the data or from the filter, and counts where the two are multiplied.

    A filter's numbers may be combined ahead, once for all data: only data times filter counts.
    """

    products = 0
    kind = ""
    __array_priority__ = 1000

    def _combined(self, value, other):
        kinds = {self.kind, getattr(other, "kind", self.kind)}
        return factor(value, kinds.pop() if len(kinds) == 1 else "product")

    def __mul__(self, other):
        """Multiply, and count it where data meets filter."""
        Factor.products += {self.kind, getattr(other, "kind", "")} == {"data", "filter"}
        return self._combined(float(self) * float(other), other)

    def __add__(self, other):
        """Add, which is not counted."""
        return self._combined(float(self) + float(other), other)

    def __sub__(self, other):
        """Subtract, which is not counted."""
        return self._combined(float(self) - float(other), other)

    def __rsub__(self, other):
        """Subtract from a plain number."""
        return self._combined(float(other) - float(self), other)

    def __truediv__(self, other):
        """Divide by a plain number."""
        return self._combined(float(self) / float(other), other)

    def __neg__(self):
        """Change the sign."""
        return factor(-float(self), self.kind)

    __rmul__, __radd__ = __mul__, __add__


def factor(value, kind) -> Factor:
    """Return a Factor of that kind."""
    made = Factor(value)
    made.kind = kind
    return made


def products(function, data, filters) -> int:
    """Return how often function(data, filters) multiplies a number of the data by one of the filter."""
    Factor.products = 0
    arrays = []
    for values, kind in ((data, "data"), (filters, "filter")):
        array = np.empty(np.shape(values), object)
        for place, value in np.ndenumerate(values):
            array[place] = factor(value, kind)
        arrays.append(array)
    try:
        function(*arrays)
    except Exception:
        return 0  # it takes no such numbers: nothing is counted
    return Factor.products


class Watched:
    """An array that notes which task of a parallel loop wrote each value, and finds two tasks that meet in one."""

    def __init__(self, values):
        self.values, self.writer = values, np.full(values.shape, -1)
        self.task, self.tasks, self.clash = -1, 0, None

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)
    dtype = property(lambda self: self.values.dtype)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        """Return values, once their writers are seen to be this task."""
        self._meet(key)
        return self.values[key]

    def __setitem__(self, key, value):
        """Write values, and note who wrote them."""
        self._meet(key)
        if self.task >= 0:
            self.writer[key] = self.task
        self.values[key] = value

    def _meet(self, key):
        writers = np.unique(self.writer[key])
        others = writers[(writers >= 0) & (writers != self.task)]
        if self.task >= 0 and len(others) and self.clash is None:
            self.clash = (int(others[0]), self.task)

    def prange(self, *bounds):
        """Stand in for numba.prange: each step of the outermost loop is a task."""
        if self.task >= 0:  # only the outermost loop is parallel
            yield from range(*bounds)
            return
        for number, step in enumerate(range(*bounds)):
            self.task, self.tasks = number, self.tasks + 1
            yield step
        self.task = -1
        self.writer[...] = -1
