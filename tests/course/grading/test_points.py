"""Points of a course: partial credit, late files, totals, and names for which questions were drawn."""

import datetime

import pytest
from graded_rows import DUE, course, row, with_points
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.course import plan
from minigooglenet.course.grading import points
from minigooglenet.course.roster import Person, Roster

LATE = plan.Late(0.25, 2, datetime.timedelta(minutes=15))


def test_points_follow_the_course():
    rows = with_points([row(), row(exercise="03.2", status="wrong")], course(points=5))
    assert [(line["points"], line["of"]) for line in rows] == [(5, 5), (0, 5)]


@pytest.mark.parametrize(
    ("status", "right", "cases", "points"),
    [("wrong", 3, 4, 1.5), ("wrong", 0, 4, 0), ("passed", 4, 4, 2), ("wrong", 0, 0, 0), ("failed", 3, 4, 0)],
)
def test_partial_credit_is_the_fraction_of_right_cases(status, right, cases, points):
    some = [row(status=status, cases_right=right, cases=cases)]
    assert with_points(some, course(partial=True))[0]["points"] == points
    assert with_points(some, course())[0]["points"] == (2 if status == "passed" else 0)


@given(st.integers(0, 20), st.integers(1, 20), st.floats(-100, 100))
def test_partial_credit_is_at_most_a_pass_on_time(right, cases, hours):
    some = [row(status="wrong", cases_right=min(right, cases), cases=cases, hours=hours)]
    (result,) = with_points(some, course(partial=True, late=LATE))
    assert 0 <= result["points"] <= 2


@pytest.mark.parametrize(
    ("hours", "points", "expected"),
    [
        (-1, 2, ""),
        (0.2, 2, ""),
        (5, 1.5, "1 day late: 75% of the points count"),
        (25, 1, "2 days late: 50% of the points count"),
        (49, 0, "3 days late: 0% of the points count"),
        (None, 2, ""),
    ],
)
def test_late_file_loses_points_by_the_rule(hours, points, expected):
    (result,) = with_points([row(hours=hours)], course(late=LATE))
    assert (result["points"], result["late"]) == (points, expected)


def test_late_file_without_a_late_rule_keeps_its_points():
    (result,) = with_points([row(hours=5)], course())
    assert (result["points"], result["late"]) == (2, "after the due date")


def test_extension_changes_the_due_date_of_one_student():
    longer = {("ada", "03"): DUE + datetime.timedelta(days=7)}
    rows = with_points([row(hours=30), row("bob", hours=31)], course(late=LATE, extensions=longer))
    assert [line["points"] for line in rows] == [2, 1]


def test_copied_files_are_never_late():
    rows = [row(name, hours=50 + index / 1000) for index, name in enumerate(("ada", "bob", "cem"))]
    result, sentences = points.apply_plan(rows, course(late=LATE))
    assert [line["points"] for line in result] == [2, 2, 2]
    assert sentences[0].startswith("All files have the same time, so they were copied")
    assert points.apply_plan([row("ada", hours=50), row("bob", hours=1)], course(late=LATE))[1] == []


def test_canvas_late_mark_without_late_time_gets_a_note():
    (result,) = with_points([row(file="byronada_LATE_123_456_x.ipynb")], course(late=LATE))
    assert "Canvas marked this file as late" in result["note"]


def test_totals_add_up_by_lesson():
    some = course("03.1", "03.2", "04.1", points=1.5)
    rows = [row(), row(exercise="03.2"), row(exercise="04.1", status="wrong"), row("bob", status="missing")]
    ada, bob = points.totals(with_points(rows, some))
    assert (ada.student, ada.lessons, ada.points, ada.of) == ("ada", {"03": (3, 3), "04": (0, 1.5)}, 3, 4.5)
    assert (bob.student, bob.points, bob.of) == ("bob", 0, 1.5)


@pytest.mark.parametrize(
    ("people", "drawn", "expected"),
    [
        (["Ada Byron", "Bo Li"], "Ada Byron", ""),
        (["Ada Byron", "Bo Li"], "byron, ada", ""),
        ([Person("Ada Byron", ("x17",))], "X17", ""),
        (["Ada Byron", "Bo Li"], "Bo Li", "drawn for Bo Li, another student"),
        (["Ada Byron", "Bo Li"], "Eve", "drawn for 'Eve', who is not on the roster"),
        (["Ada Byron"], "you", "drawn for 'you', not for a name"),
        ([], "you", "drawn for 'you', not for a name"),
        ([], "someone", ""),
        ([], "", ""),
    ],
)
def test_values_drawn_for_another_name_get_a_note(people, drawn, expected):
    rows = [row("Ada Byron", "03.5", drawn_for=drawn)]
    points.check_names(rows, Roster([name if isinstance(name, Person) else Person(name) for name in people]))
    assert expected in rows[0]["note"]
    assert bool(expected) == bool(rows[0]["note"])


def test_unanswered_question_has_no_note():
    rows = [row("Ada Byron", "03.5", "not yet", drawn_for="you"), row("Bo Li", "03.5", "missing", drawn_for="Bo Li")]
    points.check_names(rows, Roster([Person("Ada Byron"), Person("Bo Li")]), whole=True)
    assert [line["note"] for line in rows] == ["", ""]


def test_student_missing_from_the_roster_gets_a_note():
    rows = [row("Ada Byron"), row("Eve")]
    points.check_names(rows, Roster([Person("Ada Byron")]), whole=True)
    assert [line["note"] for line in rows] == ["", "this student is not on the roster"]


def test_drawn_name_of_two_students_gets_a_note():
    rows = [row(name, "03.5", drawn_for="Ada") for name in ("ada", "bob")] + [row("cem", "03.5", drawn_for="cem")]
    points.check_names(rows, Roster([]))
    assert ["like those of bob" in rows[0]["note"], "like those of ada" in rows[1]["note"]] == [True, True]
    assert rows[2]["note"] == ""
