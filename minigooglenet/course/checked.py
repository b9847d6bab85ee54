"""One exercise of a student's file checked, in a process of its own with a time limit: `minigooglenet check`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from minigooglenet.course import cells
from minigooglenet.exercises.find import find
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG, Result

CODES = {PASSED: 0, WRONG: 1, NOT_YET: 2}
TOO_LONG = 124


def check(number, path, function=None):
    """Run what the answer to one exercise needs of a file, and return the result of its check."""
    exercise = find(number)
    sources = cells.read(path)
    names = {function or exercise.name}
    label = "cell" if Path(path).suffix == ".ipynb" else Path(path).name
    notes = cells.run(sources, cells.needed(sources, {number}, names), label)
    result = cells.mark(notes, number, function)
    return _unreadable(number, sources, label) or result if result.status == NOT_YET else result


def _unreadable(number, sources, label):
    """Return a result that names the first line that is no Python, or None: what it defines is not there at all."""
    for place, source in enumerate(sources, 1):
        try:
            compile(cells.plain(source), label, "exec")
        except SyntaxError as error:
            of = f" of cell {place}" if label == "cell" else ""
            line = (error.text or "").strip()
            return Result(number, WRONG, what=f"line {error.lineno}{of} is no Python: {error.msg}: {line}")
    return None


def in_a_process(number, path, function=None, seconds=120.0) -> int:
    """Do the same in another process, print what comes out, and return 0 passed, 1 wrong, 2 not yet, 124 too long."""
    command = [sys.executable, "-m", "minigooglenet.course.checked", number, str(path), function or ""]
    with subprocess.Popen(command, start_new_session=os.name == "posix") as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"{number}: {path} was still running after {seconds:.0f} s; perhaps a loop that never ends?")
            return TOO_LONG
        finally:
            end(process)


def end(process) -> None:
    """Kill a process, and everything that it started where the system knows process groups."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
    else:
        process.kill()


if __name__ == "__main__":
    result = check(sys.argv[1], sys.argv[2], sys.argv[3] or None)
    print(str(result).replace(f"hint({sys.argv[1]!r})", f"minigooglenet hint {sys.argv[1]}"), flush=True)
    os._exit(CODES[result.status])  # a thread that a student's answer left behind does not hold the result up
