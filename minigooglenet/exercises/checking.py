"""The check of an exercise: does it run, does it fit, does it leave its inputs alone, are the values right.

It stops at the first that fails and says one thing. A wrong answer whose outputs are those of a known mistake is
named by it.
"""

import functools
import inspect
import traceback

import numpy as np

from minigooglenet.exercises import hints
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised, call, close, parts, same
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG, Result
from minigooglenet.exercises.symptoms import symptom

PASSES: dict = {}  # {number: the answer that passed}, for `compare`


def check(number, given) -> Result:
    """Check an answer: a function, or what the exercise asks for.

    Parameters
    ----------
    number : "03.4"
    given : the answer; the stub as it stands is "not yet"

    Returns
    -------
    Result
        Its `passed`, `mistake` and text; a notebook shows it with a picture.
    """
    exercise = find(number)
    if not hasattr(exercise, "judge_function"):
        raise TypeError(f"{number} asks for a number: answer({number!r}, value)")
    result = _judged(exercise, given) if exercise.judge_function else _called(exercise, given)
    if result.passed:
        PASSES[exercise.number] = given
    hints.remember(exercise.number, result)
    return result


def _judged(exercise, given):
    if given is None or given is Ellipsis:
        return Result(exercise.number, NOT_YET, what="there is no answer yet")
    try:
        with np.errstate(all="ignore"):
            verdict = exercise.judge_function(given)
    except NotImplementedError as error:
        return Result(exercise.number, NOT_YET, what=str(error) or "not written yet")
    except Exception as error:
        return Result(exercise.number, WRONG, what=_told(error), advice=f"hint({exercise.number!r})")
    if verdict.passed:
        return Result(exercise.number, PASSED, what=verdict.what)
    advice = verdict.advice or f"hint({exercise.number!r})"
    return Result(exercise.number, WRONG, verdict.mistake, verdict.what, advice=advice)


def _called(exercise, function):
    number = exercise.number
    if function is None:
        return Result(number, NOT_YET, what=f"there is no {exercise.name} yet")
    if not callable(function):
        return Result(number, WRONG, what=f"expected the function {exercise.name}, got {type(function).__name__}")
    outputs, changed = [], False
    for arguments in exercise.arguments:
        output, touched = call(function, arguments)
        outputs.append(output)
        changed = changed or touched
        if isinstance(output, Raised) and isinstance(output.error, (NotImplementedError, TimeoutError)):
            break
    result = marked(_usual(exercise), outputs, changed)
    if result.passed and exercise.demand_function:
        return demanded(exercise, exercise.demand_function(function), result)
    return result


def demanded(exercise, verdict, result) -> Result:
    """Return the result of an answer whose values are right, once the exercise's demand has been judged too."""
    if verdict.passed:
        return Result(exercise.number, PASSED, what=f"{result.what}; {verdict.what}" if verdict.what else result.what)
    known = {wrong.name: wrong.message for wrong in exercise.wrongs}
    advice = verdict.advice or f"hint({exercise.number!r})"
    return Result(exercise.number, WRONG, verdict.mistake, verdict.what, known.get(verdict.mistake, ""), advice)


class Calls:
    """Arguments that an exercise's answer is called with, and what the right and the known wrong answers return."""

    def __init__(self, exercise, arguments):
        self.exercise, self.arguments = exercise, arguments

    @functools.cached_property
    def expected(self):
        """What the right answer returns for each."""
        return [call(self.exercise.reference_function, arguments)[0] for arguments in self.arguments]

    @functools.cached_property
    def known(self):
        """What each known wrong answer returns for each."""
        return [[call(w.function, arguments)[0] for arguments in self.arguments] for w in self.exercise.wrongs]


@functools.lru_cache(maxsize=16)
def _usual(exercise):
    return Calls(exercise, exercise.arguments)


