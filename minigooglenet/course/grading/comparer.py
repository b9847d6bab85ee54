"""The comparer process, which grades: it reads the values that workers sent, compares them, and names the mistake.

It never runs a student's code and only reads values (see `serialisation`). One process grades many students, so the
outputs of the reference solutions and of the known mistakes are computed only once. It reads its tasks as lines of
JSON, and answers each with a line.
"""

import contextlib
import functools
import gc
import json
import signal
import sys
import threading
from pathlib import Path

from minigooglenet import exercises, orphans
from minigooglenet.course.cells import MOST_ATTEMPTS
from minigooglenet.course.grading import sandbox, serialisation
from minigooglenet.course.grading.serialisation import FAILED, MISSING
from minigooglenet.exercises.checking import Calls, demanded, grade
from minigooglenet.exercises.exercise import Verdict
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.result import PASSED, WRONG, Result
from minigooglenet.exercises.shown import error_text

NOTEBOOK_KEYS = {"protections", "end", "unreadable", "predicted", "late", "stopped"}  # not about one exercise
MOST_MEMORY = 4 << 30
AGAIN = 0.01  # seconds of CPU time
LEAST_SECONDS = 5.0  # of CPU time to grade an answer; the known answers of this course take a tenth of it


def prepare(numbers, seed) -> None:
    """Compute the outputs that answers are compared with; they do not depend on a student."""
    for number in numbers:
        exercise = find(number)
        if not isinstance(exercise, Question) and not exercise.judge_function:
            calls = _calls(number, seed)
            _ = calls.expected, calls.known, calls.least


