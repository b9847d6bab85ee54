"""The runner of jobs: a crash costs only its job, the journal survives a kill, and nothing runs twice."""

import functools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import job_functions as functions
import pytest

from minigooglenet import jobs
from minigooglenet.jobs.process import reason

local = functools.partial(jobs.in_processes, at_once=2)


def _run(calls, folder, engine=local, **more):
    """Run {name: (function, arguments)} and return {name: last event}."""
    listed = [jobs.Job(name, *call) for name, call in calls.items()]
    return {event.job.name: event for event in jobs.run(listed, engine, jobs.Journal(folder / "jobs.jsonl"), **more)}


def test_jobs_return_values_and_share_the_cores(tmp_path, own_threads):
    from minigooglenet import set_num_threads

    set_num_threads(6)
    ends = _run(dict.fromkeys("abc", (functions.threads,)), tmp_path)
    assert [(end.state, end.value) for end in ends.values()] == [(jobs.DONE, 3)] * 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_job_is_restarted_and_costs_only_itself(tmp_path):
    calls = {"killed": (functions.kill_once, (str(tmp_path), "k"))}
    calls |= {name: (functions.count, (str(tmp_path), name)) for name in "abc"}
    events = []
    ends = _run(calls, tmp_path, on_event=events.append)
    assert [end.state for end in ends.values()] == [jobs.DONE] * 4
    assert ends["killed"].value == 3
    crashes = [event.error for event in events if event.state == jobs.CRASHED]
    assert crashes == ["its process was killed by SIGKILL; memory may have run out"] * 2
    assert all((tmp_path / name).read_text(encoding="ascii") == "x" for name in "abc")


CRASHES = {
    "memory": (functions.use_all_memory, (), "memory ran out"),
    "exit": (functions.exit_with, (3,), "its process ended with exit code 3"),
    "segfault": (functions.read_address_zero, (), f"its process {reason(-signal.SIGSEGV)}"),
}


@pytest.mark.parametrize("case", CRASHES)
def test_job_that_always_crashes_fails_alone(tmp_path, case):
    function, arguments, sentence = CRASHES[case]
    calls = {"bad": (function, arguments), "good": (functions.count, (str(tmp_path), "g"))}
    ends = _run(calls, tmp_path, functools.partial(local, restarts=1))
    assert ends["good"].state == jobs.DONE
    assert ends["bad"].state == jobs.FAILED
    if os.name != "nt" or case != "segfault":
        assert ends["bad"].error == f"{sentence}; it was restarted 1 time"


def test_exception_is_reported_and_not_retried(tmp_path):
    calls = {"bad": (functions.raise_error, ("lr is too large",)), "good": (functions.count, (str(tmp_path), "g"))}
    events = []
    ends = _run(calls, tmp_path, on_event=events.append)
    assert ends["bad"].error == "ValueError: lr is too large"
    assert "in raise_error" in ends["bad"].details
    assert ends["good"].state == jobs.DONE
    assert [event.state for event in events if event.job.name == "bad"] == [jobs.STARTED, jobs.FAILED]


def test_finished_jobs_are_not_run_again(tmp_path):
    calls = {name: (functions.count, (str(tmp_path), name, name), tmp_path / name) for name in "ab"}
    assert _run(calls, tmp_path)["a"].value == "a"
    (tmp_path / "b").unlink()  # its output is missing
    assert _run(calls, tmp_path)["a"].value == "a"
    assert [(tmp_path / name).read_text(encoding="ascii") for name in "ab"] == ["x", "x"]
    (tmp_path / "a").write_text("kept", encoding="ascii")
    _run(calls, tmp_path)
    assert (tmp_path / "a").read_text(encoding="ascii") == "kept"


def test_failed_job_runs_again_in_the_next_call(tmp_path):
    assert _run({"job": (functions.raise_error, ("no",))}, tmp_path)["job"].state == jobs.FAILED
    assert _run({"job": (functions.count, (str(tmp_path), "c"))}, tmp_path)["job"].state == jobs.DONE


