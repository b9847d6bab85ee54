"""500 worker failures of all kinds: the caller gets the exception, and the next calls return the right results."""

import collections
import json
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("failing_workers.py")


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.skipif(sys.platform == "win32", reason="needs forks and thread exits as on POSIX")
def test_calls_neither_hang_nor_fail_after_worker_failures(seed):
    command = [sys.executable, "-W", "ignore", str(CHILD), "125", str(seed)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert child.returncode == 0, child.stderr[-3000:]
    outcomes = collections.Counter(json.loads(child.stdout.splitlines()[-1]))
    bad = {outcome: count for outcome, count in outcomes.items() if not outcome.endswith(" right")}
    assert bad == {}
    assert outcomes.total() == 125
