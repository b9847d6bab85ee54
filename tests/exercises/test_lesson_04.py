"""Lesson 04: its judges explain unusable cases, and each student's detective cases stay the same."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_04_trust import detective, revealing


def test_par_case_has_par_size():
    x, w, *_ = revealing.revealing.reference_function
    assert x.size + w.size == revealing.PAR


def test_case_may_be_a_tuple_or_a_function():
    case = revealing.revealing.reference_function
    assert check("04.3", case).passed
    assert check("04.3", lambda: case).passed


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ((1, 2), "should be (x, w, dout, stride, pad), got an array of shape (2,)"),
        ((np.ones(3), np.ones(3), np.ones(3), 1, 0), "four axes"),
        ((np.ones((1, 1, 2, 2)), np.ones((1, 1, 3, 3)), np.ones((1, 1, 1, 1)), 1, 0), "does not run"),
        ((np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), 1, 0), "output's shape"),
    ],
)
def test_unusable_case_shows_the_reason(case, words):
    result = check("04.3", case)
    assert result.status == "wrong"
    assert words in result.what


def test_weak_case_lists_survivors():
    _, _, case = next(wrong for wrong in revealing.revealing.wrongs if wrong.name == "stride 1")
    assert "03.2 stride ignored" in check("04.3", case).what


@pytest.mark.parametrize("student", [str(number) for number in range(20)])
def test_student_gets_three_different_mistakes_repeatably(student):
    drawn = detective.drawn(student)
    assert len({exhibit.suspect for exhibit in drawn.values()}) == 3
    assert drawn == detective.drawn(student)


def test_evidence_differs_for_every_broken_convolution():
    for exhibit in detective.BROKEN:
        case = detective.Case(exhibit.forward, exhibit.backward, exhibit.inputs(np.random.default_rng(0)))
        evidence = detective.evidence(case)
        assert set(evidence) == {"x", "weight", "bias"}
        assert any(a.shape != b.shape or abs(a - b).max() > 1e-6 for a, b in evidence.values()), exhibit.name


def test_detective_without_names_gives_not_yet():
    assert check("04.6", None).status == "not yet"
    assert check("04.6", ("you", {"A": ..., "B": ..., "C": ...})).status == "not yet"
    named = {letter: exhibit.suspect for letter, exhibit in detective.drawn("you").items()}
    assert check("04.6", ("you", named)).passed


def test_detective_example_has_the_form_of_an_answer():
    text = (Path(detective.__file__).parent / "04_trust.py").read_text(encoding="utf-8")
    example = ast.literal_eval(re.search(r"`mistakes = (\{.*?\})`", text.replace("\n# ", " "))[1])
    assert set(example) == set(detective.LETTERS)
    assert set(example.values()) <= set(detective.SUSPECTS)
    assert check("04.6", ("you", example)).mistake in ("one wrong", "several wrong", "letters exchanged", None)


def _alternately(f, params, grads, rng, h):
    """Compare one value at a time, with the wrong sign."""
    error = 0.0
    for name, value in params.items():
        for index in np.ndindex(value.shape):
            moved = [{key: array.copy() for key, array in params.items()} for _ in range(2)]
            moved[0][name][index] += h
            moved[1][name][index] -= h
            error = max(error, abs((f(moved[1]) - f(moved[0])) / (2 * h) - grads[name][index]))
    return error


def _halved(f, params, grads, rng, h):
    along = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up, down = (f({name: value + sign * h * along[name] for name, value in params.items()}) for sign in (1, -1))
    numeric, expected = (up - down) / (2 * h), sum((grads[name] * along[name]).mean() for name in params)
    return abs(numeric - expected) / max(abs(numeric), abs(expected))


def _absolute_sums(f, params, grads, rng, h):
    along = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up, down = (f({name: value + sign * h * along[name] for name, value in params.items()}) for sign in (1, -1))
    return abs((up - down) / (2 * h) - sum(abs(grads[name] * along[name]).sum() for name in params))


UNKNOWN = {
    "04.2 always right": lambda a, n: 0.0,
    "04.2 always wrong": lambda a, n: 1.0,
    "04.2 median": lambda a, n: np.median(np.abs(a - n) / np.maximum(np.abs(a), np.abs(n))),
    "04.4 always right": lambda f, params, grads, rng, h: 0.0,
    "04.4 always wrong": lambda f, params, grads, rng, h: 0.5,
    "04.4 the loss itself": lambda f, params, grads, rng, h: f(params),
    "04.4 one value after the other, minus": _alternately,
    "04.4 mean of the products": _halved,
    "04.4 absolute sums": _absolute_sums,
    "04.5 always": lambda forward, transpose, x_shape, y_shape, rng: True,
    "04.5 never": lambda forward, transpose, x_shape, y_shape, rng: False,
    "04.5 only the forward": lambda forward, transpose, x_shape, y_shape, rng: bool(forward(np.ones(x_shape)).any()),
    "04.5 sums alone": lambda forward, transpose, x_shape, y_shape, rng: (
        forward(x := rng.integers(-9, 10, x_shape)).sum() == transpose(y := rng.integers(-9, 10, y_shape)).sum() + 7
        and x is not y
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_mistake_gets_no_name(name):
    result = check(name[:4], UNKNOWN[name])
    assert (result.status, result.mistake) == ("wrong", None), str(result)


def test_recorded_calls_name_the_mistake():
    def ones_for_x(forward, transpose, x_shape, y_shape, rng):
        x, y = np.ones(x_shape), rng.integers(-5, 6, y_shape).astype(float)
        return abs(np.vdot(forward(x), y) - np.vdot(x, transpose(y))) < 0.5

    assert check("04.5", ones_for_x).mistake == "one side of ones"

    def minus_first(f, params, grads, rng, h):
        along = {name: rng.choice([-1.0, 1.0], value.shape) for name, value in params.items()}
        down, still = f({name: value - h * along[name] for name, value in params.items()}), f(dict(params))
        expected = sum((grads[name] * along[name]).sum() for name in params)
        return abs((still - down) / h - expected) / abs(expected)

    assert check("04.4", minus_first).mistake == "one sided"
