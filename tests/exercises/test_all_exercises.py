"""Every exercise: its check accepts right answers, names each known mistake, and reports a stub as "not yet"."""

import inspect

import numpy as np
import pytest
from numeric import needs_numba

from minigooglenet.exercises import answer, ask, check, hint, hints
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything
from minigooglenet.exercises.questions import Question

ALL = everything()
CALLED = [e for e in ALL.values() if isinstance(e, Exercise) and e.cases_function]
JUDGED = [e for e in ALL.values() if isinstance(e, Exercise) and e.judge_function]
QUESTIONS = [e for e in ALL.values() if isinstance(e, Question)]


def _number(exercise):
    return exercise.number


def _compiles(exercise):
    """Return the pytest mark of exercises that compile a student's code."""
    return needs_numba if exercise.number == "13.3" else ()


@pytest.mark.parametrize(
    "exercise",
    [pytest.param(e, id=e.number, marks=_compiles(e)) for e in CALLED + JUDGED if e.reference_function],
)
def test_right_answers_pass(exercise):
    for right in (exercise.reference_function, *exercise.rights):
        result = check(exercise.number, right)
        assert result.passed, str(result)


@pytest.mark.parametrize(
    ("exercise", "wrong"),
    [pytest.param(e, w, id=f"{e.number}-{w.name}", marks=_compiles(e)) for e in CALLED + JUDGED for w in e.wrongs],
)
def test_check_names_every_known_mistake(exercise, wrong):
    result = check(exercise.number, wrong.function)
    assert result.status == "wrong"
    assert result.mistake == wrong.name


@pytest.mark.parametrize("exercise", [e for e in CALLED if e.cases_function], ids=_number)
def test_integer_arguments_are_signed(exercise):
    arrays = [value for arguments in exercise.drawn(7) for value in arguments if isinstance(value, np.ndarray)]
    assert not [array.dtype for array in arrays if array.dtype.kind == "u"], "as unsigned integers, 0 - 1 is 255"


@pytest.mark.parametrize("exercise", CALLED, ids=_number)
def test_stub_gives_not_yet(exercise):
    def stub(*args, **kwargs):
        raise NotImplementedError(f"exercise {exercise.number}: write this")

    assert check(exercise.number, stub).status == "not yet"
    assert check(exercise.number, None).status == "not yet"


@pytest.mark.parametrize("exercise", ALL.values(), ids=_number)
def test_exercise_has_distinct_hints_and_mistakes(exercise, monkeypatch):
    monkeypatch.setattr(hints, "_given", {})  # another test may have asked
    assert len({hint(exercise.number) for _ in range(3)}) == 3
    assert all(len(text.split()) < 100 for text in exercise.hints)
    names = [wrong.name for wrong in exercise.wrongs]
    assert len(set(names)) == len(names) >= 3
    assert len({wrong.message for wrong in exercise.wrongs}) == len(names)
    assert exercise.difficulty in (1, 2, 3)
    assert exercise.minutes > 0


@pytest.mark.parametrize("exercise", [e for e in CALLED if e.reference_function], ids=_number)
def test_signature_matches_reference_arguments(exercise):
    arguments = exercise.signature.partition("(")[2].partition(")")[0]
    names = [part.split("=")[0].strip() for part in arguments.split(",") if part.strip()]
    assert names == list(inspect.signature(exercise.reference_function).parameters)
    assert "->" in exercise.signature


@pytest.mark.parametrize("question", QUESTIONS, ids=_number)
def test_answer_accepts_right_number_and_names_mistakes(question):
    for student in map(str, range(100)):
        values = question.values(student)
        ask(question.number, student)
        assert answer(question.number, question.solution_function(**values)).passed
        for wrong in question.wrongs:
            result = answer(question.number, wrong.function(**values), student)
            assert (result.status, result.mistake) == ("wrong", wrong.name)
    assert answer(question.number, None).status == "not yet"


@pytest.mark.parametrize("question", QUESTIONS, ids=_number)
def test_draws_differ_between_students_and_repeat(question):
    drawn = [tuple(question.values(student).values()) for student in map(str, range(30))]
    assert len(set(drawn)) > 5
    assert drawn == [tuple(question.values(student).values()) for student in map(str, range(30))]
