"""Grades in the forms that learning platforms read: Canvas, Moodle, Gradescope, Classroom 50, and plain totals.

Canvas, Moodle and totals are tables of a class. Gradescope and Classroom 50 run the grading themselves, once for each
student who hands something in, and read JSON.
"""

import datetime
import json
import os
from collections import defaultdict
from pathlib import Path

from minigooglenet import files
from minigooglenet.console import printable
from minigooglenet.course.grading import gradebook
from minigooglenet.course.grading.marks import totals
from minigooglenet.course.plan import Plan
from minigooglenet.course.roster import Person
from minigooglenet.exercises.result import PASSED

ONE = {"gradescope": "results.json", "classroom50": "result.json"}  # of one student; the file that the platform reads
CLASS = ("totals", "canvas", "moodle")
FORMATS = (*CLASS, *ONE)
MOST_OUTPUT = 4_000  # letters of one message
# What the runner of Classroom 50 says about a submission: {field: variable}.
_IDENTITY = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}


def write(form, rows, csv_path, plan=None) -> tuple[Path, list[str]]:
    """Write rows of a grading in a platform's form, next to the CSV; return (path, sentences for the staff)."""
    csv_path = Path(csv_path)
    if form in ONE:
        path = csv_path.with_name(ONE[form])
        made = gradescope(rows) if form == "gradescope" else classroom50(rows)
        files.write_text(path, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
        return path, []
    path = csv_path.with_name(f"{csv_path.stem}-{form}.csv")
    make = {"totals": _totals, "canvas": _canvas, "moodle": _moodle}[form]
    columns, table, sentences = make(rows, plan or Plan())
    gradebook.table(path, columns, table, MOST_OUTPUT)
    return path, sentences


def owner(form, folder) -> str:
    """Return the student whose submission a platform wants graded, as the platform says."""
    name = ""
    if form == "classroom50":
        name = os.environ.get("OWNER") or os.environ.get("USERNAME") or ""
    else:
        try:
            said = json.loads((Path(folder).resolve().parent / "submission_metadata.json").read_text(encoding="utf-8"))
            name = " and ".join(str(user["name"]) for user in said["users"])
        except (OSError, ValueError, KeyError, TypeError):
            name = ""
    return name or "the student"


def _known(student, plan) -> Person:
    return plan.roster.find(student) or Person(student)


def _lessons(found):
    return sorted({lesson for total in found for lesson in total.lessons})


def _of(found, lesson):
    """Return the points that a lesson gives."""
    return max((total.lessons[lesson][1] for total in found if lesson in total.lessons), default=0)


def _points(total, lesson):
    return total.lessons[lesson][0] if lesson in total.lessons else None


def _totals(rows, plan):
    found = totals(rows)
    lessons = _lessons(found)
    columns = ("student", "id", "email", "section", *map(plan.title, lessons), "points", "of")
    table = []
    for total in found:
        person = _known(total.student, plan)
        about = (total.student, person.id, person.email, person.section)
        table.append([*about, *(_points(total, lesson) for lesson in lessons), total.points, total.of])
    return columns, table, []


def _canvas(rows, plan):
    """Canvas finds students by SIS user ID, login or name, and makes an assignment of a column with a new name."""
    found = totals(rows)
    lessons = _lessons(found)
    columns = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", *map(plan.title, lessons))
    table = [["    Points Possible", "", "", "", "", *(_of(found, lesson) for lesson in lessons)]]
    unknown = []
    for total in found:
        person = _known(total.student, plan)
        login = person.aliases[0] if person.aliases else person.email
        if not (person.id or login):
            unknown.append(total.student)
        about = [total.student, "", person.id, login, person.section]
        table.append([*about, *(_points(total, lesson) for lesson in lessons)])
    return columns, table, _unknown(unknown, "Canvas finds students", "id and no alias (the login)", "by name only")


def _moodle(rows, plan):
    found = totals(rows)
    lessons = _lessons(found)
    told = defaultdict(list)
    for row in rows:
        lines = told[row["student"], row["exercise"].partition(".")[0]]
        lines += [row["late"]] if row.get("late") and not lines else []
        lines.append(feedback(row))
    parts = [(plan.title(lesson), f"{plan.title(lesson)} feedback") for lesson in lessons]
    columns = ("Full name", "ID number", "Email address", *(part for pair in parts for part in pair))
    table, unknown = [], []
    for total in found:
        person = _known(total.student, plan)
        if not (person.id or person.email):
            unknown.append(total.student)
        line = [total.student, person.id, person.email]
        for lesson in lessons:
            line += [_points(total, lesson), " | ".join(told[total.student, lesson])]
        table.append(line)
    return columns, table, _unknown(unknown, "Moodle cannot find students", "id and no email", "by name")


def _unknown(students, platform, lacks, how):
    if not students:
        return []
    some = ", ".join(students[:5]) + (f" and {len(students) - 5} more" if len(students) > 5 else "")
    return [f"{platform} {how}. The roster has no {lacks} of: {some}."]


def feedback(row) -> str:
    """Return what a student may read about an exercise, in one line; notes are for the staff."""
    parts = [f"{row['exercise']} {row['status']}, {row['points']} of {row['of']}"]
    if row["status"] != PASSED:
        parts += [str(part) for part in (row.get("mistake"), row["message"]) if part]
    return ": ".join(filter(None, [parts[0], "; ".join(parts[1:])]))


def gradescope(rows) -> dict:
    """Return what Gradescope shows: a test for each exercise, and notes that only the staff sees."""
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
    """Return the result of Classroom 50, whose points are whole numbers: hundredths if any are not."""
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
    said = {field: os.environ.get(variable, "") for field, variable in _IDENTITY.items()}
    return {
        "schema": "classroom50/result/v1",
        **said,
        "review": os.environ.get("REVIEW_URL") or said["commit"],
        "datetime": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }
