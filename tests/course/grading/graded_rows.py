"""Rows in the form of a grading, as input for tests."""

import datetime

from minigooglenet.course import plan
from minigooglenet.course.grading import points
from minigooglenet.course.roster import Person, Roster
from minigooglenet.exercises.find import everything

DUE = datetime.datetime(2026, 11, 3, 23, 59, tzinfo=datetime.UTC)
EVIL = "<script>alert('x')</script>\u202e\x1b[31m=cmd|'!A1'\""


def row(student="ada", exercise="03.1", status="passed", hours=-1.0, **more):
    """Return one row; `hours` after the due date, or None for a missing file."""
    task = everything()[exercise]
    of = task.difficulty
    made = {"student": student, "file": f"{student}.ipynb", "exercise": exercise, "title": task.title, "status": status}
    made |= {"points": of if status == "passed" else 0, "of": of, "mistake": None, "message": "", "verified": True}
    made |= {"note": "", "cases_right": 0, "cases": 0, "drawn_for": "", "choice": ""}
    when = None if hours is None else (DUE + datetime.timedelta(hours=hours)).timestamp()
    return made | {"when": when} | more


def course(*numbers, late=None, partial=False, people=(), points=2.0, **more):
    """Return the plan of a course in which only these exercises count."""
    lessons = {}
    for number in numbers or ("03.1", "03.2"):
        lesson = lessons.setdefault(number[:2], plan.Lesson(number[:2], {}, DUE))
        lesson.points[number] = points
    roster = Roster([name if isinstance(name, Person) else Person(name) for name in people])
    return plan.Plan("A course", lessons, partial, late, roster=roster, **more)


def with_points(rows, of_course):
    """Return rows with the points of a course."""
    return points.apply_plan(rows, of_course)[0]
