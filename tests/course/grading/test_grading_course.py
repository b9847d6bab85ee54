"""Grading of a small class with a course file: the command, its CSV, formats and pages, and one student again."""

import csv
import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_submissions import text

from minigooglenet.cli import main

PAGE = (Path(__file__).parents[3] / "docs" / "semester.md").read_text(encoding="utf-8")
START = "import numpy as np\nfrom minigooglenet.exercises import answer, ask, check, predict"
RIGHT = "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))"
WRONG = "def conv_db(dout):\n    return dout.mean(axis=0).sum(axis=(1, 2))"
CHECK = "check('03.1', conv_db)"
QUESTION = "ask('03.5', 'NAME')\nanswer('03.5', 1e9)"
CLASS = {
    "byronada_12345_67890_03_gradients.ipynb": ((START, RIGHT, CHECK, QUESTION.replace("NAME", "Ada Byron")), -1),
    "Bo Li/03_gradients.ipynb": ((START, RIGHT, CHECK, QUESTION.replace("NAME", "Ada Byron")), 30),
    "zeno.ipynb": ((START, f"import scipy\n{WRONG}", CHECK), -5),
    "eve.pdf": ((), 0),
}
COURSE = """
name = "Nets"
[lessons.03]
due = 2026-11-03T23:59:00
exercises = ["03.1", "03.5"]
points = 8
[late]
per_day = 0.25
[allowed]
scipy = false
[students]
"Ada Byron" = []
"Bo Li" = {id = "17"}
"Zo\u00eb Kay" = ["zeno"]
"Dan Ro" = []
"""


