"""What an exercise is: inputs that reveal, a right answer to compare with, and the wrong answers that people write.

    conv_db = Exercise("03.1", "the bias's gradient", "conv_db(dout) -> (K,)", minutes=5, difficulty=1, hints=(...))

    @conv_db.cases
    def conv_db_cases(rng): ...         # yields the arguments of each call

    @conv_db.reference
    def conv_db_reference(dout): ...    # the right answer: the engine's own, where there is one

    @conv_db.wrong
    def mean_over_the_batch(dout):
        '''Exactly 1/N of ours: the mean belongs in the loss.'''
        return dout.mean(axis=(0, 2, 3))

A wrong answer is a function: its name is the mistake, its docstring what to say to whoever makes it. It is known by its
outputs: a student whose outputs equal its on every case made that mistake, if these outputs are wrong. Outputs are
compared up to round-off, so an exercise that asks for sums in a certain order needs a tolerance of 0.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minigooglenet.exercises.outputs import ROUND_OFF

REGISTERED: dict[str, "Task"] = {}


class Wrong(NamedTuple):
    """A wrong answer with the name of its mistake, and what to say to whoever gives it; not always a function."""

    name: str
    message: str
    function: Callable


class Verdict(NamedTuple):
    """What a judge of an exercise's own says: whether it passed, the name of a known mistake or None, and why."""

    passed: bool
    mistake: str | None
    what: str
    advice: str = ""


class Task:
    """What exercises and questions share: a number under which they are found, hints, and known wrong answers.

    number : "03.1", lesson and place in it;  title : a few words
    minutes : that it takes;  difficulty : 1, 2 or 3
    hints : where to look; the idea on a tiny example; the line with one hole
    tolerance : fraction by which a value may differ
    core : whether the lesson needs it
    """

    def __init__(self, number, title, *, minutes, difficulty, hints, tolerance, core):
        if number in REGISTERED:
            raise ValueError(f"there are two exercises {number}. Choose another number for yours")
        if len(hints) != 3:
            raise ValueError(f"exercise {number} needs three hints, got {len(hints)}")
        self.number, self.title, self.minutes, self.difficulty = number, title, minutes, difficulty
        self.hints, self.tolerance, self.core = tuple(hints), tolerance, core
        self.wrongs: list[Wrong] = []
        REGISTERED[number] = self

    def wrong(self, function):
        """Register a wrong answer: its name, with spaces for underscores, is the mistake; its docstring is the story.

        A wrong answer that is not a function is what a function without parameters returns.
        """
        story = " ".join((function.__doc__ or "").split())
        if not story and sys.flags.optimize < 2:  # python -OO leaves docstrings out
            raise ValueError(f"exercise {self.number}: the wrong answer {function.__name__} needs a docstring")
        answer = function if inspect.signature(function).parameters else function()
        self.wrongs.append(Wrong(function.__name__.replace("_", " "), story, answer))
        return function


class Exercise(Task):
    """An exercise whose answer is a function, or whatever its judge takes.

    Parameters
    ----------
    number : "03.1", lesson and place in it
    title : a few words
    signature : "conv_db(dout) -> (K,)": what a student writes, with the shapes
    minutes : that it takes
    difficulty : 1, 2 or 3
    hints : where to look; the idea on a tiny example; the line with one hole
    tolerance : fraction of the largest value by which a value may differ: round-off, in whatever order sums are taken;
        0: every value must be equal, where exactness is the lesson
    objects : classes of objects in the answer that the judge reads as they are
    core : whether the lesson needs it
    """

    def __init__(
        self, number, title, signature, *, minutes, difficulty, hints, tolerance=ROUND_OFF, objects=(), core=True
    ):
        super().__init__(
            number, title, minutes=minutes, difficulty=difficulty, hints=hints, tolerance=tolerance, core=core
        )
        self.signature, self.objects = signature, objects
        self.reference_function = self.cases_function = self.judge_function = self.engine_function = None
        self.demand_function = None
        self.rights: list[Callable] = []

    def cases(self, function):
        """Register cases(rng) -> the tuples of arguments that the answer is called with."""
        self.cases_function = function
        return function

    def reference(self, function):
        """Register the right answer: the engine's own where there is one, so that nothing is written twice."""
        self.reference_function = function
        return function

    def engine(self, function):
        """Register what `compare` shows beside the student's own; the reference unless given."""
        self.engine_function = function
        return function

    def right(self, function):
        """Register another right answer, written differently: the check must take it too."""
        self.rights.append(function)
        return function

    def judge(self, function):
        """Register judge(answer) -> Verdict, for answers that are not a function to be called on cases."""
        self.judge_function = function
        return function

    def demand(self, function):
        """Register demand(answer) -> Verdict, asked once the values are right: how they were reached matters too."""
        self.demand_function = function
        return function

    @property
    def name(self) -> str:
        """What a student's function is called."""
        return self.signature.partition("(")[0]

    @functools.cached_property
    def arguments(self) -> list[tuple]:
        """The arguments of every call, the same each time."""
        digits = int("".join(filter(str.isdigit, self.number)))  # "10.6b" draws as "10.6" does
        return [tuple(case) for case in self.cases_function(np.random.default_rng(digits))]

    def drawn(self, seed: int) -> list[tuple]:
        """Return the arguments of every call drawn from another seed, as a grade needs them that nobody can know."""
        numbers = [seed, *self.number.encode()]
        return [tuple(case) for case in self.cases_function(np.random.default_rng(numbers))]

    def __repr__(self):
        return f"Exercise({self.number!r}, {self.title!r})"


def integers(rng, shape, low=-9, high=10):
    """Return random whole numbers as float64: sums and products of them are exact, whatever the order."""
    return rng.integers(low, high, shape).astype(np.float64)
