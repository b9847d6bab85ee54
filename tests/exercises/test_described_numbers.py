"""A wrong number that is not a known mistake is described by a fault of the formula or by a factor."""

import pytest

from minigooglenet.exercises import answer
from minigooglenet.exercises.find import find
from minigooglenet.exercises.result import WRONG

STUDENT = "you"


def _description(number, change):
    """Return the description of a number computed from the solution and the drawn values."""
    question = find(number)
    values = question.values(STUDENT)
    result = answer(number, change(question.solution_function, values), STUDENT)
    assert result.status == WRONG
    assert result.mistake is None, result.mistake
    return result.looks_like


DESCRIBED = [
    ("02.5", lambda f, v: f(**{**v, "p": 0}), "p = 0: is p ever used?"),
    ("07.2", lambda f, v: f(**{**v, "H": 1}), "H = 1: is H ever used?"),
    ("06.3b", lambda f, v: f(layers=v["layers"][::-1]), "layers in reverse order"),
    ("06.2", lambda f, v: f(**v) // v["H"], "the right number divided by H"),
    ("06.2d", lambda f, v: 100 * f(**v), "100 times the right number: a percentage"),
    ("10.1", lambda f, v: -f(**v), "the wrong sign"),
    ("07.2c", lambda f, v: f(**v) + 0.25, "The answer is an integer, because it is a count."),
    ("06.2d", lambda f, v: 1 / f(**v), "numerator and denominator exchanged"),
    ("12.6", lambda f, v: 1000 * f(**v), "1000"),
]


@pytest.mark.parametrize(("number", "change", "words"), DESCRIBED, ids=[f"{n}: {words}" for n, _, words in DESCRIBED])
def test_number_is_described(number, change, words):
    assert words in _description(number, change)


def test_number_matching_by_chance_gets_no_description():
    def relu_counted_once(f, v):
        return (v["fan_in"] * v["std"] ** 2) ** (v["layers"] / 2) / 2**0.5

    assert _description("09.5", relu_counted_once) == ""  # within the tolerance of the right number plus 1


def test_number_with_many_explanations_gets_no_description():
    assert _description("03.5", lambda f, v: 6) == ""
