"""Points of a class by the plan of its course: what counts, partial credit, late rules, totals, and names.

The rows that come in have what happened; the rows that go out have the course's points.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from minigooglenet.course.grading import file_names
from minigooglenet.course.plan import when_of
from minigooglenet.course.roster import key_of
from minigooglenet.exercises.result import PASSED, WRONG

COPIED = 60.0  # seconds in which all files of a class change only if somebody copied them
UNNAMED = "you"  # whom a question is drawn for if nobody says who


@dataclass
class Total:
    """What a student has: {lesson: (points, of)}, and the sum."""

    student: str
    lessons: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def points(self):
        """Points of all lessons."""
        return _short(sum(points for points, _ in self.lessons.values()))

    @property
    def of(self):
        """Points that all lessons give."""
        return _short(sum(of for _, of in self.lessons.values()))


def marked(rows, plan) -> tuple[list[dict], list[str]]:
    """Return (rows with the points of the course, sentences for the staff).

    Each row has "when", seconds since 1970 at which its file was handed in, or None.
    """
    sentences = []
    copied = plan.late is not None and _copied(rows)
    if copied:
        sentences.append(
            "All files carry the same time, so they say when they were copied, not when they were handed in. "
            "No points were deducted for late files. Unpack the platform's archive, or pass it, to keep the times."
        )
    made = [_row(row, plan, copied) for row in rows]
    return made, sentences


def _copied(rows) -> bool:
    """Return whether the files of a class have one time: that of a copy or of a clone."""
    times = {(row["student"], row["file"]): row["when"] for row in rows if row.get("when")}
    students = {student for student, _ in times}
    return len(students) > 1 and max(times.values()) - min(times.values()) < COPIED


def _row(row, plan, copied):
    lesson = row["exercise"].partition(".")[0]
    of, earned = plan.points(row["exercise"]), 0.0
    if row["status"] == PASSED:
        earned = of
    elif plan.partial and row["status"] == WRONG and row.get("cases"):
        earned = of * row["cases_right"] / row["cases"]
    due, late, notes = plan.due(row["student"], lesson), "", [row["note"]]
    if due and row.get("when"):
        days = plan.late.days_late(when_of(row["when"]), due) if plan.late else int(when_of(row["when"]) > due)
        if copied:
            pass
        elif days and plan.late is None:
            late = "after the due date"
        elif days:
            fraction = plan.late.fraction(days)
            late = f"{days} day{'s' * (days != 1)} late: {fraction:.0%} of the points count"
            earned *= fraction
        if file_names.marked_late(row["file"]) and not late:
            notes.append("Canvas marked this file as late, but its time does not say so: look at it")
    return {
        **row,
        "points": _short(earned),
        "of": _short(of),
        "late": late,
        "note": "; ".join(filter(None, notes)),
    }


def _short(value):
    """Return a number of points without a needless fraction."""
    value = round(float(value), 2)
    return int(value) if value.is_integer() else value


def names(rows, roster, whole=False) -> None:
    """Note on each row with a drawn question whose numbers these are, if it is not the student whose file it is.

    With a roster the name must be this student's; without one, a name is noted that several students use.

    whole : whether every student must be on the roster
    """
    users = defaultdict(set)
    for row in rows:
        if row.get("drawn_for") and row["status"] in (PASSED, WRONG):
            users[key_of(row["drawn_for"])].add(row["student"])
    for row in rows:
        if whole and roster and roster.find(row["student"]) is None:
            row["note"] = "; ".join(filter(None, [row["note"], "this student is not on the roster"]))
        drawn = row.get("drawn_for")
        if not drawn or row["status"] not in (PASSED, WRONG):  # the handout itself asks for "you"
            continue
        person, told = roster.find(drawn), ""
        if drawn == UNNAMED:
            told = f"its numbers are drawn for {UNNAMED!r}, not for a name"
        elif roster and person is None:
            told = f"its numbers are drawn for {drawn!r}, who is not on the roster"
        elif person and person.name != row["student"]:
            told = f"its numbers are drawn for {person.name}, who is another student"
        elif not roster and (others := sorted(users[key_of(drawn)] - {row["student"]})):
            told = f"its numbers are drawn for {drawn!r}, as are those of {', '.join(others[:3])}"
        row["note"] = "; ".join(filter(None, [row["note"], told]))


def totals(rows) -> list[Total]:
    """Return the points of every student, by lesson and in total."""
    found: dict[str, Total] = {}
    for row in rows:
        total = found.setdefault(row["student"], Total(row["student"]))
        lesson = row["exercise"].partition(".")[0]
        points, of = total.lessons.get(lesson, (0, 0))
        total.lessons[lesson] = (_short(points + row["points"]), _short(of + row["of"]))
    return [found[student] for student in sorted(found)]
