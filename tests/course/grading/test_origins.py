"""A solution found in memory gets a note; honest answers get none."""

import functools
import gc
import json
import types

import pytest

from minigooglenet.course import handout, originality
from minigooglenet.course.grading import grader, origins
from minigooglenet.exercises.find import everything, find

REFERENCE = find("03.1").reference_function
KNOWN = origins.solutions(["03.1"])
LOCATION = KNOWN[id(REFERENCE.__code__)]


def _closure(dout):
    return hidden(dout)


def hidden(dout):
    return solutions[0](dout)


solutions = [REFERENCE]


class Holder:
    def __init__(self):
        self.function = REFERENCE

    def __call__(self, dout):
        return self.function(dout)


Holder.__module__ = "student"


@pytest.mark.parametrize(
    "answer",
    [
        REFERENCE,
        lambda dout: REFERENCE(dout),
        _closure,
        functools.partial(REFERENCE),
        types.FunctionType(REFERENCE.__code__, REFERENCE.__globals__),
        Holder(),
        Holder().__call__,
        lambda dout, f=REFERENCE: f(dout),
    ],
)
def test_solution_inside_an_answer_is_detected(answer):
    assert origins.held(answer, KNOWN) == LOCATION


def test_solution_called_by_an_answer_is_detected():
    def conv_db(dout):
        for thing in gc.get_objects():
            if type(thing) is types.FunctionType and id(thing.__code__) in KNOWN:
                return thing(dout)
        return None

    ran = []
    origins.watched(conv_db, KNOWN, ran)(find("03.1").arguments[0][0])
    assert ran == [LOCATION]
    assert origins.held(conv_db, {}) is None


def test_honest_answer_gets_no_flag():
    def conv_db(dout):
        return dout.sum(axis=(0, 2, 3))

    ran = []
    origins.watched(conv_db, KNOWN, ran)(find("03.1").arguments[0][0])
    assert ran == []
    assert origins.held(conv_db, KNOWN) is None


def test_solution_from_memory_passes_with_a_note(tmp_path):
    """Even if the names are hidden: the code builds the names of the module and the function while it runs."""
    source = """
module, name = __import__("g" + "c"), "minigooglenet" + ".lessons.lesson_03_gradients.three_gradients"
def conv_db(dout):
    for thing in getattr(module, "get_" + "objects")():
        if callable(thing) and getattr(thing, "__module__", "") == name and hasattr(thing, "__code__"):
            if thing.__code__.co_varnames == ("dout",):
                try:
                    value = thing(dout)
                except Exception:
                    continue
                if value.shape == dout.shape[1:2]:
                    return value
"""
    start = "from minigooglenet.exercises import check"
    (tmp_path / "class").mkdir()
    made = [{"cell_type": "code", "source": text} for text in (start, source, "check('03.1', conv_db)")]
    (tmp_path / "class" / "ada.ipynb").write_text(json.dumps({"cells": made}), encoding="utf-8")
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.GradingOptions(lesson="03"))
    row = next(row for row in rows if row["exercise"] == "03.1")
    assert "accesses the process that runs it: " in row["note"]
    location = "lessons/lesson_03_gradients/three_gradients.py"
    assert f"runs the solution of the exercise, found in memory ({location}" in row["note"]


@pytest.mark.parametrize("path", sorted(handout.folder().glob("solutions/*.ipynb")), ids=lambda path: path.stem)
def test_official_solutions_have_no_note_about_memory(path):
    numbers = tuple(number for number in everything() if number[:2] == path.stem[:2])
    (notes,) = originality.notes([("ada", path, numbers)])
    assert not [text for group in notes.values() for text in group if "accesses the process" in text]
