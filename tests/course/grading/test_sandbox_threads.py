"""The sandbox starts while the worker has one thread, because a process with more cannot create a user namespace."""

import os
import subprocess
import sys

import pytest

ASK = """
import os
from minigooglenet.course.grading import worker
from minigooglenet.exercises.find import everything
everything()
worker.matplotlib.font_manager.findfont("DejaVu Sans")
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_worker_imports_start_no_thread():
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
