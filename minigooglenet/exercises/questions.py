"""Questions that ask for a number, with values drawn for each student; wrong answers get the name of the mistake.

A draw is used only if the right answer and all known wrong answers differ, so that the answer identifies the mistake.
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
from typing import Any

import numpy as np

from minigooglenet.exercises.exercise import Task
from minigooglenet.exercises.find import find
from minigooglenet.exercises.numbers import described, faulty_outputs
from minigooglenet.exercises.outputs import ROUND_OFF, FormError, form, one_number
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.predicting import Note
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG, Result
from minigooglenet.exercises.shown import brief, printable

COURSE = "MINIGOOGLENET_COURSE_KEY"  # a course may set it to get different draws from other courses
MOST_DRAWS = 10_000
_students: dict[str, str] = {}


class Question(Task):
    """A question that asks for a number.

    number, title, minutes, difficulty, hints, core : as in an Exercise
    text : the question, with the names of the drawn values in braces
    tolerance : fraction by which an answer may differ, 0 for integers; the question states it unless it is 0
    """

    def __init__(self, number, title, text, *, minutes, difficulty, hints, tolerance=0.0, core=True):
        super().__init__(
            number, title, minutes=minutes, difficulty=difficulty, hints=hints, tolerance=tolerance, core=core
        )
        self.text = text
        self.draw_function: Any = None
        self.solution_function: Any = None

    def draw(self, function):
        """Register draw(rng) -> {name: value}."""
        self.draw_function = function
        return function

    def solution(self, function):
        """Register solution(**values), which returns the right number."""
        self.solution_function = function
        return function

    def values(self, student) -> dict[str, Any]:
        """Return the values drawn for a student: the first draw whose right and wrong answers all differ."""
        return dict(self.drawn(student)[0])

    def drawn(self, student):
        """Return (values, right answer, [answer of each mistake]) of a student."""
        return _drawn(self, self._key(student))

    def faulty(self, student):
        """Return (words, output) of each fault of the solution, for the values drawn for a student."""
        return _faulty(self, self._key(student))

    def _key(self, student):
        return f"{os.environ.get(COURSE, '')}/{student}/{self.number}"

    def answers(self, values) -> list[Any]:
        """Return the right answer and those of all mistakes."""
        return [function(**values) for function in (self.solution_function, *(w.function for w in self.wrongs))]

    def separated(self, answers) -> bool:
        """Return whether the right and all wrong answers differ by more than the tolerance."""
        answers = list(map(float, answers))
        return all(not self.agree(a, b) for i, a in enumerate(answers) for b in answers[:i])

    def agree(self, a, b) -> bool:
        """Return whether two answers are equal up to the tolerance."""
        return math.isclose(a, b, rel_tol=max(self.tolerance, ROUND_OFF), abs_tol=1e-12)

    def right(self, given, value) -> bool:
        """Return whether a given number equals a value; an integer may be given as a float, but not be off by 1."""
        exact = self.tolerance == 0 and isinstance(value, (int, np.integer))
        return self.agree(given, float(value)) and not (exact and abs(given - float(value)) > 0.49)

    @property
    def name(self) -> str:
        """The kind of answer."""
        return "a number"


@functools.lru_cache(maxsize=256)  # some questions count networks, and every answer to one needs the same numbers
def _drawn(question, key):
    rng = np.random.default_rng(list(hashlib.sha256(key.encode(errors="surrogatepass")).digest()))
    for _ in range(MOST_DRAWS):
        values = question.draw_function(rng)
        right, *wrong = question.answers(values)
        if question.separated([right, *wrong]):
            return values, right, wrong
    raise RuntimeError(f"{question.number}: in each of {MOST_DRAWS:,} draws, two answers are equal")


@functools.lru_cache(maxsize=256)
def _faulty(question, key):
    return faulty_outputs(question, dict(_drawn(question, key)[0]))


def ask(number: str, student: str = "you") -> Note:
    """Return a question with the values drawn for a student, the same values every time.

    Parameters
    ----------
    number : exercise ID, such as "01.2"
    student : name or ID of the student

    Returns
    -------
    Note
        Text, which a notebook shows without quotes.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> question = mg.exercises.ask("01.2", "ada")
    >>> question.startswith("01.2 for ada: ")
    True
    >>> question == mg.exercises.ask("01.2", "ada")
    True
    """
    question = _question(number)
    student = _name(student)
    _students[question.number] = student
    near = f" (within {question.tolerance:.1%})" if question.tolerance else ""
    return Note(f"{question.number} for {printable(student)}: {question.text.format(**question.values(student))}{near}")


def answer(number: str, value: Any, student: str | None = None) -> Result:
    """Check a number; the result of a known mistake gets the name of that mistake.

    Parameters
    ----------
    number : exercise ID, such as "01.2"
    value : your answer, a number or its text; None or ... shows the question again
    student : name or ID of the student (default: as in the last `ask`, otherwise "you")

    Returns
    -------
    Result
        `passed`, `status`, `mistake` and the text of the message.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> result = mg.exercises.answer("01.2", -1)
    >>> result.passed, result.what
    (False, '-1 is not right')
    """
    question = _question(number)
    student = _students.get(question.number, "you") if student is None else _name(student)
    if value is None or value is Ellipsis:
        return Result(question.number, NOT_YET, what=str(ask(number, student)))
    advice = f"hint({question.number!r})"
    value = plain(value)
    given = _float(value)
    if given is None:
        return Result(question.number, WRONG, what=f"expected one number, got {form(value)}", advice=advice)
    _, right, mistaken = question.drawn(student)
    if question.right(given, right):
        return Result(question.number, PASSED, what=f"{brief(value)} is right")
    for wrong, value_of_mistake in zip(question.wrongs, mistaken, strict=True):
        if question.right(given, value_of_mistake):
            what = f"{brief(value)} is the result of a common mistake"
            return Result(question.number, WRONG, wrong.name, what, wrong.message, advice)
    looks_like = described(question, given, student)
    return Result(question.number, WRONG, what=f"{brief(value)} is not right", looks_like=looks_like, advice=advice)


def _float(value):
    """Return plain data as a float, also from the text of a number, or None."""
    try:
        return one_number(float(value) if type(value) is str else value, "the answer")
    except (FormError, ValueError):
        return None


def _name(student):
    """Return the name or ID of a student as text."""
    student = plain(student)
    return student if type(student) is str else brief(student)


def _question(number) -> Question:
    question = find(number)
    if not isinstance(question, Question):
        name = question.name or "your answer"
        raise TypeError(f"exercise {question.number} asks for {name}: use check({question.number!r}, {name})")
    return question
