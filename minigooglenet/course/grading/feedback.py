"""Feedback pages, one per student: points, results of the checks, and where to find a hint; no notes for the staff."""

import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from minigooglenet import files
from minigooglenet.course.grading import gradebook, page
from minigooglenet.course.grading.points import totals
from minigooglenet.course.grading.serialisation import FAILED, MISSING
from minigooglenet.course.plan import Plan
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG

MOST_NAME = 80  # characters in a file name
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)  # Windows opens devices
CLASSES = {PASSED: "passed", WRONG: "wrong", FAILED: "failed", MISSING: "missing", NOT_YET: "notyet"}


def write(folder, rows, plan=None, only=None) -> list[Path]:
    """Write a page for each student of a grading to a folder; return the paths.

    only : write only the page of this student
    """
    folder, plan = Path(folder), plan or Plan()
    by_student = defaultdict(list)
    for row in rows:
        by_student[row["student"]].append(row)
    written = []
    for student, name in names(by_student).items():
        if only in (None, student):
            files.make_folder(folder)
            files.write_text(folder / name, student_page(student, by_student[student], plan))
            written.append(folder / name)
    return written


def names(students) -> dict[str, str]:
    """Return {student: file name}: with letters of any script, and unique even if the file system ignores case."""
    names, taken = {}, set()
    for student in sorted(students):
        stem = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", student)).strip("._-")[:MOST_NAME] or "student"
        stem = f"_{stem}" if RESERVED.match(stem) else stem
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names[student] = f"{name}.html"
    return names


def student_page(student, rows, plan) -> str:
    """Return the page of one student."""
    (total,) = totals(rows)
    lessons = defaultdict(list)
    for row in rows:
        lessons[row["exercise"].partition(".")[0]].append(row)
    body = [f"<p>{page.text(plan.name)}</p>" if plan.name else ""]
    body.append(f"<p><strong>{total.points:g} of {total.of:g} points</strong></p>")
    for lesson, group in sorted(lessons.items()):
        points, of = total.lessons[lesson]
        passed = sum(row["status"] == PASSED for row in group)
        body.append(f"<section><h2>{page.text(plan.title(lesson))}: {points:g} of {of:g} points</h2>")
        body.append(f"<p>{passed} of {len(group)} exercises passed.</p>")
        body += _facts(lesson, group, plan, student)
        body += map(_exercise, group)
        body.append("</section>")
    return page.page(f"Feedback for {student}", filter(None, body))


def _facts(lesson, rows, plan, student):
    """Return a list with the file, its times, and the choice among several files, or nothing."""
    row = rows[0]
    due = plan.due(student, lesson)
    facts = {
        "file": row["file"],
        "handed in": gradebook.submitted(row.get("when")),
        "due": f"{due:%Y-%m-%d %H:%M %Z}" if due else "",
        "late": row.get("late", ""),
        "files": row.get("choice", ""),
    }
    items = [f"<dt>{name}</dt><dd>{page.text(value)}</dd>" for name, value in facts.items() if value]
    return [f"<dl>{''.join(items)}</dl>"] if items else []


def _exercise(row):
    number, status = row["exercise"], row["status"]
    lines = [f"<h3>{page.text(number)} {page.text(row['title'])}: {page.text(status)}</h3>"]
    lines.append(f"<p>{row['points']:g} of {row['of']:g} points{page.text(_cases(row))}</p>")
    if status != PASSED:
        if row.get("mistake"):
            lines.append(f"<p>This looks like a known mistake: <strong>{page.text(row['mistake'])}</strong>.</p>")
        if row["message"]:
            lines.append(f"<p>{page.text(row['message'])}</p>")
        if status in (WRONG, NOT_YET):
            lines.append(f'<p>Try <code>hint("{page.text(number)}")</code> in the notebook.</p>')
    return f'<article class="{CLASSES.get(status, "other")}">{"".join(lines)}</article>'


def _cases(row):
    return f"; {row['cases_right']} of {row['cases']} test cases right" if row.get("cases") else ""
