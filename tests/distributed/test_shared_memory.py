"""Workers of one machine: the same bits for any number of them, and after one of them was killed or stopped."""

import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import cli, distributed
from minigooglenet.distributed import memory, supervisor
from minigooglenet.training.display import Display
from tests.distributed import worker_runs

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return worker_runs.folder(tmp_path_factory.mktemp("data") / "bars")


@pytest.fixture(scope="module")
def expected(data, tmp_path_factory):
    """The digest of the run in one process."""
    return worker_runs.alone(worker_runs.recipe(data), tmp_path_factory.mktemp("alone"))


@pytest.fixture
def nothing_left():
    """Check that no process and no shared memory is left behind."""
    before = memory_files()
    yield
    assert not multiprocessing.active_children()
    assert memory_files() <= before


def memory_files():
    folder = Path("/dev/shm")  # of Linux
    return {path.name for path in folder.glob("pym-*")} if folder.is_dir() else set()


class Acting(Display):
    """A display that keeps the lines, and calls `act(done)` at each step."""

    def __init__(self, act=lambda done: None):
        super().__init__()
        self.lines, self.act = [], act

    def line(self, text, whole=False):
        self.lines.append(text)

    def status(self, name, done, total, text=""):
        if name == "step":
            self.act(done)


def signalling(number, calls, seed=0):
    """Return a function that sends a signal to a random worker at these of its calls."""
    rng, count = random.Random(seed), itertools.count(1)

    def act(done):
        if next(count) in calls:
            worker = rng.choice(sorted(multiprocessing.active_children(), key=lambda process: process.pid))
            os.kill(worker.pid, number)

    return act


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_number_of_workers_changes_no_bit(workers, data, expected, tmp_path, nothing_left):
    assert distributed.train(worker_runs.recipe(data), tmp_path, workers, display=Acting())
    assert worker_runs.digest(tmp_path) == expected


def test_workers_train_digits_to_the_same_bits(tmp_path, nothing_left):
    pytest.importorskip("sklearn")
    settings = mg.training.Settings(epochs=1, batch_size=64, shards=8, average_from=0.5)
    run = mg.training.Recipe("digits", size=16, arguments={"depth": 2, "width": 0.25, "aux": True}, settings=settings)
    expected = worker_runs.alone(run, tmp_path / "alone")
    assert distributed.train(run, tmp_path / "two", 2, display=Acting())
    assert worker_runs.digest(tmp_path / "two") == expected


@posix
def test_killed_workers_change_no_bit(data, expected, tmp_path, nothing_left):
    display = Acting(signalling(signal.SIGKILL, random.Random(0).sample(range(1, 12, 2), 3)))
    assert distributed.train(worker_runs.recipe(data), tmp_path, 4, display=display)
    assert worker_runs.digest(tmp_path) == expected
    texts = [line for line in display.lines if "was ended by signal 9" in line]
    assert len(texts) == 3
    assert texts[0].endswith("with 2 workers.")  # it may have no checkpoint yet
    assert texts[-1].endswith("Continuing from the last checkpoint with 1 worker.")


def test_run_without_a_checkpoint_starts_again(data, tmp_path, monkeypatch):
    (tmp_path / "best.safetensors").write_text("of an earlier run")
    texts = []

    class Dying:
        finished = done = True

        def __init__(self, *_):
            texts.append((tmp_path / "weights.safetensors").exists())

        def watch(self, *_):
            (tmp_path / "weights.safetensors").write_text(f"attempt {len(texts)}")
            return {0: "worker 0 was ended by signal 9"} if len(texts) < 3 else {}

        def end(self):
            pass

    monkeypatch.setattr(supervisor, "Team", Dying)
    display = Acting()
    assert distributed.train(worker_runs.recipe(data), tmp_path, 2, display=display)
    assert texts == [False] * 3  # what an attempt wrote is gone before the next
    assert display.lines[-2:] == ["Worker 0 was ended by signal 9. Starting again with 1 worker."] * 2
    assert (tmp_path / "best.safetensors").read_text() == "of an earlier run"


