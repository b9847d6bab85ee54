"""`course.toml`: what counts, due dates and points; and one line for each mistake in it."""

import datetime
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.course import course_file, plan
from minigooglenet.course.grading import formats
from minigooglenet.exercises.find import everything

WHOLE = """
name = "Networks from scratch"
partial = true
time_zone = "Europe/Berlin"

[lessons.01]
due = 2026-11-03T23:59:00
without = ["01.4"]
points = 10
[lessons.3]
due = 2026-11-10
exercises = ["03.1", "03.5"]
title = "Gradients"

[points]
03.1 = 4

[late]
grace_minutes = 15
per_day = 0.1
days = 3

[allowed]
engine = true
scipy = false

[students]
"Ada Byron" = ["ada"]
"Bo Li" = {id = "17", email = "bo@example.org", aliases = ["boli7"]}

[extensions]
ada = {01 = 2026-11-06}
"""


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the plan from the text of a course file."""

    def made(text, **files):
        path = tmp_path / "course.toml"
        path.write_text(text, encoding="utf-8")
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content, encoding="utf-8")
        return course_file.read(path)

    return made


def test_course_file_lists_counting_exercises(read):
    course = read(WHOLE)
    assert list(course.lessons) == ["01", "03"]
    assert list(course.lessons["01"].points) == ["01.1", "01.2", "01.3", "01.5"]
    assert sum(course.lessons["01"].points.values()) == pytest.approx(10)
    assert course.lessons["03"].points == {"03.1": 4, "03.5": everything()["03.5"].difficulty}
    assert [course.counts(number) for number in ("01.1", "01.4", "02.1", "03.2")] == [True, False, False, False]
    assert (course.title("01"), course.title("03")) == ("Lesson 01", "Gradients")
    assert course.allowed == {"engine": True, "scipy": False}


def test_due_dates_use_the_time_zone_and_extensions(read):
    course = read(WHOLE)
    assert course.due("Bo Li", "01") == datetime.datetime(2026, 11, 3, 22, 59, tzinfo=datetime.UTC)
    assert course.due("Bo Li", "03") == datetime.datetime(2026, 11, 10, 22, 59, 59, tzinfo=datetime.UTC)
    assert course.due("Ada Byron", "01") == datetime.datetime(2026, 11, 6, 22, 59, 59, tzinfo=datetime.UTC)
    assert course.due("Bo Li", "02") is None


def test_empty_course_file_counts_everything_by_stars(read):
    course = read("")
    counted = {number: points for lesson in course.lessons.values() for number, points in lesson.points.items()}
    assert counted == {number: exercise.difficulty for number, exercise in everything().items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nmae = 'x'", "nmae: unknown key. Did you mean 'name'?"),
        ("partial = 1", "partial: expected true or false, got 1"),
        ("name = 3", "name: expected text in quotes, got 3"),
        ("[lessons.99]", "lessons.99: unknown lesson '99'. Choose from 00, 01"),
        ("lessons = ['01']", "lessons: expected a table, got ['01']"),
        ("[lessons]\n01 = true", "lessons.01: expected a table, [lessons.01], got true"),
        ("[lessons.01]\n[lessons.1]", "lessons.1: lesson 01 appears twice"),
        ("[lessons.01]\nwithout = ['01.7']", "unknown exercise of lesson 01 '01.7'. Did you mean '01."),
        ("[lessons.01]\nexercises = ['02.1']", "unknown exercise of lesson 01 '02.1'. Did you mean '01."),
        ("[lessons.01]\nexercises = [01.1]", "not valid TOML"),
        ("[lessons.01]\nexercises = [1.1]", 'write exercise IDs in quotes, such as "01.1", got 1.1'),
        ("[lessons.01]\nexercises = ['01.1']\nwithout = ['01.2']", "use `exercises` (those that count) or `without`"),
        ("[lessons.01]\ndue = '2026-11-03'", "expected a date such as 2026-11-03T23:59:00, without quotes, got '2026-"),
        ("[lessons.01]\nduedate = 2026-11-03", "lessons.01.duedate: unknown key. Did you mean 'due'?"),
        ("[lessons.01]\npoints = -1", "lessons.01.points: expected points from 0 to 10000, got -1"),
        (
            "[lessons.01]\nexercises = []",
            "lessons.01: no exercise of this lesson counts. Leave the lesson out instead.",
        ),
        ("[lessons.01]\ntitle = 'a'\n[lessons.02]\ntitle = 'a'", "two lessons have the title 'a'"),
        ("[lessons.01]\n[students]\nada = []\n[extensions]\nada = {02 = 2026-11-03}", "lesson 02 does not count in"),
        ("[points]\n'01.9' = 2", "points.01.9: unknown exercise '01.9'. Did you mean '01."),
        ("[points]\n01.1 = 'many'", "points.01.1: expected points from 0 to 10000, got 'many'"),
        ("[points]\n07.1 = 2\n[lessons.01]", "points.07.1: this exercise does not count in [lessons]"),
        ("[late]\nper_day = 10", "late.per_day: expected a fraction, 0.1 for 10%, from 0 to 1, got 10"),
        ("[late]\ndays = 1.5", "late.days: expected an integer, got 1.5"),
        ("[late]\ncopies = 'best'", "late.copies: expected 'newest' or 'on time', got 'best'"),
        ("[allowed]\ntorch = true", "allowed.torch: unknown key. Choose from engine, scipy, each_other, assistants."),
        ("[allowed]\nscipy = 'yes'", "allowed.scipy: expected true or false, got 'yes'"),
        ("time_zone = 'Europe/Berln'", "unknown time zone 'Europe/Berln'. Did you mean 'Europe/Berlin'?"),
        ("[students]\nada = 3", "expected a list of aliases, or {id"),
        ("[students]\nada = {mail = 'x'}", "mail: unknown key. Did you mean 'email'?"),
        ("[students]\nada = ['x']\nbob = ['X']", "'x' is an alias, an id or an email of both 'ada' and 'bob'"),
        (
            "students = '../roster.csv'",
            "name a file next to the course file, such as \"roster.csv\", got '../roster.csv'",
        ),
        ("students = 'none.csv'", "students: file none.csv cannot be read"),
        ("[extensions]\nada = {01 = 2026-11-03}", "no student on the roster has this name"),
        ("[students]\nada = []\n[extensions]\nada = {77 = 2026-11-03}", "unknown lesson '77'"),
        ('name = "c:\\users"', "Write paths with / or in single quotes"),
        ("name = ", "not valid TOML"),
    ],
)
def test_course_file_mistake_is_one_line_with_advice(read, text, expected):
    with pytest.raises(ValueError, match=r"course\.toml") as caught:
        read(text)
    assert expected in str(caught.value)


def test_all_mistakes_are_reported_at_once(read):
    with pytest.raises(ValueError, match="cannot be used") as caught:
        read("partial = 1\nnmae = 2\n[lessons.99]\n[late]\nper_day = -1")
    assert len(str(caught.value).splitlines()) == 5


def test_unreadable_course_file_raises(tmp_path):
    (tmp_path / "course.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(ValueError, match="is not UTF-8: byte 8"):
        course_file.read(tmp_path / "course.toml")
    with pytest.raises(IsADirectoryError, match="pass the course file in it"):
        course_file.read(tmp_path)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_course_file_may_have_a_byte_order_mark(tmp_path, mark):
    (tmp_path / "course.toml").write_text(mark + "name = 'a'", encoding="utf-8")
    assert course_file.read(tmp_path / "course.toml").name == "a"


LATE = plan.Late(0.1, 3, datetime.timedelta(minutes=15))
DUE = datetime.datetime(2026, 11, 3, 23, 59, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("minutes", "days", "fraction"),
    [(-9999, 0, 1), (0, 0, 1), (15, 0, 1), (16, 1, 0.9), (1440, 1, 0.9), (1441, 2, 0.8), (4320, 3, 0.7), (4321, 4, 0)],
)
def test_late_days_start_after_the_grace_period(minutes, days, fraction):
    assert LATE.days_late(DUE + datetime.timedelta(minutes=minutes), DUE) == days
    assert LATE.fraction(days) == pytest.approx(fraction)


@given(st.floats(0, 1), st.integers(0, 30))
def test_late_fraction_decreases_to_zero(per_day, days):
    late = plan.Late(per_day)
    assert 0 <= late.fraction(days + 1) <= late.fraction(days) <= 1


@given(st.integers(1, 1000), st.lists(st.integers(1, 9), min_size=1, max_size=14))
def test_distributed_points_are_hundredths_and_add_up(total, weights):
    weights = {f"01.{index}": weight for index, weight in enumerate(weights)}
    result = course_file.distributed(total, weights)
    assert sum(round(100 * value) for value in result.values()) == 100 * total
    assert all(abs(result[number] - total * weights[number] / sum(weights.values())) <= 0.0101 for number in weights)


PAGE = (Path(__file__).parents[2] / "docs" / "semester.md").read_text(encoding="utf-8")


def test_documented_course_file_is_valid_and_complete(read):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    course = read(example)
    assert sum(course.lessons["01"].points.values()) == pytest.approx(10)
    assert course.lessons["03"].points["03.3"] == 4
    assert course.due("Bo Li", "01") > course.due("Ada Byron", "01")
    keys = (*course_file.KEYS, *course_file.LESSON_KEYS, *course_file.LATE_KEYS, *plan.USES)
    table = PAGE[PAGE.index("| key | meaning |") : PAGE.index("All mistakes in the file")]
    assert [key for key in keys if not re.search(rf"`\[?{key}[\].`]", table)] == []
    assert [key for key in keys if not re.search(rf"\b{key}\b", example)] == []


def test_roster_file_is_next_to_the_course_file(tmp_path, read):
    course = read("students = 'roster.csv'", roster_csv="first name,last name,id\nAda,Byron,7\n")
    assert course.roster.find("7").name == "Ada Byron"
    assert course_file.roster_file(tmp_path / "course.toml") == "roster.csv"
    read("[students]\nada = []")
    assert course_file.roster_file(tmp_path / "course.toml") is None


def test_own_exercises_are_next_to_the_course_file(tmp_path, read):
    read('exercises = "mine"\n[lessons.01]\nexercises = ["01.1"]')
    assert course_file.own_exercises(tmp_path / "course.toml") == tmp_path / "mine"
    with pytest.raises(ValueError, match="exercises: expected text in quotes, got 3"):
        read("exercises = 3")
    assert course_file.own_exercises(tmp_path / "course.toml") is None


def test_page_names_every_format_and_option():
    assert [form for form in formats.FORMATS if f"`--format {form}`" not in PAGE] == []
    for option in ("--csv", "--feedback", "--report", "--student", "--solutions", "--course"):
        assert option in PAGE
    assert "reject" in PAGE
