"""One class folder with many kinds of submissions: each has its rows and a message with advice."""

import csv
import json

import pytest

from minigooglenet.cli import main
from minigooglenet.exercises.find import everything

START = "import numpy as np\nfrom minigooglenet.exercises import answer, ask, check, predict"
RIGHT = "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))"
WRONG = RIGHT.replace("dout.sum(", "dout.mean(axis=0).sum(").replace("(0, 2, 3)", "(1, 2)")
CHECK = "check('03.1', conv_db)"
NUMBERS = [number for number in everything() if number.startswith("03.")]
CLASS = {
    "ada/03_gradients.ipynb": (START, RIGHT, CHECK),
    "ada/draft.ipynb": (START, WRONG, CHECK),
    "bob/": (),
    "gone.ipynb": (START, RIGHT),
    "syntax.ipynb": (START, RIGHT.replace("):", ")"), CHECK),
    "stopped.ipynb": (START, f"nowhere\n{RIGHT}", f"{CHECK}\nask('03.5')\nanswer('03.5', 1)"),
    "twice.ipynb": (START, RIGHT, CHECK, "check('03.1', lambda dout: 0.0)"),
    "twice wrong.ipynb": (START, WRONG, "check('03.1', lambda dout: 0.0)", CHECK),
    "answers.ipynb": (START, RIGHT, CHECK, "ask('03.5', 'ada')\nanswer('03.5', VALUE)\nanswer('03.5', -1)"),
    "script.py": (
        f"{START}\n\n\nget_ipython().run_line_magic('matplotlib', 'inline')\n\n\n{RIGHT}\n\n\n1 / 0\n\n\n{CHECK}\n",
    ),
    "magic.ipynb": (START, f"%matplotlib inline\n{RIGHT}  # is this right?\nfiles = !ls", CHECK),
    "fay/03_gradients.ipynb": (START, "import helper\n\ndef conv_db(dout):\n    return helper.total(dout)", CHECK),
    "fay/helper.py": ("from sums import over\n\n\ndef total(dout):\n    return over(dout, (0, 2, 3))\n",),
    "fay/sums.py": ("def over(dout, axes):\n    return dout.sum(axis=axes)\n",),
    "gus/03_gradients.ipynb": (START, "from sums import over", RIGHT.replace("dout.sum(axis=", "over(dout, "), CHECK),
    "gus/notes/sums.py": ("over = None\n",),
    "paper.pdf": (),
    "early.ipynb": (START, "check('04.1', None)"),
    "ada/04_trust.ipynb": (START, "check('04.1', None)"),
    "ada/notes.xyz": (),
    "roster.csv": (),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(rows by student and exercise, output of the command)."""
    folder = tmp_path_factory.mktemp("forms")
    question = everything()["03.5"]
    value = str(float(question.solution_function(**question.values("ada"))))
    for name, sources in CLASS.items():
        path = folder / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = [{"cell_type": "code", "source": source.replace("VALUE", value)} for source in sources]
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_text(sources[0] if name.endswith(".py") else json.dumps({"cells": cells}), encoding="utf-8")
    out = folder / "out.csv"
    with pytest.MonkeyPatch.context() as patch:
        printed = []
        patch.setattr(
            "rich.console.Console.print", lambda self, *texts, **how: printed.append(" ".join(map(str, texts)))
        )
        assert main(["grade", str(folder / "class"), "--csv", str(out), "--lesson", "3", "--jobs", "2"]) == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["student"], row["exercise"]): row for row in rows}, "\n".join(printed)


def test_every_student_has_a_row_for_every_exercise(graded):
    students = {"ada", "bob", "gone", "syntax", "stopped", "twice", "twice wrong", "answers", "script", "magic"}
    students |= {"fay", "gus"}
    assert set(graded[0]) == {(name, number) for name in students | {"paper", "early"} for number in NUMBERS}


@pytest.mark.parametrize(
    ("student", "status", "expected"),
    [
        ("ada", "passed", ""),
        ("bob", "missing", "the folder is empty"),
        ("gone", "passed", ""),
        ("syntax", "failed", "cell 2, line 1 is not valid Python (expected ':'): def conv_db(dout)"),
        ("stopped", "missing", "conv_db is not defined; cell 2 stopped with NameError: name 'nowhere' is not defined"),
        ("twice", "passed", ""),
        ("twice wrong", "wrong", ""),
        ("script", "passed", ""),
        ("magic", "passed", ""),
        ("fay", "passed", ""),
        (
            "gus",
            "wrong",
            "name 'over' is not defined",
        ),  # modules in other folders or of other students are not imported
        ("paper", "missing", "paper.pdf: it is a PDF. Hand in the notebook (.ipynb) or a .py file"),
        ("early", "missing", "early.ipynb is for lesson 04"),
    ],
)
def test_submission_has_its_status_and_message(graded, student, status, expected):
    row = graded[0][student, "03.1"]
    assert row["status"] == status
    assert expected in row["message"]


def test_deleted_answer_cell_is_named(graded):
    row = graded[0]["gone", "03.5"]
    assert (row["status"], row["message"]) == ("missing", 'the cell with answer("03.5", ...) was deleted')


def test_answer_after_an_error_names_the_error(graded):
    row = graded[0]["stopped", "03.5"]
    assert row["status"] == "missing"
    assert "NameError" in row["message"]


def test_best_of_several_answers_counts(graded):
    assert graded[0]["answers", "03.5"]["status"] == "passed"
    assert graded[0]["twice wrong", "03.1"]["mistake"] == "mean over the images"


def test_choice_between_two_files_gets_a_note(graded):
    row = graded[0]["ada", "03.1"]
    assert row["file"] == "03_gradients.ipynb"
    assert row["note"].startswith("2 files of lesson 03; graded: ada/03_gradients.ipynb")


def test_imported_modules_get_a_note(graded):
    assert "with its own modules helper.py, sums.py" in graded[0]["fay", "03.1"]["note"]
    assert "with its own modules" not in graded[0]["gus", "03.1"]["note"]


@pytest.mark.parametrize(
    "sentence",
    [
        "ada: not graded: ada/notes.xyz (a .xyz file)",
        "roster.csv is not graded: it is a .csv file",
        "Not graded because of --lesson 03: 1 file of lesson 04",
        f"14 students, {14 * len(NUMBERS)} rows",
    ],
)
def test_command_reports_every_other_file(graded, sentence):
    assert sentence in graded[1]


def test_dash_writes_only_the_csv_to_standard_output(tmp_path, capsys, monkeypatch):
    (tmp_path / "class" / "bob").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "class", "--csv", "-", "--lesson", "3"]) == 0
    printed = capsys.readouterr()
    rows = list(csv.DictReader(printed.out.splitlines()))
    assert [row["exercise"] for row in rows] == NUMBERS
    assert "1 student, 5 rows" in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["class"]
