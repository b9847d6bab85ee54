"""Jobs on a Dask cluster of two processes, one of which is killed."""

import functools
import os
import signal
import threading

import job_functions as functions
import pytest

from minigooglenet import jobs

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("dask"))
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(local_directory=folder, **settings) as cluster:
        yield cluster


def _run(calls, folder, cluster, **more):
    listed = [jobs.Job(name, *call) for name, call in calls.items()]
    engine = functools.partial(jobs.on_dask, address=cluster.scheduler_address, **more)
    return {event.job.name: event for event in jobs.run(listed, engine, jobs.Journal(folder / "jobs.jsonl"))}


def test_killed_dask_worker_costs_no_job(tmp_path, cluster):
    calls = {name: (functions.wait_for, (str(tmp_path / "begin"),)) for name in "abcd"}
    pids = [nanny.pid for nanny in cluster.workers.values()]

    def kill():
        os.kill(pids[0], getattr(signal, "SIGKILL", signal.SIGTERM))
        (tmp_path / "begin").touch()

    timer = threading.Timer(3, kill)
    timer.start()
    ends = _run(calls, tmp_path, cluster)
    timer.join()
    assert [end.state for end in ends.values()] == [jobs.DONE] * 4


def test_crashes_and_exceptions_on_dask_cost_only_their_job(tmp_path, cluster):
    calls = {"bad": (functions.raise_error, ("no",)), "gone": (functions.exit_with, (3,))}
    calls |= {"good": (functions.count, (str(tmp_path), "g")), "threads": (functions.threads,)}
    calls["elsewhere"] = (functions.count, (str(tmp_path), "e"), tmp_path / "missing")
    ends = _run(calls, tmp_path, cluster, restarts=1)
    assert ends["bad"].error == "ValueError: no"
    assert ends["gone"].error == "its process ended with exit code 3; it was restarted 1 time"
    assert (ends["good"].value, ends["threads"].value) == ("ok", 1)
    assert "need the same file system" in ends["elsewhere"].error


def test_stop_interrupts_jobs_on_dask(tmp_path, cluster):
    calls = {name: (functions.wait, (str(tmp_path), name)) for name in "abc"}
    with pytest.raises(KeyboardInterrupt):
        _run(calls, tmp_path, cluster, stop=lambda: all((tmp_path / name).exists() for name in "ab"))
    assert sorted(path.name for path in tmp_path.glob("*.saved")) == ["a.saved", "b.saved"]
    assert not (tmp_path / "c").exists()


def test_missing_scheduler_is_reported_with_advice(monkeypatch):
    monkeypatch.setattr(jobs.cluster, "SECONDS", 0.2)
    with pytest.raises(OSError, match="no Dask scheduler answers at tcp"):
        next(jobs.on_dask([], address="tcp://127.0.0.1:9"))
