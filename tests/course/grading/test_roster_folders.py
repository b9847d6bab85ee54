"""Class folders with a course file: students by roster, lessons that count, and missing submissions."""

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
    """Return a function that collects submissions for a course from {path: (sources, hours after the due date)}."""

    def collected(tree, lesson=None, owner=None, **more):
        folder = tmp_path / "class"
        for name, content in tree.items():
            sources, hours = content if isinstance(content, tuple) else (content, -1)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(sources), encoding="utf-8")
            os.utime(path, ((DUE + datetime.timedelta(hours=hours)).timestamp(),) * 2)
        (tmp_path / "scratch").mkdir(exist_ok=True)
        more.setdefault("people", PEOPLE)
        return submissions.collect(folder, tmp_path / "scratch", lesson, course(*COUNTED, **more), owner)

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
def test_roster_identifies_the_student(collect, name):
    assert [file.student for file in collect({name: ONE}).to_grade] == ["Ada Byron"]


@pytest.mark.parametrize("name", [f"ada17 & Bo Li/{OWN}", "bo_li_byron_ada_hw1.ipynb"])
def test_team_file_is_graded_for_both_students(collect, name):
    result = collect({name: ONE})
    assert {file.student: file.note for file in result.to_grade} == {
        "Ada Byron": "handed in together with Bo Li",
        "Bo Li": "handed in together with Ada Byron",
    }


def test_files_under_two_aliases_belong_to_one_student(collect):
    result = collect({f"ada17/{OWN}": ONE, f"byronada_12345_67890_{MATRIX}": TWO})
    assert lessons(result) == {"Ada Byron": ["01", "02"]}
    result = collect({f"ada17/{OWN}": ONE, f"Ada Byron/{OWN}": ONE})
    assert [file.student for file in result.to_grade].count("Ada Byron") == 2  # one file of each lesson
    assert "2 files of lesson 01;" in " ".join(file.note for file in result.to_grade)


def test_only_counting_exercises_are_graded(collect):
    result = collect({f"ada17/{OWN}": ONE})
    assert result.to_grade[0].numbers == ("01.1", "01.2")


def test_every_student_on_the_roster_has_a_row(collect):
    result = collect({f"{name}/{OWN}": ONE for name in ("Ada Byron", "Bo Li", "zeno")})
    assert [(missing.student, missing.lesson) for missing in result.absent] == [("Dan Ro", "01")]
    assert result.absent[0].reason == "no notebook of lesson 01; this student handed in nothing"
    assert "Roster: 3 of 4 students handed something in. No files from: Dan Ro." in result.sentences


def test_student_missing_from_the_roster_is_graded_and_reported(collect):
    result = collect({f"Bo Lee/{OWN}": ONE, f"ada17/{OWN}": ONE})
    assert lessons(result) == {"Ada Byron": ["01"], "Bo Lee": ["01"]}
    assert "Bo Lee is not on the roster. If this is 'Bo Li', add an alias." in result.sentences


def test_students_missing_from_the_roster_are_one_sentence(collect):
    result = collect({f"{name}/{OWN}": ONE for name in ("ada17", "eve", "fay", "Byronn Adda")})
    assert "Not on the roster: Byronn Adda, eve, fay." in result.sentences


def test_lesson_that_does_not_count_is_reported(collect):
    tree = {f"{name}/{OWN}": ONE for name in ("Ada Byron", "Bo Li")}
    stray = {"Bo Li/07_inception.ipynb": SEVEN, "Ada Byron/notes.ipynb": SCRATCH}
    result = collect(tree | stray)
    assert lessons(result) == {"Ada Byron": ["01"], "Bo Li": ["01"]}
    assert {missing.lesson for missing in result.absent} == {"01"}
    assert "Not graded because the lesson does not count in this course: 1 file of lesson 07" in result.sentences
    with pytest.raises(ValueError, match="lesson 07 does not count in this course; choose from 01, 02"):
        collect({}, "07")


def test_student_with_only_uncounted_lessons_has_a_row(collect):
    result = collect({f"Ada Byron/{OWN}": ONE, "Bo Li/07_inception.ipynb": SEVEN})
    reasons = {missing.student: missing.reason for missing in result.absent}
    assert "Bo Li/07_inception.ipynb is for lesson 07" in reasons["Bo Li"]


@pytest.mark.parametrize(
    ("copies", "hours", "chosen", "rule"),
    [
        (plan.NEWEST, {"a": -9, "b": 5}, "b.ipynb", "the newest"),
        (plan.ON_TIME, {"a": -9, "b": 5}, "a.ipynb", "the only one on time"),
        (plan.ON_TIME, {"a": -9, "b": -5, "c": 5}, "b.ipynb", "the newest on time"),
        (plan.ON_TIME, {"a": 9, "b": 5}, "a.ipynb", "the newest"),
    ],
)
def test_choice_among_late_copies_follows_the_course(collect, copies, hours, chosen, rule):
    tree = {f"ada17/{name}.ipynb": (ONE, when) for name, when in hours.items()}
    (file,) = collect(tree, late=plan.Late(0.1, copies=copies)).to_grade
    assert file.name == chosen
    assert f"graded: ada17/{chosen}, {rule}; not graded" in file.note
    assert file.when == (DUE + datetime.timedelta(hours=hours[chosen[0]])).timestamp()


def test_single_owner_gets_every_file(collect):
    result = collect({OWN: ONE, "bob_matrix.ipynb": TWO, "zeno/notes.ipynb": SCRATCH}, owner="Ada")
    assert lessons(result) == {"Ada": ["01", "02"]}
    assert not any("roster" in sentence.lower() for sentence in result.sentences)


def test_single_owner_without_a_notebook_has_all_rows(collect, tmp_path):
    (tmp_path / "class").mkdir()
    result = collect({}, owner="Ada")
    assert [(missing.student, missing.lesson) for missing in result.absent] == [("Ada", "01"), ("Ada", "02")]


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
def test_submission_time_is_read_from_a_name(name, when):
    result = file_names.received(name)
    assert (result and result.replace(tzinfo=None)) == (when and datetime.datetime(*when))
