"""Corrupt logs next to a valid checkpoint: the run continues, valid rows stay, and nothing is lost."""

import os
import signal

import pytest
from small import graph, split

from minigooglenet.training import Settings, Trainer
from minigooglenet.training.checkpoint import ResumeWarning
from minigooglenet.training.log import CORRUPT, Log

KEPT = f"{CORRUPT}-1"
SETTINGS = Settings(epochs=3, batch_size=6, gradients_every=2)


@pytest.fixture
def stopped(tmp_path):
    """Return the folder of a run that stopped at step 7, in its second epoch."""

    def stop(step):
        if step.number == 6:
            os.kill(os.getpid(), signal.SIGINT)

    assert not Trainer(graph(), split(), SETTINGS, tmp_path / "run").run(stop)
    return tmp_path / "run"


def _resumed(folder, match):
    trainer = Trainer(graph(rng=5), split(), SETTINGS, folder)
    with pytest.warns(ResumeWarning, match=match):
        assert trainer.resume()
    return trainer


def _lines(path):
    return path.read_bytes().splitlines(keepends=True)


def _edit(path, change):
    path.write_bytes(b"".join(change(_lines(path))))


ODD = (
    b"\xff\xfe\x00\n",
    b"a,b,c,d,e,f,g\n",
    b"1,2\n",
    b"nan,0,1,1,1,6,1\n",
    b'"',
    b"9" * 30_000 + b"\n",
    b"3,0,0.5,0.5,0.1,6,0.1\n",
)


@pytest.mark.parametrize("odd", ODD)
def test_valid_steps_stay_and_corrupt_file_is_kept(stopped, odd):
    path, whole = stopped / "steps.csv", _lines(stopped / "steps.csv")
    _edit(
        path, lambda lines: [*lines[:3], odd, *lines[3:]] if odd != b'"' else [*lines[:3], odd + lines[3], *lines[4:]]
    )
    corrupt = path.read_bytes()
    trainer = _resumed(stopped, rf"steps\.csv had 1 row that this run did not write. It is now steps\.csv\.{KEPT}, and")
    assert (stopped / f"steps.csv.{KEPT}").read_bytes() == corrupt
    rows = [row[0] for row in trainer.log.rows()]
    assert rows == ([0, 1, 2, 3, 4, 5, 6] if odd != b'"' else [0, 1, 3, 4, 5, 6])
    if odd != b'"':
        assert _lines(path) == whole
    assert trainer.run()
    assert [row[0] for row in trainer.log.rows()][-5:] == [7, 8, 9, 10, 11]


def test_missing_rows_are_reported(stopped):
    _edit(stopped / "steps.csv", lambda lines: [lines[0], *lines[3:]])
    trainer = _resumed(
        stopped, r"steps\.csv lacks steps of epoch 1\. The run continues, but its training curve has a gap"
    )
    assert [row[0] for row in trainer.log.rows()] == [2, 3, 4, 5, 6]


def test_unordered_rows_are_sorted_and_the_file_kept(stopped):
    whole = _lines(stopped / "steps.csv")
    _edit(stopped / "steps.csv", lambda lines: [lines[0], *reversed(lines[1:])])
    _resumed(stopped, r"steps\.csv had 6 rows that this run did not write")
    assert _lines(stopped / "steps.csv") == whole
    assert (stopped / f"steps.csv.{KEPT}").exists()


def test_changed_number_is_detected(stopped):
    _edit(stopped / "steps.csv", lambda lines: [*lines[:2], lines[2].replace(b"1,0,", b"1,0,9"), *lines[3:]])
    trainer = _resumed(stopped, rf"steps\.csv had 4 rows that this run did not write. It is now steps\.csv\.{KEPT}")
    assert [row[0] for row in trainer.log.rows()] == [4, 5, 6]


