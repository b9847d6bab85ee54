"""Right answers pass with any round-off and in any container; known mistakes keep their names."""

import fractions
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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
    noisy,
    of_thirds,
    passes_or_names_the_form,
    then,
)

from minigooglenet.exercises import answer, check
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.result import Result

EXERCISES = [e for e in everything().values() if isinstance(e, Exercise) and e.number != "13.3"]  # it returns nothing
CALLED = [e for e in EXERCISES if e.cases_function]
ROUNDING = [e for e in CALLED if e.tolerance > 0]  # with a tolerance of 0, the bits are the lesson
JUDGED = [e for e in EXERCISES if e.judge_function]
QUESTIONS = [e for e in everything().values() if isinstance(e, Question)]
NUMERIC_JUDGES = [find(number) for number in ("04.2", "11.1", "12.2")]


def _number(exercise):
    return exercise.number


def _changed(exercise, change):
    """Return the reference answer with its values changed, or the outputs of a function."""
    right = exercise.reference_function
    return then(right, change) if callable(right) else leaves(right, change)


@pytest.mark.parametrize("way", ROUNDED)
@pytest.mark.parametrize("exercise", ROUNDING + NUMERIC_JUDGES, ids=_number)
def test_check_accepts_right_answers_that_round(exercise, way):
    result = check(exercise.number, _changed(exercise, ROUNDED[way]))
    assert result.passed, str(result)


@pytest.mark.parametrize("exercise", [e for e in CALLED if e.tolerance == 0], ids=_number)
def test_exercise_without_tolerance_rejects_round_off(exercise):
    assert check(exercise.number, then(exercise.reference_function, noisy)).status == "wrong"


@pytest.mark.parametrize("number", LINEAR)
def test_check_accepts_sums_of_thirds_times_three(number):
    result = check(number, of_thirds(number))
    assert result.passed, str(result)


@pytest.mark.parametrize("number", REVERSED)
def test_check_accepts_sums_in_the_opposite_order(number):
    result = check(number, in_reverse(number))
    assert result.passed, str(result)


@pytest.mark.parametrize("number", BY_FFT)
def test_check_accepts_fourier_transforms(number):
    result = check(number, BY_FFT[number])
    assert result.passed, str(result)


@pytest.mark.parametrize("way", CONTAINERS)
@pytest.mark.parametrize("exercise", CALLED, ids=_number)
def test_check_accepts_right_answers_in_other_containers(exercise, way):
    if exercise.number == "13.2" and way in LOOP_OVER_IMAGES:
        return
    result = check(exercise.number, _changed(exercise, CONTAINERS[way]))
    assert result.passed, str(result)


@pytest.mark.parametrize("exercise", JUDGED, ids=_number)
def test_judge_accepts_other_containers_or_names_the_form(exercise):
    for way, change in CONTAINERS.items():
        result = check(exercise.number, _changed(exercise, change))
        assert passes_or_names_the_form(result.passed, result.what), f"{way}: {result}"


@pytest.mark.parametrize("way", SEQUENCES)
@pytest.mark.parametrize("exercise", EXERCISES, ids=_number)
def test_check_accepts_other_sequences_or_names_the_form(exercise, way):
    if exercise.number == "13.2" and way in LOOP_OVER_IMAGES:
        return
    right, change = exercise.reference_function, SEQUENCES[way]
    given = (lambda *given: change(right(*given))) if callable(right) else change(right)
    result = check(exercise.number, given)
    assert passes_or_names_the_form(result.passed, result.what), str(result)
    assert result.passed or "generator" in result.what or "iterator" in result.what, str(result)


@pytest.mark.parametrize("back", [np.float32, np.float64])
@pytest.mark.parametrize("exercise", CALLED, ids=_number)
def test_check_accepts_float32_or_names_it(exercise, back):
    result = check(exercise.number, in_single(exercise.number, back))
    assert result.passed or "float32" in str(result), str(result)


@pytest.mark.parametrize("exercise", ROUNDING, ids=_number)
def test_check_names_known_mistakes_that_round(exercise):
    for wrong in exercise.wrongs:
        if wrong.name == "changes its input" or "values are right" in wrong.message:
            continue  # these have right values and are detected by other means
        result = check(exercise.number, then(wrong.function, noisy))
        assert (result.status, result.mistake) == ("wrong", wrong.name)


@pytest.mark.parametrize("question", QUESTIONS, ids=_number)
def test_answer_accepts_a_number_in_any_form(question):
    right = question.solution_function(**question.values("you"))
    ways = float, np.float64, np.array, np.longdouble, complex, fractions.Fraction, str, lambda value: value * 3 / 3
    for value in (way(right) for way in ways):
        assert answer(question.number, value, "you").passed, repr(value)
    for value in ([right], np.array([right])):
        assert "expected one number, got an array" in answer(question.number, value, "you").what


def test_rounded_answer_gets_no_mistake_name():
    def mean(x, i, j, k):
        return (x[i : i + k, j : j + k] / 3).sum() / k**2 * 3

    assert check("00.1", mean).passed
    wrong = check("00.1", lambda *given: mean(*given) + 1e-3)
    assert wrong.mistake is None


def test_changed_input_is_detected_directly():
    def same(x, i, j, k):
        x *= 1.0  # the same values
        return x[i : i + k, j : j + k].mean()

    assert check("00.1", same).passed

    def moves(x, i, j, k):
        mean = x[i : i + k, j : j + k].mean() / 3 * 3
        x[0, 0] += 1
        return mean

    assert check("00.1", moves).mistake == "changes its input"


def test_integer_answers_must_be_exact():
    def answer(*given):
        params, macs, size = find("06.1").reference_function(*given)
        return params, macs + (macs > 10**6), size

    result = check("06.1", answer)
    assert not result.passed
    assert "is 118013953 at (1,), expected 118013952" in result.what


@given(st.floats(-12, 2), st.integers(0, 100))
def test_message_never_shows_equal_numbers(exponent, seed):
    expected = np.random.default_rng(seed).normal(0, 10.0 ** (seed % 7 - 3), (3, 4))
    got = expected.copy()
    got[1, 2] += 10.0**exponent * max(abs(expected[1, 2]), 1e-300)
    if got[1, 2] == expected[1, 2]:
        return
    text = str(Result("0", "wrong", expected=expected, got=got, differ=got != expected))
    mine, theirs = (
        part.split()[:12] for part in re.split("yours:|expected:|where", text.translate(str.maketrans("[]", "  ")))[1:3]
    )
    assert mine[6] != theirs[6]
    assert text.endswith("  ....\n  ..#.\n  ....")


@pytest.mark.parametrize("digits", range(1, 9))
def test_scalar_message_has_as_many_digits_as_it_needs(digits):
    right = find("00.1").reference_function
    what = check("00.1", lambda *given: right(*given) * (1 + 10.0**-digits)).what
    got, expected = re.fullmatch(r"the output is (\S+), expected (\S+)", what).groups()
    assert float(got) != float(expected)


def test_result_without_a_difference_can_be_shown():
    same = np.zeros((2, 2, 2))
    result = Result("0", "wrong", expected=same, got=same.copy())
    assert "expected:" in str(result)
    assert "<pre" in result._repr_html_()
    assert "(only the first" not in str(Result("0", "wrong", expected=np.ones((3, 3, 3, 4)), got=np.ones((3, 3, 4, 3))))
