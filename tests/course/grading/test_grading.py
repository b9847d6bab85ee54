"""A class with hostile notebooks in it: a row for everybody, and nobody's harms anything but itself.

MINIGOOGLENET_CLASS=200 grades a class of that size instead of the usual one; its figures are printed with `-s`.
"""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hostile import BROKEN, HOSTILE, NEEDS_WALLS

from minigooglenet.cli import main
from minigooglenet.course.grading import gradebook, grader, sandbox, serialisation
from minigooglenet.exercises.checking import Calls, demanded, marked
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything
from minigooglenet.exercises.outputs import call

CLASS = int(os.environ.get("MINIGOOGLENET_CLASS", "0")) or len(HOSTILE) + len(BROKEN) + 15
START = "import numpy as np\nfrom minigooglenet.exercises import answer, ask, check, predict"
HONEST = {
    "passed": "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))",
    "wrong": "def conv_db(dout):\n    return dout.mean(axis=0).sum(axis=(1, 2))",
    "not yet": 'def conv_db(dout):\n    raise NotImplementedError("exercise 03.1: write this")',
}
ZEROS = "def conv_db(dout):\n    return np.zeros(dout.shape[1])"
NUMBERS = [number for number in everything() if number.startswith("03.")]


def notebook(path, *sources):
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


