"""Check one exercise of a student's file in a separate process with a time limit: `minigooglenet check`."""

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from minigooglenet import children, orphans, starting
from minigooglenet.course import cells, own_modules
from minigooglenet.exercises.find import find, own_folders
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG, Result
from minigooglenet.exercises.shown import error_text, printable

CODES = {PASSED: 0, WRONG: 1, NOT_YET: 2}
TOO_LONG = 124
FAILED = "failed"  # no result: the file cannot be read, or a limit ended the check


def check(number, path, function=None):
    """Run the cells of a file that the answer to one exercise needs, and return the result of its check."""
    exercise = find(number)
    number = exercise.number
    sources = cells.read(path)
    names = {function or exercise.name}
    label = "cell" if Path(path).suffix == ".ipynb" else Path(path).name
    with own_modules.importable(Path(path).absolute().parent, label):
        notes = cells.run(sources, cells.needed(sources, {number}, names), label)
        result = cells.check_exercise(notes, number, function)
    return _unreadable(number, sources, label) or result if result.status == NOT_YET else result


def _unreadable(number, sources, label):
    """Return a result that shows the first line that is not valid Python, or None if all cells are valid."""
    for index, source in enumerate(sources, 1):
        of = f" of cell {index}" if label == "cell" else ""
        try:
            compile(cells.plain(source), label, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except SyntaxError as error:
            line = printable((error.text or "").strip())[:200]
            return Result(number, WRONG, what=f"line {error.lineno}{of} is not valid Python: {error.msg}: {line}")
        except (ValueError, RecursionError, MemoryError) as error:
            what = f"the code{of} is not valid Python: {error_text(error) or type(error).__name__}"
            return Result(number, WRONG, what=what)
    return None


def in_a_process(number, path, function=None, seconds=120.0, as_json=False) -> int:
    """Run `check` in a separate process and print its result; return 0 passed, 1 wrong, 2 not yet, 124 too long."""
    requested = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    encoding = requested or getattr(sys.stdout, "encoding", None) or "ascii"
    arguments = (number, str(path), function or "", str(Path.cwd()), encoding, as_json)
    quick = {"start_new_session": os.name == "posix"}
    with (
        children.own_folder() as folder,
        children.start("minigooglenet.course.check_runner", *arguments, folder=folder, **quick) as process,
    ):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            what = f"{path} was still running after {seconds:.0f} s. Check for a loop that never ends."
            print(as_text(Result(number, FAILED, what=what)) if as_json else f"{number}: {what}")
            return TOO_LONG
        finally:
            end(process)


def end(process) -> None:
    """Kill a process and, on a system with process groups, all of its children."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
    else:
        process.kill()


def as_text(result) -> str:
    """Return a result as one line of JSON. Other programs rely on its keys."""
    kept = {name: getattr(result, name) for name in ("status", "mistake", "what", "looks_like", "advice")}
    return json.dumps({"exercise": result.number, "passed": result.passed, **kept})


def main(number, path, function, as_json=False) -> int:
    """Print the result of one check, or why the file cannot be read, and return the exit code."""
    orphans.end_with_parent()  # otherwise an endless loop would run for ever
    try:
        result = check(number, path, function or None)
    except (OSError, ValueError) as error:
        what = f"{path} cannot be checked: {error_text(error)}"
        _print(as_text(Result(number, FAILED, what=printable(what))) if as_json else f"{number}: {what}")
        return CODES[WRONG]
    hint = " --exercises ".join([f"minigooglenet hint {number}", *map(str, own_folders())])
    if as_json:
        result.advice = result.advice.replace(f"hint({number!r})", hint)
    _print(as_text(result) if as_json else str(result).replace(f"hint({number!r})", hint))
    return CODES[result.status]


def _print(text):
    """Print text on any console: characters outside its encoding become escapes."""
    text, encoding = printable(text), sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


if __name__ == "__main__":
    starting.read_settings_before(sys.argv[4])
    os.chdir(sys.argv[4])  # only after all imports; answers read files from the folder of the caller
    sys.stdout.reconfigure(encoding=sys.argv[5], errors="backslashreplace")
    code = main(*sys.argv[1:4], sys.argv[6] == "True")
    os._exit(code)  # without waiting for threads that a student's answer may have started
