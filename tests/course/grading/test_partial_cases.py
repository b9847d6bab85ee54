"""Number of right test cases of a function, for which a course may give a fraction of the points."""

import copy

import numpy as np
import pytest

from minigooglenet.course.grading import comparer, serialisation
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised
from minigooglenet.exercises.plain import plain

SEED = 7


def row(number, function, *more):
    """Return the row of a notebook with these functions as attempts at an exercise, the last attempt first."""
    stream = b"".join(serialisation.pack(record(number, attempt)) for attempt in (function, *more))
    (result,) = comparer.compare(stream + serialisation.pack({"end": True}), [number], SEED)["rows"]
    return result


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


def test_pass_has_all_cases_right():
    result = row("03.1", find("03.1").reference_function)
    assert result["status"] == "passed"
    assert result["cases_right"] == result["cases"] == len(find("03.1").arguments) + len(find("03.1").drawn(SEED))


def test_answer_without_padding_has_some_cases_right():
    cases = [*find("02.1").arguments, *find("02.1").drawn(SEED)]
    same = sum(arguments[-1] == 0 for arguments in cases)
    result = row("02.1", without_padding)
    assert (result["status"], result["cases_right"], result["cases"]) == ("wrong", same, len(cases))
    assert 0 < same < len(cases)


def test_answer_that_raises_has_no_case_right():
    result = row("03.1", lambda dout: 1 // 0)
    assert (result["status"], result["cases_right"]) == ("wrong", 0)


def test_broken_rule_costs_one_case():
    def changes_its_input(dout):
        right = dout.sum(axis=(0, 2, 3))
        dout += 1
        return right

    result = row("03.1", changes_its_input)
    assert (result["status"], result["mistake"]) == ("wrong", "changes its input")
    assert result["cases_right"] == result["cases"] - 1


def test_best_of_several_wrong_attempts_counts():
    def never(*arguments):
        return np.full(3, 0.5)

    alone = row("02.1", without_padding)
    assert row("02.1", never, without_padding) == row("02.1", without_padding, never) == alone
    assert row("02.1", never)["cases_right"] == 0
    assert row("02.1", never, find("02.1").reference_function)["status"] == "passed"


@pytest.mark.parametrize("number", ["03.5", "01.5"])
def test_questions_and_data_have_no_cases(number):
    stream = serialisation.pack({"number": number, "value": 1.0, "student": "Ada", "answer": 1.0})
    (result,) = comparer.compare(stream, [number], SEED)["rows"]
    assert (result["cases_right"], result["cases"]) == (0, 0)
    assert result["drawn_for"] == ("Ada" if number == "03.5" else "")
