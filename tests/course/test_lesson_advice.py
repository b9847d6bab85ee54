"""The advice of every failed check can be followed in its lesson: the names in it are imported there."""

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
    """Return what a lesson's own imports bind."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {}
    exec(compile(tree, source.name, "exec"), names)
    return names


def _failures(lesson):
    """Yield (result, advice) of a wrong answer to each exercise of a lesson."""
    for number, exercise in everything().items():
        if number.startswith(lesson):
            result = answer(number, 0.123) if isinstance(exercise, Question) else check(number, _odd)
            assert result.status == "wrong"
            yield number, result.advice


def _odd(*arguments):
    return "odd"


@pytest.mark.parametrize("source", SOURCES)
def test_advice_runs_in_the_namespace_of_its_lesson(source):
    names = _names(source)
    calls = [call for _, advice in _failures(source.stem[:2]) for call in re.findall(r"\w+\('[^']+'\)", advice)]
    assert calls
    for call in calls:
        assert re.search("Hint . of 3", eval(call, names))


@pytest.mark.parametrize("source", SOURCES)
def test_lesson_imports_what_its_exercises_need(source):
    names = _names(source)
    assert {"check", "hint", "predict", "quiz"} <= set(names) or source.stem.startswith("00")
    assert "hint" in names
