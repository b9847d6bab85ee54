"""Two hundred kills at random moments of training; every resumed run ends bit-identical to an uninterrupted one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNS, KILLS, PROCESSES = 10, 20, 2


@pytest.mark.faults
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_two_hundred_kills_change_no_bit(tmp_path):
    script, runs = Path(__file__).with_name("kill_runs.py"), RUNS // PROCESSES
    # One thread, because a forked process has only one.
    environment = {**os.environ, "MINIGOOGLENET_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, str(script), str(tmp_path), str(number * runs), str((number + 1) * runs), str(KILLS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    pairs = []
    for process in running:
        out, errors = process.communicate()
        assert process.returncode == 0, errors
        pairs += [json.loads(line) for line in out.splitlines()]
    assert len(pairs) == RUNS
    for killed, whole in pairs:
        assert killed == whole
        assert killed["odd"] == []
