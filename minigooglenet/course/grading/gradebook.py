"""The output files of a grading: a CSV without formulas, and a ledger of finished notebooks, from which it can resume.

The ledger may be corrupt: every valid line counts, and no other line.
"""

import csv
import hashlib
import json
import os
import re
import secrets
import unicodedata
from collections import Counter
from pathlib import Path

from minigooglenet import files
from minigooglenet.console import printable
from minigooglenet.course.grading.serialisation import FAILED, MISSING
from minigooglenet.course.plan import when_of
from minigooglenet.exercises.find import everything

KEPT = ("student", "file", "exercise", "title", "status", "points", "of", "mistake", "message", "verified", "note")
COLUMNS = (*KEPT[:7], "cases_right", "cases", "handed_in", "late", *KEPT[7:])
NAMES = ("student", "file")  # columns with longer text, so that two long names stay different
MOST_TEXT, MOST_NAME = 400, 4000  # characters in a cell
SEPARATORS = ",;|\t"  # a spreadsheet may split a line at any of them
FORMULA = "=+-@|%"  # first characters of a formula or a command, also as full-width characters
LONGEST = 1 << 20  # bytes in a line of the ledger; the rows of one notebook take about 5,000
SEEDS = 1 << 60
MOST_TIMES = 1000
MOST_LISTED = 20  # names in one line of the summary
CORRUPT = "corrupt"
_LINES = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")
_SPACES = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def safe(text, most=MOST_TEXT) -> str:
    """Return text in one line of at most `most` characters, with control characters and invisible ones as escapes."""
    text = printable(_SPACES.sub(" ", _LINES.sub(" ", str(text))).strip(" "))
    return text if len(text) <= most else text[: most - 3] + "..."


