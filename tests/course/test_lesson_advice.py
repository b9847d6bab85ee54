"""The advice of every failed check works in its lesson, because the lesson imports the names in it."""

import ast
import re

import pytest
from numeric import needs_numba

from minigooglenet.course import handout
from minigooglenet.exercises import answer, check
from minigooglenet.exercises.find import everything
from minigooglenet.exercises.questions import Question

SOURCES = [
    pytest.param(path, id=path.stem, marks=needs_numba if path.stem == "13_fast" else ()) for path in handout.sources()
]


def _names(source):
    """Return the names that a lesson imports."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {}
    exec(compile(tree, source.name, "exec"), names)
    return names


def _failures(lesson):
    """Yield the text of the result for each known mistake of a lesson, and for an unknown wrong answer."""
    for number, exercise in everything().items():
        if not number.startswith(lesson):
            continue
        if isinstance(exercise, Question):
            values = exercise.values("you")
            results = [answer(number, 0.123), *(answer(number, w.function(**values), "you") for w in exercise.wrongs)]
        else:
            results = [check(number, given) for given in (_odd, *(wrong.function for wrong in exercise.wrongs))]
        for result in results:
            assert result.status == "wrong"
            yield f"{result.what} {result.looks_like} {result.advice}"


def _odd(*arguments):
    return "odd"


@pytest.mark.parametrize("source", SOURCES)
def test_advice_runs_in_the_namespace_of_its_lesson(source):
    names = _names(source)
    calls_by_text = [
        re.findall(r"\b(?:hint|check|ask|compare|quiz)\([^()]*\)", text) for text in _failures(source.stem[:2])
    ]
    numbers = [number for number in everything() if number.startswith(source.stem[:2])]
    calls = {call for group in calls_by_text for call in group}
    assert {f"hint({number!r})" for number in numbers} <= calls
    for call in sorted(calls):
        assert re.search("Hint . of 3", eval(call, names)), call


@pytest.mark.parametrize("source", SOURCES)
def test_lesson_imports_what_its_exercises_need(source):
    names = _names(source)
    assert {"check", "hint", "predict", "quiz"} <= set(names) or source.stem.startswith("00")
    assert "hint" in names