def made(folder):
    for name, (sources, hours) in CLASS.items():
        path = folder / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(sources) if name.endswith("ipynb") else "%PDF", encoding="utf-8")
        when = datetime.datetime(2026, 11, 3, 23, 59).timestamp() + 3600 * hours
        os.utime(path, (when, when))
    (folder / "course.toml").write_text(COURSE, encoding="utf-8")


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(folder, output of the command)."""
    folder, printed = tmp_path_factory.mktemp("course"), []
    made(folder)
    words = [
        "grade",
        "class",
        "--csv",
        "grades.csv",
        "--course",
        "course.toml",
        "--format",
        "canvas",
        "--format",
        "totals",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(
            "rich.console.Console.print", lambda self, *texts, **how: printed.append(" ".join(map(str, texts)))
        )
        assert main([*words, "--feedback", "pages", "--report", "report.html"]) == 0
    return folder, "\n".join(printed)


def test_every_student_has_rows_and_points_of_the_course(graded):
    rows = rows_of(graded[0] / "grades.csv")
    names = ("Ada Byron", "Bo Li", "Zo\u00eb Kay", "Dan Ro", "eve")
    assert set(rows) == {(name, number) for name in names for number in ("03.1", "03.5")}
    assert {name: float(rows[name, "03.1"]["points"]) for name in names} == {
        "Ada Byron": 2.67,
        "Bo Li": 1.33,
        "Zo\u00eb Kay": 0,
        "Dan Ro": 0,
        "eve": 0,
    }
    assert rows["Bo Li", "03.1"]["late"] == "2 days late: 50% of the points count"
    assert rows["Bo Li", "03.1"]["handed_in"] == "2026-11-05 05:59"
    assert sum(float(rows["Ada Byron", number]["of"]) for number in ("03.1", "03.5")) == 8


def test_notes_report_names_and_forbidden_packages(graded):
    rows = rows_of(graded[0] / "grades.csv")
    assert "drawn for Ada Byron, another student" in rows["Bo Li", "03.5"]["note"]
    assert "drawn" not in rows["Ada Byron", "03.5"]["note"]
    assert "uses SciPy, which this course does not allow" in rows["Zo\u00eb Kay", "03.1"]["note"]


@pytest.mark.parametrize(
    "expected",
    [
        "Roster: 3 of 4 students handed something in. No files from: Dan Ro.",
        "Not on the roster: eve.",
        "Lesson 03: handed in by 3 of 5 students; missing: Dan Ro, eve",
        "written: grades-canvas.csv",
        "written: grades-totals.csv",
        "written: pages, 5 feedback pages",
        "written: report.html",
        "5 students, 10 rows",
    ],
)
def test_command_reports_students_and_written_files(graded, expected):
    assert expected in graded[1]


def test_each_student_has_a_page(graded):
    names = sorted(path.name for path in (graded[0] / "pages").iterdir())
    assert names == ["Ada_Byron.html", "Bo_Li.html", "Dan_Ro.html", "Zo\u00eb_Kay.html", "eve.html"]
    assert "4 of 8" not in (graded[0] / "pages" / "Dan_Ro.html").read_text(encoding="utf-8")
    assert "2.67 of 8 points" in (graded[0] / "pages" / "Ada_Byron.html").read_text(encoding="utf-8")
    assert "mean over the images" in (graded[0] / "report.html").read_text(encoding="utf-8")


def test_regrading_one_student_keeps_all_other_rows(tmp_path, graded, monkeypatch, capsys):
    monkeypatch.chdir(graded[0])
    before = rows_of(graded[0] / "grades.csv")
    ran = []
    from minigooglenet.course.grading import grader

    run = grader.run
    monkeypatch.setattr(grader, "run", lambda task, *rest: ran.append(task.student) or run(task, *rest))
    words = ["grade", "class", "--csv", "grades.csv", "--course", "course.toml"]
    assert main([*words, "--student", "byron", "--feedback", str(tmp_path / "pages")]) == 0
    assert ran == ["Ada Byron"]
    assert rows_of(graded[0] / "grades.csv") == before
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["Ada_Byron.html"]
    assert main([*words, "--student", "Adda Byron"]) == 1
    assert "no student 'Adda Byron' in this class. Did you mean 'Ada Byron'?" in capsys.readouterr().err


def test_student_option_without_earlier_results_grades_only_them(tmp_path, graded, monkeypatch, capsys):
    monkeypatch.chdir(graded[0])
    assert main(["grade", "class", "--csv", "-", "--course", "course.toml", "--student", "Zo\u00eb Kay"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [(row["student"], row["exercise"]) for row in rows] == [("Zo\u00eb Kay", "03.1"), ("Zo\u00eb Kay", "03.5")]


def test_platform_submission_belongs_to_one_student(tmp_path, monkeypatch):
    submission, results = tmp_path / "submission", tmp_path / "results"
    submission.mkdir()
    results.mkdir()
    (submission / "my work.ipynb").write_text(text((START, RIGHT, CHECK)), encoding="utf-8")
    (submission / "untitled.ipynb").write_text(text(("x = 1",)), encoding="utf-8")
    (tmp_path / "course.toml").write_text("[lessons.03]\ndue = 2001-01-01\n[late]\nper_day = 1.0", encoding="utf-8")
    metadata = json.dumps({"users": [{"name": "Ada Byron"}]})
    (tmp_path / "submission_metadata.json").write_text(metadata, encoding="utf-8")
    out = str(results / "grades.csv")
    words = ["--lesson", "3", "--format", "gradescope", "--course", str(tmp_path / "course.toml")]
    assert main(["grade", str(submission), "--csv", out, *words]) == 0
    result = json.loads((results / "results.json").read_text(encoding="utf-8"))
    tests = {test["number"]: test for test in result["tests"] if test["visibility"] == "visible"}
    assert tests["03.1"]["status"] == "passed"
    assert result["score"] == tests["03.1"]["score"] == 1
    assert {row["student"] for row in rows_of(results / "grades.csv").values()} == {"Ada Byron"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--csv", "-", "--format", "canvas"],
            "--format writes next to the CSV file. Pass a file, such as --csv grades.csv",
        ),
        (["--csv", "out.csv", "--format", "gradescope", "--student", "ada"], "is for the folder of one student"),
        (["--csv", "out.csv", "--format", "gradescope", "--format", "canvas"], "is for the folder of one student"),
        (["--csv", "out.csv", "--course", "wrong.toml"], "Did you mean 'name'?"),
        (["--csv", "out.csv", "--report", "none/report.html"], "none does not exist"),
        (["--csv", "out.csv", "--feedback", "wrong.toml"], "wrong.toml is a file. Pass a folder"),
        (["--csv", "out.csv", "--solutions", "class"], "class contains no notebooks"),
    ],
)
def test_conflicting_options_raise_before_any_work(tmp_path, monkeypatch, capsys, words, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.toml").write_text("nmae = 'x'", encoding="utf-8")
    (tmp_path / "class").mkdir()
    assert main(["grade", "class", *words]) == 1
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_documented_autograder_writes_a_classroom_50_result(tmp_path):
    (program,) = re.findall(r"```python\n(import subprocess.*?)```", PAGE, re.DOTALL)
    for folder in ("bundle", "checkout"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bundle" / "autograder.py").write_text(program, encoding="utf-8")
    (tmp_path / "bundle" / "course.toml").write_text("[lessons.03]\nexercises = ['03.1', '03.5']", encoding="utf-8")
    (tmp_path / "checkout" / "work.ipynb").write_text(text((START, RIGHT, CHECK)), encoding="utf-8")
    (tmp_path / "checkout" / "json.py").write_text("raise SystemExit('a file of the student ran')", encoding="utf-8")
    variables = {"CLASSROOM": "nets", "ASSIGNMENT": "hw1", "SUBMISSION_TAG": "submit/1", "OWNER": "ada"}
    variables |= {"COMMIT_URL": "https://c", "RELEASE_URL": "https://r"}
    words = [sys.executable, str(tmp_path / "bundle" / "autograder.py")]
    subprocess.run(words, cwd=tmp_path / "checkout", env=os.environ | variables, check=True, timeout=300)
    made = json.loads((tmp_path / "checkout" / "result.json").read_text(encoding="utf-8"))
    assert (made["score"], made["max-score"], made["classroom"]) == (1, 3, "nets")
    assert [(test["test-name"][:4], test["passed"]) for test in made["tests"]] == [("03.1", True), ("03.5", False)]
