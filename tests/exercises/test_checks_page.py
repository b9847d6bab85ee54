"""docs/checks.md is correct: its examples run, and it states the tolerances and rules of the exercises."""

import doctest
import re
from pathlib import Path

from minigooglenet.course.cells import MOST_ATTEMPTS
from minigooglenet.exercises import answer, ask, check, hint
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything
from minigooglenet.exercises.outputs import ROUND_OFF

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")


def test_examples_of_the_page_run():
    names = {"check": check, "hint": hint, "answer": answer, "ask": ask}
    test = doctest.DocTestParser().get_doctest(PAGE.replace("```", ""), names, "checks.md", None, 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_page_states_tolerances_of_the_exercises():
    other = {
        e.number: e.tolerance for e in everything().values() if isinstance(e, Exercise) and e.tolerance != ROUND_OFF
    }
    stated = {number: float(value) for number, value in re.findall(r"(\d\d\.\w+)\s\((1e-\d+)\)", PAGE)}
    (exact,) = re.findall(r"requires bit-identical results, (\d\d\.\w+)", PAGE)
    assert stated | {exact: 0} == other
    assert f"{ROUND_OFF:g}".replace("1e-09", "1e-9") in PAGE


def test_page_states_the_enforced_rules():
    rows = re.findall(r"^\| ((?:\d\d\.\w+,? ?)+) \|", PAGE, flags=re.MULTILINE)
    stated = {number for row in rows for number in row.split(", ")}
    demanding = {e.number for e in everything().values() if isinstance(e, Exercise) and e.demand_function}
    assert stated == demanding | {"13.3"}
    assert f"The last {MOST_ATTEMPTS} attempts" in PAGE
