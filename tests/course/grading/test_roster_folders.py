"""A class folder with a course file: students by their roster, lessons that count, and who handed in nothing."""

import datetime
import os

import pytest
from graded_rows import course
from test_submissions import ONE, OWN, SCRATCH, SEVEN, TWO, lessons, text

from minigooglenet.course import plan
from minigooglenet.course.grading import file_names, submissions
from minigooglenet.course.roster import Person

MATRIX = "02_matrix.ipynb"
PEOPLE = [Person("Ada Byron", ("ada17",), "4711"), "Bo Li", Person("Zo\u00eb Kay", ("zeno",)), "Dan Ro"]
COUNTED = ("01.1", "01.2", "02.1")
DUE = datetime.datetime(2026, 11, 3, 23, 59, tzinfo=datetime.UTC)


@pytest.fixture
def collect(tmp_path):
    """Return a function: what a class folder means for a course; {path: (sources, hours after the due date)}."""

    def collected(tree, lesson=None, everything_of=None, **more):
        folder = tmp_path / "class"
        for name, content in tree.items():
            sources, hours = content if isinstance(content, tuple) else (content, -1)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(sources), encoding="utf-8")
            os.utime(path, ((DUE + datetime.timedelta(hours=hours)).timestamp(),) * 2)
        (tmp_path / "scratch").mkdir(exist_ok=True)
        more.setdefault("people", PEOPLE)
        return submissions.collect(folder, tmp_path / "scratch", lesson, course(*COUNTED, **more), everything_of)

    return collected


@pytest.mark.parametrize(
    "name",
    [
        f"byronada_12345_67890_{OWN}",
        f"whoever_4711_67890_{OWN}",
        f"Ada Byron_4711_assignsubmission_file_/{OWN}",
        f"Lesson 01/ada17 - {OWN}",
        f"BYRON, Ada/{OWN}",
        "ada17_team_07_hw1.ipynb",
        "hw1 Ada Byron final (2).ipynb",
    ],
)
def test_a_student_is_found_by_the_roster(collect, name):
    assert [each.student for each in collect({name: ONE}).handed] == ["Ada Byron"]


@pytest.mark.parametrize("name", [f"ada17 & Bo Li/{OWN}", "bo_li_byron_ada_hw1.ipynb"])
def test_a_file_of_two_students_is_graded_for_both(collect, name):
    found = collect({name: ONE})
    assert {each.student: each.note for each in found.handed} == {
        "Ada Byron": "handed in together with Bo Li",
        "Bo Li": "handed in together with Ada Byron",
    }


def test_files_under_two_names_are_of_one_student(collect):
    found = collect({f"ada17/{OWN}": ONE, f"byronada_12345_67890_{MATRIX}": TWO})
    assert lessons(found) == {"Ada Byron": ["01", "02"]}
    found = collect({f"ada17/{OWN}": ONE, f"Ada Byron/{OWN}": ONE})
    assert [each.student for each in found.handed].count("Ada Byron") == 2  # one file of each lesson
    assert "2 files of lesson 01 arrived" in " ".join(each.note for each in found.handed)


def test_only_exercises_that_count_are_graded(collect):
    found = collect({f"ada17/{OWN}": ONE})
    assert found.handed[0].numbers == ("01.1", "01.2")


def test_everybody_on_the_roster_has_a_row(collect):
    found = collect({f"{name}/{OWN}": ONE for name in ("Ada Byron", "Bo Li", "zeno")})
    assert [(each.student, each.lesson) for each in found.absent] == [("Dan Ro", "01")]
    assert found.absent[0].reason == "no notebook of lesson 01; nothing arrived from this student"
    assert "Roster: 3 of 4 students handed something in. Nothing arrived from: Dan Ro." in found.sentences


def test_a_student_who_is_not_on_the_roster_is_graded_and_told(collect):
    found = collect({f"Bo Lee/{OWN}": ONE, f"ada17/{OWN}": ONE})
    assert lessons(found) == {"Ada Byron": ["01"], "Bo Lee": ["01"]}
    assert "Bo Lee is not on the roster. Is it 'Bo Li'? Add an alias." in found.sentences


