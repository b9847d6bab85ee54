"""The linter of exercises: each finding is a sentence for the author of the exercise.

missing(find("02.9"))  # [] if it is ready for students
"""

import inspect
import itertools
import math
import sys

import numpy as np

from minigooglenet.exercises.checking import Calls, check, grade
from minigooglenet.exercises.exercise import Task
from minigooglenet.exercises.mutants import survivors
from minigooglenet.exercises.outputs import Raised, call, identical, same
from minigooglenet.exercises.own_code import where
from minigooglenet.exercises.plain import kind_of
from minigooglenet.exercises.questions import Question, answer
from minigooglenet.exercises.result import WRONG
from minigooglenet.exercises.shown import brief, error_text

MARK = "TODO"  # a part of the template that is still to be written
LEAST_CASES, LEAST_WRONG = 2, 3
STUDENTS = [f"student {number}" for number in range(20)]  # students for whom a question is drawn
SEEDS = range(3)  # seeds of test cases as `grade` draws them
SHOWN = 5  # faults that are listed


def missing(exercise: Task) -> list[str]:
    """Return the findings about an exercise or a question, one sentence each."""
    rules = (_question,) if isinstance(exercise, Question) else (_parts, _cases, _answers, _blind)
    findings = []
    for rule in (_words, _wrong_answers, *rules):
        try:
            findings += rule(exercise)
        except _StopError as error:
            return [*findings, str(error)]
        except Exception as error:  # the author's code may raise anything
            return [*findings, raised(error)]
    return findings


class _StopError(Exception):
    """A finding that makes all later rules meaningless."""


def raised(error) -> str:
    """Return an exception as text, with the line of the author's code that raised it."""
    return f"{kind_of(error)}: {error_text(error)}{where(error)}"


def _words(exercise):
    """Yield unfinished parts of the template, and equal hints."""
    texts = {
        "the title": exercise.title,
        "the task": sys.modules[module_of(exercise)].__doc__ or "",
        "the question": getattr(exercise, "text", ""),
        **{f"hint {number}": text for number, text in enumerate(exercise.hints, 1)},
        **{f"the docstring of {wrong.name!r}": wrong.message for wrong in exercise.wrongs},
    }
    yield from (f"{name} still contains {MARK}" for name, text in texts.items() if MARK in text)
    if len(set(exercise.hints)) < len(exercise.hints):
        yield "two hints are equal"
    if exercise.difficulty not in (1, 2, 3):
        yield f"difficulty must be 1, 2 or 3, got {exercise.difficulty!r}"
    if not (isinstance(exercise.minutes, (int, float)) and exercise.minutes > 0):
        yield f"minutes must be a number above 0, got {exercise.minutes!r}"


def _wrong_answers(exercise):
    """Yield a finding for too few wrong answers, or for two with the same docstring."""
    count = len(exercise.wrongs)
    if count < LEAST_WRONG:
        answers = _count(count, "wrong answer")
        yield f"{answers}, at least {LEAST_WRONG} are needed. Write functions with @exercise.wrong"
    if len({wrong.message for wrong in exercise.wrongs}) < count:
        yield "two wrong answers have the same docstring"


def _parts(exercise):
    """Yield the parts that are missing: test cases, the right answer, a second right answer."""
    if exercise.judge_function:
        return
    if not exercise.cases_function:
        yield "no test cases. Write a function with @exercise.cases that yields the arguments of each call"
    if not exercise.reference_function:
        yield "no right answer. Write a function with @exercise.reference"
        return
    if not exercise.rights:
        yield "no second right answer, written differently. Write a function with @exercise.right"
    names = list(inspect.signature(exercise.reference_function).parameters)
    stated = [part.split("=")[0].strip() for part in exercise.signature.partition("(")[2].partition(")")[0].split(",")]
    if stated != (names or [""]):
        yield f"the signature {exercise.signature!r} and the reference({', '.join(names)}) have different arguments"
    if "->" not in exercise.signature:
        yield f"the signature {exercise.signature!r} lacks the result. Write {exercise.name}(...) -> (shape)"


def _cases(exercise):
    """Yield findings about the test cases; stop if the right answer raises in one of them."""
    if exercise.judge_function or not exercise.cases_function:
        return
    first, again = (list(exercise.cases_function(np.random.default_rng(0))) for _ in range(2))
    if len(first) < LEAST_CASES:
        yield f"{_count(len(first), 'test case')}, at least {LEAST_CASES} are needed, with different shapes"
    if not all(isinstance(case, (tuple, list)) for case in first):
        raise _StopError("a test case must be a tuple of arguments. A single argument needs a comma: `yield (x,)`")
    if len(first) != len(again) or not all(map(identical, map(tuple, first), map(tuple, again))):
        yield "the test cases differ from run to run. Use only the `rng` argument of cases(rng) for random values"
    if not exercise.reference_function:
        return
    for number, arguments in enumerate(exercise.arguments, 1):
        _stop_if_raised(exercise, arguments, f"in test case {number}")
    calls = [(seed, Calls(exercise, exercise.drawn(seed))) for seed in SEEDS]
    for _, drawn in calls:
        for arguments in drawn.arguments:
            _stop_if_raised(exercise, arguments, "in a test case that `grade` may draw")
    for right in exercise.rights:
        for _, drawn in calls:
            outputs = [call(right, arguments)[0] for arguments in drawn.arguments]
            result = grade(drawn, outputs)
            if not result.passed:
                yield f"`grade` may draw a test case that rejects the right answer {right.__name__}: {result.what}"
                break


