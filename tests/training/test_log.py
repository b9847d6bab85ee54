"""Records of a training: what is added is there, and a checkpoint's cut leaves what came before it."""

import pytest

from minigooglenet.training.log import Log


@pytest.fixture(params=["memory", "file"])
def log(request, tmp_path):
    log = Log(("step", "loss", "node"), tmp_path / "steps.csv" if request.param == "file" else None)
    yield log
    log.close()


def test_rows_come_back_as_the_numbers_that_they_were(log):
    log.add(0, 0.1 + 0.2, "conv1")
    log.add(1, float("inf"), "conv2")
    assert log.rows() == [(0, 0.1 + 0.2, "conv1"), (1, float("inf"), "conv2")]


def test_a_cut_drops_what_came_later_and_the_log_goes_on(log):
    for step in range(5):
        log.add(step, 0.5, "a")
        log.add(step, 0.25, "b")
    log.cut(3)
    log.add(3, 1.5, "a")
    assert [row[0] for row in log.rows()] == [0, 0, 1, 1, 2, 2, 3]


def test_a_row_that_a_crash_tore_is_dropped(tmp_path):
    path = tmp_path / "steps.csv"
    path.write_text("step,loss\n0,1.5\n1,1.2", encoding="utf-8")
    log = Log(("step", "loss"), path)
    log.cut(10)
    assert path.read_text(encoding="utf-8") == "step,loss\n0,1.5\n"


def test_the_file_is_a_table_that_anything_reads(tmp_path):
    log = Log(("step", "loss"), tmp_path / "steps.csv")
    log.add(0, 1.5)
    log.sync()
    log.close()
    assert (tmp_path / "steps.csv").read_bytes() == b"step,loss\n0,1.5\n"
