"""The memory of a notebook is the total memory of its processes."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from minigooglenet.course.check_runner import end
from minigooglenet.course.grading import grader
from minigooglenet.course.grading.sandbox import watch

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="not tried: /proc is Linux's")
MEGA = 1 << 20
OWN = "import os, time\nfor _ in range(3):\n    if not os.fork(): break\na = bytearray(os.urandom(1) * (30 << 20))\n"
SHARED = "import os, time\na = bytearray(os.urandom(1) * (60 << 20))\nfor _ in range(3):\n    if not os.fork(): break\n"
SOCKETS = "import socket, time\nkept = [socket.socketpair() for _ in range(150)]\n"


@pytest.fixture
def started():
    """Return a function that starts a program, lets it wait at its end, and returns the process."""
    processes = []

    def start(program):
        words = [sys.executable, "-I", "-c", f"{program}print('x', flush=True)\ntime.sleep(600)"]
        processes.append(subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True))
        return processes[-1]

    yield start
    for process in processes:
        end(process)
        process.communicate()


def test_memory_adds_up_all_processes(started):
    process = started(OWN)
    for _ in range(4):
        process.stdout.readline()
    assert len(watch.descendants(process.pid)) == 4
    assert watch.memory(process.pid, 1 << 40) > 120 * MEGA
    assert 110 * MEGA < watch.memory(process.pid, 0) < 200 * MEGA


def test_memory_counts_shared_pages_once(started):
    process = started(SHARED)
    for _ in range(4):
        process.stdout.readline()
    assert 50 * MEGA < watch.memory(process.pid, 0) < 120 * MEGA


def test_memory_counts_full_buffers_of_sockets(started):
    process = started(SOCKETS)
    process.stdout.readline()
    assert watch.memory(process.pid, 0) > 100 * MEGA


def test_memory_of_a_finished_process_is_zero():
    process = subprocess.Popen([sys.executable, "-I", "-c", ""])
    process.wait()
    assert watch.memory(process.pid, 0) == 0


def test_processes_above_the_memory_limit_are_stopped(started):
    options = SimpleNamespace(memory=60 * MEGA, ended=threading.Event())
    assert grader._wait(started(OWN), options, 60) == grader.TOO_MUCH
    options = grader.GradingOptions(memory=60 * MEGA)
    assert grader._reason(grader.TOO_MUCH, options, 1) == (
        "it was stopped: its processes used more than 60 MB of memory in total"
    )
