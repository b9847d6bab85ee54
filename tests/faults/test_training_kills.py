"""Two hundred kills at random moments of training, each run resumed to the bits of a run that nobody killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNS, KILLS, PROCESSES = 10, 20, 2


@pytest.mark.faults
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process that has imported everything")
def test_two_hundred_kills_change_no_bit(tmp_path):
    script, each = Path(__file__).with_name("kill_runs.py"), RUNS // PROCESSES
    # One thread: a fork of a process has no other.
    environment = {**os.environ, "MINIGOOGLENET_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, str(script), str(tmp_path), str(number * each), str((number + 1) * each), str(KILLS)],
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
