"""Grades in the file formats of Canvas, Moodle, Gradescope and Classroom 50."""

import csv
import json

import pytest
from graded_rows import EVIL, course, row, with_points

from minigooglenet.course.grading import formats
from minigooglenet.course.roster import Person

PEOPLE = [Person("Ada Byron", ("abyron",), "101", "ada@example.org", "A"), "Bo Li"]
COURSE = course("03.1", "03.2", people=PEOPLE, partial=True, points=1.25)
ROWS = with_points(
    [
        row("Ada Byron"),
        row("Ada Byron", "03.2", "wrong", mistake="no padding", message="is 1", cases_right=1, cases=4, note="look"),
        row("Bo Li", "03.1", "missing", None, message=EVIL),
        row("Bo Li", "03.2", "missing", None, message="no notebook"),
    ],
    COURSE,
)


def table(form, tmp_path, rows=ROWS):
    path, sentences = formats.write(form, rows, tmp_path / "grades.csv", COURSE)
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf"), "without it, Excel assumes another encoding"
    return list(csv.reader(data.decode("utf-8-sig").splitlines())), sentences, path.name


def test_canvas_table_has_points_possible_and_students(tmp_path):
    (head, possible, ada, bo), sentences, name = table("canvas", tmp_path)
    assert name == "grades-canvas.csv"
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lesson 03"]
    assert possible == ["Points Possible", "", "", "", "", "2.5"]
    assert ada == ["Ada Byron", "", "101", "abyron", "A", "1.56"]
    assert bo == ["Bo Li", "", "", "", "", "0"]
    assert sentences == [
        "Canvas finds students by name only. In the roster, add an id or an alias (the login) for: Bo Li."
    ]


def test_moodle_table_has_points_and_feedback(tmp_path):
    (head, ada, bo), sentences, _ = table("moodle", tmp_path)
    assert head == ["Full name", "ID number", "Email address", "Lesson 03", "Lesson 03 feedback"]
    assert ada[:4] == ["Ada Byron", "101", "ada@example.org", "1.56"]
    assert ada[4] == "03.1 passed, 1.25 of 1.25 | 03.2 wrong, 0.31 of 1.25: no padding; is 1"
    assert "look" not in ada[4], "notes are for the staff"
    assert "\\u202e" in bo[4]
    assert sentences[0].endswith("for: Bo Li.")


def test_totals_have_a_column_for_each_lesson(tmp_path):
    (head, ada, bo), sentences, _ = table("totals", tmp_path)
    assert head == ["student", "id", "email", "section", "Lesson 03", "points", "of"]
    assert ada == ["Ada Byron", "101", "ada@example.org", "A", "1.56", "1.56", "2.5"]
    assert (bo[-2:], sentences) == (["0", "2.5"], [])


def test_gradescope_result_has_tests_and_hidden_notes(tmp_path):
    path, _ = formats.write("gradescope", ROWS[:2], tmp_path / "grades.csv", COURSE)
    made = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "results.json"
    assert made["score"] == pytest.approx(sum(test["score"] for test in made["tests"])) == 1.56
    shown = [test for test in made["tests"] if test["visibility"] == "visible"]
    assert [(test["number"], test["status"], test["score"], test["max_score"]) for test in shown] == [
        ("03.1", "passed", 1.25, 1.25),
        ("03.2", "failed", 0.31, 1.25),
    ]
    assert "known mistake: no padding" in shown[1]["output"]
    assert "1 of 4 test cases are right" in shown[1]["output"]
    assert [test["output"] for test in made["tests"] if test["visibility"] == "hidden"] == ["look"]


def test_classroom_50_result_has_integer_points_and_identity(tmp_path, monkeypatch):
    identity = {"CLASSROOM": "nets", "ASSIGNMENT": "hw1", "SUBMISSION_TAG": "submit/1", "COMMIT_URL": "https://c"}
    for name, value in (identity | {"RELEASE_URL": "https://r", "REVIEW_URL": ""}).items():
        monkeypatch.setenv(name, value)
    path, _ = formats.write("classroom50", ROWS[:2], tmp_path / "grades.csv", COURSE)
    made = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "result.json"
    assert (made["schema"], made["classroom"], made["assignment"]) == ("classroom50/result/v1", "nets", "hw1")
    assert (made["submission"], made["release"], made["review"]) == ("submit/1", "https://r", "https://c")
    assert (made["score"], made["max-score"]) == (156, 250)
    assert made["score"] == sum(test["score"] for test in made["tests"])
    assert [test["passed"] for test in made["tests"]] == [True, False]
    assert all(type(test[key]) is int for test in made["tests"] for key in ("score", "max-score"))
    whole = formats.classroom50([row(points=2, of=2)])
    assert (whole["score"], whole["max-score"]) == (2, 2)


def test_owner_comes_from_the_platform(tmp_path, monkeypatch):
    (tmp_path / "submission").mkdir()
    assert formats.owner("gradescope", tmp_path / "submission") == "the student"
    metadata = {"users": [{"name": "Ada Byron"}, {"name": "Bo Li"}]}
    (tmp_path / "submission_metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    assert formats.owner("gradescope", tmp_path / "submission") == "Ada Byron and Bo Li"
    monkeypatch.setenv("OWNER", "ada")
    assert formats.owner("classroom50", tmp_path) == "ada"


def test_no_format_contains_formulas_or_control_characters(tmp_path):
    evil = [row(EVIL, "03.1", "wrong", mistake=EVIL, message=EVIL, file=EVIL, title=EVIL)]
    for form in formats.CLASS:
        path, _ = formats.write(form, evil, tmp_path / "grades.csv")
        text = path.read_text(encoding="utf-8-sig")
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert not any(
            cell.lstrip().startswith(("=", "+", "@")) for line in csv.reader(text.splitlines()) for cell in line
        )
    for form in formats.ONE:
        path, _ = formats.write(form, evil, tmp_path / "grades.csv")
        assert "\u202e" not in json.dumps(json.loads(path.read_text(encoding="utf-8")), ensure_ascii=False)
