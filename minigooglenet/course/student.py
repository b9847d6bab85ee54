"""The process that runs a student's notebook. Nothing that it says is believed: it sends back values, not marks.

It is started by `grading` with the description of its work as JSON, reads the notebook, goes behind the walls of
`sandbox`, runs the cells that the answers need while the checks only take notes, calls each answer on the arguments of
its exercise, and writes what comes out to the file that it was given as its standard output.
"""

import copy
import json
import os
import signal
import sys
from pathlib import Path

import matplotlib.font_manager

import minigooglenet
from minigooglenet.course import cells, sandbox, wire
from minigooglenet.exercises.checking import where
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised, attempt
from minigooglenet.exercises.questions import Question


def main(work) -> None:
    """Do the work that was described."""
    results = _keep_output()
    try:
        sources = cells.read(work["path"])
    except (OSError, ValueError) as error:
        _send(results, {"unreadable": str(error)})
        return
    for number in work["numbers"]:
        find(number)  # loaded while it can be
    matplotlib.font_manager.findfont("DejaVu Sans")
    _compile_without_keeping()
    os.environ["HOME"] = work["folder"]
    package = str(Path(minigooglenet.__file__).parent)
    box = sandbox.confine(work["folder"], work["disk"], (package, *work["readable"]), work["slot"])
    held = sandbox.limit(work["cpu"], work["memory"], work["disk"])
    _send(results, {"walls": sorted(box | held & set(sandbox.WALLS))})
    notes, places = _run(sources, work)
    if places is not None and any("NameError" in told for told in notes.stopped.values()):  # more was needed
        notes, _ = _run(sources, work | {"whole": True})
    for number in work["numbers"]:
        _send(results, {"number": number, **_answer(notes, number, work)})
    stopped = {place + 1: str(told)[:500] for place, told in notes.stopped.items()}
    _send(results, {"end": True, "stopped": stopped, "predicted": list(map(bool, notes.predicted.values()))})
    os._exit(0)  # no thread and no __del__ of a student's has the last word


def _keep_output():
    """Return the file that came as standard output, and make what is printed go nowhere."""
    results, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return results


def _compile_without_keeping():
    """Keep Numba from writing compiled code to folders that cannot be written here."""
    from numba.core.caching import Cache

    Cache.save_overload = lambda self, signature, data: None


def _send(results, record):
    try:
        data = memoryview(wire.pack(record))
    except wire.NotPlainError as error:
        data = memoryview(wire.pack({"number": record.get("number"), "failed": f"the answer cannot be sent: {error}"}))
    while data:
        data = data[os.write(results, data) :]


def _run(sources, work):
    names = {find(number).name for number in work["numbers"]}
    places = None if work["whole"] else cells.needed(sources, None, names)
    return cells.run(sources, places, around=_within(work["cell_seconds"])), places


def _within(seconds):
    """Return what calls a function and interrupts it after some seconds, where the system can."""

    def around(function):
        if not hasattr(signal, "setitimer"):
            return function()

        def stop(*_):
            raise TimeoutError(f"the cell was still running after {seconds:.0f} s")

        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return function()
        except KeyboardInterrupt as error:
            raise RuntimeError("the cell interrupted itself") from error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    return around


def _answer(notes, number, work):
    exercise = find(number)
    if isinstance(exercise, Question):
        value, student = notes.answered.get(number, (None, "you"))
        return {"value": value, "student": str(student)}
    try:
        given = notes.given(number)
    except LookupError as error:
        return {"missing": str(error)}
    if exercise.judge_function:
        return _for_judge(exercise, given)
    if given is None or given is Ellipsis:
        return {"missing": f"there is no {exercise.name} yet"}
    if not callable(given):
        return {"failed": f"expected the function {exercise.name}, got {type(given).__name__}"}
    answer = {"calls": _calls(given, [*exercise.arguments, *exercise.drawn(work["seed"])], work["call_seconds"])}
    if exercise.demand_function and not any(isinstance(output, Raised) for output, _ in answer["calls"]):
        verdict = exercise.demand_function(given)
        answer["demand"] = [verdict.passed, verdict.mistake, verdict.what]
    return answer


def _for_judge(exercise, given):
    """Return an answer to be judged elsewhere, or where it is no plain value what the judge says here."""
    try:
        wire.pack(given)
    except wire.NotPlainError:
        verdict = cells.ORIGINAL["check"](exercise.number, given)
        return {"verdict": [verdict.status, verdict.mistake, verdict.what]}
    return {"answer": given}


def _calls(function, arguments, seconds):
    """Return [output, arguments afterwards or None] of every call; the first that is stopped is the last."""
    outputs = []
    for each in arguments:
        given = copy.deepcopy(each)
        output = attempt(function, given, seconds, _raised)
        outputs.append([_plain(output), _plain_or_none(given)])
        if isinstance(output, Raised) and isinstance(output.error, (TimeoutError, NotImplementedError)):
            break
    return outputs


def _raised(error):
    """Return an exception of the same name that says in which line it arose."""
    base = next((kind for kind in (TimeoutError, NotImplementedError) if isinstance(error, kind)), Exception)
    told = str(error) if base is not Exception else f"{error}{where(error)}"
    return Raised(type(type(error).__name__, (base,), {})(told))


def _plain(output):
    try:
        wire.pack(output)
    except wire.NotPlainError as error:
        return Raised(TypeError(f"it returned what is no number and no array of numbers: {error}"))
    return output


def _plain_or_none(given):
    try:
        wire.pack(given)
    except wire.NotPlainError:
        return None
    return given


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
