"""How many test cases of a function are right: the fraction that a course may give points for."""

import copy

import numpy as np
import pytest

from minigooglenet.course.grading import comparer, serialisation
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised
from minigooglenet.exercises.plain import plain

SEED = 7


def row(number, function, *more):
    """Return the row of a notebook whose attempts at an exercise are these functions, the last one first."""
    stream = b"".join(serialisation.pack(record(number, each)) for each in (function, *more))
    (found,) = comparer.compare(stream + serialisation.pack({"end": True}), [number], SEED)["rows"]
    return found


def record(number, function):
    exercise, calls = find(number), []
    for arguments in [*exercise.arguments, *exercise.drawn(SEED)]:
        given = copy.deepcopy(arguments)
        try:
            output = plain(function(*given))
        except ArithmeticError as error:
            output = Raised(type(error)("no"))
        calls.append([output, given])
    made = {"number": number, "calls": calls}
    return made | ({"demand": [*find(number).demand_function(function)[:3]]} if exercise.demand_function else {})


def without_padding(*arguments):
    return find("02.1").reference_function(*arguments[:-1], 0)


def test_a_pass_has_all_cases():
    found = row("03.1", find("03.1").reference_function)
    assert found["status"] == "passed"
    assert found["cases_right"] == found["cases"] == len(find("03.1").arguments) + len(find("03.1").drawn(SEED))


def test_an_answer_that_is_right_without_padding_has_some_cases():
    cases = [*find("02.1").arguments, *find("02.1").drawn(SEED)]
    same = sum(arguments[-1] == 0 for arguments in cases)
    found = row("02.1", without_padding)
    assert (found["status"], found["cases_right"], found["cases"]) == ("wrong", same, len(cases))
    assert 0 < same < len(cases)


def test_an_answer_that_stops_has_no_case():
    found = row("03.1", lambda dout: 1 // 0)
    assert (found["status"], found["cases_right"]) == ("wrong", 0)


def test_an_answer_that_breaks_a_rule_with_right_values_is_not_whole():
    def changes_its_input(dout):
        right = dout.sum(axis=(0, 2, 3))
        dout += 1
        return right

    found = row("03.1", changes_its_input)
    assert (found["status"], found["mistake"]) == ("wrong", "changes its input")
    assert found["cases_right"] == found["cases"] - 1


def test_of_several_wrong_attempts_the_one_with_most_cases_counts():
    def never(*arguments):
        return np.full(3, 0.5)

    alone = row("02.1", without_padding)
    assert row("02.1", never, without_padding) == row("02.1", without_padding, never) == alone
    assert row("02.1", never)["cases_right"] == 0
    assert row("02.1", never, find("02.1").reference_function)["status"] == "passed"


@pytest.mark.parametrize("number", ["03.5", "01.5"])
def test_what_is_no_function_has_no_cases(number):
    stream = serialisation.pack({"number": number, "value": 1.0, "student": "Ada", "answer": 1.0})
    (found,) = comparer.compare(stream, [number], SEED)["rows"]
    assert (found["cases_right"], found["cases"]) == (0, 0)
    assert found["drawn_for"] == ("Ada" if number == "03.5" else "")
