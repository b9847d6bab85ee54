"""Lesson 01, the revealing test case: invalid cases are explained, weak cases get a count."""

import numpy as np
import pytest

from minigooglenet.exercises import check

X, W = np.arange(1, 61).reshape(2, 2, 3, 5), np.arange(1, 9).reshape(1, 2, 2, 2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((X, W), "should be (x, w, stride, pad), got a tuple of 2"),
        ((X, W[:, :1], 2, 1), "input channels"),
        ((X[0], W, 2, 1), "the engine cannot use"),
        ((X + 0.5, W, 2, 1), "integers"),
        ((np.zeros((2, 2, 30, 31)), W, 2, 1), "at most 1000 values"),
    ],
)
def test_invalid_case_shows_the_reason(answer, words):
    result = check("01.5", answer)
    assert result.status == "wrong"
    assert words in result.what


def test_weak_case_lists_surviving_mistakes():
    result = check("01.5", (np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2)), 1, 0))
    assert result.mistake == "kernel flipped survives"
    assert "0 of 6" in result.what
    assert "edge padding too" in result.what


def test_case_size_is_counted():
    assert "68 values" in check("01.5", (X, W, 2, 1)).what


def test_missing_answer_gives_not_yet():
    assert check("01.5", ...).status == "not yet"
