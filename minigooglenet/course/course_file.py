"""The course file `course.toml`, in which an instructor writes the plan of a course.

    name = "Networks from scratch, autumn 2026"
    partial = true                      # a wrong function earns its fraction of the test cases

    [lessons.01]
    due = 2026-11-03T23:59:00
    without = ["01.4"]                  # does not count

    [late]
    per_day = 0.1                       # of the points for each day or part of a day

`read` reports all problems of a file in one error.
"""

import datetime
import tomllib
from pathlib import Path

from minigooglenet.course.plan import NEWEST, ON_TIME, USES, Late, Lesson, Plan
from minigooglenet.course.roster import Person, Roster, people_of
from minigooglenet.exercises.find import everything
from minigooglenet.names import hint

TABLES = ("lessons", "points", "late", "allowed", "students", "extensions")
KEYS = ("name", "partial", "time_zone", "exercises", *TABLES)
LESSON_KEYS = ("title", "due", "exercises", "without", "points")
LATE_KEYS = ("grace_minutes", "per_day", "days", "copies")
MOST_POINTS = 10_000
MOST_BYTES = 1 << 20


def read(path) -> Plan:
    """Return the plan in a course file.

    Raises
    ------
    ValueError
        With one line for each problem: where, expected, received, fix.
    """
    path = Path(path)
    table, reader = _table(path), _Reader(path)
    plan = reader.plan(table)
    if reader.problems:
        head = f"{path} cannot be used:"
        raise ValueError("\n".join([head, *(f"  {problem}" for problem in reader.problems)]))
    return plan


def own_exercises(path) -> Path | None:
    """Return the folder of the course's own exercises in a course file, or None.

    They must be registered before the file is read, because it may give points for them.
    """
    folder = _table(Path(path)).get("exercises")
    return Path(path).parent / folder if isinstance(folder, str) else None


def roster_file(path) -> str | None:
    """Return the name of the roster file in a course file, or None if the students are in the course file itself."""
    students = _table(Path(path)).get("students")
    return students if isinstance(students, str) else None


