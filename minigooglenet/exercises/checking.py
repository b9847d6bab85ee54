"""The check of an exercise: does the answer run, return the right form and the right values, and change no input?

It stops at the first failure and reports only that. Values are right up to round-off, in whatever order sums are
taken. A wrong answer gets the name of a known mistake if its outputs match the outputs of that mistake and these are
wrong in the failing test case.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minigooglenet.exercises import hints, own_code
from minigooglenet.exercises.exercise import Verdict
from minigooglenet.exercises.explaining import arguments_of, explanation
from minigooglenet.exercises.find import find
from minigooglenet.exercises.listing import Listing, listing
from minigooglenet.exercises.mutants import run
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

PASSES: dict[str, Callable[..., Any]] = {}  # {exercise ID: the answer that passed}, for `compare`


def check(number: str | None = None, given: Any = None) -> Result | Listing:
    """Check the answer to an exercise. Without arguments, list all exercises.

    Parameters
    ----------
    number : exercise ID, such as "03.4"
    given : your answer: a function, or whatever the exercise asks for; an unchanged stub is "not yet"

    Returns
    -------
    Result or Listing
        `passed`, `status`, `mistake` and the text of the message; a notebook adds a figure. Without an exercise ID,
        the list of exercises.

    Raises
    ------
    ValueError
        If the exercise ID is unknown.
    TypeError
        If the exercise asks for a number: use `answer`.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> result = mg.exercises.check("03.1", lambda dout: dout.sum(axis=(0, 2, 3)))
    >>> result.passed
    True
    >>> result = mg.exercises.check("03.1", lambda dout: dout.mean(axis=(0, 2, 3)))
    >>> result.status, result.what.startswith("the output is ")
    ('wrong', True)
    """
    if number is None:
        return listing()
    exercise = find(number)
    if not hasattr(exercise, "judge_function"):
        raise TypeError(f"exercise {exercise.number} asks for a number: use answer({exercise.number!r}, value)")
    result = _judged(exercise, given) if exercise.judge_function else _called(exercise, given)
    if result.passed:
        PASSES[exercise.number] = given
    hints.remember(exercise.number, result)
    return result


def _judged(exercise, given):
    """Return the result of the exercise's judge, which reads plain data or calls a function."""
    if given is None or given is Ellipsis:
        return Result(exercise.number, NOT_YET, what="no answer yet")
    given = plain(given, (callable, *exercise.objects))
    advice = f"hint({exercise.number!r})"
    try:
        with np.errstate(all="ignore"):
            verdict = exercise.judge_function(given)
    except NotImplementedError as error:
        return Result(exercise.number, NOT_YET, what=error_text(error) or "not written yet")
    except FormError as error:
        return Result(exercise.number, WRONG, what=str(error), advice=advice)
    except KeyboardInterrupt:  # the user stopped the check
        raise
    except BaseException as error:
        if where(error) or not isinstance(error, Exception):
            return Result(exercise.number, WRONG, what=_raised(error), advice=advice, inputs=own_code.arguments(error))
        reason = f"{kind_of(error)}: {error_text(error)}"
        what = f"the answer should be {exercise.signature}, got {_kind(given)} ({reason})"
        return Result(exercise.number, WRONG, what=what, advice=advice)
    if verdict.passed:
        return Result(exercise.number, PASSED, what=verdict.what)
    return Result(exercise.number, WRONG, verdict.mistake, verdict.what, advice=verdict.advice or advice)


def _kind(given):
    if inspect.isroutine(given):
        return f"the function {given.__name__}"
    return f"a callable {kind_of(given)}" if callable(given) else _with_value(form(given), brief(given))


def _with_value(kind, value):
    return kind if value in kind else f"{kind}: {value}"  # the kind of a text contains the text


