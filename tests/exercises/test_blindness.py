"""No check is blind to an argument: an answer that freezes, ignores, changes or exchanges one of them is rejected.

Each answer here is the reference solution with one such fault. What may pass all the same is listed with its reason.
"""

import copy
import inspect
import itertools

import numpy as np
import pytest

from minigooglenet.exercises import check
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.outputs import same
from minigooglenet.exercises.plain import kind_of
from minigooglenet.lessons.lesson_13_fast import compiling, parallel_loops

COMPILED = "13.3"  # compiling each faulty answer takes too long: its outputs are compared
WITH_FUNCTION = [
    exercise
    for exercise in everything().values()
    if hasattr(exercise, "judge_function") and callable(exercise.reference_function) and exercise.number != COMPILED
]
SUM = "a sum has no order"
ORDER_ONLY = "only the order of these values counts"
# {exercise: {beginning of a fault's name: why it is right}}
RIGHT_ALL_THE_SAME = {
    "03.1": {"dout: backwards": SUM},
    "04.1": {"h: negative": "a central difference is the same for h and -h"},
    "04.2": {"a and n exchanged": "a relative error is symmetric"},
    "04.4": {"h: twice": "directions may have any length", "h: half": "the same", "h: negative": "the same"},
    "05.5": {"z: plus 1": "softmax does not change if all logits move together"},
    "05.6": {"x: negative": "the gradient is even in x"},
    "05.8": {"grads: in the opposite order": SUM},
    "08.6": {"b: ": "the map does not contain the bias; its hint and its known mistake say so"},
    "09.1": {"k: negative": "only the square of k counts"},
    "09.3": {
        f"{name}: plus 1": "softmax does not change if all logits move together" for name in ("main", "aux1", "aux2")
    },
    "09.4": {"x: plus 1": "batch norm subtracts the mean"},
    "10.6": {f"groups: {what}": "groups are names, and their order stays" for what in ("twice", "plus 1")},
    "10.6c": {f"valid: {what}": ORDER_ONLY for what in ("twice", "plus 1")},
    "11.2": {"probs: backwards along axis 0": "a mean over the networks has no order"},
    "11.3": {f"probs: {what}": ORDER_ONLY for what in ("twice", "plus 1")},
    "12.1": {f"rng: {what}": "any seed may follow from rng" for what in ("plus 1", "twice", "squared")},
    "12.3": {"a and b exchanged": "an overlap is symmetric"},
    "12.4": {
        **{f"boxes: {what}": "overlaps do not depend on scale and place" for what in ("twice", "plus 1")},
        **{f"scores: {what}": ORDER_ONLY for what in ("twice", "plus 1")},
    },
    "12.5": {"found: in the opposite": "they are sorted", "truths: in the opposite": "their order does not count"},
}
NUMBERS = {
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
    "its first along axis 0": lambda value: np.repeat(value[:1], len(value), axis=0),
    "backwards along axis 0": lambda value: value[::-1],
    "backwards along the last axis": lambda value: value[..., ::-1],
}


def _calls(exercise):
    """Return the arguments of all calls of a check; those of a judge by watching it."""
    if exercise.cases_function:
        return exercise.arguments
    calls = []

    def watched(*arguments):
        calls.append(copy.deepcopy(arguments))
        return exercise.reference_function(*arguments)

    assert exercise.judge_function(watched).passed
    return calls


def _changed(function, place, change):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[place] = change(arguments[place])
        return function(*arguments)

    return answer


def _exchanged(function, first, second):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[first], arguments[second] = arguments[second], arguments[first]
        return function(*arguments)

    return answer


def _always(value):
    def change(given):
        if np.shape(given) != np.shape(value) and isinstance(value, np.ndarray):
            raise ValueError("another shape")  # compiled code checks no bounds
        return copy.deepcopy(value)

    return change


def _faults_of_argument(values):
    """Yield (name, change) for an argument that has these values in the calls."""
    first = values[0]
    if isinstance(first, (bool, np.bool_)):
        yield from ((f"always {value}", _always(value)) for value in (True, False))
        yield "the opposite", lambda value: not value
    elif isinstance(first, (int, float, np.integer, np.floating)):
        yield from ((f"always {value!r}", _always(value)) for value in sorted({*values, 0, 1, 2}))
        yield from NUMBERS.items()
        if isinstance(first, (float, np.floating)):
            yield from FRACTIONS.items()
    elif isinstance(first, str):
        yield from ((f"always {value!r}", _always(value)) for value in sorted(set(values)))
    elif isinstance(first, np.ndarray):
        yield "always the first case", _always(first)
        for name, change in ARRAYS.items():
            if not all(np.array_equal(change(value), value) for value in values):
                yield name, change
    else:
        yield "always the first case", _always(first)
        yield "always the last case", _always(values[-1])
    if isinstance(first, (list, tuple)) and len(first) > 1:
        yield "in the opposite order", lambda value: type(value)(reversed(value))
        yield "without its last", lambda value: value[:-1]


def _kind(value):
    return kind_of(value), value.shape if isinstance(value, np.ndarray) else None


def _faults(exercise):
    """Yield (name, answer) of faulty answers."""
    yield from _faults_of(exercise.reference_function, list(zip(*_calls(exercise), strict=True)))


def _faults_of(function, columns):
    names = list(inspect.signature(function).parameters)
    for place, values in enumerate(columns):
        for what, change in _faults_of_argument(values):
            yield f"{names[place]}: {what}", _changed(function, place, change)
    for first, second in itertools.combinations(range(len(columns)), 2):
        kinds = {_kind(columns[place][0]) for place in (first, second)}
        if len(kinds) == 1 and not callable(columns[first][0]) and kind_of(columns[first][0]) != "Scripted":
            yield f"{names[first]} and {names[second]} exchanged", _exchanged(function, first, second)


@pytest.mark.parametrize("exercise", WITH_FUNCTION, ids=lambda exercise: exercise.number)
def test_check_rejects_answers_blind_to_an_argument(exercise):
    allowed = RIGHT_ALL_THE_SAME.get(exercise.number, {})
    passed = [name for name, answer in _faults(exercise) if check(exercise.number, answer).passed]
    assert [name for name in passed if not name.startswith(tuple(allowed))] == []
    assert [start for start in allowed if not any(name.startswith(start) for name in passed)] == []


def test_cases_of_the_compiled_loop_reveal_blind_answers():
    def outputs(function):
        written = []
        for x, w, b in parallel_loops.cases():
            y = np.zeros((len(x), len(w), x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1))
            try:
                function(x, w, b, y)
            except (IndexError, ValueError):
                return None
            written.append(y)
        return written

    function = compiling.uncompiled(find(COMPILED).reference_function)
    right = outputs(function)
    arguments = [(*case, y) for case, y in zip(parallel_loops.cases(), right, strict=True)]
    for name, answer in _faults_of(function, list(zip(*arguments, strict=True))):
        found = outputs(answer)
        assert found is None or not same(found, right), name


def test_list_of_exceptions_names_exercises_only():
    assert set(RIGHT_ALL_THE_SAME) <= {exercise.number for exercise in WITH_FUNCTION}
