"""The worker processes of `bench scaling`."""

import multiprocessing
import os
import signal

import numpy as np
import pytest

from minigooglenet.bench import scaling_workers
from minigooglenet.bench.scaling_workers import Share, Team, Work
from minigooglenet.distributed import Alone, ShardedTrainer

WORK = Work("mini", batch=4, workers=2, threads=1, shards=4)


def children():
    return [process for process in multiprocessing.active_children() if process.pid]


def test_workers_report_every_step_and_end():
    before = len(children())
    with Team(WORK) as team:
        assert len(children()) == before + 2
        team.step()
        team.step()
        size = team.gradient_bytes
    assert len(children()) == before
    assert len(team.shares) == 2
    assert size == 4 * scaling_workers.trainer(WORK).layout.size
    for share in team.shares:
        assert share.seconds > share.computing > 0
        assert min(share.waiting, share.exchanging, share.update) > 0
        # Half of the sum of two shards, half of the total, and the small rows of the losses.
        assert size <= share.sent < size + 1000


def test_whole_batches_exchange_nothing():
    with Team(WORK._replace(workers=1, shards=None)) as team:
        team.step()
    (share,) = team.shares
    assert (share.waiting, share.exchanging, share.sent) == (0, 0, 0)
    assert team.gradient_bytes == 0


def test_killed_worker_is_reported_and_others_end():
    before = len(children())
    with Team(WORK) as team:
        team.step()
        os.kill(max(process.pid for process in children()), signal.SIGTERM)
        with pytest.raises(ChildProcessError, match=r"worker \d of the bench ended with exit status -?15"):
            team.step()
    assert len(children()) == before


def test_error_of_a_worker_is_raised_here(monkeypatch):
    right = scaling_workers.trainer(WORK)
    monkeypatch.setattr(scaling_workers, "trainer", lambda work: right)  # only in this process
    with Team(WORK._replace(model="nothing")) as team, pytest.raises(ValueError, match=r"worker \d: .*'nothing'"):
        team.step()


def test_silent_workers_end_the_step(monkeypatch):
    monkeypatch.setattr(scaling_workers, "LIMIT", 0.0)
    with Team(WORK) as team, pytest.raises(TimeoutError, match="did not finish a step"):
        team.step()


def test_measured_step_trains_as_the_trainer_does():
    work = WORK._replace(workers=1)
    measured, plain = (scaling_workers.trainer(work, Alone()) for _ in range(2))
    assert isinstance(measured, ShardedTrainer)
    group = type("Group", (), {"times": scaling_workers.Totals(), "sent": 0})()
    (batch,) = plain.batches(0)
    for _ in range(2):
        share = scaling_workers.measured_step(measured, batch, group)
        plain.learn(batch, scaling_workers.LEARNING_RATE)
    assert all(np.array_equal(measured.graph.params[name], value) for name, value in plain.graph.params.items())
    assert share.seconds > share.update > 0


def test_mean_share_is_the_mean_of_each_entry():
    shares = [Share(1.0, 0.2, 0.1, 0.3, 8), Share(3.0, 0.4, 0.5, 0.1, 16)]
    assert scaling_workers.mean(shares) == pytest.approx(Share(2.0, 0.3, 0.3, 0.2, 12))
