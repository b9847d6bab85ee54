"""Grading accepts right answers like the check, with any rounding and in any container."""

import functools

import numpy as np
import pytest
from rewritten import (
    BY_FFT,
    CONTAINERS,
    LINEAR,
    LOOP_OVER_IMAGES,
    REVERSED,
    ROUNDED,
    SEQUENCES,
    in_reverse,
    in_single,
    leaves,
    of_thirds,
    passes_or_names_the_form,
    then,
)

from minigooglenet.course.grading import comparer, serialisation, worker
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything, find

SEED = 5
EXERCISES = [e for e in everything().values() if isinstance(e, Exercise) and e.number not in ("08.2", "13.3")]
CALLED = [e for e in EXERCISES if e.cases_function]
ROUNDING = [e for e in CALLED if e.tolerance > 0]  # with a tolerance of 0, the bits are the lesson


def graded(number, given):
    """Return the row of an answer that a worker sends and the comparer grades."""
    exercise = find(number)
    record = worker._answer(exercise, given, {"seed": SEED, "call_seconds": 30.0, "patience": 1})
    stream = serialisation.pack({"number": number, **record})
    return comparer.compare(stream, [number], SEED)["rows"][0]


def _fair(row):
    message = row["message"]
    return passes_or_names_the_form(row["status"] == "passed", message) or "float32" in message


def _changed(exercise, change):
    right = exercise.reference_function
    return then(right, change) if callable(right) else leaves(right, change)


def _number(exercise):
    return exercise.number


@pytest.mark.parametrize("exercise", ROUNDING, ids=_number)
def test_grading_accepts_right_answers_that_round(exercise):
    for way, change in ROUNDED.items():
        row = graded(exercise.number, _changed(exercise, change))
        assert row["status"] == "passed", f"{way}: {row}"
    for back in (np.float32, np.float64):
        assert _fair(graded(exercise.number, in_single(exercise.number, back)))


@pytest.mark.parametrize("exercise", EXERCISES, ids=_number)
def test_grading_accepts_other_containers_or_names_the_form(exercise):
    ways = {way: functools.partial(leaves, change=change) for way, change in CONTAINERS.items()} | SEQUENCES
    right = exercise.reference_function
    for way, change in ways.items():
        if exercise.number == "13.2" and way in LOOP_OVER_IMAGES:
            continue
        given = (lambda *given, change=change: change(right(*given))) if callable(right) else change(right)
        assert _fair(graded(exercise.number, given)), f"{way}: {graded(exercise.number, given)}"


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        *((number, of_thirds(number)) for number in LINEAR),
        *((number, in_reverse(number)) for number in REVERSED),
        *BY_FFT.items(),
    ],
)
def test_grading_accepts_sums_in_other_ways(number, answer):
    row = graded(number, answer)
    assert row["status"] == "passed", row
