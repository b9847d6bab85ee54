"""Points of a course: partial credit, late files, totals, and whose numbers a student answered with."""

import datetime

import pytest
from graded_rows import DUE, course, marked, row
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.course import plan
from minigooglenet.course.grading import marks
from minigooglenet.course.roster import Person, Roster

LATE = plan.Late(0.25, 2, datetime.timedelta(minutes=15))


def test_points_are_those_of_the_course():
    rows = marked([row(), row(exercise="03.2", status="wrong")], course(points=5))
    assert [(each["points"], each["of"]) for each in rows] == [(5, 5), (0, 5)]


@pytest.mark.parametrize(
    ("status", "right", "cases", "points"),
    [("wrong", 3, 4, 1.5), ("wrong", 0, 4, 0), ("passed", 4, 4, 2), ("wrong", 0, 0, 0), ("failed", 3, 4, 0)],
)
def test_partial_credit_is_the_fraction_of_right_cases(status, right, cases, points):
    some = [row(status=status, cases_right=right, cases=cases)]
    assert marked(some, course(partial=True))[0]["points"] == points
    assert marked(some, course())[0]["points"] == (2 if status == "passed" else 0)


@given(st.integers(0, 20), st.integers(1, 20), st.floats(-100, 100))
def test_no_answer_earns_more_than_a_pass_in_time(right, cases, hours):
    some = [row(status="wrong", cases_right=min(right, cases), cases=cases, hours=hours)]
    (found,) = marked(some, course(partial=True, late=LATE))
    assert 0 <= found["points"] <= 2


@pytest.mark.parametrize(
    ("hours", "points", "told"),
    [
        (-1, 2, ""),
        (0.2, 2, ""),
        (5, 1.5, "1 day late: 75% of the points count"),
        (25, 1, "2 days late: 50% of the points count"),
        (49, 0, "3 days late: 0% of the points count"),
        (None, 2, ""),
    ],
)
def test_a_late_file_loses_what_the_course_says(hours, points, told):
    (found,) = marked([row(hours=hours)], course(late=LATE))
    assert (found["points"], found["late"]) == (points, told)


def test_a_late_file_without_a_late_rule_is_only_told():
    (found,) = marked([row(hours=5)], course())
    assert (found["points"], found["late"]) == (2, "after the due date")


def test_an_extension_is_the_students_own_due_date():
    longer = {("ada", "03"): DUE + datetime.timedelta(days=7)}
    rows = marked([row(hours=30), row("bob", hours=31)], course(late=LATE, extensions=longer))
    assert [each["points"] for each in rows] == [2, 1]


def test_nobody_is_late_if_all_files_were_copied_at_once():
    rows = [row(name, hours=50 + place / 1000) for place, name in enumerate(("ada", "bob", "cem"))]
    found, told = marks.marked(rows, course(late=LATE))
    assert [each["points"] for each in found] == [2, 2, 2]
    assert told[0].startswith("All files carry the same time, so they say when they were copied")
    assert marks.marked([row("ada", hours=50), row("bob", hours=1)], course(late=LATE))[1] == []


def test_a_file_that_canvas_marked_late_is_noted_if_its_time_is_not():
    (found,) = marked([row(file="byronada_LATE_123_456_x.ipynb")], course(late=LATE))
    assert "Canvas marked this file as late" in found["note"]


def test_totals_add_up_by_lesson():
    some = course("03.1", "03.2", "04.1", points=1.5)
    rows = [row(), row(exercise="03.2"), row(exercise="04.1", status="wrong"), row("bob", status="missing")]
    ada, bob = marks.totals(marked(rows, some))
    assert (ada.student, ada.lessons, ada.points, ada.of) == ("ada", {"03": (3, 3), "04": (0, 1.5)}, 3, 4.5)
    assert (bob.student, bob.points, bob.of) == ("bob", 0, 1.5)


@pytest.mark.parametrize(
    ("people", "drawn", "told"),
    [
        (["Ada Byron", "Bo Li"], "Ada Byron", ""),
        (["Ada Byron", "Bo Li"], "byron, ada", ""),
        ([Person("Ada Byron", ("x17",))], "X17", ""),
        (["Ada Byron", "Bo Li"], "Bo Li", "drawn for Bo Li, who is another student"),
        (["Ada Byron", "Bo Li"], "Eve", "drawn for 'Eve', who is not on the roster"),
        (["Ada Byron"], "you", "drawn for 'you', not for a name"),
        ([], "you", "drawn for 'you', not for a name"),
        ([], "whatever", ""),
        ([], "", ""),
    ],
)
def test_numbers_drawn_for_somebody_else_are_noted(people, drawn, told):
    rows = [row("Ada Byron", "03.5", drawn_for=drawn)]
    marks.names(rows, Roster([each if isinstance(each, Person) else Person(each) for each in people]))
    assert told in rows[0]["note"]
    assert bool(told) == bool(rows[0]["note"])


def test_a_question_that_nobody_answered_has_no_note():
    rows = [row("Ada Byron", "03.5", "not yet", drawn_for="you"), row("Bo Li", "03.5", "missing", drawn_for="Bo Li")]
    marks.names(rows, Roster([Person("Ada Byron"), Person("Bo Li")]), whole=True)
    assert [each["note"] for each in rows] == ["", ""]


def test_a_student_who_is_not_on_the_roster_is_noted():
    rows = [row("Ada Byron"), row("Eve")]
    marks.names(rows, Roster([Person("Ada Byron")]), whole=True)
    assert [each["note"] for each in rows] == ["", "this student is not on the roster"]


def test_without_a_roster_a_name_that_two_students_use_is_noted():
    rows = [row(name, "03.5", drawn_for="Ada") for name in ("ada", "bob")] + [row("cem", "03.5", drawn_for="cem")]
    marks.names(rows, Roster([]))
    assert ["as are those of bob" in rows[0]["note"], "as are those of ada" in rows[1]["note"]] == [True, True]
    assert rows[2]["note"] == ""
