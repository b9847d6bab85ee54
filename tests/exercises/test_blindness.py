"""Mutation tests of the checks: every faulty answer that is generated from a right one is rejected.

Arguments are made constant, changed and exchanged; terms, bounds, comparisons and statements of the source are changed.
A mutant that equals the right answers on many other inputs is not faulty and does not count.
"""

import itertools

import numpy as np
import pytest

from minigooglenet.course.grading import comparer, serialisation
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.mutants import argument_mutants, argument_mutants_of, mutants, run, survivors
from minigooglenet.exercises.outputs import Raised, same
from minigooglenet.lessons.lesson_13_fast import compiling, parallel_loops

COMPILED = "13.3"  # compiling each faulty answer takes too long: its outputs are compared
WITH_FUNCTION = [
    exercise
    for exercise in everything().values()
    if hasattr(exercise, "judge_function") and callable(exercise.reference_function) and exercise.number != COMPILED
]
CALLED = [exercise for exercise in WITH_FUNCTION if exercise.cases_function]
NETWORKS = {"08.2"}  # each faulty answer builds GoogLeNet: faults of the source take minutes
EVERY = 60  # the comparer gets every 60th mutant
SEED = 5


def _number(exercise):
    return exercise.number


@pytest.mark.parametrize("exercise", WITH_FUNCTION, ids=_number)
def test_check_rejects_every_faulty_answer(exercise):
    made = list(argument_mutants(exercise) if exercise.number in NETWORKS else mutants(exercise))
    assert made
    assert [(mutant.name, mutant.arguments) for mutant in survivors(exercise, made)] == []


@pytest.mark.parametrize("exercise", CALLED, ids=_number)
def test_comparer_rejects_the_same_faulty_answers(exercise):
    calls = [*exercise.arguments, *exercise.drawn(SEED)]
    expected = [run(exercise.reference_function, arguments) for arguments in exercise.arguments]
    faulty = []
    for mutant in itertools.islice(mutants(exercise), 0, None, EVERY):
        outputs = [run(mutant.function, arguments) for arguments in calls]
        right = zip(outputs, expected, strict=False)
        if not all(same(output, expected_output, exercise.tolerance) for output, expected_output in right):
            faulty.append((mutant.name, outputs))
    assert faulty
    passed = [name for name, outputs in faulty if _row(exercise.number, outputs)["status"] == "passed"]
    assert passed == []


def _row(number, outputs):
    """Return the comparer's row for an answer with these outputs, serialised as a worker sends them."""
    sent = []
    for output in outputs:
        sent.append((output, None))
        if isinstance(output, Raised):
            break
    try:
        stream = serialisation.pack({"number": number, "calls": sent})
    except serialisation.NotPlainError:
        stream = serialisation.pack({"number": number, "calls": [(Raised(TypeError("not plain")), None)]})
    return comparer.compare(stream, [number], SEED)["rows"][0]


def test_comparer_accepts_right_answer():
    for exercise in CALLED[:3]:
        calls = [*exercise.arguments, *exercise.drawn(SEED)]
        row = _row(exercise.number, [run(exercise.reference_function, arguments) for arguments in calls])
        assert row["status"] == "passed", row


def test_compiled_loop_cases_reveal_faulty_answers():
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
    for mutant in argument_mutants_of(function, list(zip(*arguments, strict=True))):
        faulty = outputs(mutant.function)
        assert faulty is None or not same(faulty, right), mutant.name
