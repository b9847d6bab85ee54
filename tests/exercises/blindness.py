"""Answers that ignore, freeze, change or exchange arguments: none of them may pass a check."""

import copy
import inspect
import itertools

import numpy as np

from minigooglenet.exercises.plain import kind_of


def reference(exercise):
    """Return the right answer and the names of its arguments; of a compiled function its Python code."""
    function = exercise.reference_function
    function = getattr(function, "py_func", function)
    return function, list(inspect.signature(function).parameters)


def calls(exercise):
    """Return the arguments that the check uses, those of a judge by watching it."""
    if exercise.cases_function:
        return exercise.arguments
    seen = []

    def watched(*arguments):
        seen.append(copy.deepcopy(arguments))
        return exercise.reference_function(*arguments)

    exercise.judge_function(watched)
    return seen


def with_changed(function, place, change):
    """Return the right answer, but for one argument that it replaces."""

    def answer(*arguments):
        arguments = list(arguments)
        arguments[place] = change(arguments[place])
        return function(*arguments)

    return answer


def exchanged(function, first, second):
    """Return the right answer, but for two arguments that it exchanges."""

    def answer(*arguments):
        arguments = list(arguments)
        arguments[first], arguments[second] = arguments[second], arguments[first]
        return function(*arguments)

    return answer


def frozen(value):
    """Return a change that always gives one value."""
    return lambda given: copy.deepcopy(value)


def changes(values):
    """Yield (name, change) for an argument with these values in the calls of a check."""
    first = values[0]
    if isinstance(first, (bool, np.bool_)):
        yield from ((f"always {value}", frozen(value)) for value in (True, False))
        yield "the opposite", lambda value: not value
    elif isinstance(first, (int, float, np.integer, np.floating)):
        yield from ((f"always {value!r}", frozen(value)) for value in sorted({*values, 0, 1, 2}))
        yield from SCALARS.items()
        if not isinstance(first, (int, np.integer)):
            yield from FRACTIONS.items()
    elif isinstance(first, str):
        yield from ((f"always {value!r}", frozen(value)) for value in sorted(set(values)))
    elif isinstance(first, np.ndarray):
        yield from ARRAYS.items()
        yield "always the first case", frozen(first)
    else:
        yield "always the first case", frozen(first)
        yield "always the last case", frozen(values[-1])
    if isinstance(first, (list, tuple)) and len(first) > 1:
        yield "in the opposite order", lambda value: type(value)(reversed(value))
        yield "without its last", lambda value: value[:-1]


SCALARS = {
    "plus 1": lambda value: value + 1,
    "minus 1": lambda value: value - 1,
    "twice": lambda value: 2 * value,
    "half": lambda value: type(value)(value / 2),
    "squared": lambda value: value * value,
    "negative": lambda value: -value,
}
FRACTIONS = {
    "1 minus it": lambda value: 1 - value,
    "1 over it": lambda value: 1 / value if value else value,
    "its root": lambda value: abs(value) ** 0.5,
}
ARRAYS = {
    "zeros": np.zeros_like,
    "ones": np.ones_like,
    "negative": lambda value: -value,
    "twice": lambda value: 2 * value,
    "plus 1": lambda value: value + 1,
    "its size only": abs,
    "its first along axis 0": lambda value: np.repeat(value[:1], len(value), axis=0),
    "backwards along axis 0": lambda value: value[::-1],
    "backwards along the last axis": lambda value: value[..., ::-1],
}


def answers(exercise):
    """Yield (name, answer) of everything that should not pass."""
    function, names = reference(exercise)
    columns = list(zip(*calls(exercise), strict=True))
    for place, (name, values) in enumerate(zip(names, columns, strict=False)):
        for what, change in changes(values):
            yield f"{name}: {what}", with_changed(function, place, change)
    for first, second in itertools.combinations(range(len(columns)), 2):
        kinds = {(kind_of(value), np.shape(value) if isinstance(value, np.ndarray) else 0) for value in (columns[first][0], columns[second][0])}
        if len(kinds) == 1 and kind_of(columns[first][0]) not in ("function", "Scripted"):
            yield f"{names[first]} and {names[second]} exchanged", exchanged(function, first, second)
