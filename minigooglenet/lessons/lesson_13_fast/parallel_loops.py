"""The judge of a compiled parallel loop: how it is compiled, races, values, and finally compiled runs.

To find races, the judge runs the function as Python and records which iteration of prange writes to which element. So
it finds a race every time, even on one core.
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
UNWRITTEN = 7.0  # every element of y before the call


def cases():
    """Return tuples (padded x, w, b) of integers whose sums are exact in float64 and rounded in float32."""
    rng = np.random.default_rng(133)
    arguments = []
    for (n, c, h, wide), (k, r, s) in (((1, 2, 4, 5), (2, 3, 3)), ((2, 3, 5, 6), (4, 2, 3))):
        shapes = (n, c, h, wide), (k, c, r, s), k
        arguments.append(tuple(rng.integers(1000, 10_000, shape).astype(float) for shape in shapes))
    return arguments


def judged(exercise, answer) -> Verdict:
    """Return the verdict on a function conv(x, w, b, y) that Numba compiled with parallel=True."""
    messages = {wrong.name: wrong.message for wrong in exercise.wrongs}

    def wrong(name, what=None):
        return Verdict(False, name, what or messages[name])

    if not callable(answer):
        return Verdict(False, None, f"expected the compiled function, got {type(answer).__name__}")
    python = getattr(answer, "py_func", None)
    outputs, watched = _in_python(python or answer)
    for output in outputs:
        if isinstance(output, Raised) and isinstance(output.error, NotImplementedError):
            raise output.error
    if python is None and compiled.why_not_fast():
        what = f"this exercise compiles your function, but {compiled.why_not_fast()}"
        return Verdict(False, None, what, "Run `minigooglenet doctor`: it explains what to do")
    if python is None:
        return wrong("not compiled")
    if answer.targetoptions.get("forceobj"):
        return wrong("object mode")
    if not answer.targetoptions.get("parallel"):
        return wrong("prange without parallel")
    errors = [output.error for output in outputs if isinstance(output, Raised)]
    if errors:
        return Verdict(False, None, f"run as plain Python, it raised {type(errors[0]).__name__}: {errors[0]}")
    if watched.clash:
        first, second = watched.clash
        name = "two threads add to one element"
        what = f"iterations {first} and {second} of prange write to the same element of y. {messages[name]}"
        return wrong(name, what)
    if not watched.tasks:
        return wrong("range instead of prange")
    expected, _ = _in_python(uncompiled(exercise.reference_function))
    if not _alike(outputs, expected):
        for known in exercise.wrongs:
            if hasattr(known.function, "py_func") and _alike(_in_python(known.function.py_func)[0], outputs):
                return wrong(known.name)
        output, right = next((a, b) for a, b in zip(outputs, expected, strict=True) if not same(a, b))
        return Verdict(False, None, f"the values differ from the definition: {likeness(right, output)}")
    return _compiled(answer, expected)


def _alike(outputs, others):
    return all(same(a, b) for a, b in zip(outputs, others, strict=True))


def _in_python(function):
    """Return the outputs of all cases, run as Python, and the last watched array."""
    outputs = []
    for x, w, b in cases():
        size = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
        watched = Watched(np.full((len(x), len(w), *size), UNWRITTEN))
        run = _with_prange(function, watched.prange)
        output = call(lambda run=run, x=x, w=w, b=b, y=watched: run(x, w, b, y), ())[0]
        outputs.append(output if isinstance(output, Raised) else watched.values)
    return outputs, watched


def _with_prange(function, prange):
    """Return the Python function with numba.prange replaced by another function."""
    numba_with = types.SimpleNamespace(**{**vars(numba), "prange": prange})
    replacements = {id(numba.prange): prange, id(numba): numba_with}
    return rebound(function, lambda value: replacements.get(id(value), value))


def _compiled(answer, expected):
    for (x, w, b), right in zip(cases(), expected, strict=True):
        for _ in range(RUNS):
            y = np.full_like(right, UNWRITTEN)
            output, _ = call(lambda x=x, w=w, b=b, y=y: answer(x, w, b, y), (), seconds=120)
            if isinstance(output, Raised):
                return Verdict(False, None, f"compiled, it raised {type(output.error).__name__}: {output.error}")
            if not same(y, right):
                what = "the compiled code and plain Python return different values. Look for an index outside the array"
                return Verdict(False, None, what)
    runs = f"{RUNS} runs on {numba.get_num_threads()} threads agree"
    return Verdict(True, None, f"no two iterations of prange write to the same element, and {runs}")