def _called(exercise, function):
    name = exercise.name
    if function is None or function is Ellipsis:
        what = f"{name} is not written yet. Write it, then run check({exercise.number!r}, {name})"
        return Result(exercise.number, NOT_YET, what=what)
    if not callable(function):
        given = _with_value(form(plain(function)), brief(function))
        what = f"expected the function {name}, got {given}. Pass the name without parentheses"
        return Result(exercise.number, WRONG, what=what)
    outputs, changed = [], False
    for arguments in exercise.arguments:
        output, modified = call(function, arguments)
        outputs.append(output)
        changed = changed or modified
        if isinstance(output, Raised) and isinstance(output.error, (NotImplementedError, TimeoutError)):
            break
    result = grade(_usual(exercise), outputs, changed)
    if result.passed and exercise.demand_function:
        return demanded(exercise, demand(exercise, function), result)
    return result


def demand(exercise, function):
    """Return the verdict of the exercise's demand; if the answer raises, the verdict shows the line."""
    try:
        return exercise.demand_function(function)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Verdict(False, None, f"the values are right, but with other arguments {_raised(error)}")


def demanded(exercise, verdict, result) -> Result:
    """Return the result of an answer whose values are right, given the verdict of the exercise's demand."""
    if verdict.passed:
        return Result(exercise.number, PASSED, what=f"{result.what}; {verdict.what}" if verdict.what else result.what)
    known = {wrong.name: wrong.message for wrong in exercise.wrongs}
    advice = verdict.advice or f"hint({exercise.number!r})"
    return Result(exercise.number, WRONG, verdict.mistake, verdict.what, known.get(verdict.mistake, ""), advice)


class Calls:
    """The test cases of an exercise, with the outputs of the reference solution and of the known mistakes."""

    def __init__(self, exercise, arguments):
        self.exercise, self.arguments = exercise, arguments
        self.tolerance, self.names = exercise.tolerance, arguments_of(exercise)
        self.usual = len(exercise.arguments)  # the usual test cases come first
        self._right_for = {}

    @functools.cached_property
    def expected(self):
        """Outputs of the reference solution, without a time limit because its kernels may have to compile."""
        return [call(self.exercise.reference_function, arguments, None)[0] for arguments in self.arguments]

    @functools.cached_property
    def known(self):
        """Outputs of each known mistake in each test case."""
        return [[call(w.function, arguments, None)[0] for arguments in self.arguments] for w in self.exercise.wrongs]

    @functools.cached_property
    def least(self):
        """Round-off that each output may have, even if it should be 0."""
        return [round_off(arguments) for arguments in self.arguments]

    def right_for(self, case, argument, value):
        """Return the right output of a test case for a different value of an argument, or Raised.

        The outputs of the usual test cases are kept, because the explanation of every wrong answer needs them.
        """
        key = case, argument, type(value), value
        if key in self._right_for:
            return self._right_for[key]
        arguments = self.arguments[case]
        right = run(self.exercise.reference_function, (*arguments[:argument], value, *arguments[argument + 1 :]))
        if case < self.usual:
            self._right_for[key] = right
        return right

    def changed(self, afterwards) -> bool:
        """Return whether a call changed its arguments; `afterwards` has its copy of them, or None if unknown."""
        return any(
            after is not None and not all(map(identical, before, after))
            for after, before in zip(afterwards, self.arguments, strict=False)
        )

    def near(self, case, got, right):
        """Return where two arrays agree in a test case."""
        return close(got, right, self.tolerance, self.least[case])

    def agree(self, case, a, b) -> bool:
        """Return whether two outputs are equal up to round-off in a test case."""
        return same(a, b, self.tolerance, self.least[case])


@functools.lru_cache(maxsize=128)
def _usual(exercise):
    return Calls(exercise, exercise.arguments)


