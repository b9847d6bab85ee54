"""The process that marks: it reads what students' processes sent, compares, and names the mistake.

It never runs a student's code, only reads values (see `wire`). One process marks many students, so that what the right
and the known wrong answers return is computed once. It reads its work as lines of JSON and answers each with a line.
"""

import functools
import json
import sys
from pathlib import Path

from minigooglenet import exercises, orphans
from minigooglenet.course import sandbox, wire
from minigooglenet.course.cells import MOST_ATTEMPTS
from minigooglenet.exercises.checking import Calls, demanded, marked
from minigooglenet.exercises.exercise import Verdict
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised, same
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.result import PASSED, WRONG, Result

FAILED, MISSING = "failed", "missing"
MOST_MEMORY = 4 << 30


def judge(stream: bytes, numbers, seed: int) -> dict:
    """Mark what a student's process sent.

    Returns
    -------
    dict with "rows", one of each exercise; "walls", what the process was kept from; "end", whether it came to its end;
    "predicted", "stopped" and "late", as it says itself
    """
    records = [record for record in wire.unpack(stream) if isinstance(record, dict)]
    said, found = {}, {}
    for record in records:
        if isinstance(record.get("number"), str):
            found.setdefault(record["number"], []).append(record)
        else:
            said = {**record, **said}  # what was said first: before the student's code ran
    return {
        "rows": [_best(number, found.get(number, [])[:MOST_ATTEMPTS], seed) for number in numbers],
        "walls": [str(wall) for wall in _list(said.get("walls"))][:10],
        "end": said.get("end") is True,
        "unreadable": str(said.get("unreadable", ""))[:500],
        "predicted": [each is True for each in _list(said.get("predicted"))][:100],
        "late": [str(which) for which in _list(said.get("late"))][:2],
        "stopped": [str(told)[:500] for told in dict(_dict(said.get("stopped"))).values()][:3],
    }


def _best(number, records, seed):
    """Return the row of the best attempt: the first that passed, or the last one made."""
    rows = []
    for record in records or [None]:
        rows.append(_row(number, record, seed))
        if rows[-1]["status"] == PASSED:
            return rows[-1]
    return rows[0]


def _row(number, record, seed):
    exercise, verified = find(number), True
    if record is None:
        result = Result(number, MISSING)
    else:
        try:
            result, verified = _marked(exercise, record, seed)
        except Exception as error:
            result = Result(number, FAILED, what=f"the answer could not be marked: {type(error).__name__}: {error}")
    passed = result.status == PASSED
    return {
        "exercise": number,
        "title": exercise.title,
        "status": str(result.status),
        "points": exercise.difficulty if passed else 0,
        "of": exercise.difficulty,
        "mistake": result.mistake and str(result.mistake),
        "message": ". ".join(str(text).rstrip(".") for text in (result.what, result.looks_like) if text)[:1000],
        "verified": verified,
    }


def _marked(exercise, record, seed):
    """Return (result, whether it was found here and not said by the student's process)."""
    number = exercise.number
    for status in (MISSING, FAILED):
        if status in record:
            return Result(number, status, what=str(record[status])), True
    if isinstance(exercise, Question):
        student = str(record["student"])[:200]
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
    changed = any(
        after is not None and not all(same(a, b, 0) for a, b in zip(_list(after), before, strict=True))
        for (_, after), before in zip(sent, calls.arguments, strict=False)
    )
    result = marked(calls, outputs, changed)
    if result.passed and exercise.demand_function:
        passed, mistake, what = record["demand"]
        what = f"{what} (as the student's process says)"
        return demanded(exercise, Verdict(passed is True, mistake and str(mistake), what), result), False
    return result, True


@functools.cache
def _calls(number, seed):
    exercise = find(number)
    return Calls(exercise, [*exercise.arguments, *exercise.drawn(seed)])


def _list(value):
    return list(value) if isinstance(value, (list, tuple)) else []


def _dict(value):
    return value if isinstance(value, dict) else {}


def main() -> None:
    """Mark whatever comes, line by line, until there is no more."""
    orphans.watch()
    sandbox.limit(None, MOST_MEMORY, None)
    out, sys.stdout = sys.stdout, sys.stderr  # whatever an exercise prints is no mark
    for line in sys.stdin:
        work = json.loads(line)
        answer = judge(Path(work["stream"]).read_bytes(), work["numbers"], work["seed"])
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
