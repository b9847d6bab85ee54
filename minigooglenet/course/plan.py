"""The plan of a course: lessons and exercises that count, points, due dates, rules, and the roster."""

import datetime
import math
from dataclasses import dataclass, field

from minigooglenet.course.roster import Roster

DAY = datetime.timedelta(days=1)
NEWEST, ON_TIME = "newest", "on time"  # rule for several files of a lesson
USES = {  # {key: description of what students may or may not use}
    "engine": "the functions of minigooglenet instead of your own",
    "scipy": "SciPy",
    "each_other": "the code of other students",
    "assistants": "coding assistants",
}


@dataclass(frozen=True)
class Late:
    """Deductions for late notebooks.

    per_day : fraction of the points that is deducted per day or part of a day
    days : number of days after which nothing counts, None for no limit
    grace : time after the due date that is still on time;  copies : which of several files counts, NEWEST or ON_TIME
    """

    per_day: float = 0.0
    days: int | None = None
    grace: datetime.timedelta = datetime.timedelta()
    copies: str = NEWEST

    def days_late(self, when, due) -> int:
        """Return the number of days since a due date, rounded up; 0 within the grace period."""
        return 0 if due is None or when - due <= self.grace else math.ceil((when - due) / DAY)

    def fraction(self, days) -> float:
        """Return the fraction of the points that counts after this number of days."""
        if days and self.days is not None and days > self.days:
            return 0.0
        return max(0.0, 1.0 - self.per_day * days)


@dataclass
class Lesson:
    """A lesson in a course: {exercise: points}, due date, and title in the platform's gradebook."""

    number: str
    points: dict[str, float]
    due: datetime.datetime | None = None
    title: str = ""


@dataclass
class Plan:
    """The contents of a course file.

    lessons : {number: Lesson}, the lessons that count
    partial : whether right test cases earn a fraction of the points
    late : None for no deductions;  allowed : {key of USES: bool}, only keys that are in the file
    roster : the students;  extensions : {(student, lesson): due date for this student}
    """

    name: str = ""
    lessons: dict[str, Lesson] = field(default_factory=dict)
    partial: bool = False
    late: Late | None = None
    allowed: dict[str, bool] = field(default_factory=dict)
    roster: Roster = field(default_factory=lambda: Roster([]))
    extensions: dict[tuple[str, str], datetime.datetime] = field(default_factory=dict)

    def counts(self, number) -> bool:
        """Return whether an exercise counts."""
        lesson = self.lessons.get(number.partition(".")[0])
        return lesson is not None and number in lesson.points

    def points(self, number) -> float:
        """Return the points of an exercise that counts."""
        return self.lessons[number.partition(".")[0]].points[number]

    def title(self, lesson) -> str:
        """Return the title of a lesson from the course file, by default "Lesson 01"."""
        return (self.lessons[lesson].title if lesson in self.lessons else "") or f"Lesson {lesson}"

    def due(self, student, lesson) -> datetime.datetime | None:
        """Return the due date of a lesson for a student, or None."""
        return self.extensions.get((student, lesson)) or (self.lessons[lesson].due if lesson in self.lessons else None)


def when_of(seconds) -> datetime.datetime:
    """Return the time of a file as a date in the time zone of this machine."""
    try:
        return datetime.datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, ValueError, OSError):  # a year out of range
        return datetime.datetime.fromtimestamp(0).astimezone()
