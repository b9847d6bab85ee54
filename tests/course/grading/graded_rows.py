"""Rows as a grading makes them, for tests of what is done with them."""

import datetime

from minigooglenet.course import plan
from minigooglenet.course.grading import marks
from minigooglenet.course.roster import Person, Roster
from minigooglenet.exercises.find import everything

DUE = datetime.datetime(2026, 11, 3, 23, 59, tzinfo=datetime.UTC)
EVIL = "<script>alert('x')</script>\u202e\x1b[31m=cmd|'!A1'\""


def row(student="ada", exercise="03.1", status="passed", hours=-1.0, **more):
    """Return one row; `hours` after the due date, or None if nothing arrived."""
    task = everything()[exercise]
    of = task.difficulty
    made = {"student": student, "file": f"{student}.ipynb", "exercise": exercise, "title": task.title, "status": status}
    made |= {"points": of if status == "passed" else 0, "of": of, "mistake": None, "message": "", "verified": True}
    made |= {"note": "", "cases_right": 0, "cases": 0, "drawn_for": "", "choice": ""}
    when = None if hours is None else (DUE + datetime.timedelta(hours=hours)).timestamp()
    return made | {"when": when} | more


def course(*numbers, late=None, partial=False, people=(), points=2.0, **more):
    """Return the plan of a course in which these exercises count."""
    lessons = {}
    for number in numbers or ("03.1", "03.2"):
        lesson = lessons.setdefault(number[:2], plan.Lesson(number[:2], {}, DUE))
        lesson.points[number] = points
    roster = Roster([each if isinstance(each, Person) else Person(each) for each in people])
    return plan.Plan("A course", lessons, partial, late, roster=roster, **more)


def marked(rows, of_course):
    """Return rows with the points of a course."""
    return marks.marked(rows, of_course)[0]
