"""What an exercise lacks: each finding is a sentence for whoever writes it.

missing(find("02.9"))  # [] if it is ready for students
"""

import contextlib
import inspect
import sys

from minigooglenet.exercises.checking import check
from minigooglenet.exercises.exercise import Task
from minigooglenet.exercises.mutants import survivors
from minigooglenet.exercises.outputs import same
from minigooglenet.exercises.questions import Question, answer
from minigooglenet.exercises.result import WRONG
from minigooglenet.exercises.shown import brief, error_text

MARK = "TODO"  # what a template leaves to fill in
LEAST_CASES, LEAST_WRONG = 2, 3
STUDENTS = [f"student {number}" for number in range(20)]  # for whom a question is drawn
SHOWN = 5  # faults that no test case reveals


def missing(exercise: Task) -> list[str]:
    """Return what an exercise or a question lacks, in sentences."""
    rules = [_words, _wrong_answers, *((_question,) if isinstance(exercise, Question) else (_parts, _answers, _blind))]
    found = []
    for rule in rules:
        try:
            found += rule(exercise)
        except Exception as error:  # a teacher's own code may do anything
            found.append(f"{rule.__name__.strip('_').replace('_', ' ')}: {type(error).__name__}: {error_text(error)}")
            break
    return found


def _words(exercise):
    """Yield what is left of the template, and hints that say the same."""
    texts = {
        "the title": exercise.title,
        "the task": sys.modules[module_of(exercise)].__doc__ or "",
        "the question": getattr(exercise, "text", ""),
        **{f"hint {number}": text for number, text in enumerate(exercise.hints, 1)},
        **{f"the docstring of {wrong.name!r}": wrong.message for wrong in exercise.wrongs},
    }
    yield from (f"{name} still says {MARK}" for name, text in texts.items() if MARK in text)
    if len(set(exercise.hints)) < len(exercise.hints):
        yield "two hints are the same"
    if exercise.difficulty not in (1, 2, 3):
        yield f"difficulty must be 1, 2 or 3, got {exercise.difficulty!r}"
    if not exercise.minutes > 0:
        yield f"minutes must be above 0, got {exercise.minutes!r}"


def _wrong_answers(exercise):
    """Yield that there are too few wrong answers, or that two of them say the same."""
    count = len(exercise.wrongs)
    if count < LEAST_WRONG:
        yield f"{count} wrong answers, at least {LEAST_WRONG} are needed: functions with @exercise.wrong"
    if len({wrong.message for wrong in exercise.wrongs}) < count:
        yield "two wrong answers have the same docstring"


def _parts(exercise):
    """Yield which parts are not there: test cases, the right answer, another right answer."""
    if exercise.judge_function:
        return
    if not exercise.cases_function:
        yield "no test cases: a function with @exercise.cases that yields the arguments of each call"
    elif len(exercise.arguments) < LEAST_CASES:
        yield f"{len(exercise.arguments)} test case, at least {LEAST_CASES} are needed, with different shapes"
    if not exercise.reference_function:
        yield "no right answer: a function with @exercise.reference"
        return
    if not exercise.rights:
        yield "no second right answer, written differently: a function with @exercise.right"
    names = list(inspect.signature(exercise.reference_function).parameters)
    stated = [part.split("=")[0].strip() for part in exercise.signature.partition("(")[2].partition(")")[0].split(",")]
    if stated != (names or [""]):
        yield f"the signature {exercise.signature!r} and the reference({', '.join(names)}) have different arguments"
    if "->" not in exercise.signature:
        yield f"the signature {exercise.signature!r} does not say what is returned: {exercise.name}(...) -> (shape)"


def _answers(exercise):
    """Yield right answers that the check rejects, and wrong ones that it accepts or does not name."""
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
            yield f"the check accepts the wrong answer {wrong.name!r}: add a test case in which it is wrong"
        elif result.mistake != wrong.name:
            yield f"the wrong answer {wrong.name!r} is called {result.mistake!r}: no test case tells the two apart"
    if not exercise.judge_function and len(exercise.arguments) > 1:
        outputs = [exercise.reference_function(*arguments) for arguments in exercise.arguments]
        if all(same(outputs[0], other, 0) for other in outputs[1:]):
            yield "the right answer is the same in every test case, so that a constant passes"


def _blind(exercise):
    """Yield faults of a right answer that no test case reveals."""
    if exercise.judge_function or not (exercise.cases_function and exercise.reference_function):
        return
    faults = survivors(exercise)
    for fault in faults[:SHOWN]:
        shown = ", ".join(map(brief, fault.arguments))
        yield f"no test case reveals this fault: {fault.name}; it would show with the arguments {shown}"
    if len(faults) > SHOWN:
        yield f"and {len(faults) - SHOWN} more faults"


def _question(question):
    """Yield numbers that are marked wrongly, and draws that do not differ."""
    if not (question.draw_function and question.solution_function):
        yield "no drawn values or no right number: functions with @exercise.draw and @exercise.solution"
        return
    drawn = set()
    for student in STUDENTS:
        values = question.values(student)
        drawn.add(str(values))
        with contextlib.suppress(KeyError):
            question.text.format(**values)
            continue
        yield f"the question names a value that is not drawn: {question.text!r}, drawn are {', '.join(values)}"
        return
    if len(drawn) < len(STUDENTS) // 4:
        yield f"{len(STUDENTS)} students get only {len(drawn)} different questions"
    for student in STUDENTS[:3]:
        values = question.values(student)
        if not answer(question.number, question.solution_function(**values), student).passed:
            yield f"the check rejects the right number, for {values}"
        for wrong in question.wrongs:
            if answer(question.number, wrong.function(**values), student).mistake != wrong.name:
                yield f"the wrong number {wrong.name!r} is not called so, for {values}"


def module_of(exercise) -> str:
    """Return the name of the module that an exercise is written in."""
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
