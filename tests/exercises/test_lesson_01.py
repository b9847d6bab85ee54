"""The case that reveals: what is no case is said, what is a weak case is scored."""

import numpy as np
import pytest

from minigooglenet.exercises import check

X, W = np.arange(1, 61).reshape(2, 2, 3, 5), np.arange(1, 9).reshape(1, 2, 2, 2)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((X, W), "should be (x, w, stride, pad), got a tuple of 2"),
        ((X, W[:, :1], 2, 1), "input channels"),
        ((X[0], W, 2, 1), "the engine cannot use"),
        ((X + 0.5, W, 2, 1), "integers"),
        ((np.zeros((2, 2, 30, 31)), W, 2, 1), "at most 1000 values"),
    ],
)
def test_an_answer_that_is_no_case_is_told_why(answer, told):
    result = check("01.5", answer)
    assert result.status == "wrong"
    assert told in result.what


def test_a_case_that_hides_everything_names_the_first_and_lists_the_others():
    result = check("01.5", (np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2)), 1, 0))
    assert result.mistake == "kernel flipped survives"
    assert "0 of 6" in result.what
    assert "edge padding too" in result.what


def test_the_number_of_numbers_is_counted():
    assert "68 values" in check("01.5", (X, W, 2, 1)).what


def test_no_answer_is_not_yet():
    assert check("01.5", ...).status == "not yet"
