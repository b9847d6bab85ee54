"""Predictions: said before a cell runs, kept, and never marked. To have guessed is what makes the answer stick."""

import numpy as np

from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.shown import brief, printable

_predicted: dict = {}


def predict(name, guess=None) -> str:
    """Note a prediction before running the next cell; being wrong is the point.

    Parameters
    ----------
    name : of the prediction in the lesson, "01.a"
    guess : whatever you expect; None only says that nothing was predicted
    """
    name = _name(name)
    if guess is None or guess is Ellipsis:
        return Note(f"{name}: no prediction noted. A guess before the answer makes it stick; go on whenever you like.")
    _predicted[name] = guess
    return Note(f"{name}: you predict {brief(guess)}.")


def outcome(name, truth) -> str:
    """Return a prediction beside what came out."""
    name, told = _name(name), f"it is {_plain(truth)}."
    if name not in _predicted:
        return Note(f"{name}: {told}")
    return Note(f"{name}: you predicted {_plain(_predicted[name])}, {told}")


def _name(name):
    return printable(name) if type(name) is str else brief(name)


def _plain(value):
    """Return a value as people read it: no names of types, thousands apart."""
    value = plain(value)
    value = value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value
    if isinstance(value, int) and not isinstance(value, bool) and 10_000 <= abs(value) < 10**30:
        return f"{value:,}"
    return brief(value)


class Note(str):
    """A line of text, which a notebook shows without quotes."""

    def __repr__(self):
        return str(self)