def test_torn_last_line_of_a_journal_is_skipped(tmp_path):
    journal = jobs.Journal(tmp_path / "jobs.jsonl")
    for name in "ab":
        journal.add(jobs.Event(jobs.Job(name, print), jobs.DONE))
    whole = journal.path.read_bytes()
    for length in range(len(whole)):
        journal.path.write_bytes(whole[:length])
        kept = set(jobs.latest([journal.path]))
        assert kept == {"a", "b"} if length == len(whole) - 1 else kept <= {"a"}
        journal.add(jobs.Event(jobs.Job("c", print), jobs.FAILED, error="e"))
        assert set(jobs.latest([journal.path])) == kept | {"c"}


def test_lines_that_are_no_records_are_skipped(tmp_path):
    path = tmp_path / "jobs.jsonl"
    lines = ["[]", "7", '{"job": 1, "state": "done", "time": ""}', "\0\0", "{" * 9000, '{"job": "a"}']
    path.write_text("\n".join(lines), encoding="ascii")
    assert jobs.latest([path, tmp_path / "missing.jsonl"]) == {}


def test_stop_interrupts_jobs_and_keeps_the_rest(tmp_path):
    started = []
    calls = {name: (functions.wait, (str(tmp_path), name)) for name in "abc"}
    engine = functools.partial(local, stop=lambda: all((tmp_path / name).exists() for name in "ab"))
    with pytest.raises(KeyboardInterrupt):
        _run(calls, tmp_path, engine, on_event=started.append)
    assert sorted(path.name for path in tmp_path.glob("*.saved")) == ["a.saved", "b.saved"]
    assert {name: record["state"] for name, record in jobs.latest([tmp_path / "jobs.jsonl"]).items()} == {
        "a": jobs.INTERRUPTED,
        "b": jobs.INTERRUPTED,
    }


def test_function_of_the_main_program_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(functions.count, "__module__", "__main__")
    with pytest.raises(ValueError, match="Move it to a module"):
        _run({"a": (functions.count,)}, tmp_path)


def test_large_values_pass_through_the_pipes(tmp_path):
    text = "y" * 1_000_000
    assert _run({"a": (functions.count, (str(tmp_path), "a", text))}, tmp_path)["a"].value == text


PARENT = textwrap.dedent(
    """
    import functools, sys
    import job_functions as functions
    from minigooglenet import jobs
    listed = [jobs.Job(name, functions.wait, (sys.argv[1], name)) for name in "abc"]
    jobs.run(listed, functools.partial(jobs.in_processes, at_once=2), jobs.Journal(sys.argv[1] + "/jobs.jsonl"))
    """
)


def _until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_jobs_end_with_a_killed_parent_and_the_next_call_continues(tmp_path):
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], env=variables)
    _until(lambda: all((tmp_path / name).exists() for name in "ab"))
    parent.kill()
    parent.wait()
    _until(lambda: all((tmp_path / f"{name}.saved").exists() for name in "ab"))
    assert not (tmp_path / "c").exists()
    states = [json.loads(line)["state"] for line in (tmp_path / "jobs.jsonl").read_text(encoding="ascii").splitlines()]
    assert states == [jobs.STARTED] * 2
    ends = _run(
        {
            name: (
                functions.wait_unless,
                (
                    str(tmp_path),
                    name,
                ),
            )
            for name in "ab"
        },
        tmp_path,
    )
    assert [end.value for end in ends.values()] == ["again"] * 2


def test_parts_of_an_array_cover_every_job_once():
    items = list(range(11))
    for count in (1, 2, 4, 13):
        parts = [jobs.part(f"{number}/{count}").of(items) for number in range(1, count + 1)]
        assert sorted(item for part in parts for item in part) == items


@pytest.mark.parametrize(
    ("text", "advice"), [("0/8", "--array=1-8"), ("9/8", "from 1 to n"), ("3", "such as 3/8"), ("-1/2", "such as 3/8")]
)
def test_invalid_part_is_rejected_with_advice(text, advice):
    with pytest.raises(ValueError, match=advice):
        jobs.part(text)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_signals_of_a_cluster_do_not_end_jobs(tmp_path):
    assert _run({"a": (functions.terminate_itself,)}, tmp_path)["a"].value == "still here"
