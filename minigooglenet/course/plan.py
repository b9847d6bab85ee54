"""The plan of a course: what counts, for how many points, until when, what is allowed, and who takes part."""

import datetime
import math
from dataclasses import dataclass, field

from minigooglenet.course.roster import Roster

DAY = datetime.timedelta(days=1)
NEWEST, ON_TIME = "newest", "on time"  # which of several files of a lesson counts
USES = {  # {key: what students may use or not, for people}
    "engine": "the functions of minigooglenet in place of your own",
    "scipy": "SciPy",
    "each_other": "the code of other students",
    "assistants": "coding assistants",
}


@dataclass(frozen=True)
class Late:
    """What a late notebook loses.

    per_day : fraction of the points for each day begun;  days : after these nothing counts, None for never
    grace : how much later than the due date is on time;  copies : which of several files counts, NEWEST or ON_TIME
    """

    per_day: float = 0.0
    days: int | None = None
    grace: datetime.timedelta = datetime.timedelta()
    copies: str = NEWEST

    def days_late(self, when, due) -> int:
        """Return how many days have begun since a due date, 0 within the grace."""
        return 0 if due is None or when - due <= self.grace else math.ceil((when - due) / DAY)

    def fraction(self, days) -> float:
        """Return the fraction of the points that counts so many days late."""
        if days and self.days is not None and days > self.days:
            return 0.0
        return max(0.0, 1.0 - self.per_day * days)


@dataclass
class Lesson:
    """What counts of a lesson: {exercise: points}, and when it is due; its title in the platform's gradebook."""

    number: str
    points: dict[str, float]
    due: datetime.datetime | None = None
    title: str = ""


@dataclass
class Plan:
    """What a course file says.

    lessons : {number: Lesson}, the lessons that count;  partial : whether test cases earn a fraction of the points
    late : None if nothing is lost;  allowed : {key of USES: bool}, only what the file says
    roster : the students;  extensions : {(student, lesson): due date of this student}
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
        """Return what a lesson is called: in the course file, or "Lesson 01"."""
        return (self.lessons[lesson].title if lesson in self.lessons else "") or f"Lesson {lesson}"

    def due(self, student, lesson) -> datetime.datetime | None:
        """Return when a student has to hand in a lesson, or None."""
        return self.extensions.get((student, lesson)) or (self.lessons[lesson].due if lesson in self.lessons else None)


def when_of(seconds) -> datetime.datetime:
    """Return a file's time as a date with the time zone of this machine."""
    try:
        return datetime.datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, ValueError, OSError):  # a year that no calendar has
        return datetime.datetime.fromtimestamp(0).astimezone()
