"""After a pass, `compare` shows readable code for every exercise: a function with its name and without decorators."""

import pytest

from minigooglenet.exercises import check, compare
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything

CALLED = [e for e in everything().values() if isinstance(e, Exercise) and e.cases_function]


@pytest.mark.parametrize("exercise", CALLED, ids=lambda exercise: exercise.number)
def test_compare_shows_a_named_function(exercise):
    assert check(exercise.number, exercise.reference_function).passed
    text = str(compare(exercise.number))
    assert f"def {exercise.name}(" in text or exercise.engine_function
    assert "_reference(" not in text
    assert not text.startswith("@")
    assert "On the test cases: your code takes" in text
