"""Logs of a training run: rows that were added can be read, and truncating keeps the rows before a checkpoint."""

import pytest

from minigooglenet.training.log import Log


@pytest.fixture(params=["memory", "file"])
def log(request, tmp_path):
    log = Log(("step", "loss", "node"), tmp_path / "steps.csv" if request.param == "file" else None)
    yield log
    log.close()


def test_rows_keep_their_exact_numbers(log):
    log.add(0, 0.1 + 0.2, "conv1")
    log.add(1, float("inf"), "conv2")
    assert log.rows() == [(0, 0.1 + 0.2, "conv1"), (1, float("inf"), "conv2")]


def test_truncate_drops_later_rows_and_the_log_continues(log):
    for step in range(5):
        log.add(step, 0.5, "a")
        log.add(step, 0.25, "b")
    log.truncate(3)
    log.add(3, 1.5, "a")
    assert [row[0] for row in log.rows()] == [0, 0, 1, 1, 2, 2, 3]


def test_truncated_last_row_is_dropped(tmp_path):
    path = tmp_path / "steps.csv"
    path.write_text("step,loss\n0,1.5\n1,1.2", encoding="utf-8")
    log = Log(("step", "loss"), path)
    log.truncate(10)
    assert path.read_text(encoding="utf-8") == "step,loss\n0,1.5\n"


def test_log_file_is_plain_csv(tmp_path):
    log = Log(("step", "loss"), tmp_path / "steps.csv")
    log.add(0, 1.5)
    log.sync()
    log.close()
    assert (tmp_path / "steps.csv").read_bytes() == b"step,loss\n0,1.5\n"
