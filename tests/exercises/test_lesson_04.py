"""Lesson 04's judges: cases that do not fit are told so, and each student's detective cases stay."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_04_trust import detective, revealing


def test_the_case_of_par_has_as_many_numbers_as_par_says():
    x, w, *_ = revealing.revealing.reference_function
    assert x.size + w.size == revealing.PAR


def test_a_case_may_be_given_as_it_is_or_by_a_function():
    case = revealing.revealing.reference_function
    assert check("04.3", case).passed
    assert check("04.3", lambda: case).passed


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ((1, 2), "should be (x, w, dout, stride, pad), got an array of shape (2,)"),
        ((np.ones(3), np.ones(3), np.ones(3), 1, 0), "four axes"),
        ((np.ones((1, 1, 2, 2)), np.ones((1, 1, 3, 3)), np.ones((1, 1, 1, 1)), 1, 0), "does not run"),
        ((np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), 1, 0), "output's shape"),
    ],
)
def test_a_case_that_does_not_fit_is_told_why(case, says):
    result = check("04.3", case)
    assert result.status == "wrong"
    assert says in result.what


def test_a_weak_case_lists_what_survives():
    _, _, case = next(wrong for wrong in revealing.revealing.wrongs if wrong.name == "stride 1")
    assert "03.2 stride ignored" in check("04.3", case).what


@pytest.mark.parametrize("student", [str(number) for number in range(20)])
def test_each_student_has_three_different_mistakes_that_stay(student):
    drawn = detective.drawn(student)
    assert len({exhibit.suspect for exhibit in drawn.values()}) == 3
    assert drawn == detective.drawn(student)


def test_the_evidence_differs_for_every_broken_convolution():
    for exhibit in detective.BROKEN:
        case = detective.Case(exhibit.forward, exhibit.backward, exhibit.inputs(np.random.default_rng(0)))
        found = detective.evidence(case)
        assert set(found) == {"x", "weight", "bias"}
        assert any(a.shape != b.shape or abs(a - b).max() > 1e-6 for a, b in found.values()), exhibit.name


def test_a_detective_without_names_is_not_yet():
    assert check("04.6", None).status == "not yet"
    assert check("04.6", ("you", {"A": ..., "B": ..., "C": ...})).status == "not yet"
    named = {letter: exhibit.suspect for letter, exhibit in detective.drawn("you").items()}
    assert check("04.6", ("you", named)).passed


def test_the_example_of_the_detective_has_the_form_of_an_answer():
    text = (Path(detective.__file__).parent / "04_trust.py").read_text(encoding="utf-8")
    example = ast.literal_eval(re.search(r"`mistakes = (\{.*?\})`", text.replace("\n# ", " "))[1])
    assert set(example) == set(detective.LETTERS)
    assert set(example.values()) <= set(detective.SUSPECTS)
    assert check("04.6", ("you", example)).mistake in ("one wrong", "several wrong", "letters exchanged", None)
