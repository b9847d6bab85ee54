"""What a grading leaves: a CSV that no spreadsheet runs, and a file of what is done, so that it can go on."""

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
from minigooglenet.course.grading import ledger

COLUMNS = ("student", "file", "exercise", "title", "status", "points", "of", "mistake", "message", "verified", "note")
NAMES = ("student", "file")  # columns whose text is not cut short: two long names must stay two
MOST_TEXT, MOST_NAME = 400, 4000  # letters in a cell
SEPARATORS = ",;|\t"  # that a spreadsheet may split a line at, whatever this file uses
FORMULA = "=+-@|%"  # what a formula or a command begins with, in any width
_LINES = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")
_SPACES = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def safe(text, most=MOST_TEXT) -> str:
    """Return text for people in one line of at most `most` letters; what steers a terminal or is unseen, as escapes."""
    text = printable(_SPACES.sub(" ", _LINES.sub(" ", str(text))).strip(" "))
    return text if len(text) <= most else text[: most - 3] + "..."


def cell(value, most=MOST_TEXT):
    """Return what goes into a cell: a number, or text that a spreadsheet takes for text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, (int, float)):
        return "" if value is None else value
    return _quiet(safe(value, most))


def _quiet(text):
    """Return text with an apostrophe before whatever might begin a formula, wherever a field might begin.

    A spreadsheet may split at another separator than this file's, and quotes then protect nothing: a field begins
    after each of them, and after spaces and quotes that follow it.
    """
    made, begins = [], True
    for letter in text:
        if begins and unicodedata.normalize("NFKC", letter)[:1] in FORMULA:
            made.append("'")
            begins = False
        made.append(letter)
        begins = letter in SEPARATORS or (begins and (letter.isspace() or letter in "\"'`"))
    return "".join(made)


def write(path, rows) -> None:
    """Write rows, dicts of COLUMNS, as CSV in UTF-8."""
    with files.atomic(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([cell(row.get(c), MOST_NAME if c in NAMES else MOST_TEXT) for c in COLUMNS])


def summary(rows) -> list[str]:
    """Return lines about the class: points, and by exercise how many passed and the mistakes that were made most."""
    lines, by_exercise = [], {}
    for row in rows:
        by_exercise.setdefault(row["exercise"], []).append(row)
    for exercise, those in sorted(by_exercise.items()):
        if not exercise:
            continue
        passed = sum(row["status"] == "passed" for row in those)
        mistakes = Counter(safe(row["mistake"]) for row in those if row["mistake"])
        told = ", ".join(f"{name} ({count})" for name, count in mistakes.most_common(3))
        lines.append(f"{exercise}  {passed} of {len(those)} passed{'; ' if told else ''}{told}")
    return lines


class Ledger:
    """What has been graded, kept in a file beside the CSV: a line for each notebook that is begun or done.

    A grading that is ended at any moment goes on from there. A notebook that was being graded twice when the grading
    died is not tried again. Lines that no grading wrote are kept in the file `aside`, None if there are none.
    """

    def __init__(self, path, fresh=False):
        self.path, self.done, self.begun, self.seed = Path(path), {}, Counter(), None
        self.aside = self.bad = None
        ledger.check_place(self.path)
        if fresh:
            self.path.unlink(missing_ok=True)
        found = ledger.read(self.path, COLUMNS)
        self.done, self.begun, self.seed = found.done, found.begun, found.seed
        if found.bad:  # nothing is lost: what was not written by a grading is kept beside it
            self.aside, self.bad = ledger.move_aside(self.path, found), found.bad
        elif found.torn:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write("\n")
        if self.seed is None:
            self.seed = secrets.randbits(60)  # nobody can know the arguments that the answers will be called with
            self.write({"seed": self.seed})

    @property
    def sentence(self) -> str | None:
        """What a user should know about lines that no grading wrote; None if there are none."""
        if self.aside is None:
            return None
        lines = "1 line" if self.bad == 1 else f"{self.bad:,} lines"
        return (
            f"{self.path} had {lines} that cannot be read; the file is now {self.aside.name}. Notebooks whose results "
            "are lost are graded again."
        )

    def _take(self, entry):
        ledger.take(self, entry)

    def write(self, entry) -> None:
        """Add a line and wait until it is on the disk."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._take(entry)


def digest_of(text: str) -> str:
    """Return a short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