def grade(calls, outputs, changed=False) -> Result:
    """Grade the outputs of an answer.

    calls : the test cases
    outputs : outputs of the first test cases, or of all
    changed : whether the answer changed an argument
    """
    exercise, number = calls.exercise, calls.exercise.number
    for output in outputs:
        if isinstance(output, Raised) and isinstance(output.error, NotImplementedError):
            return Result(number, NOT_YET, what=error_text(output.error) or f"{exercise.name} is not written yet")
    outputs = [output if isinstance(output, Raised) else plain(output) for output in outputs]
    failing = _first_failing(calls, outputs)
    if failing is not None:
        mistake = _recognised(calls, outputs, failing)
        name_and_words = (mistake.name, mistake.message) if mistake else (None, _explained(calls, outputs, failing))
        return _wrong_result(calls, failing, outputs[failing], *name_and_words)
    if changed:
        what = f"the values are right, but {exercise.name} changed one of its input arrays. Work on a copy"
        return Result(number, WRONG, "changes its input", what, advice=f"hint({number!r})")
    what = f"all {len(outputs)} test cases pass; they also catch {len(exercise.wrongs)} known mistakes"
    return Result(number, PASSED, what=what)


def _explained(calls, outputs, failing):
    """Return an explanation, or an empty string: an explanation that fails must not break the check."""
    try:
        return explanation(calls, outputs, failing)
    except (ArithmeticError, AttributeError, IndexError, MemoryError, TypeError, ValueError):
        return ""


def _first_failing(calls, outputs):
    """Return the index of the failing test case with the smallest inputs, or None."""
    failing = [
        case
        for case, (output, expected) in enumerate(zip(outputs, calls.expected, strict=False))
        if not calls.agree(case, output, expected)
    ]
    return min(failing, key=lambda case: size(calls.arguments[case]), default=None)


def _wrong_result(calls, case, output, name, looks_like):
    """Return the result for an output that is wrong in a test case; `name` is the known mistake, or None."""
    exercise = calls.exercise
    advice = f"hint({exercise.number!r}) for one more step"
    inputs = _named(calls.names, calls.arguments[case])

    def wrong(what, **arrays):
        return Result(exercise.number, WRONG, name, what, looks_like, advice, inputs, **arrays)

    if isinstance(output, Raised):
        return wrong(_raised(output.error))
    if output is None:
        return wrong(f"{exercise.name} returned None. Check for a missing return")
    try:
        both = matched(output, calls.expected[case])
    except FormError as error:
        return wrong(f"{exercise.name}: {error}")
    for key, (got, right) in both.items():
        near = calls.near(case, got, right)
        if near.all():
            continue
        part = f"output{key}" if key else "the output"
        if got.shape != right.shape:
            what = f"{part} should be {form(right)}, got {form(got)}"
            return wrong(what, expected=right, got=got)
        first = tuple(map(int, np.argwhere(~near)[0])) if near.ndim else ()
        at = f" at {first}" if first else ""
        got_text, right_text = pair(got[first], right[first])
        what = f"{part} is {got_text}{at}, expected {right_text}"
        return wrong(what, expected=right, got=got, differ=~near)
    return wrong("the output is wrong")


def _recognised(calls, outputs, failing):
    """Return the known mistake with these outputs, if it is wrong in the failing test case too, or None."""
    for wrong, known in zip(calls.exercise.wrongs, calls.known, strict=True):
        if calls.agree(failing, known[failing], calls.expected[failing]):
            continue
        equal = [calls.agree(case, *both) for case, both in enumerate(zip(outputs, known, strict=False))]
        evidence = any(ok and not calls.agree(case, known[case], calls.expected[case]) for case, ok in enumerate(equal))
        # Two answers that raise count as equal, because loops and slices raise different exceptions.
        both_raise = [isinstance(a, Raised) and isinstance(b, Raised) for a, b in zip(outputs, known, strict=False)]
        if evidence and all(a or b for a, b in zip(equal, both_raise, strict=True)):
            return wrong
    return None


def _named(names, arguments):
    return {names[i] if i < len(names) else f"argument {i}": value for i, value in enumerate(arguments)}


def _raised(error):
    """Return an exception as text, with the line of the student's own code that raised it."""
    if isinstance(error, TimeoutError):
        return error_text(error)
    return f"it raised {kind_of(error)}: {error_text(error)}{where(error)}"