def marked(calls, outputs, changed=False) -> Result:
    """Mark what an answer returned: outputs of the first calls or of all, `changed` if it changed an argument."""
    exercise, number = calls.exercise, calls.exercise.number
    for output in outputs:
        if isinstance(output, Raised) and isinstance(output.error, NotImplementedError):
            return Result(number, NOT_YET, what=str(output.error) or f"{exercise.name} is not written yet")
    failing = _first_failing(calls, outputs)
    if failing is not None:
        return _told_about(calls, failing, outputs[failing], _recognised(calls, outputs))
    if changed:
        what = f"the values are right, but {exercise.name} changed an array that it was given; work on a copy"
        return Result(number, WRONG, "changes its input", what, advice=f"hint({number!r})")
    told = len(exercise.wrongs)
    return Result(number, PASSED, what=f"all {len(outputs)} cases agree; they would have caught {told} known mistakes")


def _first_failing(calls, outputs):
    """Return the number of the failing case with the smallest inputs, or None."""
    failing = [
        place
        for place, (output, expected) in enumerate(zip(outputs, calls.expected, strict=False))
        if not same(output, expected, calls.exercise.tolerance)
    ]
    return min(failing, key=lambda place: sum(a.size for a in parts(calls.arguments[place]).values()), default=None)


def _told_about(calls, place, output, mistake):
    exercise = calls.exercise
    name, message = (mistake.name, mistake.message) if mistake else (None, "")
    advice = f"hint({exercise.number!r}) for one more step"
    if isinstance(output, Raised):
        return Result(exercise.number, WRONG, name, _told(output.error), message, advice)
    inputs = _named(exercise, calls.arguments[place])
    if output is None:
        return Result(
            exercise.number, WRONG, name, f"{exercise.name} returned None; perhaps a missing return?", message, advice
        )
    expected = calls.expected[place]
    mine, theirs = parts(output), parts(expected)
    if mine.keys() != theirs.keys():
        what = f"{exercise.name} should return {_kinds(theirs)}, got {_kinds(mine)}"
        return Result(exercise.number, WRONG, name, what, message, advice)
    for key, right in theirs.items():
        got = mine[key]
        near = close(got, right, exercise.tolerance)
        if near.all():
            continue
        of = f"the output{key}" if key else "the output"
        if got.shape != right.shape:
            what = f"{of} should have shape {right.shape}, got {got.shape}"
        else:
            first = tuple(map(int, np.argwhere(~near)[0])) if near.ndim else ()
            at = f" at {first}" if first else ""
            what = f"{of} is {_number(got[first])}{at}, expected {_number(right[first])}"
        looks_like = message or symptom(right, got)
        return Result(exercise.number, WRONG, name, what, looks_like, advice, inputs, right, got)
    return Result(exercise.number, WRONG, name, "the output differs", message, advice)


def _recognised(calls, outputs):
    for wrong, theirs in zip(calls.exercise.wrongs, calls.known, strict=True):
        if all(_alike(a, b) for a, b in zip(outputs, theirs, strict=False)) and any(map(_same, outputs, theirs)):
            return wrong
    return None


def _same(a, b):
    return same(a, b, 1e-9)


def _alike(a, b):
    """Return whether two outputs agree; where both stopped it may be in different ways, as loops and slices do."""
    return _same(a, b) or (isinstance(a, Raised) and isinstance(b, Raised))


def _named(exercise, arguments):
    try:
        names = list(inspect.signature(exercise.reference_function).parameters)
    except (TypeError, ValueError):
        names = []
    return {names[i] if i < len(names) else f"argument {i}": value for i, value in enumerate(arguments)}


def _told(error):
    """Return an exception with the line of the student's own code where it arose."""
    if isinstance(error, TimeoutError):
        return str(error)
    return f"it stopped with {type(error).__name__}: {error}{where(error)}"


def where(error) -> str:
    """Return the line of the student's own code where an exception arose, or an empty string."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "minigooglenet" not in frame.filename]
    return f", in your line {frames[-1].lineno}: {frames[-1].line}" if frames and frames[-1].line else ""


def _kinds(found):
    return f"{len(found)} arrays" if len(found) > 1 else "one array or number"


def _number(value):
    return f"{value:.6g}" if np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iufb" else str(value)