def test_students_who_are_not_on_the_roster_are_one_sentence(collect):
    found = collect({f"{name}/{OWN}": ONE for name in ("ada17", "eve", "fay", "Byronn Adda")})
    assert "Not on the roster: Byronn Adda, eve, fay." in found.sentences


def test_a_lesson_that_does_not_count_is_told_and_changes_nothing(collect):
    tree = {f"{name}/{OWN}": ONE for name in ("Ada Byron", "Bo Li")}
    stray = {"Bo Li/07_inception.ipynb": SEVEN, "Ada Byron/notes.ipynb": SCRATCH}
    found = collect(tree | stray)
    assert lessons(found) == {"Ada Byron": ["01"], "Bo Li": ["01"]}
    assert {each.lesson for each in found.absent} == {"01"}
    assert "Not graded because the lesson does not count in this course: 1 file of lesson 07" in found.sentences
    with pytest.raises(ValueError, match="lesson 07 does not count in this course; these do: 01, 02"):
        collect({}, "07")


def test_a_student_with_only_a_lesson_that_does_not_count_has_a_row(collect):
    found = collect({f"Ada Byron/{OWN}": ONE, "Bo Li/07_inception.ipynb": SEVEN})
    reasons = {each.student: each.reason for each in found.absent}
    assert "Bo Li/07_inception.ipynb is of lesson 07" in reasons["Bo Li"]


@pytest.mark.parametrize(
    ("copies", "hours", "chosen", "rule"),
    [
        (plan.NEWEST, {"a": -9, "b": 5}, "b.ipynb", "the newest"),
        (plan.ON_TIME, {"a": -9, "b": 5}, "a.ipynb", "the only one in time"),
        (plan.ON_TIME, {"a": -9, "b": -5, "c": 5}, "b.ipynb", "the newest in time"),
        (plan.ON_TIME, {"a": 9, "b": 5}, "a.ipynb", "the newest"),
    ],
)
def test_a_late_copy_counts_as_the_course_says(collect, copies, hours, chosen, rule):
    tree = {f"ada17/{name}.ipynb": (ONE, when) for name, when in hours.items()}
    (handed,) = collect(tree, late=plan.Late(0.1, copies=copies)).handed
    assert handed.name == chosen
    assert f"graded: ada17/{chosen}, {rule}; not graded" in handed.note
    assert handed.when == (DUE + datetime.timedelta(hours=hours[chosen[0]])).timestamp()


def test_one_submission_is_of_one_student_whatever_its_files_are_called(collect):
    found = collect({OWN: ONE, "bob_matrix.ipynb": TWO, "zeno/notes.ipynb": SCRATCH}, everything_of="Ada")
    assert lessons(found) == {"Ada": ["01", "02"]}
    assert not any("roster" in told.lower() for told in found.sentences)


def test_one_submission_without_a_notebook_has_a_row_for_every_lesson(collect, tmp_path):
    (tmp_path / "class").mkdir()
    found = collect({}, everything_of="Ada")
    assert [(each.student, each.lesson) for each in found.absent] == [("Ada", "01"), ("Ada", "02")]


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("Homework 1_ada99_attempt_2025-11-03-10-11-12_x", (2025, 11, 3, 10, 11, 12)),
        ("123-456 - Ada Lovelace - Nov 3, 2025 1011 AM", (2025, 11, 3, 10, 11)),
        ("123-456 - Ada Lovelace - Nov 13, 2025 12:05 AM", (2025, 11, 13, 0, 5)),
        ("123-456 - Ada Lovelace - Nov 3, 2025 1205 PM", (2025, 11, 3, 12, 5)),
        ("123-456 - Ada Lovelace - Jun 31, 2025 1011 AM", None),
        ("yukawa_2025-11-03_hw", None),
    ],
)
def test_the_time_that_a_platform_wrote_into_a_name_is_read(name, when):
    found = file_names.received(name)
    assert (found and found.replace(tzinfo=None)) == (when and datetime.datetime(*when))
