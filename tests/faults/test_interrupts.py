"""After an interrupt at any microsecond BLAS, the processors of the thread and its floating-point state are as before."""

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
def test_no_state_is_left_by_interrupts_of_a_timer(seed):
    command = [sys.executable, str(CHILD), "20000", str(seed)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert child.returncode == 0, child.stderr[-3000:]
    outcome = json.loads(child.stdout.splitlines()[-1])
    assert (outcome["interrupts"], outcome["times left"], outcome["wrong"]) == (20000, 0, 0), outcome


def test_no_state_is_left_by_interrupts_from_another_process():
    command = [sys.executable, str(CHILD), "3000", "7", "outside"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        waits, end = random.Random(0), time.monotonic() + 300
        while child.poll() is None and time.monotonic() < end:
            os.kill(child.pid, signal.SIGINT)
            time.sleep(waits.uniform(1e-4, 4e-3))
        child.kill()
        outcome = json.loads(child.stdout.read().splitlines()[-1])
    assert (outcome["interrupts"], outcome["times left"], outcome["wrong"]) == (3000, 0, 0), outcome
