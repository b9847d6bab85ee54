"""A child process ends with its parent, if possible at a point from which its work can be resumed."""

import subprocess
import sys
import textwrap
import time

import pytest

PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]]).wait()"
CHILDREN = {
    "at once": "orphans.watch(seconds=0.05)",
    "while C code holds the GIL": "orphans.end_with_parent()",
    "after its work": """
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as training does; a background job ignores it
        work = [1]
        orphans.watch(stop=orphans.interrupt, working=lambda: bool(work), seconds=0.05)
        try:
            print("begun", flush=True)
            time.sleep(100)
        except KeyboardInterrupt:
            print("saved", flush=True)
            work.clear()
    """,
    "although its work does not end": """
        orphans.watch(stop=lambda: print("stopping", flush=True), working=lambda: True, seconds=0.05, grace=0.3)
    """,
}
WORDS = {"after its work": ["saved"], "although its work does not end": ["stopping"]}


@pytest.mark.parametrize("case", CHILDREN)
def test_child_ends_with_its_killed_parent(case):
    child = "import time\nfrom minigooglenet import orphans\n" + textwrap.dedent(CHILDREN[case])
    child += '\nprint("begun", flush=True)\ntime.sleep(100)\n'
    parent = subprocess.Popen([sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "begun\n"
    parent.kill()
    started = time.monotonic()
    output = parent.stdout.read().split()  # ends when the child has closed the pipe too
    parent.wait()
    parent.stdout.close()
    assert time.monotonic() - started < 60
    assert output[: len(WORDS.get(case, []))] == WORDS.get(case, [])


@pytest.mark.parametrize("call", ["watch(parent=2**22 - 1, seconds=0.05)", "end_with_parent(parent=2**22 - 1)"])
def test_parent_that_ended_before_the_watch_is_noticed(call):
    child = f"import time\nfrom minigooglenet import orphans\norphans.{call}\ntime.sleep(100)"
    assert subprocess.run([sys.executable, "-c", child], check=False, timeout=90).returncode == 1