def _stop_if_raised(exercise, arguments, case):
    """Stop if the right answer raises for these arguments; `case` describes the test case."""
    output, _ = call(exercise.reference_function, arguments)
    if isinstance(output, Raised):
        shown = ", ".join(map(brief, arguments))
        raise _StopError(f"the right answer raises an exception {case}, ({shown}): {raised(output.error)}")


def _count(number, unit):
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _answers(exercise):
    """Yield right answers that the check rejects, and wrong ones that it accepts or does not recognise."""
    if not (exercise.judge_function or (exercise.cases_function and exercise.reference_function)):
        return
    rights = [exercise.reference_function, *exercise.rights] if exercise.reference_function else exercise.rights
    for right in rights:
        result = check(exercise.number, right)
        if not result.passed:
            yield f"the check rejects the right answer {right.__name__}: {result.what}"
    for wrong in exercise.wrongs:
        result = check(exercise.number, wrong.function)
        if result.status != WRONG:
            yield f"the check accepts the wrong answer {wrong.name!r}: {_why_accepted(exercise, wrong)}"
        elif result.mistake != wrong.name:
            yield f"the wrong answer {wrong.name!r} is recognised as {result.mistake!r}: no test case separates the two"
    if not exercise.judge_function and len(exercise.arguments) > 1:
        outputs = [exercise.reference_function(*arguments) for arguments in exercise.arguments]
        if all(itertools.starmap(identical, itertools.pairwise(outputs))):
            yield "the right answer is the same in every test case, so that a constant passes"


def _why_accepted(exercise, wrong):
    """Return the advice for a wrong answer that passes."""
    if not exercise.judge_function and any(
        not same(*(call(f, arguments)[0] for f in (wrong.function, exercise.reference_function)), 0)
        for arguments in exercise.arguments
    ):
        return (
            "it differs only by round-off. Choose values for which it differs more, "
            "or write tolerance=0 if exactness is the lesson"
        )
    return "add a test case in which it is wrong"


def _blind(exercise):
    """Yield the faults of a right answer that no test case reveals."""
    if exercise.judge_function or not (exercise.cases_function and exercise.reference_function):
        return
    faults = survivors(exercise)
    for fault in faults[:SHOWN]:
        shown = ", ".join(map(brief, fault.arguments))
        yield f"no test case reveals this fault: {fault.name}. A test case with these arguments would: {shown}"
    if len(faults) > SHOWN:
        yield f"and {_count(len(faults) - SHOWN, 'more fault')}"


def _question(question):
    """Yield numbers that `answer` judges wrongly, and draws that do not differ."""
    if not (question.draw_function and question.solution_function):
        yield "no drawn values or no right number. Write functions with @exercise.draw and @exercise.solution"
        return
    first, again = (question.draw_function(np.random.default_rng(0)) for _ in range(2))
    if not isinstance(first, dict):
        raise _StopError(f"draw(rng) should return a dict {{name: value}}, got a {kind_of(first)}")
    if first != again:
        raise _StopError("the values differ from run to run. Use only the `rng` argument of draw(rng)")
    _numbers(question, first)
    try:
        question.text.format(**first)
    except KeyError as error:
        raise _StopError(f"the question names a value that is not drawn: {error}. Drawn: {', '.join(first)}") from error
    except (ValueError, IndexError) as error:
        advice = "Write {{ and }} for braces that do not enclose a drawn value"
        raise _StopError(f"the braces of the question cannot be filled in: {error}. {advice}") from error
    drawn = {str(question.values(student)) for student in STUDENTS}
    if len(drawn) < len(STUDENTS) // 4:
        yield f"{len(STUDENTS)} students get only {len(drawn)} different questions"
    for student in STUDENTS[:3]:
        values = question.values(student)
        if not answer(question.number, question.solution_function(**values), student).passed:
            yield f"the check rejects the right number, for {values}"
        for wrong in question.wrongs:
            if answer(question.number, wrong.function(**values), student).mistake != wrong.name:
                yield f"the wrong number {wrong.name!r} is not recognised, for {values}"


def _numbers(question, values):
    """Stop if the right or a wrong number cannot be computed, or if two of them are equal in every draw."""
    functions = {"the right number": question.solution_function}
    functions |= {f"the wrong number {wrong.name!r}": wrong.function for wrong in question.wrongs}
    given = ", ".join(f"{name}={value}" for name, value in values.items())
    for name, function in functions.items():
        try:
            number = float(function(**values))
        except Exception as error:
            raise _StopError(f"{name} cannot be computed for {given}: {raised(error)}") from error
        if not math.isfinite(number):
            raise _StopError(f"{name} is {number} for {given}")
        if function is question.solution_function and not question.tolerance and not number.is_integer():
            raise _StopError(
                f"{name} is {number:.6g} for {given}, not an integer. Set a tolerance, such as tolerance=0.005"
            )
    rng = np.random.default_rng(0)
    draws = [question.draw_function(rng) for _ in range(50)]
    for (one, first), (other, second) in itertools.combinations(functions.items(), 2):
        if all(question.agree(float(first(**draw)), float(second(**draw))) for draw in draws):
            raise _StopError(f"{other} equals {one} in each of 50 draws")


def module_of(exercise) -> str:
    """Return the name of the module that contains an exercise."""
    for function in (
        getattr(exercise, "reference_function", None),
        getattr(exercise, "solution_function", None),
        getattr(exercise, "judge_function", None),
        getattr(exercise, "cases_function", None),
        *(wrong.function for wrong in exercise.wrongs),
    ):
        if function is not None and callable(function):
            return function.__module__
    return __name__
