"""Measurements in fresh processes: memory and start-up time."""

import pytest

from minigooglenet.bench import memory, start, training


def test_training_memory_is_measured_in_a_fresh_process(quick, silent):
    if memory.resident() is None:
        pytest.skip("this system provides the memory of a process only through psutil")
    result = memory.measure(quick, silent)
    (record,) = result["records"]
    assert record["contender"] == training.OURS
    assert record["steps"] == 3
    assert record["built_bytes"] > 0
    assert record["peak_bytes"] >= record["kept_bytes"] > 0
    assert "Memory of training" in str(memory.tables(result)[0])


def test_unknown_memory_is_reported(monkeypatch, quick, silent):
    monkeypatch.setattr(memory, "resident", lambda: None)
    assert "psutil" in str(memory.tables(memory.measure(quick, silent))[0])


def test_failed_process_raises_with_its_last_line():
    with pytest.raises(RuntimeError, match=r"its process ended with exit code 1: ValueError: .*model 'nothing'"):
        memory.in_fresh_process({"model": "nothing", "batch": 1, "threads": 1, "contender": "x", "peers": []})


def test_start_is_measured_cold_and_warm(quick, silent):
    result = start.measure(quick, silent)
    assert [r["cache"] for r in result["records"]] == ["cold", "warm"]
    stages = ("import_seconds", "build_seconds", "first_result_seconds")
    assert all(r["whole_seconds"] >= sum(r[stage] for stage in stages) > 0 for r in result["records"][:1])
    assert "From Python to the first result of mini" in str(start.tables(result)[0])


def test_failed_start_raises_with_its_last_line(quick, tmp_path):
    quick.model = "nothing"
    with pytest.raises(ValueError, match=r"did not reach its first result: ValueError: .*model 'nothing'"):
        start.first_result(quick, tmp_path)
