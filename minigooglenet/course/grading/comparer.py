"""The comparer: the process that marks. It reads what workers sent, compares, and names the mistake.

It never runs a student's code, only reads values (see `serialisation`). One process marks many students, so that what
the right and the known wrong answers return is computed once. It reads its work as lines of JSON and answers each with
a line.
"""

import contextlib
import functools
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

SAID = {"walls", "end", "unreadable", "predicted", "late", "stopped"}  # of a notebook, not of one exercise
MOST_MEMORY = 4 << 30
LEAST_SECONDS = 5.0  # of CPU time to mark an answer: right and wrong ones of this course take a tenth of it


def prepare(numbers, seed) -> None:
    """Compute what answers are compared with: nothing in this depends on a student."""
    for number in numbers:
        exercise = find(number)
        if not isinstance(exercise, Question) and not exercise.judge_function:
            calls = _calls(number, seed)
            _ = calls.expected, calls.known, calls.least


@contextlib.contextmanager
def limited(seconds):
    """Raise a TimeoutError in what takes more CPU time, where the system can and in the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_which, _frame):
        raise TimeoutError(f"it took more than {seconds:.0f} s of CPU time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def compare(stream: bytes, numbers, seed: int, seconds: float = 30.0) -> dict:
    """Mark what a student's process sent.

    seconds : CPU time to mark one attempt at an exercise; an answer that takes more is not marked

    Returns
    -------
    dict with "rows", one of each exercise; "walls", what the process was kept from; "end", whether it came to its end;
    "predicted", "stopped" and "late", as it says itself
    """
    said, found = {}, {}
    with contextlib.suppress(TimeoutError), limited(max(seconds, LEAST_SECONDS)):
        for record in serialisation.unpack(stream):
            if isinstance(record, dict) and isinstance(record.get("number"), str):
                found.setdefault(record["number"], []).append(record)
            elif isinstance(record, dict):
                for key in SAID & record.keys():
                    said.setdefault(key, record[key])  # what was said first: before the student's code ran
    return {
        "rows": [_best(number, found.get(number, [])[:MOST_ATTEMPTS], seed, seconds) for number in numbers],
        "walls": [_text(wall) for wall in _list(said.get("walls"))[:10]],
        "end": said.get("end") is True,
        "unreadable": _text(said.get("unreadable")),
        "predicted": [each is True for each in _list(said.get("predicted"))[:100]],
        "late": [_text(which) for which in _list(said.get("late"))[:2]],
        "stopped": [_text(told) for told in list(_dict(said.get("stopped")).values())[:3]],
    }


def _best(number, records, seed, seconds):
    """Return the row of the best attempt: the first that passed, or the last made of those with most cases right."""
    rows = []
    for record in records or [None]:
        rows.append(_row(number, record, seed, seconds))
        if rows[-1]["status"] == PASSED:
            return rows[-1]
    return max(rows, key=lambda row: row["cases_right"])  # the first of equal ones


def _row(number, record, seed, seconds):
    exercise, verified, cases = find(number), True, (0, 0)
    if record is None:
        result = Result(number, MISSING)
    else:
        try:
            with limited(max(seconds, LEAST_SECONDS)):
                result, verified = _marked(exercise, record, seed)
                cases = _cases(exercise, record, seed, result)
        except Exception as error:
            what = f"the answer could not be marked: {type(error).__name__}: {error_text(error)}"
            result = Result(number, FAILED, what=what)
    passed, place = result.status == PASSED, _text((record or {}).get("ran"))
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
        "note": f"runs the solution of the exercise, found in memory ({place}): look at it" if place else "",
    }


def _marked(exercise, record, seed):
    """Return (result, whether it was found here and not said by the student's process)."""
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
        return Result(number, status, mistake and str(mistake), f"{what} (as the student's process says)"), False
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
        what = f"{what} (as the student's process says)"
        return demanded(exercise, Verdict(passed is True, mistake and str(mistake), what), result), False
    return result, True


def _cases(exercise, record, seed, result):
    """Return (test cases that are right, test cases) of a function, (0, 0) of anything else.

    A rule that an answer breaks while its values are right counts as one more case, which is wrong.
    """
    if "calls" not in record or exercise.judge_function or isinstance(exercise, Question):
        return 0, 0
    calls = _calls(exercise.number, seed)
    outputs = [output if isinstance(output, Raised) else plain(output) for output, _ in record["calls"]]
    outputs = outputs[: len(calls.arguments)]
    right = sum(calls.agree(place, output, calls.expected[place]) for place, output in enumerate(outputs))
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
    """Return a text, not endless; anything else is none, because its own text may be endless or not exist."""
    return value[:500] if isinstance(value, str) else ""


def main() -> None:
    """Mark whatever comes, line by line, until there is no more."""
    orphans.watch()
    sandbox.limit(None, MOST_MEMORY, None)
    out, sys.stdout = sys.stdout, sys.stderr  # whatever an exercise prints is no mark
    for line in sys.stdin:
        work = json.loads(line)
        prepare(work["numbers"], work["seed"])
        print(json.dumps({"ready": True}), file=out, flush=True)
        answer = compare(Path(work["stream"]).read_bytes(), work["numbers"], work["seed"], work["seconds"])
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
