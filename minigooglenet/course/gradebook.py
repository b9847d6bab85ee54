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
from minigooglenet.course import ledger

COLUMNS = ("student", "file", "exercise", "title", "status", "points", "of", "mistake", "message", "verified", "note")
MOST_TEXT = 400  # letters in a cell
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?")


def safe(text) -> str:
    """Return text for people: one line, no escape sequences or other control characters, not endless."""
    text = " ".join(_ESCAPES.sub("", str(text)).split())
    text = "".join(each for each in text if unicodedata.category(each)[0] != "C")
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 3] + "..."


def cell(value):
    """Return what goes into a cell: a number, or text that a spreadsheet takes for text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, (int, float)):
        return "" if value is None else value
    text = safe(value)
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip("\"' ")[:1] in tuple("=+-@|%") else text


def write(path, rows) -> None:
    """Write rows, dicts of COLUMNS, as CSV in UTF-8."""
    with files.atomic(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([cell(row.get(column)) for column in COLUMNS] for row in rows)


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


def digest(path) -> str:
    """Return what changes when a notebook changes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