def cell(value, most=MOST_TEXT):
    """Return the content of a cell: a number, or text that a spreadsheet does not read as a formula."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, (int, float)):
        return "" if value is None else value
    return _quiet(safe(value, most))


def _quiet(text):
    """Return text with an apostrophe before each character that might begin a formula at the start of a field.

    A spreadsheet may split at another separator than this file has, and then quotes do not protect a field. So a
    field may begin after any separator, and after the spaces and quotes that follow it.
    """
    made, begins = [], True
    for character in text:
        if begins and unicodedata.normalize("NFKC", character)[:1] in FORMULA:
            made.append("'")
            begins = False
        made.append(character)
        begins = character in SEPARATORS or (begins and (character.isspace() or character in "\"'`"))
    return "".join(made)


def rows_of(task, graded, reason) -> list[dict]:
    """Return a row for each exercise of a notebook.

    graded : result of `comparer.compare`, or None;  reason : why answers are missing, if their records do not tell
    """
    if graded is None:
        return [row_of(task.student, task.name, number, FAILED, reason) for number in task.numbers]
    predicted, notes = graded["predicted"], []
    if predicted:
        notes.append(f"predictions made: {sum(predicted)} of {len(predicted)}")
    if graded["stopped"]:
        notes.append(f"a cell stopped: {graded['stopped'][0]}")
    rows = []
    for row in graded["rows"]:
        if row["status"] == MISSING and not row["message"]:
            row["status"], row["message"] = FAILED, graded["unreadable"] or reason
        note = "; ".join(filter(None, [row["note"], *notes]))
        rows.append({"student": task.student, "file": task.name, **row, "note": note})
    return rows


def row_of(student, file, number, status, message) -> dict:
    """Return a row with 0 points."""
    exercise = everything()[number]
    known = {"title": exercise.title, "points": 0, "of": exercise.difficulty, "mistake": None, "verified": True}
    return known | {
        "student": student,
        "file": file,
        "exercise": number,
        "status": status,
        "message": message,
        "note": "",
    }


def write(path, rows) -> None:
    """Write rows, dicts with the keys COLUMNS, as CSV."""
    table(path, COLUMNS, [[row.get(column) for column in COLUMNS] for row in map(_readable, rows)])


def _readable(row):
    """Return a row with a readable time, and with empty counts of test cases if it has none."""
    when = submitted(row.get("when"))
    return row | {"handed_in": when} | ({} if row.get("cases") else {"cases": None, "cases_right": None})


def submitted(seconds) -> str:
    """Return the time at which a file was handed in, in a form that spreadsheets read, or ""."""
    return f"{when_of(seconds):%Y-%m-%d %H:%M}" if seconds else ""


def table(path, columns, rows, most=MOST_TEXT) -> None:
    """Write a heading and rows as CSV that a spreadsheet opens: UTF-8, with a byte order mark in a file.

    most : maximum number of characters in a text, except in names
    """
    is_file = path != files.STDOUT and (Path(path).is_file() or not Path(path).exists())  # not a pipe or a device
    with files.atomic(path, "w") as file:
        if is_file:
            file.write("\ufeff")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([cell(column) for column in columns])
        for row in rows:
            long = zip(columns, row, strict=True)
            writer.writerow([cell(value, MOST_NAME if column in NAMES else most) for column, value in long])


def summary(rows) -> list[str]:
    """Return a line about each exercise: how many students passed, and the most frequent mistakes."""
    lines, by_exercise = [], {}
    for row in rows:
        by_exercise.setdefault(row["exercise"], []).append(row)
    for exercise, group in sorted(by_exercise.items()):
        if not exercise:
            continue
        passed = sum(row["status"] == "passed" for row in group)
        mistakes = Counter(safe(row["mistake"]) for row in group if row["mistake"])
        shown = ", ".join(f"{name} ({count})" for name, count in mistakes.most_common(3))
        lines.append(f"{exercise}  {passed} of {len(group)} passed{'; ' if shown else ''}{shown}")
    return lines


def arrived(rows) -> list[str]:
    """Return a line for each lesson: how many students handed it in, and who did not."""
    students = {}
    for row in rows:
        lesson = students.setdefault(row["exercise"].partition(".")[0], {})
        lesson[row["student"]] = lesson.get(row["student"], False) or "choice" in row  # of a file
    lines = []
    for lesson, handed_in in sorted(students.items()):
        missing = [safe(student, MOST_NAME) for student, arrived in handed_in.items() if not arrived]
        more = f" and {len(missing) - MOST_LISTED} more" if len(missing) > MOST_LISTED else ""
        absent = f"; missing: {', '.join(missing[:MOST_LISTED])}{more}" if missing else ""
        lines.append(
            f"Lesson {lesson}: handed in by {len(handed_in) - len(missing)} of {len(handed_in)} students{absent}"
        )
    return lines


class Ledger:
    """The progress of a grading, in a file next to the CSV: a line for each notebook that is begun or done.

    An interrupted grading resumes from it. A notebook is not tried again if the grading died twice while it ran.
    Invalid lines are kept in the file `aside` (None if all lines are valid).
    """

    def __init__(self, path, fresh=False):
        self.path, self.done, self.begun, self.seed = Path(path), {}, Counter(), None
        self.aside, self.bad = None, 0
        if os.path.lexists(path) and not self.path.is_file():
            kind = "a folder" if self.path.is_dir() else "not a regular file"
            raise OSError(
                f"cannot save progress in {path}: it is {kind}. Move it away, or choose another name for the CSV."
            )
        if fresh:
            self.path.unlink(missing_ok=True)
        good, torn = self._read()
        if self.bad:  # nothing is lost: the original file is kept next to it
            self._move_aside(good)
        elif torn:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write("\n")
        if self.seed is None:
            self.seed = secrets.randbits(60)  # so that nobody can predict the arguments that answers are called with
            self.write({"seed": self.seed})

    @property
    def sentence(self) -> str | None:
        """A sentence about invalid lines for the user; None if all lines are valid."""
        if self.aside is None:
            return None
        lines = "1 line" if self.bad == 1 else f"{self.bad:,} lines"
        return (
            f"{self.path} had {lines} that cannot be read. The old file is now {self.aside.name}. Notebooks whose "
            "results are lost are graded again."
        )

    def write(self, entry) -> None:
        """Append a line, and wait until it is on the disk."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._take(entry)

    def _take(self, entry):
        if "seed" in entry:
            self.seed = entry["seed"]
        elif "done" in entry:
            self.done[entry["done"]] = list(entry["rows"])
        else:
            self.begun[entry["begun"]] += entry.get("times", 1)

    def _read(self):
        """Load the entries, count bad lines, and return (good lines, whether the last line is incomplete)."""
        good, torn = [], False
        if not self.path.exists():
            return good, torn
        with self.path.open("rb") as file:
            while line := file.readline(LONGEST):
                torn = not line.endswith(b"\n")
                if torn and len(line) == LONGEST:
                    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                        pass
                    self.bad, torn = self.bad + 1, False
                    continue
                try:
                    entry = json.loads(line)
                    fits = _is_entry(entry)
                except (ValueError, RecursionError):
                    fits = False
                if fits:
                    self._take(entry)
                    good.append(line.rstrip(b"\r\n") + b"\n")
                else:
                    self.bad += bool(line.strip() and not torn)  # a last line may be incomplete after a power failure
        return good, torn

    def _move_aside(self, good):
        """Rename the corrupt file, and write its good lines under the old name."""
        number = 1
        while os.path.lexists(aside := self.path.with_name(f"{self.path.name}.{CORRUPT}-{number}")):
            number += 1
        self.aside = self.path.rename(aside)
        with self.path.open("xb") as file:
            file.writelines(good)
            file.flush()
            os.fsync(file.fileno())


def _is_entry(entry) -> bool:
    """Return whether an entry has a form that a grading writes."""
    if not isinstance(entry, dict):
        return False
    if set(entry) == {"seed"}:
        return type(entry["seed"]) is int and 0 <= entry["seed"] < SEEDS
    if set(entry) == {"done", "rows"}:
        return isinstance(entry["done"], str) and isinstance(entry["rows"], list) and all(map(_is_row, entry["rows"]))
    times = entry.get("times", 1)
    good = set(entry) in ({"begun"}, {"begun", "times"}) and isinstance(entry["begun"], str)
    return good and type(times) is int and abs(times) <= MOST_TIMES


def _is_row(row):
    if not isinstance(row, dict) or not set(KEPT) <= set(row):
        return False
    plain = all(isinstance(row.get(name), str | int | float | bool | None) for name in (*COLUMNS, "drawn_for"))
    plain = plain and all(isinstance(row.get(name, 0), int) for name in ("cases_right", "cases"))
    texts = all(isinstance(row[name], str) for name in ("student", "exercise", "status", "note"))
    return plain and texts and isinstance(row["points"], int | float) and isinstance(row["of"], int | float)


def digest_of(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