def _table(path) -> dict:
    """Return the contents of a course file as a dict."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; pass the course file in it, such as {path / 'course.toml'}")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path} is larger than {MOST_BYTES:,} bytes; a course file has a few hundred lines")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: byte {error.start}. Save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = str(error)
        if "\\" in message or "Unescaped" in message or "Invalid hex" in message:
            message += ". Write paths with / or in single quotes"
        raise ValueError(f"{path} is not valid TOML: {message}") from None


class _Reader:
    """Reader of a course file, which collects its problems."""

    def __init__(self, path):
        self.path, self.problems = path, []
        self.known = everything()
        self.numbers = sorted({number.partition(".")[0] for number in self.known})
        self.zone = None

    def wrong(self, where, message):
        self.problems.append(f"{where}: {message}")

    def keys(self, table, known, where):
        """Report unknown keys of a table."""
        for key in table:
            if key not in known:
                advice = hint(key, known, f"Choose from {', '.join(known)}.", 1)
                self.wrong(f"{where}{key}", f"unknown key{advice}")

    def typed(self, table, key, kind, where, default=None):
        """Return the value of a key, or report that it has another type."""
        value = table.get(key, default)
        kinds = {bool: "true or false", str: "text in quotes", dict: "a table", list: "a list", int: "an integer"}
        good = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if key in table and not good:
            self.wrong(f"{where}{key}", f"expected {kinds[kind]}, got {_shown(value)}")
            return default
        return value

    def number(self, table, key, where, default, low, high, unit):
        """Return a number, or report it if it is outside its bounds."""
        value = table.get(key, default)
        if value is default:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            self.wrong(f"{where}{key}", f"expected {unit} from {low:g} to {high:g}, got {_shown(value)}")
            return default
        return value

    def plan(self, table) -> Plan:
        self.keys(table, KEYS, "")
        self._zone(self.typed(table, "time_zone", str, ""))
        self.typed(table, "exercises", str, "")  # see own_exercises
        tables = {key: self.typed(table, key, dict, "", {}) for key in TABLES if key != "students"}
        points = self._points(tables["points"])
        plan = Plan(
            name=self.typed(table, "name", str, "", ""),
            lessons=self._lessons(tables["lessons"], "lessons" in table, points),
            partial=self.typed(table, "partial", bool, "", False),
            late=self._late(tables["late"]) if "late" in table else None,
            allowed=self._allowed(tables["allowed"]),
        )
        for number in points:
            if not plan.counts(number):
                self.wrong(f"points.{number}", "this exercise does not count in [lessons]")
        plan.roster = self._roster(table.get("students", {}))
        plan.extensions = self._extensions(tables["extensions"], plan)
        return plan

    def _zone(self, name):
        if name is None:
            return
        import zoneinfo

        try:
            self.zone = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            advice = hint(name, zoneinfo.available_timezones(), "On Windows, `pip install tzdata` adds all of them.", 1)
            self.wrong("time_zone", f"unknown time zone {_shown(name)}{advice}")

    def _exercise(self, number, where, lesson=None) -> str | None:
        """Return the full ID of an exercise, or report that it does not exist."""
        text = str(number)
        text = text.zfill(len(text) + 1) if text[1:2] == "." else text
        if text in self.known and lesson in (None, text.partition(".")[0]):
            return text
        candidates = [known for known in self.known if lesson in (None, known.partition(".")[0])]
        of = f" of lesson {lesson}" if lesson else ""
        advice = hint(text, candidates, f"Choose from {', '.join(candidates)}." if lesson else "")
        self.wrong(where, f"unknown exercise{of} {_shown(number)}{advice}")
        return None

    def _lesson(self, key, where) -> str | None:
        number = key.zfill(2)
        if number in self.numbers:
            return number
        self.wrong(where, f"unknown lesson {_shown(key)}. Choose from {', '.join(self.numbers)}.")
        return None

    def _points(self, table) -> dict[str, float]:
        """Return {exercise: points}. In TOML, `01.3 = 4` is a table 01 with the key 3."""
        flat = {}
        for key, value in table.items():
            flat |= (
                {f"{key}.{rest}": points for rest, points in value.items()} if isinstance(value, dict) else {key: value}
            )
        points = {}
        for key in flat:
            number = self._exercise(key, f"points.{key}")
            value = self.number(flat, key, "points.", None, 0, MOST_POINTS, "points")
            if number and value is not None:
                points[number] = value
        return points

    def _lessons(self, table, given, points) -> dict[str, Lesson]:
        made = {}
        for key, inside in (table if given else {key: {} for key in self.numbers}).items():
            where = f"lessons.{key}"
            number = self._lesson(key, where)
            if not isinstance(inside, dict):
                self.wrong(where, f"expected a table, [lessons.{key}], got {_shown(inside)}")
            elif number in made:
                self.wrong(where, f"lesson {number} appears twice")
            elif number:
                made[number] = self._one_lesson(number, inside, f"{where}.", points)
        if given and not made and not self.problems:
            self.wrong("lessons", "no lesson counts. Add [lessons.01], or remove [lessons] so that all lessons count")
        titles = [lesson.title or f"Lesson {number}" for number, lesson in made.items()]
        for title in sorted({title for title in titles if titles.count(title) > 1}):
            self.wrong("lessons", f"two lessons have the title {title!r}; titles must be unique in a gradebook")
        return {number: made[number] for number in sorted(made)}

    def _one_lesson(self, number, table, where, points) -> Lesson:
        self.keys(table, LESSON_KEYS, where)
        exercises = [known for known in self.known if known.startswith(f"{number}.")]
        chosen = exercises
        if "exercises" in table and "without" in table:
            self.wrong(f"{where}without", "use `exercises` (those that count) or `without` (those that do not)")
        if "exercises" in table:
            listed = self._list(table, "exercises", where, number)
            chosen = [exercise for exercise in exercises if exercise in listed]
        elif "without" in table:
            listed = self._list(table, "without", where, number)
            chosen = [exercise for exercise in exercises if exercise not in listed]
        if not chosen:
            self.wrong(where.removesuffix("."), "no exercise of this lesson counts. Leave the lesson out instead.")
        counted = {exercise: float(points.get(exercise, self.known[exercise].difficulty)) for exercise in chosen}
        total = self.number(table, "points", where, None, 0, MOST_POINTS, "points")
        if total is not None and sum(counted.values()):
            counted = distributed(total, counted)
        due = self._date(table["due"], f"{where}due") if "due" in table else None
        return Lesson(number, counted, due, self.typed(table, "title", str, where, ""))

    def _list(self, table, key, where, lesson) -> list[str]:
        numbers = []
        for number in self.typed(table, key, list, where, []):
            if isinstance(number, float):  # 07.10 would be 7.1
                self.wrong(f"{where}{key}", f'write exercise IDs in quotes, such as "{lesson}.1", got {number}')
            else:
                numbers.append(self._exercise(number, f"{where}{key}", lesson))
        return [number for number in numbers if number]

    def _date(self, value, where) -> datetime.datetime | None:
        """Return a date with a time zone; a date without a time means the end of that day."""
        if isinstance(value, datetime.datetime):
            return self._in_zone(value)
        if isinstance(value, datetime.date):
            return self._in_zone(datetime.datetime.combine(value, datetime.time(23, 59, 59)))
        quotes = ", without quotes" if isinstance(value, str) else ""
        self.wrong(where, f"expected a date such as 2026-11-03T23:59:00{quotes}, got {_shown(value)}")
        return None

    def _in_zone(self, value):
        if value.tzinfo is not None:
            return value
        return value.replace(tzinfo=self.zone) if self.zone else value.astimezone()

    def _late(self, table) -> Late:
        self.keys(table, LATE_KEYS, "late.")
        copies = self.typed(table, "copies", str, "late.", NEWEST)
        if copies not in (NEWEST, ON_TIME):
            self.wrong("late.copies", f"expected {NEWEST!r} or {ON_TIME!r}, got {_shown(copies)}")
        days = self.typed(table, "days", int, "late.")
        if days is not None and days < 0:
            self.wrong("late.days", f"expected at least 0 days, got {days}")
        grace = self.number(table, "grace_minutes", "late.", 0, 0, 60 * 24, "minutes")
        per_day = self.number(table, "per_day", "late.", 0.0, 0, 1, "a fraction, 0.1 for 10%,")
        return Late(float(per_day), days, datetime.timedelta(minutes=grace), copies)

    def _allowed(self, table) -> dict[str, bool]:
        self.keys(table, tuple(USES), "allowed.")
        return {key: self.typed(table, key, bool, "allowed.", False) for key in USES if key in table}

    def _roster(self, given) -> Roster:
        if not isinstance(given, (str, dict)):
            self.wrong("students", f'expected a table of names, or a file such as "roster.csv", got {_shown(given)}')
            return Roster([])
        if isinstance(given, str) and Path(given).name != given:
            self.wrong("students", f'name a file next to the course file, such as "roster.csv", got {_shown(given)}')
            return Roster([])
        try:
            people = people_of(self.path.parent / given) if isinstance(given, str) else self._people(given)
            return Roster(people)
        except (OSError, ValueError) as error:
            message = f"file {given} cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
            self.wrong("students", message)
            return Roster([])

    def _people(self, table) -> list[Person]:
        people = []
        for name, value in table.items():
            where = f'students."{name}"'
            value = {"aliases": value} if isinstance(value, list) else value
            if not isinstance(value, dict):
                self.wrong(where, f'expected a list of aliases, or {{id = "...", email = "..."}}, got {_shown(value)}')
                continue
            fields = ("aliases", "id", "email", "section")
            self.keys(value, fields, f"{where}.")
            texts = {key: str(value.get(key, "")) for key in fields[1:]}
            aliases = self.typed(value, "aliases", list, f"{where}.", [])
            people.append(Person(name, tuple(map(str, aliases)), **texts))
        return people

    def _extensions(self, table, plan) -> dict:
        due_dates = {}
        for name, dates in table.items():
            where = f'extensions."{name}"'
            student = plan.roster.find(name)
            if student is None:
                self.wrong(
                    where, f"no student on the roster has this name{hint(name, plan.roster.names, most=1) or '.'}"
                )
            if not isinstance(dates, dict):
                self.wrong(where, f"expected {{01 = 2026-11-10}}, got {_shown(dates)}")
                continue
            for key, value in dates.items():
                lesson, date = self._lesson(key, f"{where}.{key}"), self._date(value, f"{where}.{key}")
                if lesson and lesson not in plan.lessons:
                    self.wrong(f"{where}.{key}", f"lesson {lesson} does not count in [lessons]")
                if lesson and date and student:
                    due_dates[student.name, lesson] = date
        return due_dates


def distributed(total, weights) -> dict[str, float]:
    """Return {exercise: points} in proportion to weights: hundredths whose sum is exactly the total."""
    points, weight_so_far, assigned = {}, 0.0, 0
    for exercise, weight in weights.items():
        weight_so_far += weight
        upto = round(100 * total * weight_so_far / sum(weights.values()))
        points[exercise], assigned = (upto - assigned) / 100, upto
    return points


def _shown(value):
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
