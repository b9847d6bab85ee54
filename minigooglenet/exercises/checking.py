"""The check of an exercise: does it run, does it fit, does it leave its inputs alone, are the values right.

It stops at the first that fails and says one thing. Values are right within round-off, in whatever order sums are
taken. A wrong answer whose outputs are those of a known mistake is named by it, if the mistake's own are wrong there.
"""

import functools
import inspect

import numpy as np

from minigooglenet.exercises import hints, own_code
from minigooglenet.exercises.exercise import Verdict
from minigooglenet.exercises.explaining import arguments_of, explanation
from minigooglenet.exercises.find import find
from minigooglenet.exercises.listing import listing
from minigooglenet.exercises.outputs import (
    FormError,
    Raised,
    call,
    close,
    form,
    identical,
    matched,
    round_off,
    same,
    size,
)
from minigooglenet.exercises.own_code import where
from minigooglenet.exercises.plain import kind_of, plain
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG, Result
from minigooglenet.exercises.shown import brief, error_text, pair

PASSES: dict = {}  # {number: the answer that passed}, for `compare`


def check(number=None, given=None) -> Result:
    """Check an answer: a function, or what the exercise asks for. Without arguments, list the exercises.

    Parameters
    ----------
    number : "03.4"
    given : the answer; the stub as it stands is "not yet"

    Returns
    -------
    Result
        Its `passed`, `mistake` and text; a notebook shows it with a figure.
    """
    if number is None:
        return listing()
    exercise = find(number)
    if not hasattr(exercise, "judge_function"):
        raise TypeError(f"{exercise.number} asks for a number: answer({exercise.number!r}, value)")
    result = _judged(exercise, given) if exercise.judge_function else _called(exercise, given)
    if result.passed:
        PASSES[exercise.number] = given
    hints.remember(exercise.number, result)
    return result


def _judged(exercise, given):
    """Return the result of an exercise's own judge, which reads plain data, or calls a function."""
    if given is None or given is Ellipsis:
        return Result(exercise.number, NOT_YET, what="there is no answer yet")
    given = plain(given, (callable, *exercise.objects))
    advice = f"hint({exercise.number!r})"
    try:
        with np.errstate(all="ignore"):
            verdict = exercise.judge_function(given)
    except NotImplementedError as error:
        return Result(exercise.number, NOT_YET, what=error_text(error) or "not written yet")
    except FormError as error:
        return Result(exercise.number, WRONG, what=str(error), advice=advice)
    except KeyboardInterrupt:  # whoever waits may stop it
        raise
    except BaseException as error:
        if where(error) or not isinstance(error, Exception):
            return Result(exercise.number, WRONG, what=_told(error), advice=advice, inputs=own_code.arguments(error))
        told = f"{kind_of(error)}: {error_text(error)}"
        what = f"the answer should be {exercise.signature}, got {_kind(given)} ({told})"
        return Result(exercise.number, WRONG, what=what, advice=advice)
    if verdict.passed:
        return Result(exercise.number, PASSED, what=verdict.what)
    return Result(exercise.number, WRONG, verdict.mistake, verdict.what, advice=verdict.advice or advice)


def _kind(given):
    if inspect.isroutine(given):
        return f"the function {given.__name__}"
    return f"a callable {kind_of(given)}" if callable(given) else f"{form(given)}: {brief(given)}"


def _called(exercise, function):
    name = exercise.name
    if function is None or function is Ellipsis:
        return Result(exercise.number, NOT_YET, what=f"there is no {name} yet: check({exercise.number!r}, {name})")
    if not callable(function):
        given = f"{form(plain(function))}: {brief(function)}"
        what = f"expected the function {name}, got {given}. Leave out the parentheses after its name"
        return Result(exercise.number, WRONG, what=what)
    outputs, changed = [], False
    for arguments in exercise.arguments:
        output, touched = call(function, arguments)
        outputs.append(output)
        changed = changed or touched
        if isinstance(output, Raised) and isinstance(output.error, (NotImplementedError, TimeoutError)):
            break
    result = marked(_usual(exercise), outputs, changed)
    if result.passed and exercise.demand_function:
        return demanded(exercise, demand(exercise, function), result)
    return result


def demand(exercise, function):
    """Return the verdict of an exercise's demand; an answer that it stops is told where."""
    try:
        return exercise.demand_function(function)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Verdict(False, None, f"the values are right, but with other arguments {_told(error)}")


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
        self.tolerance, self.names = exercise.tolerance, arguments_of(exercise)
        self.usual = len(exercise.arguments)  # these come first

    @functools.cached_property
    def expected(self):
        """What the right answer returns for each, however long its kernels take to compile."""
        return [call(self.exercise.reference_function, arguments, None)[0] for arguments in self.arguments]

    @functools.cached_property
    def known(self):
        """What each known wrong answer returns for each."""
        return [[call(w.function, arguments, None)[0] for arguments in self.arguments] for w in self.exercise.wrongs]

    @functools.cached_property
    def least(self):
        """How far each output may be off by round-off alone, even if it should be 0."""
        return [round_off(arguments) for arguments in self.arguments]

    def changed(self, afterwards) -> bool:
        """Return whether one of the arguments' copies, None if it is not known, is another one after the calls."""
        return any(
            after is not None and not all(map(identical, before, after))
            for after, before in zip(afterwards, self.arguments, strict=False)
        )

    def near(self, place, got, right):
        """Return where two arrays of one call agree."""
        return close(got, right, self.tolerance, self.least[place])

    def agree(self, place, a, b) -> bool:
        """Return whether two outputs of one call are the same up to round-off."""
        return same(a, b, self.tolerance, self.least[place])


