"""The reference solutions never store or call the solutions of the engine, so the originality check accepts them."""

import copy

import pytest

from minigooglenet.course import cells, handout
from minigooglenet.course.grading import origins, worker
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.outputs import size
from minigooglenet.exercises.questions import Question

pytestmark = pytest.mark.faults
SOLVED = sorted(handout.folder().glob("solutions/*.ipynb"))


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_reference_solutions_pass_the_originality_check(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = [number for number in everything() if number[:2] == path.stem[:2]]
    exercises = [find(number) for number in numbers if not isinstance(find(number), Question)]
    known, sources = origins.solutions(numbers), cells.read(path)
    notes = cells.run(sources, cells.needed(sources, None, {exercise.name for exercise in exercises}))
    alarms, looked_at = [], 0
    for exercise in exercises:
        try:
            given = notes.given(exercise.number)
        except LookupError:
            continue
        looked_at += 1
        if position := origins.held(given, known):
            alarms.append((exercise.number, "holds", position))
        if callable(given) and not exercise.judge_function:
            ran = []
            arguments = copy.deepcopy(min(exercise.drawn(1), key=size))
            worker._timed(origins.watched(given, known, ran), arguments, 60, 10)
            alarms += [(exercise.number, "runs", position) for position in ran]
    assert alarms == []
    assert looked_at >= len(exercises) // 2
