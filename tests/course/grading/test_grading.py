"""Grading of a class with hostile notebooks: every student gets rows, and no notebook affects another.

MINIGOOGLENET_CLASS=200 grades a class of that size; its measurements are printed with `-s`.
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
from hostile import BROKEN, HOSTILE, NEEDS

from minigooglenet.cli import main
from minigooglenet.course.grading import gradebook, grader, sandbox, serialisation
from minigooglenet.exercises.checking import Calls, demanded
from minigooglenet.exercises.checking import grade as grade_answer
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything
from minigooglenet.exercises.outputs import call

CLASS = int(os.environ.get("MINIGOOGLENET_CLASS", "0")) or len(HOSTILE) + len(BROKEN) + 6
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
def protections(tmp_path_factory):
    """The sandbox protections of this system, measured with an honest notebook."""
    folder = tmp_path_factory.mktemp("protections")
    (folder / "class").mkdir()
    notebook(folder / "class" / "03_ada.ipynb", START, HONEST["passed"], "check('03.1', conv_db)")
    _, result, _ = grader.grade(folder / "class", folder / "out.csv", grader.GradingOptions())
    return result


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sandbox, as documented")
def test_hostile_notebooks_harm_only_their_own_grades(tmp_path, protections):
    folder, victim, mark = tmp_path / "class", tmp_path / "victim", f"mark-{os.getpid()}-{time.time_ns()}"
    folder.mkdir()
    victim.write_text("untouched", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        filled = {"victim": victim, "folder": folder, "port": server.getsockname()[1], "mark": mark}
        hostile = {name for name in HOSTILE if NEEDS.get(name, "CPU time") in protections}
        for name in hostile:
            source = HOSTILE[name]
            for key, value in filled.items():
                source = source.replace(f"{{{key}}}", str(value))
            notebook(folder / f"{name}.ipynb", START, ZEROS, source, "check('03.1', conv_db)")
        for name, text in BROKEN.items():
            (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
        honest = {}
        for index in range(CLASS - len(hostile) - len(BROKEN)):
            status = list(HONEST)[index % 3]
            honest[f"honest {index}"] = status
            notebook(folder / f"honest {index}.ipynb", START, HONEST[status], "check('03.1', conv_db)")
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        begun = time.monotonic()
        options = grader.GradingOptions(seconds=4.0, memory=1 << 31, whole=True, lesson="03", wall=10.0)
        _, _, whole = grader.grade(folder, tmp_path / "out.csv", options, jobs=4)
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
    if "processes" in protections:
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _command(path)]
    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert not any(ord(letter) < 32 and letter != "\n" for letter in text)
    assert "this is not a notebook" in first["truncated"]["message"]


def _command(path):
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has them")
def test_linux_has_the_documented_protections(protections):
    assert {"memory", "CPU time"} <= protections
    if sandbox.landlock.version() > 0:
        assert "files" in protections


def test_class_folder_gives_rows_for_questions_and_missing_lessons(tmp_path, capsys):
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
    assert "predictions made: 1 of 2" in rows["ada", "03.1"]["note"]
    assert rows["ada", "03.5"]["status"] == "wrong"
    assert "drawn for 'ada'" in rows["ada", "03.5"]["message"]
    assert rows["bob", "03.1"]["status"] == "missing"
    printed = capsys.readouterr().out
    assert "03.1  1 of 2 passed" in printed
    assert f"2 students, {len(rows)} rows" in printed


def test_lesson_option_skips_notebooks_of_other_lessons(tmp_path):
    (tmp_path / "ada").mkdir()
    for name in ("03_gradients.ipynb", "99_other.ipynb"):
        notebook(tmp_path / "ada" / name, START)
    notebook(tmp_path / "ada" / "04_trust.ipynb", START, "check('04.1', f)")
    notebook(tmp_path / "mine.ipynb", START)
    tasks, _ = grader.collect(tmp_path, "3")
    assert {task.path.name for task in tasks} == {"03_gradients.ipynb", "mine.ipynb"}
    assert {task.numbers for task in tasks} == {tuple(NUMBERS)}


def test_folder_without_notebooks_raises(tmp_path, capsys):
    assert main(["grade", str(tmp_path), "--csv", str(tmp_path / "out.csv")]) == 1
    assert "is empty" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("no notebook", encoding="utf-8")
    assert main(["grade", str(tmp_path), "--csv", str(tmp_path / "out.csv")]) == 1
    assert "no notebook of a lesson with exercises" in capsys.readouterr().err
    assert main(["grade", str(tmp_path / "none"), "--csv", str(tmp_path / "out.csv")]) == 1
    assert "none does not exist" in capsys.readouterr().err


def test_killed_grading_resumes(tmp_path):
    folder, out = tmp_path / "class", tmp_path / "out.csv"
    folder.mkdir()
    for index in range(4):
        slow = "import time\ntime.sleep(0.5)\nslow = 1"
        notebook(folder / f"student {index}.ipynb", START, slow, HONEST["passed"], "slow\ncheck('03.1', conv_db)")
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
        file.write('{"done": "trunca')
    ran = []
    original = grader.run

    def run(task, *more):
        ran.append(task.student)
        return original(task, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grader, "run", run)
        rows, _, whole = grader.grade(folder, out, grader.GradingOptions())
        assert whole
        assert len(ran) == 4 - done
        assert [row["status"] for row in rows if row["exercise"] == "03.1"] == ["passed"] * 4
        notebook(folder / "student 0.ipynb", START, HONEST["wrong"], "check('03.1', conv_db)")  # handed in again
        rows, _, _ = grader.grade(folder, out, grader.GradingOptions())
        assert ran[4 - done :] == ["student 0"]
        assert rows[0]["mistake"] == "mean over the images"


def test_grade_names_the_same_mistakes_as_the_check(tmp_path):
    answers = {
        "changes its input": "def conv_db(dout):\n    db = dout.sum(axis=(0, 2, 3))\n    dout[:] = 0\n    return db",
        "first image only": "def conv_db(dout):\n    return dout[0].sum(axis=(1, 2)).tolist()",
        "wrong axes": "def conv_db(dout):\n    global seen\n    seen = dout\n    return dout.sum(axis=(0, 1, 2))",
    }
    (tmp_path / "class").mkdir()
    for name, source in answers.items():
        notebook(tmp_path / "class" / f"{name}.ipynb", START, source, "check('03.1', conv_db)")
    notebook(tmp_path / "class" / "late.ipynb", START, "x = np.zeros(3)\nprint(later)", "later = 1", HONEST["passed"])
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.GradingOptions())
    first = {row["student"]: row for row in rows if row["exercise"] == "03.1"}
    assert {name: first[name]["mistake"] for name in answers} == {name: name for name in answers}
    assert first["late"]["status"] == "passed"  # recognised by its name, although it is never checked
    assert gradebook.summary(rows)[0].startswith("03.1  1 of 4 passed; ")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_linked_notebook_fails(tmp_path):
    (tmp_path / "class").mkdir()
    notebook(tmp_path / "class" / "03_ada.ipynb", START, HONEST["passed"], "check('03.1', conv_db)")
    (tmp_path / "class" / "03_bob.ipynb").symlink_to(tmp_path / "class" / "03_ada.ipynb")
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.GradingOptions())
    first = {row["student"]: row for row in rows if row["exercise"] == "03.1"}
    assert first["03_ada"]["status"] == "passed"
    assert first["03_bob"]["status"] == "failed"
    assert "a link" in first["03_bob"]["message"]


def test_notebook_that_killed_the_grading_twice_is_skipped(tmp_path):
    (tmp_path / "class").mkdir()
    notebook(tmp_path / "class" / "03_eve.ipynb", START, HONEST["passed"], "check('03.1', conv_db)")
    (task,), _ = grader.collect(tmp_path / "class")
    ledger = gradebook.Ledger(tmp_path / "out.csv.state")
    for _ in range(2):
        ledger.write({"begun": task.key})
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.GradingOptions())
    assert {row["status"] for row in rows} == {"failed"}
    assert "the grading process died 2 times" in rows[0]["message"]
    rows, _, _ = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.GradingOptions(), fresh=True)
    assert rows[0]["status"] == "passed"


def test_interrupted_grading_ends_workers_and_writes_finished_rows(tmp_path, monkeypatch):
    (tmp_path / "class").mkdir()
    notebook(tmp_path / "class" / "03_eve.ipynb", START, "while True:\n    conv_db = 1")
    options, start, workers = grader.GradingOptions(seconds=200.0), grader._start, []

    def started(*given):
        workers.append(start(*given))
        threading.Timer(1.5, options.ended.set).start()
        return workers[0]

    monkeypatch.setattr(grader, "_start", started)
    with pytest.raises(KeyboardInterrupt):
        grader.grade(tmp_path / "class", tmp_path / "out.csv", options)
    assert [worker.poll() is None for worker in workers] == [False]
    assert rows_of(tmp_path / "out.csv") == []
    (task,), _ = grader.collect(tmp_path / "class")
    assert gradebook.Ledger(tmp_path / "out.csv.state").begun[task.key] == 0


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
def test_csv_cell_is_never_a_formula(text, cell):
    assert gradebook.cell(text) == cell


@pytest.mark.parametrize("exercise", [e for e in everything().values() if getattr(e, "cases_function", None)], ids=repr)
def test_drawn_test_cases_recognise_every_mistake(exercise):
    assert isinstance(exercise, Exercise)
    for seed in (1, 2):
        calls = Calls(exercise, [*exercise.arguments, *exercise.drawn(seed)])
        for right in (exercise.reference_function, *exercise.rights):
            assert _graded(calls, right).passed
        for wrong in exercise.wrongs:
            result = _graded(calls, wrong.function)
            assert (result.status, result.mistake) == ("wrong", wrong.name)


def _graded(calls, function):
    outputs, touched = zip(*(call(function, arguments) for arguments in calls.arguments), strict=True)
    result = grade_answer(calls, outputs, any(touched))
    demand = calls.exercise.demand_function
    return demanded(calls.exercise, demand(function), result) if result.passed and demand else result


@pytest.mark.parametrize("exercise", [e for e in everything().values() if getattr(e, "cases_function", None)], ids=repr)
def test_reference_outputs_can_be_serialised(exercise):
    for arguments in [*exercise.arguments, *exercise.drawn(3)]:
        serialisation.pack(call(exercise.reference_function, arguments)[0])