def rows_of(path):
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def walls(tmp_path_factory):
    """What this system can wall off, asked of an honest notebook."""
    folder = tmp_path_factory.mktemp("walls")
    (folder / "class").mkdir()
    notebook(folder / "class" / "03_ada.ipynb", START, HONEST["passed"], "check('03.1', conv_db)")
    _, found, _ = grader.grade(folder / "class", folder / "out.csv", grader.Asked())
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="nothing walls a process off there: the docs say so")
def test_a_hostile_notebook_costs_only_itself(tmp_path, walls):
    folder, victim, mark = tmp_path / "class", tmp_path / "victim", f"mark-{os.getpid()}-{time.time_ns()}"
    folder.mkdir()
    victim.write_text("untouched", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        filled = {"victim": victim, "folder": folder, "port": server.getsockname()[1], "mark": mark}
        hostile = {name for name in HOSTILE if NEEDS_WALLS.get(name, "CPU time") in walls}
        for name in hostile:
            source = HOSTILE[name]
            for key, value in filled.items():
                source = source.replace(f"{{{key}}}", str(value))
            notebook(folder / f"{name}.ipynb", START, ZEROS, source, "check('03.1', conv_db)")
        for name, text in BROKEN.items():
            (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
        honest = {}
        for place in range(CLASS - len(hostile) - len(BROKEN)):
            status = list(HONEST)[place % 3]
            honest[f"honest {place}"] = status
            notebook(folder / f"honest {place}.ipynb", START, HONEST[status], "check('03.1', conv_db)")
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        begun = time.monotonic()
        asked = grader.Asked(seconds=20.0, memory=1 << 31, whole=True, lesson="03", wall=45.0)
        _, _, whole = grader.grade(folder, tmp_path / "out.csv", asked, jobs=4)
        seconds = time.monotonic() - begun
        with pytest.raises(TimeoutError):
            server.accept()
    rows = rows_of(tmp_path / "out.csv")
    print(f"\n{CLASS} notebooks, {len(hostile) + len(BROKEN)} of them hostile: {len(rows)} rows in {seconds:.0f} s")
    assert whole
    assert len(rows) == CLASS * len(NUMBERS)
    first = {row["student"]: row for row in rows if row["exercise"] == "03.1"}
    assert {name: first[name]["status"] for name in honest} == honest
    assert {first[name]["mistake"] for name in honest if honest[name] == "wrong"} == {"mean over the images"}
    assert {name for name in first if name not in honest and first[name]["status"] == "passed"} == set()
    assert victim.read_text(encoding="utf-8") == "untouched"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    if "processes" in walls:
        assert not [place for place in Path("/proc").glob("[0-9]*/cmdline") if mark in _command(place)]
    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert not any(ord(each) < 32 and each != "\n" for each in text)
    assert "this is no notebook" in first["cut short"]["message"]


def _command(place):
    try:
        return place.read_bytes().decode(errors="replace")
    except OSError:
        return ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="walls of Linux")
def test_linux_walls_off_what_the_docs_say(walls):
    assert {"memory", "CPU time"} <= walls
    if sandbox.landlock.version() > 0:
        assert "files" in walls


def test_a_class_in_folders_with_numbers_and_missing_lessons(tmp_path, capsys):
    for name in ("ada", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
    cells = (START, HONEST["passed"], "check('03.1', conv_db)", "predict('03.a', 3)\npredict('03.b', ...)")
    values = "from minigooglenet.exercises.find import find\nask('03.5', 'ada')\nanswer('03.5', 1e9)"
    notebook(tmp_path / "class" / "ada" / "03_gradients.ipynb", *cells, values)
    out = tmp_path / "out.csv"
    assert main(["grade", str(tmp_path / "class"), "--csv", str(out)]) == 0
    rows = {(row["student"], row["exercise"]): row for row in rows_of(out)}
    assert len(rows) == 2 * len(NUMBERS)
    assert rows["ada", "03.1"]["status"] == "passed"
    assert rows["ada", "03.1"]["points"] == rows["ada", "03.1"]["of"] == "1"
    assert "predicted 1 of 2" in rows["ada", "03.1"]["note"]
    assert rows["ada", "03.5"]["status"] == "wrong"
    assert "drawn for 'ada'" in rows["ada", "03.5"]["message"]
    assert rows["bob", "03.1"]["status"] == "missing"
    told = capsys.readouterr().out
    assert "03.1  1 of 2 passed" in told
    assert f"2 students, {len(rows)} rows" in told


def test_one_lesson_leaves_the_notebooks_of_others(tmp_path):
    (tmp_path / "ada").mkdir()
    for name in ("03_gradients.ipynb", "99_other.ipynb"):
        notebook(tmp_path / "ada" / name, START)
    notebook(tmp_path / "ada" / "04_trust.ipynb", START, "check('04.1', f)")
    notebook(tmp_path / "mine.ipynb", START)
    handed, _ = grader.collect(tmp_path, "3")
    assert {each.path.name for each in handed} == {"03_gradients.ipynb", "mine.ipynb"}
    assert {each.numbers for each in handed} == {tuple(NUMBERS)}


def test_a_folder_with_nothing_to_grade_is_said(tmp_path, capsys):
    assert main(["grade", str(tmp_path), "--csv", str(tmp_path / "out.csv")]) == 1
    assert "is empty" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("no notebook", encoding="utf-8")
    assert main(["grade", str(tmp_path), "--csv", str(tmp_path / "out.csv")]) == 1
    assert "no notebook of a lesson with exercises" in capsys.readouterr().err
    assert main(["grade", str(tmp_path / "none"), "--csv", str(tmp_path / "out.csv")]) == 1
    assert "there is no folder" in capsys.readouterr().err


def test_a_grading_that_is_killed_goes_on_where_it_was(tmp_path):
    folder, out = tmp_path / "class", tmp_path / "out.csv"
    folder.mkdir()
    for place in range(6):
        slow = "import time\ntime.sleep(2)\nslow = 1"
        notebook(folder / f"student {place}.ipynb", START, slow, HONEST["passed"], "slow\ncheck('03.1', conv_db)")
    command = [sys.executable, "-m", "minigooglenet", "grade", str(folder), "--csv", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    state = Path(f"{out}.state")
    while not state.exists() or state.read_text(encoding="utf-8").count('"done"') < 2:
        assert process.poll() is None
        time.sleep(0.1)
    process.kill() if os.name == "nt" else process.send_signal(signal.SIGKILL)
    process.wait()
    done = state.read_text(encoding="utf-8").count('"done"')
    with state.open("a", encoding="utf-8") as file:
        file.write('{"done": "cut sho')
    ran = []
    original = grader.run

    def run(handed, *more):
        ran.append(handed.student)
        return original(handed, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grader, "run", run)
        rows, _, whole = grader.grade(folder, out, grader.Asked())
        assert whole
        assert len(ran) == 6 - done
        assert [row["status"] for row in rows if row["exercise"] == "03.1"] == ["passed"] * 6
        notebook(folder / "student 0.ipynb", START, HONEST["wrong"], "check('03.1', conv_db)")  # handed in anew
        rows, _, _ = grader.grade(folder, out, grader.Asked())
        assert ran[6 - done :] == ["student 0"]
        assert rows[0]["mistake"] == "mean over the images"


def test_what_the_notebook_would_say_is_what_the_grade_says(tmp_path):
    answers = {
        "changes its input": "def conv_db(dout):\n    db = dout.sum(axis=(0, 2, 3))\n    dout[:] = 0\n    return db",
        "first image only": "def conv_db(dout):\n    return dout[0].sum(axis=(1, 2)).tolist()",
        "wrong axes": "def conv_db(dout):\n    global seen\n    seen = dout\n    return dout.sum(axis=(0, 1, 2))",
    }
    (tmp_path / "class").mkdir()
    for name, source in answers.items():
        notebook(tmp_path / "class" / f"{name}.ipynb", START, source, "check('03.1', conv_db)")
    notebook(tmp_path / "class" / "late.ipynb", START, "x = np.zeros(3)\nprint(later)", "later = 1", HONEST["passed"])
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.Asked())
    first = {row["student"]: row for row in rows if row["exercise"] == "03.1"}
    assert {name: first[name]["mistake"] for name in answers} == {name: name for name in answers}
    assert first["late"]["status"] == "passed"  # found by its name, though never checked
    assert gradebook.summary(rows)[0].startswith("03.1  1 of 4 passed; ")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "class").mkdir()
    notebook(tmp_path / "class" / "03_ada.ipynb", START, HONEST["passed"], "check('03.1', conv_db)")
    (tmp_path / "class" / "03_bob.ipynb").symlink_to(tmp_path / "class" / "03_ada.ipynb")
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.Asked())
    first = {row["student"]: row for row in rows if row["exercise"] == "03.1"}
    assert first["03_ada"]["status"] == "passed"
    assert first["03_bob"]["status"] == "failed"
    assert "a link" in first["03_bob"]["message"]


def test_a_notebook_during_which_the_grading_died_twice_is_left(tmp_path):
    (tmp_path / "class").mkdir()
    notebook(tmp_path / "class" / "03_eve.ipynb", START, HONEST["passed"], "check('03.1', conv_db)")
    (handed,), _ = grader.collect(tmp_path / "class")
    ledger = gradebook.Ledger(tmp_path / "out.csv.state")
    for _ in range(2):
        ledger.write({"begun": handed.key})
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.Asked())
    assert {row["status"] for row in rows} == {"failed"}
    assert "the grading itself died 2 times" in rows[0]["message"]
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.Asked(), fresh=True)
    assert rows[0]["status"] == "passed"


def test_an_interrupted_grading_ends_its_notebooks_and_writes_what_it_has(tmp_path):
    (tmp_path / "class").mkdir()
    notebook(tmp_path / "class" / "03_eve.ipynb", START, "while True:\n    conv_db = 1")
    asked = grader.Asked(seconds=200.0)
    threading.Timer(5.0, asked.ended.set).start()
    with pytest.raises(KeyboardInterrupt):
        grader.grade(tmp_path / "class", tmp_path / "out.csv", asked)
    assert rows_of(tmp_path / "out.csv") == []
    (handed,), _ = grader.collect(tmp_path / "class")
    assert gradebook.Ledger(tmp_path / "out.csv.state").begun[handed.key] == 0


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("  +1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\r=1"),
        ("\n=1", "'=1"),
        ("\x1b[31m=1\x1b[0m", r"\x1b[31m=1\x1b[0m"),
        ("a;=1", "a;'=1"),
        ('a,"  @b|c', """a," '@b|c"""),
        ("a|=1||b", "a|'=1|'|b"),
        ("at (0, -1), a=b", "at (0, '-1), a=b"),
        ("a;\ufe63\uff5c", "a;'\ufe63\uff5c"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("a\x00b\u202ec\x9b\u200b\udc80", r"a\x00b\u202ec\x9b\u200b\udc80"),
        ("one\r\n  two\u2028three", r"one two\u2028three"),
        ("\x1b]0;title\x07text", r"\x1b]0;title\x07text"),
        ("x" * 1000, "x" * 397 + "..."),
        *((name, name) for name in ("Zo\u00eb", "\u738b", "\u0627\u0633\u0645", "e\u0301", "\u0939\u093f")),
        (None, ""),
        (True, "yes"),
        (-1, -1),
    ],
)
def test_a_cell_is_text_or_a_number_and_nothing_that_runs(text, cell):
    assert gradebook.cell(text) == cell


@pytest.mark.parametrize("exercise", [e for e in everything().values() if getattr(e, "cases_function", None)], ids=repr)
def test_cases_drawn_for_a_grade_tell_wrong_from_right_as_the_usual_ones_do(exercise):
    assert isinstance(exercise, Exercise)
    for seed in (1, 2):
        calls = Calls(exercise, [*exercise.arguments, *exercise.drawn(seed)])
        for right in (exercise.reference_function, *exercise.rights):
            assert _marked(calls, right).passed
        for wrong in exercise.wrongs:
            result = _marked(calls, wrong.function)
            assert (result.status, result.mistake) == ("wrong", wrong.name)


def _marked(calls, function):
    outputs, touched = zip(*(call(function, arguments) for arguments in calls.arguments), strict=True)
    result = marked(calls, outputs, any(touched))
    demand = calls.exercise.demand_function
    return demanded(calls.exercise, demand(function), result) if result.passed and demand else result


@pytest.mark.parametrize("exercise", [e for e in everything().values() if getattr(e, "cases_function", None)], ids=repr)
def test_what_a_right_answer_returns_can_pass_to_the_process_that_marks(exercise):
    for arguments in [*exercise.arguments, *exercise.drawn(3)]:
        serialisation.pack(call(exercise.reference_function, arguments)[0])
