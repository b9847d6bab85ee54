"""Points of a class by the plan of its course: which exercises count, partial credit, late rules, totals, and names.

Input rows contain the results of the checks; output rows contain the points in this course.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from minigooglenet.course.grading import file_names
from minigooglenet.course.plan import when_of
from minigooglenet.course.roster import key_of
from minigooglenet.exercises.result import PASSED, WRONG

COPIED = 60.0  # if all files of a class changed within so many seconds, they were copied
UNNAMED = "you"  # name that a question is drawn for by default


@dataclass
class Total:
    """Points of one student: {lesson: (points, of)}, and their sums."""

    student: str
    lessons: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def points(self):
        """Total points."""
        return _short(sum(points for points, _ in self.lessons.values()))

    @property
    def of(self):
        """Maximum of the total points."""
        return _short(sum(of for _, of in self.lessons.values()))


def apply_plan(rows, plan) -> tuple[list[dict], list[str]]:
    """Return (rows with the points of the course, sentences for the staff).

    Each row has "when", the time at which its file was handed in, in seconds since 1970, or None.
    """
    sentences = []
    copied = plan.late is not None and _copied(rows)
    if copied:
        sentences.append(
            "All files have the same time, so they were copied, and their submission times are unknown. No points were "
            "deducted for late files. To keep the times, pass the platform's archive itself, or unpack it again."
        )
    made = [_row(row, plan, copied) for row in rows]
    return made, sentences


def _copied(rows) -> bool:
    """Return whether all files of a class have the same time, because they were copied or cloned."""
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
            notes.append("Canvas marked this file as late, but it is on time by its own time: check it by hand")
    return {
        **row,
        "points": _short(earned),
        "of": _short(of),
        "late": late,
        "note": "; ".join(filter(None, notes)),
    }


def _short(value):
    """Return points as an integer if possible, otherwise with two decimals."""
    value = round(float(value), 2)
    return int(value) if value.is_integer() else value


def check_names(rows, roster, whole=False) -> None:
    """Add a note to each row of a question whose values were drawn for somebody other than its student.

    With a roster, the name must be the name of this student. Without one, a name that several students use is noted.

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
        person, note = roster.find(drawn), ""
        if drawn == UNNAMED:
            note = f"its values were drawn for {UNNAMED!r}, not for a name"
        elif roster and person is None:
            note = f"its values were drawn for {drawn!r}, who is not on the roster"
        elif person and person.name != row["student"]:
            note = f"its values were drawn for {person.name}, another student"
        elif not roster and (others := sorted(users[key_of(drawn)] - {row["student"]})):
            note = f"its values were drawn for {drawn!r}, like those of {', '.join(others[:3])}"
        row["note"] = "; ".join(filter(None, [row["note"], note]))


def totals(rows) -> list[Total]:
    """Return the points of every student, by lesson and in total."""
    by_student: dict[str, Total] = {}
    for row in rows:
        total = by_student.setdefault(row["student"], Total(row["student"]))
        lesson = row["exercise"].partition(".")[0]
        points, of = total.lessons.get(lesson, (0, 0))
        total.lessons[lesson] = (_short(points + row["points"]), _short(of + row["of"]))
    return [by_student[student] for student in sorted(by_student)]
