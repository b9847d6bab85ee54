"""Grades in the file formats of learning platforms: Canvas, Moodle, Gradescope, Classroom 50, and plain totals.

Canvas, Moodle and totals are tables of a class. Gradescope and Classroom 50 run the grading themselves, once per
submission, and read JSON.
"""

import datetime
import json
import os
from collections import defaultdict
from pathlib import Path

from minigooglenet import files
from minigooglenet.console import printable
from minigooglenet.course.grading import gradebook
from minigooglenet.course.grading.points import totals
from minigooglenet.course.plan import Plan
from minigooglenet.course.roster import Person
from minigooglenet.exercises.result import PASSED

ONE = {"gradescope": "results.json", "classroom50": "result.json"}  # for one student: {format: file that it reads}
CLASS = ("totals", "canvas", "moodle")
FORMATS = (*CLASS, *ONE)
MOST_OUTPUT = 4_000  # characters of one message
# Environment variables in which the runner of Classroom 50 describes a submission: {field: variable}.
_IDENTITY = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}


def write(format_name, rows, csv_path, plan=None) -> tuple[Path, list[str]]:
    """Write rows of a grading in a platform's format, next to the CSV; return (path, sentences for the staff)."""
    csv_path = Path(csv_path)
    if format_name in ONE:
        path = csv_path.with_name(ONE[format_name])
        made = gradescope(rows) if format_name == "gradescope" else classroom50(rows)
        files.write_text(path, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
        return path, []
    path = csv_path.with_name(f"{csv_path.stem}-{format_name}.csv")
    make = {"totals": _totals, "canvas": _canvas, "moodle": _moodle}[format_name]
    columns, table, sentences = make(rows, plan or Plan())
    gradebook.table(path, columns, table, MOST_OUTPUT)
    return path, sentences


def owner(format_name, folder) -> str:
    """Return the name that a platform gives for the student whose submission is graded."""
    name = ""
    if format_name == "classroom50":
        name = os.environ.get("OWNER") or os.environ.get("USERNAME") or ""
    else:
        try:
            submission = json.loads(
                (Path(folder).resolve().parent / "submission_metadata.json").read_text(encoding="utf-8")
            )
            name = " and ".join(str(user["name"]) for user in submission["users"])
        except (OSError, ValueError, KeyError, TypeError):
            name = ""
    return name or "the student"


def _known(student, plan) -> Person:
    return plan.roster.find(student) or Person(student)


def _lessons(students):
    return sorted({lesson for total in students for lesson in total.lessons})


def _maximum(students, lesson):
    """Return the maximum points of a lesson."""
    return max((total.lessons[lesson][1] for total in students if lesson in total.lessons), default=0)


def _points(total, lesson):
    return total.lessons[lesson][0] if lesson in total.lessons else None


def _totals(rows, plan):
    students = totals(rows)
    lessons = _lessons(students)
    columns = ("student", "id", "email", "section", *map(plan.title, lessons), "points", "of")
    table = []
    for total in students:
        person = _known(total.student, plan)
        about = (total.student, person.id, person.email, person.section)
        table.append([*about, *(_points(total, lesson) for lesson in lessons), total.points, total.of])
    return columns, table, []


def _canvas(rows, plan):
    """Canvas finds students by SIS user ID, login or name, and creates an assignment for each unknown column."""
    students = totals(rows)
    lessons = _lessons(students)
    columns = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", *map(plan.title, lessons))
    table = [["    Points Possible", "", "", "", "", *(_maximum(students, lesson) for lesson in lessons)]]
    unknown = []
    for total in students:
        person = _known(total.student, plan)
        login = person.aliases[0] if person.aliases else person.email
        if not (person.id or login):
            unknown.append(total.student)
        about = [total.student, "", person.id, login, person.section]
        table.append([*about, *(_points(total, lesson) for lesson in lessons)])
    return columns, table, _unknown(unknown, "Canvas finds students by name only", "an id or an alias (the login)")


def _moodle(rows, plan):
    students = totals(rows)
    lessons = _lessons(students)
    texts = defaultdict(list)
    for row in rows:
        lines = texts[row["student"], row["exercise"].partition(".")[0]]
        lines += [row["late"]] if row.get("late") and not lines else []
        lines.append(feedback(row))
    parts = [(plan.title(lesson), f"{plan.title(lesson)} feedback") for lesson in lessons]
    columns = ("Full name", "ID number", "Email address", *(part for pair in parts for part in pair))
    table, unknown = [], []
    for total in students:
        person = _known(total.student, plan)
        if not (person.id or person.email):
            unknown.append(total.student)
        line = [total.student, person.id, person.email]
        for lesson in lessons:
            line += [_points(total, lesson), " | ".join(texts[total.student, lesson])]
        table.append(line)
    return columns, table, _unknown(unknown, "Moodle cannot find students by name", "an id or an email")


def _unknown(students, problem, needed):
    if not students:
        return []
    some = ", ".join(students[:5]) + (f" and {len(students) - 5} more" if len(students) > 5 else "")
    return [f"{problem}. In the roster, add {needed} for: {some}."]


def feedback(row) -> str:
    """Return the feedback for a student on one exercise, in one line, without notes for the staff."""
    parts = [f"{row['exercise']} {row['status']}, {row['points']} of {row['of']}"]
    if row["status"] != PASSED:
        parts += [str(part) for part in (row.get("mistake"), row["message"]) if part]
    return ": ".join(filter(None, [parts[0], "; ".join(parts[1:])]))


def gradescope(rows) -> dict:
    """Return what Gradescope shows: a test for each exercise, and notes that are visible only to the staff."""
    tests = []
    for row in rows:
        text = [row["message"]] if row["message"] else []
        if row.get("mistake"):
            text.insert(0, f"This looks like a known mistake: {row['mistake']}.")
        if row.get("cases"):
            text.append(f"{row['cases_right']} of {row['cases']} test cases are right.")
        tests.append(
            {
                "number": row["exercise"],
                "name": printable(row["title"]),
                "score": row["points"],
                "max_score": row["of"],
                "status": "passed" if row["status"] == PASSED else "failed",
                "output": printable("\n".join(text), "\n")[:MOST_OUTPUT],
                "output_format": "text",
                "visibility": "visible",
            }
        )
        if row["note"]:
            note = {"name": f"{row['exercise']}: for the staff", "output": printable(row["note"])[:MOST_OUTPUT]}
            tests.append({"number": row["exercise"], "score": 0, "max_score": 0, **note, "visibility": "hidden"})
    score = round(sum(row["points"] for row in rows), 2)
    return {"score": score, "output_format": "text", "stdout_visibility": "hidden", "tests": tests}


def classroom50(rows) -> dict:
    """Return the result for Classroom 50, which reads integers: points, or hundredths if any point is a fraction."""
    scale = 1 if all(float(value).is_integer() for row in rows for value in (row["points"], row["of"])) else 100
    tests = [
        {
            "test-name": printable(f"{row['exercise']} {row['title']}"),
            "passed": row["status"] == PASSED,
            "score": round(row["points"] * scale),
            "max-score": round(row["of"] * scale),
            "message": printable(feedback(row))[:MOST_OUTPUT],
        }
        for row in rows
    ]
    identity = {field: os.environ.get(variable, "") for field, variable in _IDENTITY.items()}
    return {
        "schema": "classroom50/result/v1",
        **identity,
        "review": os.environ.get("REVIEW_URL") or identity["commit"],
        "datetime": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }
