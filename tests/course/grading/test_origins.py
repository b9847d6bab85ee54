"""An answer that was found in the memory of the process that runs it has a note; honest answers have none."""

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
PLACE = KNOWN[id(REFERENCE.__code__)]


def _closure(dout):
    return hidden(dout)


def hidden(dout):
    return found[0](dout)


found = [REFERENCE]


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
def test_a_solution_is_found_in_the_objects_of_an_answer(answer):
    assert origins.held(answer, KNOWN) == PLACE


def test_a_solution_is_found_while_it_runs():
    def conv_db(dout):
        for each in gc.get_objects():
            if type(each) is types.FunctionType and id(each.__code__) in KNOWN:
                return each(dout)
        return None

    ran = []
    origins.watched(conv_db, KNOWN, ran)(find("03.1").arguments[0][0])
    assert ran == [PLACE]
    assert origins.held(conv_db, {}) is None


def test_an_honest_answer_holds_and_runs_no_solution():
    def conv_db(dout):
        return dout.sum(axis=(0, 2, 3))

    ran = []
    origins.watched(conv_db, KNOWN, ran)(find("03.1").arguments[0][0])
    assert ran == []
    assert origins.held(conv_db, KNOWN) is None


def test_a_solution_from_memory_passes_with_a_note(tmp_path):
    """However the words are hidden: the name of the module and of its function are made while it runs."""
    source = """
module, place = __import__("g" + "c"), "minigooglenet" + ".lessons.lesson_03_gradients.three_gradients"
def conv_db(dout):
    for each in getattr(module, "get_" + "objects")():
        if callable(each) and getattr(each, "__module__", "") == place and hasattr(each, "__code__"):
            if each.__code__.co_varnames == ("dout",):
                try:
                    value = each(dout)
                except Exception:
                    continue
                if value.shape == dout.shape[1:2]:
                    return value
"""
    start = "from minigooglenet.exercises import check"
    (tmp_path / "class").mkdir()
    made = [{"cell_type": "code", "source": text} for text in (start, source, "check('03.1', conv_db)")]
    (tmp_path / "class" / "ada.ipynb").write_text(json.dumps({"cells": made}), encoding="utf-8")
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.Asked(lesson="03"))
    row = next(row for row in rows if row["exercise"] == "03.1")
    assert "reaches into the process that runs it: " in row["note"]
    place = "lessons/lesson_03_gradients/three_gradients.py"
    assert f"runs the solution of the exercise, found in memory ({place}" in row["note"]


@pytest.mark.parametrize("path", sorted(handout.folder().glob("solutions/*.ipynb")), ids=lambda path: path.stem)
def test_official_solutions_have_no_note_about_memory(path):
    numbers = tuple(number for number in everything() if number[:2] == path.stem[:2])
    (notes,) = originality.notes([("ada", path, numbers)])
    assert not [told for those in notes.values() for told in those if "reaches into" in told]
