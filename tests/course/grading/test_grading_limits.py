"""Limits of time: late notebooks run again alone and are never saved, because the machine may be busy."""

import json
import signal
import sys
import threading
import time
from importlib import metadata
from pathlib import Path

import pytest

from minigooglenet.course.grading import gradebook, grader, serialisation, worker
from minigooglenet.exercises.outputs import Raised

START = "import numpy as np\nfrom minigooglenet.exercises import answer, ask, check, predict"
RIGHT = "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))"


@pytest.fixture
def graded(tmp_path):
    """Return a function that grades a class of one notebook and returns the row of 03.1."""
    cells = [{"cell_type": "code", "source": source} for source in (START, RIGHT, "check('03.1', conv_db)")]
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")

    def grade(**options):
        rows, _, whole = grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.GradingOptions(**options))
        assert whole
        return next(row for row in rows if row["exercise"] == "03.1")

    return grade


@pytest.fixture
def ran(monkeypatch):
    """The `jobs` of every run; the first `late` runs exceed their time limit."""
    original, made = grader.run, []

    def run(task, options, slot, seed, jobs):
        made.append(jobs)
        return (b"", None) if len(made) <= run.late else original(task, options, slot, seed, jobs)

    run.late, made_and_run = 0, (made, run)
    monkeypatch.setattr(grader, "run", run)
    return made_and_run


def test_late_notebook_is_tried_again_alone(graded, ran):
    made, run = ran
    run.late = 1
    assert graded()["status"] == "passed"
    assert made == [1, 0]


def test_late_result_is_never_saved(graded, ran, tmp_path):
    _, run = ran
    run.late = 4
    row = graded(seconds=2.0)
    assert row["status"] == "failed"
    assert row["message"] == "it was still running after 36 s, alone (its limit is 2 s of CPU time)"
    for _ in range(3):  # late runs do not count as deaths of the grading
        row = graded(seconds=2.0)
    assert row["status"] == "passed"
    ledger = gradebook.Ledger(tmp_path / "out.csv.state")
    assert len(ledger.done) == 1


@pytest.mark.parametrize("late", [["wall"], ["CPU"]])
def test_result_with_a_late_cell_is_never_saved(graded, monkeypatch, tmp_path, late):
    made = []

    def run(task, options, slot, seed, jobs):
        made.append(jobs)
        return serialisation.pack({"end": True, "late": late}), 0

    monkeypatch.setattr(grader, "run", run)
    graded()
    assert made == ([1, 0] if late == ["wall"] else [1])
    assert gradebook.Ledger(tmp_path / "out.csv.state").done == {}


def test_saved_result_depends_on_options_and_version(monkeypatch):
    def keys():
        options = ({}, {"seconds": 900.0}, {"memory": 1 << 30}, {"whole": True}, {"wall": 1e3})
        return [grader.GradingOptions(**choice).key for choice in options]

    before = keys()
    monkeypatch.setattr(metadata, "version", lambda name: "99")
    assert len({*before, *keys()}) == 10
    monkeypatch.setenv(grader.COURSE, "a course")
    assert not {*before} & {*keys()}


def test_finished_notebook_runs_again_only_with_other_options(graded, ran):
    made, _ = ran
    for options in ({}, {}, {"whole": True}, {}, {"whole": True}):
        assert graded(**options)["status"] == "passed"
    assert len(made) == 2


@pytest.fixture
def late(monkeypatch):
    monkeypatch.setattr(worker, "LATE", set())
    return lambda: worker.LATE


# Under a C tracer, such as coverage's, Python 3.11 hangs after an exception that another thread raised.
UNTRACED = pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer is active")


def busy(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return 3


def test_sleeping_function_uses_no_cpu_time(late):
    assert worker._timed(lambda: time.sleep(0.4) or 3, (), 0.1, 100) == 3
    assert late() == set()


@UNTRACED
def test_function_is_ended_by_its_cpu_time(late):
    output = worker._timed(busy, (60,), 0.3, 1000)
    assert isinstance(output, Raised)
    assert "s of CPU time. Check for a loop that never ends" in str(output.error)
    assert late() == {"CPU"}


@UNTRACED
def test_endless_sleep_is_ended(late):
    event = threading.Event()
    output = worker._timed(event.wait, (), 0.2, 2)
    event.set()
    assert isinstance(output.error, TimeoutError)
    assert late() == {"wall"}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_cell_is_ended_by_cpu_time_or_wall_clock(late):
    assert worker._within(0.1, 100)(lambda: time.sleep(0.4) or 3) == 3
    assert late() == set()
    with pytest.raises(TimeoutError, match="still running"):
        worker._within(0.2, 1000)(lambda: busy(60))
    assert late() == {"CPU"}
    with pytest.raises(TimeoutError, match="still running"):
        worker._within(0.1, 3)(lambda: time.sleep(60))
    assert late() == {"CPU", "wall"}


def test_patience_grows_with_jobs_on_few_cores(monkeypatch):
    monkeypatch.setattr(grader.os, "cpu_count", lambda: 2)
    options = grader.GradingOptions(seconds=10.0)
    assert [options.patience(jobs) for jobs in (0, 1, 2, 8)] == [6.0, 6.0, 6.0, 24.0]


def test_notebook_that_cannot_be_run_has_rows(graded, monkeypatch, tmp_path):
    original, made = grader.run, []

    def run(task, *more):
        made.append(task.student)
        if task.student == "ada":
            raise OSError(5, "Input/output error")
        return original(task, *more)

    monkeypatch.setattr(grader, "run", run)
    row = graded()
    assert (row["status"], row["message"]) == ("failed", "it could not be run: [Errno 5] Input/output error")
    assert made == ["ada", "ada"]
    assert gradebook.Ledger(tmp_path / "out.csv.state").done == {}


def test_grading_into_a_device_saves_no_state_there(tmp_path, monkeypatch):
    if not Path("/dev/null").exists():
        pytest.skip("this system has no such device")
    states = []
    monkeypatch.setattr(grader, "_graded", lambda *args: states.append(args[5].path) or ([], set(), True))
    (tmp_path / "class" / "ada").mkdir(parents=True)
    for out in ("/dev/null", tmp_path / "out.csv"):
        grader.grade(tmp_path / "class", out, grader.GradingOptions(lesson="03"))
    assert states[0].parent != Path("/dev")
    assert states[1] == tmp_path / "out.csv.state"