@pytest.mark.parametrize("name", ["steps.csv", "epochs.csv"])
def test_logs_of_another_run_are_renamed(stopped, tmp_path, name):
    Trainer(graph(rng=9), split(seed=9), SETTINGS, tmp_path / "other").run()
    other = (tmp_path / "other" / name).read_bytes()
    (stopped / name).write_bytes(other)
    trainer = _resumed(stopped, rf"{name} had . rows? that this run did not write. It is now {name}\.{KEPT}")
    assert (stopped / f"{name}.{KEPT}").read_bytes() == other
    assert trainer.epoch_log.rows() == [tuple(epoch) for epoch in trainer.epochs]


@pytest.mark.parametrize("damage", [b"", b"\0" * 80, b"epoch\n0\n", None])
def test_epochs_are_restored_from_the_checkpoint(stopped, damage):
    path = stopped / "epochs.csv"
    whole = path.read_bytes()
    path.unlink() if damage is None else path.write_bytes(damage)
    _resumed(stopped, r"epochs\.csv (was missing and is restored|lacked rows|had 2? ?.*restored)")
    assert path.read_bytes() == whole


def test_gradients_of_unknown_nodes_are_renamed(stopped):
    path, whole = stopped / "gradients.csv", (stopped / "gradients.csv").read_bytes()
    path.write_bytes(whole + b"6,conv9/3x3,1.5\n6,conv1/3x3,nan\n")
    _resumed(stopped, r"gradients\.csv had 2 rows that this run did not write")
    assert path.read_bytes() == whole


@pytest.mark.parametrize("kind", ["folder", "link to itself", "pipe"])
def test_other_entries_instead_of_logs_are_renamed(stopped, kind):
    path = stopped / "steps.csv"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no pipes with names")
        os.mkfifo(path)
    else:
        path.symlink_to(path.name)
    trainer = _resumed(stopped, rf"steps\.csv was not a regular file. It is now steps\.csv\.{KEPT}")
    assert os.path.lexists(stopped / f"steps.csv.{KEPT}")
    assert trainer.run()


def test_intact_logs_stay_untouched(stopped):
    before = {path.name: path.stat().st_mtime_ns for path in stopped.glob("*.csv")}
    assert Trainer(graph(rng=5), split(), SETTINGS, stopped).resume()
    assert {path.name: path.stat().st_mtime_ns for path in stopped.glob("*.csv")} == before


def test_rows_after_the_checkpoint_are_dropped_silently(stopped):
    path, whole = stopped / "steps.csv", (stopped / "steps.csv").read_bytes()
    last = _lines(path)[-1]
    path.write_bytes(whole + last.replace(b"6,1", b"7,1", 1) + b"8,2,0.5")
    assert Trainer(graph(rng=5), split(), SETTINGS, stopped).resume()
    assert path.read_bytes() == whole
    assert not list(stopped.glob(f"*{KEPT[:-2]}*"))


def test_new_run_keeps_a_table_of_another_program(tmp_path):
    (tmp_path / "steps.csv").write_bytes(b"date;steps\n2026-01-01;9000\n")
    with pytest.warns(ResumeWarning, match=r"steps\.csv had 2 rows that this run did not write. It is now"):
        Trainer(graph(), split(), SETTINGS, tmp_path).run()
    assert (tmp_path / f"steps.csv.{KEPT}").read_bytes() == b"date;steps\n2026-01-01;9000\n"


def test_weights_without_a_checkpoint_are_kept(stopped):
    weights = (stopped / "weights.safetensors").read_bytes()
    (stopped / "checkpoint.safetensors").unlink()
    trainer = Trainer(graph(), split(), SETTINGS, stopped)
    with pytest.warns(
        ResumeWarning, match=r"has weights but no checkpoint, so the run starts from scratch. Its earlier"
    ):
        assert not trainer.resume_or_restart()
    assert (stopped / "weights.earlier-1.safetensors").read_bytes() == weights
    assert (stopped / "steps.earlier-1.csv").exists()
    assert trainer.run()


def test_valid_rows_are_read_between_corrupt_ones(tmp_path):
    log = Log(("step", "loss"), tmp_path / "steps.csv", (int, float))
    (tmp_path / "steps.csv").write_bytes(b"step,loss\n0,1.5\nx\n\xff\n1,inf\n2,1.25\n")
    assert log.rows() == [(0, 1.5), (2, 1.25)]
