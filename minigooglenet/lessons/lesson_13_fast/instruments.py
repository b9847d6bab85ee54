"""Instruments that measure how an answer works without a clock: lines of Python that run, and writes to an array."""

import functools
import gc
import linecache
import sys
from collections import Counter
from typing import NamedTuple

import numpy as np

from minigooglenet.exercises import own_code
from minigooglenet.exercises.outputs import Raised, call
from minigooglenet.exercises.rebinding import rebound


class Steps(NamedTuple):
    """How often each line of an answer ran, {(file, line): count}, and each function was called, {name: count}."""

    lines: Counter
    calls: Counter


def steps(function, arguments) -> Steps:
    """Return the Steps of a call: lines and calls in the student's code, but not inside libraries.

    Compiled functions run as Python.
    """
    lines, calls = Counter(), Counter()
    foreign = functools.cache(own_code.foreign)
    answer = rebound(function, lambda value: value)
    answer_file = getattr(getattr(answer, "__code__", None), "co_filename", None)  # may be a file of this package

    def is_student_code(code):
        return code.co_filename == answer_file or not foreign(code.co_filename)

    def trace(frame, event, _):
        code = frame.f_code
        if event == "call":
            if frame.f_back is not None and is_student_code(frame.f_back.f_code):
                calls[code.co_name] += 1
            return trace if is_student_code(code) else None
        if event == "line":
            lines[code.co_filename, frame.f_lineno] += 1
        return trace

    def traced(*given):
        before, collected = sys.gettrace(), gc.isenabled()
        gc.disable()  # a collection may call functions of libraries between two lines of the answer
        sys.settrace(trace)
        try:
            return answer(*given)
        finally:
            sys.settrace(before)
            if collected:
                gc.enable()

    output = call(traced, arguments)[0]
    if isinstance(output, Raised):
        raise output.error
    return Steps(lines, calls)


def growth(before: Steps, after: Steps):
    """Return (line or call, count before, count after) of the one whose count grows most, or None."""
    for kind in ("lines", "calls"):
        first, second = getattr(before, kind), getattr(after, kind)
        more = [(second[key] - first[key], key) for key in second if second[key] > first[key]]
        if more:
            key = max(more)[1]
            return (_line(*key) if kind == "lines" else f"{key}()"), first[key], second[key]
    return None


def _line(file, number):
    text = linecache.getline(file, number).strip()
    return f"line {number}" + (f" ({text[:80]})" if text else "")


class Watched:
    """An array that records which task of a parallel loop wrote each element, and detects a race of two tasks."""

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
        """Return values, after checking that no other task wrote them."""
        self._check_writers(key)
        return self.values[key]

    def __setitem__(self, key, value):
        """Write values, and record this task as their writer."""
        self._check_writers(key)
        if self.task >= 0:
            self.writer[key] = self.task
        self.values[key] = value

    def _check_writers(self, key):
        writers = np.unique(self.writer[key])
        others = writers[(writers >= 0) & (writers != self.task)]
        if self.task >= 0 and len(others) and self.clash is None:
            self.clash = (int(others[0]), self.task)

    def prange(self, *bounds):
        """Replace numba.prange: each iteration of the outermost loop is a task."""
        if self.task >= 0:  # only the outermost loop is parallel
            yield from range(*bounds)
            return
        for number, step in enumerate(range(*bounds)):
            self.task, self.tasks = number, self.tasks + 1
            yield step
        self.task = -1
        self.writer[...] = -1
