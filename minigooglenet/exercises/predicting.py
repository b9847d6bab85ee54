"""Predictions before a cell runs. They are stored but never graded: a guess helps to remember the answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.shown import brief, printable

_predicted: dict[str, Any] = {}


def predict(name: str, guess: Any = None) -> Note:
    """Record a prediction before you run the next cell. Predictions are never graded, so a wrong one costs nothing.

    Parameters
    ----------
    name : name of the prediction in the lesson, such as "01.a"
    guess : the value that you expect; None or ... records nothing

    Returns
    -------
    Note
        Text, which a notebook shows without quotes.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.exercises.predict("01.a", 12)
    01.a: you predict 12.
    >>> mg.exercises.outcome("01.a", 16)
    01.a: you predicted 12, it is 16.
    """
    name = _name(name)
    if guess is None or guess is Ellipsis:
        advice = "A guess helps you to remember the answer; continue whenever you like."
        return Note(f"{name}: no prediction recorded. {advice}")
    _predicted[name] = guess
    return Note(f"{name}: you predict {brief(guess)}.")


def outcome(name: str, truth: Any) -> Note:
    """Return your prediction next to the result.

    Parameters
    ----------
    name : name of the prediction in the lesson, such as "01.a"
    truth : the result

    Returns
    -------
    Note
        Text, which a notebook shows without quotes.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.exercises.outcome("99.z", 16)
    99.z: it is 16.
    """
    name, result = _name(name), f"it is {_plain(truth)}."
    if name not in _predicted:
        return Note(f"{name}: {result}")
    return Note(f"{name}: you predicted {_plain(_predicted[name])}, {result}")


def _name(name):
    return printable(name) if type(name) is str else brief(name)


def _plain(value):
    """Return a value as text without type names and with thousands separators."""
    value = plain(value)
    value = value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value
    if isinstance(value, int) and not isinstance(value, bool) and 10_000 <= abs(value) < 10**30:
        return f"{value:,}"
    return brief(value)


class Note(str):
    """A line of text, which a notebook shows without quotes."""

    def __repr__(self):
        return str(self)