@posix
@pytest.mark.parametrize(("silent", "limit", "text"), [(5, 600, "no sign of life for 5"), (600, 15, "in 15 seconds")])
def test_stopped_worker_is_replaced(silent, limit, text, data, expected, tmp_path, nothing_left, monkeypatch):
    monkeypatch.setattr(supervisor, "SILENT", silent)
    display = Acting(signalling(signal.SIGSTOP, [4]))
    # Long enough for the first step, in which nobody waits for a worker that still starts.
    assert distributed.train(worker_runs.recipe(data), tmp_path, 2, step_timeout=limit, display=display)
    assert worker_runs.digest(tmp_path) == expected
    assert any(text in line for line in display.lines)


@posix
def test_workers_that_always_die_end_the_run(data, tmp_path, nothing_left, monkeypatch):
    monkeypatch.setattr(supervisor, "FUTILE", 3)

    def kill_all(done):
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGKILL)

    settings = mg.training.Settings(epochs=3, batch_size=16, shards=8)
    with pytest.raises(ChildProcessError, match="3 times in a row a worker ended"):
        distributed.train(worker_runs.recipe(data, settings), tmp_path, 2, display=Acting(kill_all))


def test_ended_workers_leave_no_partial_file(data, tmp_path, nothing_left):
    def stop(done):
        (tmp_path / ".checkpoint.safetensors.01234567.part").touch()  # as if it was just being written
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distributed.train(worker_runs.recipe(data), tmp_path, 2, display=Acting(stop))
    assert not list(tmp_path.glob(".*.part"))


def test_error_of_a_worker_ends_all(data, tmp_path, nothing_left):
    settings = mg.training.Settings(epochs=3, batch_size=16, shards=8, lr=1e30)
    begun = time.monotonic()
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"worker \d: the loss of step") as error:
        distributed.train(worker_runs.recipe(data, settings), tmp_path, 2, display=Acting())
    assert "ShardedTrainer" in "".join(error.value.__notes__) or "sharded.py" in "".join(error.value.__notes__)
    assert time.monotonic() - begun < 120


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits the files of another process")
def test_full_disk_ends_all_workers(data, tmp_path, nothing_left):
    import resource

    def fill(done):
        for process in multiprocessing.active_children():
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))

    with pytest.raises(OSError, match=r"worker 0: File too large") as error:
        distributed.train(worker_runs.recipe(data), tmp_path, 2, display=Acting(fill))
    assert not list(tmp_path.glob("*.part"))
    assert "with_traceback" not in str(error.value)


def test_wrong_number_of_workers_starts_no_process(data, tmp_path):
    with pytest.raises(ValueError, match="3 workers cannot share 8 shards equally"):
        distributed.train(worker_runs.recipe(data), tmp_path, 3)
    with pytest.raises(ValueError, match=r"settings\.shards is missing"):
        distributed.train(worker_runs.recipe(data, mg.training.Settings()), tmp_path, 2)
    assert not list(tmp_path.iterdir())


@posix
def test_signal_waits_until_a_worker_has_started(nothing_left):
    layout = memory.Layout(1, 1, 1, "float32")
    pipe, process = memory.start_worker(worker_runs.answer_with_signals, 0, layout, layout.allocate())
    process.terminate()  # while it imports its modules
    assert pipe.recv_bytes() == bytes([signal.SIGTERM])
    process.join()
    assert process.exitcode == 0


def command(*arguments):
    return [sys.executable, "-m", "minigooglenet", "train", *map(str, arguments)]


@posix
def test_stopped_run_continues_with_other_workers(data, tmp_path):
    run = ["--data", data, "--size", 16, "--depth", 2, "--width", 0.25, "--epochs", 6, "--batch", 16, "--out"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    process = subprocess.Popen(command(*run, parts, "--workers", 2), stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("epoch   1"):
            process.send_signal(signal.SIGTERM)
            break
    output = process.stdout.read()
    process.stdout.close()
    assert (process.wait(60), "Stopped and saved after step" in output) == (130, True)
    for arguments in (["--out", parts, "--resume", "--workers", 4], [*run, whole, "--shards", 8]):
        assert cli.main(["train", *map(str, arguments)]) == 0
    assert worker_runs.digest(parts) == worker_runs.digest(whole)


@posix
def test_workers_end_with_their_supervisor(data, tmp_path):
    arguments = ["--data", data, "--size", 16, "--depth", 2, "--epochs", 400, "--batch", 16]
    process = subprocess.Popen(
        command(*arguments, "--out", tmp_path, "--workers", 2), stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("epoch   1"):
            process.kill()
            break
    process.wait()
    process.stdout.read()  # ends when no worker holds the other end any more
    process.stdout.close()