@functools.lru_cache(maxsize=128)
def _usual(exercise):
    return Calls(exercise, exercise.arguments)


def marked(calls, outputs, changed=False) -> Result:
    """Mark what an answer returned: outputs of the first calls or of all, `changed` if it changed an argument."""
    exercise, number = calls.exercise, calls.exercise.number
    for output in outputs:
        if isinstance(output, Raised) and isinstance(output.error, NotImplementedError):
            return Result(number, NOT_YET, what=error_text(output.error) or f"{exercise.name} is not written yet")
    outputs = [output if isinstance(output, Raised) else plain(output) for output in outputs]
    failing = _first_failing(calls, outputs)
    if failing is not None:
        mistake = _recognised(calls, outputs, failing)
        told = (mistake.name, mistake.message) if mistake else (None, _explained(calls, outputs, failing))
        return _told_about(calls, failing, outputs[failing], *told)
    if changed:
        what = f"the values are right, but {exercise.name} changed an array that it was given; work on a copy"
        return Result(number, WRONG, "changes its input", what, advice=f"hint({number!r})")
    told = len(exercise.wrongs)
    return Result(number, PASSED, what=f"all {len(outputs)} cases agree; they would have caught {told} known mistakes")


def _explained(calls, outputs, failing):
    """Return an explanation, or none: whatever a student returned, help that fails must not fail the check."""
    try:
        return explanation(calls, outputs, failing)
    except (ArithmeticError, AttributeError, IndexError, MemoryError, TypeError, ValueError):
        return ""


def _first_failing(calls, outputs):
    """Return the number of the failing case with the smallest inputs, or None."""
    failing = [
        place
        for place, (output, expected) in enumerate(zip(outputs, calls.expected, strict=False))
        if not calls.agree(place, output, expected)
    ]
    return min(failing, key=lambda place: size(calls.arguments[place]), default=None)


def _told_about(calls, place, output, name, looks_like):
    """Return the result of an output that is wrong in one case, by the mistake's name, if it has one."""
    exercise = calls.exercise
    advice = f"hint({exercise.number!r}) for one more step"
    inputs = _named(calls.names, calls.arguments[place])

    def wrong(what, **arrays):
        return Result(exercise.number, WRONG, name, what, looks_like, advice, inputs, **arrays)

    if isinstance(output, Raised):
        return wrong(_told(output.error))
    if output is None:
        return wrong(f"{exercise.name} returned None. Check for a missing return")
    try:
        both = matched(output, calls.expected[place])
    except FormError as error:
        return wrong(f"{exercise.name}: {error}")
    for key, (got, right) in both.items():
        near = calls.near(place, got, right)
        if near.all():
            continue
        of = f"the output{key}" if key else "the output"
        if got.shape != right.shape:
            what = f"{of} should be {form(right)}, got {form(got)}"
            return wrong(what, expected=right, got=got)
        first = tuple(map(int, np.argwhere(~near)[0])) if near.ndim else ()
        at = f" at {first}" if first else ""
        mine, theirs = pair(got[first], right[first])
        what = f"{of} is {mine}{at}, expected {theirs}"
        return wrong(what, expected=right, got=got, differ=~near)
    return wrong("the output differs")


def _recognised(calls, outputs, failing):
    """Return the known mistake whose outputs these are, if they are wrong in the failing case, or None."""
    for wrong, theirs in zip(calls.exercise.wrongs, calls.known, strict=True):
        if calls.agree(failing, theirs[failing], calls.expected[failing]):
            continue
        alike = [calls.agree(place, *both) for place, both in enumerate(zip(outputs, theirs, strict=False))]
        telling = any(
            ok and not calls.agree(place, theirs[place], calls.expected[place]) for place, ok in enumerate(alike)
        )
        # Where both stop it may be in different ways, as loops and slices do.
        stops = [isinstance(a, Raised) and isinstance(b, Raised) for a, b in zip(outputs, theirs, strict=False)]
        if telling and all(a or b for a, b in zip(alike, stops, strict=True)):
            return wrong
    return None


def _named(names, arguments):
    return {names[i] if i < len(names) else f"argument {i}": value for i, value in enumerate(arguments)}


def _told(error):
    """Return an exception with the line of the student's own code where it arose."""
    if isinstance(error, TimeoutError):
        return error_text(error)
    return f"it stopped with {kind_of(error)}: {error_text(error)}{where(error)}"