@contextlib.contextmanager
def limited(seconds):
    """Raise a TimeoutError in code that takes more CPU time, if the system can and in the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_which, frame):
        if _drops_errors(frame):  # it returns in a moment
            signal.setitimer(signal.ITIMER_PROF, AGAIN)
            return
        raise TimeoutError(f"it took more than {seconds:.0f} s of CPU time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _drops_errors(frame):
    """Return whether Python would drop an error here: in a finalizer, or in a callback of the garbage collector."""
    callbacks = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None and frame.f_code.co_name != "__del__" and frame.f_code not in callbacks:
        frame = frame.f_back
    return frame is not None


def compare(stream: bytes, numbers, seed: int, seconds: float = 30.0) -> dict:
    """Grade the values that a worker sent.

    seconds : CPU time to grade one attempt at an exercise; an attempt that takes longer is not graded

    Returns
    -------
    dict with "rows", one for each exercise; "protections" of the sandbox; "end", whether the worker finished;
    "predicted", "stopped" and "late", which the worker itself reports
    """
    notebook, attempts = {}, {}
    with contextlib.suppress(TimeoutError), limited(max(seconds, LEAST_SECONDS)):
        for record in serialisation.unpack(stream):
            if isinstance(record, dict) and isinstance(record.get("number"), str):
                attempts.setdefault(record["number"], []).append(record)
            elif isinstance(record, dict):
                for key in NOTEBOOK_KEYS & record.keys():
                    notebook.setdefault(key, record[key])  # the first value, sent before the student's code ran
    return {
        "rows": [_best(number, attempts.get(number, [])[:MOST_ATTEMPTS], seed, seconds) for number in numbers],
        "protections": [_text(name) for name in _list(notebook.get("protections"))[:10]],
        "end": notebook.get("end") is True,
        "unreadable": _text(notebook.get("unreadable")),
        "predicted": [guess is True for guess in _list(notebook.get("predicted"))[:100]],
        "late": [_text(limit) for limit in _list(notebook.get("late"))[:2]],
        "stopped": [_text(error) for error in list(_dict(notebook.get("stopped")).values())[:3]],
    }


def _best(number, records, seed, seconds):
    """Return the row of the best attempt: the first that passed, or the latest with the most cases right."""
    rows = []
    for record in records or [None]:
        rows.append(_row(number, record, seed, seconds))
        if rows[-1]["status"] == PASSED:
            return rows[-1]
    return max(rows, key=lambda row: row["cases_right"])  # of equal ones the first, which is the latest attempt


def _row(number, record, seed, seconds):
    exercise, verified, cases = find(number), True, (0, 0)
    if record is None:
        result = Result(number, MISSING)
    else:
        try:
            with limited(max(seconds, LEAST_SECONDS)):
                result, verified = _graded(exercise, record, seed)
                cases = _cases(exercise, record, seed, result)
        except Exception as error:
            what = f"the answer could not be graded: {type(error).__name__}: {error_text(error)}"
            result = Result(number, FAILED, what=what)
    passed, location = result.status == PASSED, _text((record or {}).get("ran"))
    return {
        "exercise": number,
        "title": exercise.title,
        "status": str(result.status),
        "points": exercise.difficulty if passed else 0,
        "of": exercise.difficulty,
        "mistake": result.mistake and str(result.mistake),
        "message": ". ".join(str(text).rstrip(".") for text in (result.what, result.looks_like) if text)[:1000],
        "verified": verified,
        "cases_right": cases[0],
        "cases": cases[1],
        "drawn_for": _text(record.get("student"))[:200] if record and isinstance(exercise, Question) else "",
        "note": f"runs the solution of the exercise, found in memory ({location}): check it by hand"
        if location
        else "",
    }


def _graded(exercise, record, seed):
    """Return (result, whether it was computed here and not reported by the student's process)."""
    number = exercise.number
    for status in (MISSING, FAILED):
        if status in record:
            return Result(number, status, what=_text(record[status])), True
    if isinstance(exercise, Question):
        student = _text(record["student"])[:200]
        result = exercises.answer(number, record["value"], student)
        result.what += f" (drawn for {student!r})"
        return result, True
    if exercise.judge_function and "verdict" in record:
        status, mistake, what = record["verdict"]
        status = status if status in (PASSED, WRONG) else "not yet"
        return Result(number, status, mistake and str(mistake), f"{what} (as reported by the student's process)"), False
    if exercise.judge_function:
        return exercises.check(number, record["answer"]), True
    calls, sent = _calls(number, seed), record["calls"]
    outputs = [output for output, _ in sent][: len(calls.arguments)]
    if len(outputs) < len(calls.arguments) and not (outputs and isinstance(outputs[-1], Raised)):
        outputs.append(Raised(RuntimeError("no more outputs came back")))
    afterwards = [after if after is None else _list(after) for _, after in sent]
    result = grade(calls, outputs, calls.changed(afterwards))
    if result.passed and exercise.demand_function:
        passed, mistake, what = record["demand"]
        what = f"{what} (as reported by the student's process)"
        return demanded(exercise, Verdict(passed is True, mistake and str(mistake), what), result), False
    return result, True


def _cases(exercise, record, seed, result):
    """Return (number of right test cases, number of test cases) for a function, (0, 0) for anything else.

    An answer with right values that breaks a rule gets one more test case, which is wrong.
    """
    if "calls" not in record or exercise.judge_function or isinstance(exercise, Question):
        return 0, 0
    calls = _calls(exercise.number, seed)
    outputs = [output if isinstance(output, Raised) else plain(output) for output, _ in record["calls"]]
    outputs = outputs[: len(calls.arguments)]
    right = sum(calls.agree(index, output, calls.expected[index]) for index, output in enumerate(outputs))
    return right, len(calls.arguments) + (result.status != PASSED and right == len(calls.arguments))


@functools.cache
def _calls(number, seed):
    exercise = find(number)
    return Calls(exercise, [*exercise.arguments, *exercise.drawn(seed)])


def _list(value):
    return list(value) if isinstance(value, (list, tuple)) else []


def _dict(value):
    return value if isinstance(value, dict) else {}


def _text(value):
    """Return at most 500 characters of a text, "" for anything else: str() of a forged value may be huge or raise."""
    return value[:500] if isinstance(value, str) else ""


def main() -> None:
    """Grade the tasks on standard input, line by line, until it ends."""
    orphans.watch()
    sandbox.limit(None, MOST_MEMORY, None)
    out, sys.stdout = sys.stdout, sys.stderr  # prints of an exercise must not mix with the answers
    for line in sys.stdin:
        work = json.loads(line)
        prepare(work["numbers"], work["seed"])
        print(json.dumps({"ready": True}), file=out, flush=True)
        answer = compare(Path(work["stream"]).read_bytes(), work["numbers"], work["seed"], work["seconds"])
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
