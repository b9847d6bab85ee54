"""The definition of an exercise: test cases that reveal mistakes, a reference solution, and known mistakes.

    conv_db = Exercise("03.1", "the bias gradient", "conv_db(dout) -> (K,)", minutes=5, difficulty=1, hints=(...))

    @conv_db.cases
    def conv_db_cases(rng): ...         # yields the arguments of each call

    @conv_db.reference
    def conv_db_reference(dout): ...    # the reference solution: the engine's function if it has one

    @conv_db.wrong
    def mean_over_the_batch(dout):
        '''Exactly 1/N of the correct gradient: the mean belongs in the loss.'''
        return dout.mean(axis=(0, 2, 3))

A known mistake is a function: its name is the name of the mistake, and its docstring is the message for a student who
makes it. The check recognises a mistake by its outputs: they must be wrong, and equal to the outputs of the student in
every test case. Outputs are compared up to round-off, so an exercise that asks for sums in a certain order needs a
tolerance of 0.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigooglenet.exercises.outputs import ROUND_OFF

REGISTERED: dict[str, "Task"] = {}


class Wrong(NamedTuple):
    """A known mistake: its name, the message for a student who makes it, and the wrong answer, usually a function."""

    name: str
    message: str
    function: Callable[..., Any]


class Verdict(NamedTuple):
    """The verdict of a judge: whether the answer passed, the name of a known mistake or None, and the reason."""

    passed: bool
    mistake: str | None
    what: str
    advice: str = ""


class Task:
    """The common part of exercises and questions: an ID, hints and known mistakes.

    number : exercise ID, such as "03.1";  title : a few words
    minutes : expected time;  difficulty : 1, 2 or 3
    hints : where to look; the idea on a tiny example; the fill-in hint, a line with a blank
    tolerance : fraction by which a value may differ
    core : whether the lesson needs it
    """

    def __init__(self, number, title, *, minutes, difficulty, hints, tolerance, core):
        if number in REGISTERED:
            raise ValueError(f"exercise ID {number!r} is already in use. Choose a different ID")
        if len(hints) != 3:
            raise ValueError(f"exercise {number} needs three hints, got {len(hints)}")
        self.number, self.title, self.minutes, self.difficulty = number, title, minutes, difficulty
        self.hints, self.tolerance, self.core = tuple(hints), tolerance, core
        self.wrongs: list[Wrong] = []
        REGISTERED[number] = self

    def wrong(self, function):
        """Register a known mistake: its name, with spaces instead of underscores, and its docstring, the message.

        If the wrong answer is not a function, return it from a function without parameters.
        """
        message = " ".join((function.__doc__ or "").split())
        if not message and sys.flags.optimize < 2:  # python -OO removes docstrings
            raise ValueError(f"exercise {self.number}: the wrong answer {function.__name__} needs a docstring")
        answer = function if inspect.signature(function).parameters else function()
        self.wrongs.append(Wrong(function.__name__.replace("_", " "), message, answer))
        return function


class Exercise(Task):
    """An exercise whose answer is a function, or anything else that its judge accepts.

    Parameters
    ----------
    number : exercise ID: the lesson and the exercise in it, such as "03.1"
    title : a few words
    signature : the function that a student writes, with shapes: "conv_db(dout) -> (K,)"
    minutes : expected time
    difficulty : 1, 2 or 3
    hints : where to look; the idea on a tiny example; the fill-in hint, a line with a blank
    tolerance : fraction of the largest value by which a value may differ, because sums in any order are right; 0 means
        that every value must be equal, if exactness is the lesson
    objects : classes of objects in the answer that the judge reads unchanged
    core : whether the lesson needs it
    """

    def __init__(
        self, number, title, signature, *, minutes, difficulty, hints, tolerance=ROUND_OFF, objects=(), core=True
    ):
        super().__init__(
            number, title, minutes=minutes, difficulty=difficulty, hints=hints, tolerance=tolerance, core=core
        )
        self.signature, self.objects = signature, objects
        self.reference_function: Any = None
        self.cases_function: Any = None
        self.judge_function: Any = None
        self.engine_function: Any = None
        self.demand_function: Any = None
        self.rights: list[Callable[..., Any]] = []

    def cases(self, function):
        """Register cases(rng), which yields the test cases: one tuple of arguments per call."""
        self.cases_function = function
        return function

    def reference(self, function):
        """Register the reference solution: the engine's function if it has one, so that nothing is written twice."""
        self.reference_function = function
        return function

    def engine(self, function):
        """Register the function that `compare` shows next to the student's code; by default the reference solution."""
        self.engine_function = function
        return function

    def right(self, function):
        """Register another right answer, written differently: the check must accept it too."""
        self.rights.append(function)
        return function

    def judge(self, function):
        """Register judge(answer) -> Verdict, for answers that are not a function to be called on cases."""
        self.judge_function = function
        return function

    def demand(self, function):
        """Register demand(answer) -> Verdict, called if the values are right: a rule on how they are computed."""
        self.demand_function = function
        return function

    @property
    def name(self) -> str:
        """Name of the function that a student writes."""
        return self.signature.partition("(")[0]

    @functools.cached_property
    def arguments(self) -> list[tuple[Any, ...]]:
        """The arguments of every call, the same in every run."""
        digits = int("".join(filter(str.isdigit, self.number)))  # "10.6b" has the seed of "10.6"
        return [tuple(case) for case in self.cases_function(np.random.default_rng(digits))]

    def drawn(self, seed: int) -> list[tuple[Any, ...]]:
        """Return the arguments of every call, drawn from a different seed: `grade` needs unpredictable test cases."""
        entropy = [seed, *self.number.encode()]
        return [tuple(case) for case in self.cases_function(np.random.default_rng(entropy))]

    def __repr__(self):
        return f"Exercise({self.number!r}, {self.title!r})"


def integers(rng, shape, low=-9, high=10):
    """Return random integers as float64: their sums and products are exact in any order."""
    return rng.integers(low, high, shape).astype(np.float64)
