"""The walls go up while there is one thread: a user's own namespace cannot be made by a process that has more."""

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
def test_what_a_students_process_loads_starts_no_thread():
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
