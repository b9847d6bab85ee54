"""Runs in their own processes: a folder that another process still holds, and errors with their reasons."""

import threading

import pytest
from PIL import Image

from minigooglenet import jobs
from minigooglenet.training import Recipe, Settings, many
from minigooglenet.training.lock import Hold

SMALL = {"width": 0.125, "depth": 2, "norm": None}


@pytest.fixture
def recipe(tmp_path):
    for name, level in (("bright", 200), ("dark", 20)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (32, 32), (level + number,) * 3).save(tmp_path / "images" / name / f"{number}.png")
    return Recipe(
        str(tmp_path / "images"), 32, False, "mini", SMALL, settings=Settings(epochs=1, batch_size=8, lr=1e-4)
    )


def test_run_waits_for_a_process_that_is_saving(recipe, tmp_path):
    (tmp_path / "run").mkdir()
    hold = Hold(tmp_path / "run")
    hold.take()
    timer = threading.Timer(0.5, hold.release)
    timer.start()
    assert many.train_one(recipe, tmp_path / "run")["accuracy"] >= 0
    timer.join()


def test_run_does_not_wait_forever_for_a_folder(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(many, "WAIT", 0.1)
    (tmp_path / "run").mkdir()
    with Hold(tmp_path / "run") as hold:
        hold.take()
        with pytest.raises(BlockingIOError, match="another process is training"):
            many.train_one(recipe, tmp_path / "run")


def test_failed_runs_are_listed_with_their_reasons():
    events = [jobs.Event(jobs.Job(name, print), jobs.FAILED, error="memory ran out") for name in ("a", "long")]
    many.check([jobs.Event(jobs.Job("good", print), jobs.DONE)], "out")
    with pytest.raises(ChildProcessError) as caught:
        many.check([*events, jobs.Event(jobs.Job("good", print), jobs.DONE)], "out")
    assert str(caught.value).startswith("2 of 3 runs in out failed. The others are finished. ")
    assert str(caught.value).endswith("\n  a     memory ran out\n  long  memory ran out")
