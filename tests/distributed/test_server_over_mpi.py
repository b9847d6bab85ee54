"""The parameter server over MPI: it trains, stops cleanly, and an exception ends all ranks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = "minigooglenet.distributed.distbelief.over_mpi"
SMALL = f"from {MODULE} import main; main(updates={{}})"
FAILING = f"""
import sys
import {MODULE} as over_mpi
from mpi4py import MPI

if MPI.COMM_WORLD.rank == {{}}:
    def gradients(*arguments):
        raise RuntimeError("the disk is full")
    over_mpi.gradients = over_mpi.average_step = gradients
over_mpi.main(updates=40)
"""


def run(ranks, program, folder):
    """Run a program with MPI; skip the test if MPI is not installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    mpiexec = shutil.which("mpiexec", path=path)
    if mpiexec is None:
        pytest.skip("mpiexec is not installed")
    tried = [sys.executable, "-c", "from mpi4py import MPI"]
    if subprocess.run(tried, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("mpi4py is not installed, or finds no MPI library")
    (folder / "program.py").write_text(program, encoding="utf-8")
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", "program.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("ranks", [2, 4])
def test_workers_train_over_mpi_and_stop(ranks, tmp_path):
    finished = run(ranks, SMALL.format(40), tmp_path)
    assert finished.returncode == 0, finished.stderr
    lines = [line for line in finished.stdout.splitlines() if "updates by" in line]
    assert [line.partition(":")[0] for line in lines] == [
        f"40 updates by {ranks - 1} workers, last weights",
        f"40 updates by {ranks - 1} workers, average",
    ]


@pytest.mark.parametrize("rank", [0, 2])
def test_exception_on_one_rank_ends_all_ranks(rank, tmp_path):
    finished = run(3, FAILING.format(rank), tmp_path)
    assert finished.returncode != 0
    assert "the disk is full" in finished.stderr
    assert "updates by" not in finished.stdout


def test_single_rank_is_rejected(tmp_path):
    finished = run(1, SMALL.format(1), tmp_path)
    assert finished.returncode != 0
    assert "at least 2 ranks, got 1. Start it with mpiexec -n 4." in finished.stderr
