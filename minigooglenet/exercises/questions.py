"""Numbers to work out, drawn for each student, and answers marked with the usual mistake by name.

A draw is used only if the right answer and all known wrong ones differ from one another, so that a mistake can be told
from its number.
"""

import hashlib
import math
import os

import numpy as np

from minigooglenet.exercises.exercise import Task
from minigooglenet.exercises.find import find
from minigooglenet.exercises.numbers import described
from minigooglenet.exercises.outputs import ROUND_OFF, FormError, form, one_number
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.predicting import Note
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG, Result
from minigooglenet.exercises.shown import brief, printable

COURSE = "MINIGOOGLENET_COURSE_KEY"  # a course may set it, so that its draws are its own
MOST_DRAWS = 10_000
_students: dict[str, str] = {}


class Question(Task):
    """A number to work out.

    number, title, minutes, difficulty, hints, core : as of an Exercise
    text : the question, with the names of the drawn values in braces
    tolerance : share by which an answer may differ, 0 for whole numbers; said to the student where it is not 0
    """

    def __init__(self, number, title, text, *, minutes, difficulty, hints, tolerance=0.0, core=True):
        super().__init__(
            number, title, minutes=minutes, difficulty=difficulty, hints=hints, tolerance=tolerance, core=core
        )
        self.text = text
        self.draw_function = self.solution_function = None

    def draw(self, function):
        """Register draw(rng) -> {name: value}."""
        self.draw_function = function
        return function

    def solution(self, function):
        """Register solution(**values) -> the right number."""
        self.solution_function = function
        return function

    def values(self, student) -> dict:
        """Return what is drawn for a student: the first draw whose right and wrong answers all differ."""
        key = f"{os.environ.get(COURSE, '')}/{student}/{self.number}".encode(errors="surrogatepass")
        rng = np.random.default_rng(list(hashlib.sha256(key).digest()))
        for _ in range(MOST_DRAWS):
            values = self.draw_function(rng)
            if self.separated(values):
                return values
        raise RuntimeError(f"{self.number}: no draw tells the mistakes apart")

    def separated(self, values) -> bool:
        """Return whether the right and all wrong answers differ by more than the tolerance."""
        found = [float(self.solution_function(**values)), *(float(wrong.function(**values)) for wrong in self.wrongs)]
        return all(not self.agree(a, b) for i, a in enumerate(found) for b in found[:i])

    def agree(self, a, b) -> bool:
        """Return whether two answers count as one."""
        return math.isclose(a, b, rel_tol=max(self.tolerance, ROUND_OFF), abs_tol=1e-12)

    def right(self, given, value) -> bool:
        """Return whether a given number is this one; an integer may be written as a float, but is not off by 1."""
        exact = self.tolerance == 0 and isinstance(value, (int, np.integer))
        return self.agree(given, float(value)) and not (exact and abs(given - float(value)) > 0.49)

    @property
    def name(self) -> str:
        """What is asked for."""
        return "a number"


def ask(number, student="you"):
    """Return the question as drawn for a student, by name or id: the same every time."""
    question = _question(number)
    student = _name(student)
    _students[question.number] = student
    near = f" (within {question.tolerance:.1%})" if question.tolerance else ""
    return Note(f"{question.number} for {printable(student)}: {question.text.format(**question.values(student))}{near}")


def answer(number, value, student=None) -> Result:
    """Mark a number; a wrong one that a known mistake leads to is named by it."""
    question = _question(number)
    student = _students.get(question.number, "you") if student is None else _name(student)
    if value is None or value is Ellipsis:
        return Result(question.number, NOT_YET, what=str(ask(number, student)))
    advice = f"hint({question.number!r})"
    value = plain(value)
    given = _float(value)
    if given is None:
        return Result(question.number, WRONG, what=f"expected one number, got {form(value)}", advice=advice)
    values = question.values(student)
    if question.right(given, question.solution_function(**values)):
        return Result(question.number, PASSED, what=f"{brief(value)} is right")
    for wrong in question.wrongs:
        if question.right(given, wrong.function(**values)):
            what = f"{brief(value)} is what comes out by a usual mistake"
            return Result(question.number, WRONG, wrong.name, what, wrong.message, advice)
    looks_like = described(question, given, values)
    return Result(question.number, WRONG, what=f"{brief(value)} is not right", looks_like=looks_like, advice=advice)


def _float(value):
    """Return plain data as a float, text of a number too, or None."""
    try:
        return one_number(float(value) if type(value) is str else value, "the answer")
    except (FormError, ValueError):
        return None


def _name(student):
    """Return the name or id of a student as text."""
    student = plain(student)
    return student if type(student) is str else brief(student)


def _question(number) -> Question:
    question = find(number)
    if not isinstance(question, Question):
        name = question.name or "your answer"
        raise TypeError(f"{question.number} asks for {name}: check({question.number!r}, {name})")
    return question
