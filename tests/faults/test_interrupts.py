"""An interrupt at any microsecond leaves BLAS, affinity and the floating-point state of the thread unchanged."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("interrupted.py")
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that interrupt"),
]


@pytest.mark.parametrize("seed", range(2))
def test_timer_interrupts_restore_all_state(seed):
    command = [sys.executable, str(CHILD), "8000", str(seed)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert child.returncode == 0, child.stderr[-3000:]
    outcome = json.loads(child.stdout.splitlines()[-1])
    assert (outcome["interrupts"], outcome["times left"], outcome["wrong"]) == (8000, 0, 0), outcome


def test_interrupts_from_another_process_restore_all_state(tmp_path):
    command = [sys.executable, str(CHILD), "2000", "7", "outside"]
    errors = (tmp_path / "errors").open("w+")
    with errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as child:
        waits = random.Random(0)
        while (line := child.stdout.readline()) == "go\n":
            time.sleep(waits.choice((0, 1e-4, 3e-3)) * waits.random())
            os.kill(child.pid, signal.SIGINT)
        errors.seek(0)
        assert line, errors.read()[-3000:]
        outcome = json.loads(line)
    assert (outcome["interrupts"], outcome["times left"], outcome["wrong"]) == (2000, 0, 0), outcome
