"""The judge of a compiled parallel loop: first what it is, then who writes where, then values, compiled at last.

The race is looked for in the function's own Python code, each step of prange a task of its own: it is found every time,
on one core too.
"""

import types

import numpy as np

from minigooglenet.exercises.exercise import Verdict
from minigooglenet.exercises.outputs import Raised, call, same
from minigooglenet.exercises.rebinding import rebound
from minigooglenet.exercises.symptoms import likeness
from minigooglenet.kernels import compiled
from minigooglenet.lessons.lesson_13_fast.compiling import numba, uncompiled
from minigooglenet.lessons.lesson_13_fast.instruments import Watched

RUNS = 3
UNWRITTEN = 7.0  # what y holds before


def cases():
    """Return tuples (x padded, w, b) of whole numbers whose sums float64 holds exactly and float32 does not."""
    rng = np.random.default_rng(133)
    made = []
    for (n, c, h, wide), (k, r, s) in (((1, 2, 4, 5), (2, 3, 3)), ((2, 3, 5, 6), (4, 2, 3))):
        shapes = (n, c, h, wide), (k, c, r, s), k
        made.append(tuple(rng.integers(1000, 10_000, shape).astype(float) for shape in shapes))
    return made


def judged(exercise, answer) -> Verdict:
    """Return the verdict on a function conv(x, w, b, y) that numba compiled with parallel=True."""
    named = {wrong.name: wrong.message for wrong in exercise.wrongs}

    def wrong(name, what=None):
        return Verdict(False, name, what or named[name])

    if not callable(answer):
        return Verdict(False, None, f"expected the compiled function, got {type(answer).__name__}")
    python = getattr(answer, "py_func", None)
    outputs, seen = _in_python(python or answer)
    for output in outputs:
        if isinstance(output, Raised) and isinstance(output.error, NotImplementedError):
            raise output.error
    if python is None and compiled.why_not_fast():
        what = f"this exercise compiles your function, but {compiled.why_not_fast()}"
        return Verdict(False, None, what, "`minigooglenet doctor` explains it")
    if python is None:
        return wrong("not compiled")
    if answer.targetoptions.get("forceobj"):
        return wrong("object mode")
    if not answer.targetoptions.get("parallel"):
        return wrong("prange without parallel")
    errors = [output.error for output in outputs if isinstance(output, Raised)]
    if errors:
        return Verdict(False, None, f"in plain Python it stops with {type(errors[0]).__name__}: {errors[0]}")
    if seen.clash:
        first, second = seen.clash
        name = "two threads add into one cell"
        return wrong(name, f"steps {first} and {second} of prange write the same number of y. {named[name]}")
    if not seen.tasks:
        return wrong("range for prange")
    expected, _ = _in_python(uncompiled(exercise.reference_function))
    if not _alike(outputs, expected):
        for known in exercise.wrongs:
            if hasattr(known.function, "py_func") and _alike(_in_python(known.function.py_func)[0], outputs):
                return wrong(known.name)
        mine, right = next((a, b) for a, b in zip(outputs, expected, strict=True) if not same(a, b))
        return Verdict(False, None, f"the values differ from the definition's: {likeness(right, mine)}")
    return _compiled(answer, expected)


def _alike(a, b):
    return all(same(mine, theirs) for mine, theirs in zip(a, b, strict=True))


def _in_python(function):
    """Return the outputs of all cases as Python computes them, and the last watched array."""
    outputs = []
    for x, w, b in cases():
        size = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
        seen = Watched(np.full((len(x), len(w), *size), UNWRITTEN))
        watched = _with_prange(function, seen.prange)
        output = call(lambda run=watched, x=x, w=w, b=b, y=seen: run(x, w, b, y), ())[0]
        outputs.append(output if isinstance(output, Raised) else seen.values)
    return outputs, seen


def _with_prange(function, prange):
    """Return the Python function with another prange, wherever it finds Numba's own."""
    numba_with = types.SimpleNamespace(**{**vars(numba), "prange": prange})
    others = {id(numba.prange): prange, id(numba): numba_with}
    return rebound(function, lambda value: others.get(id(value), value))


def _compiled(answer, expected):
    for (x, w, b), right in zip(cases(), expected, strict=True):
        for _ in range(RUNS):
            y = np.full_like(right, UNWRITTEN)
            output, _ = call(lambda x=x, w=w, b=b, y=y: answer(x, w, b, y), (), seconds=120)
            if isinstance(output, Raised):
                return Verdict(False, None, f"compiled, it stops with {type(output.error).__name__}: {output.error}")
            if not same(y, right):
                return Verdict(False, None, "Python and the compiled code differ; perhaps an index outside the array?")
    told = f"no two steps of prange meet, and {RUNS} runs on {numba.get_num_threads()} threads agree"
    return Verdict(True, None, told)
