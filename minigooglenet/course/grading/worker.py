"""The worker process, which runs a notebook. It sends back values, not grades, because it cannot be trusted.

`grader` starts it with a description of its task as JSON. It reads the notebook, enters the `sandbox`, runs the cells
that the answers need while the checks only record their arguments, calls each answer with the arguments of its
exercise, and writes the results to its standard output, which is a file.
"""

import contextlib
import copy
import ctypes
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import matplotlib.font_manager
import numpy as np

import minigooglenet
from minigooglenet.course import cells, own_modules, reading, safe_open
from minigooglenet.course.grading import origins, sandbox, serialisation
from minigooglenet.exercises.checking import demand, where
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import Raised, size
from minigooglenet.exercises.plain import kind_of, plain
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.shown import error_text
from minigooglenet.kernels import compiled

LATE: set[str] = set()  # limits that ended something: "CPU" time, or the "wall" clock (the machine may be busy)


def main(work) -> None:
    """Run the notebook that `work` describes."""
    results = _keep_output()
    try:
        sources = cells.read(work["path"], follow=False)
    except (OSError, ValueError) as error:
        _send(results, {"unreadable": str(error)})
        return
    modules = {}
    for path in map(Path, work["modules"]):
        with contextlib.suppress(OSError, ValueError):  # it has disappeared, or it is a link
            modules[path.name] = safe_open.read(path, reading.MOST_SOURCE)
    for number in work["numbers"]:
        find(number)  # loads the exercise before the sandbox closes
    matplotlib.font_manager.findfont("DejaVu Sans")
    _compile_without_keeping()
    os.environ["HOME"] = work["folder"]
    package = str(Path(minigooglenet.__file__).parent)
    for source in sources:
        cells.plain(source)  # imports IPython before the sandbox closes
    readable = (package, *work["readable"])
    protections = sandbox.confine(work["folder"], work["disk"], readable, work["slot"], work["mechanism"])
    seconds = work["cpu"] + int(time.process_time())
    held = sandbox.limit(seconds, work["memory"], work["disk"], work["threads"])
    _send(results, {"protections": sorted(protections | held & set(sandbox.PROTECTIONS))})
    for name, data in modules.items():
        Path(work["folder"], name).write_bytes(data)
    with own_modules.importable(work["folder"]):  # the student's modules, and files from %%writefile
        _answer_all(results, sources, work)
    os._exit(0)  # without running threads or __del__ methods of the student


def _answer_all(results, sources, work):
    notes, chosen = _run(sources, work)
    others = [source for index, source in enumerate(sources) if chosen is not None and index not in chosen]
    missing = any("NameError" in message for message in notes.stopped.values())
    if missing and any(map(cells.may_make_names, others)):  # other cells may train for minutes: only if needed
        notes, _ = _run(sources, work | {"whole": True})
    for number in work["numbers"]:
        for record in _answers(notes, number, sources, work):
            _send(results, {"number": number, **record})
    stopped = {index + 1: str(message)[:500] for index, message in notes.stopped.items()}
    predicted = list(map(bool, notes.predicted.values()))
    _send(results, {"end": True, "stopped": stopped, "predicted": predicted, "late": sorted(LATE)})


def _keep_output():
    """Return a descriptor of the present standard output, and discard everything that is printed from now on."""
    results, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return results


def _compile_without_keeping():
    """Prevent Numba from writing compiled code to folders that are not writable here."""
    if compiled.fast() is None:
        return
    from numba.core.caching import Cache

    Cache.save_overload = lambda self, signature, data: None
    compiled.fast().compile_cache.keep_nothing()


def _send(results, record):
    try:
        data = memoryview(serialisation.pack(record))
    except Exception as error:  # serialising a student's object may raise anything
        message = f"the answer cannot be sent: {error_text(error)}"
        data = memoryview(serialisation.pack({"number": record.get("number"), "failed": message}))
    while data:
        data = data[os.write(results, data) :]


def _run(sources, work):
    names = {find(number).name for number in work["numbers"]}
    chosen = None if work["whole"] else cells.needed(sources, None, names)
    return cells.run(sources, chosen, around=_within(work["cell_seconds"], work["patience"])), chosen


def _within(seconds, patience):
    """Return a function that calls another one and interrupts it after some seconds of CPU time, if the system can.

    patience : ratio of wall-clock time to CPU time that is allowed, because the machine may be busy
    """

    def around(function):
        if not hasattr(signal, "setitimer"):
            return function()

        def stop(which, _):
            LATE.add("wall" if which == signal.SIGALRM else "CPU")
            limit = seconds if which == signal.SIGPROF else seconds * patience
            raise TimeoutError(f"the cell was still running after {limit:.0f} s")

        signal.signal(signal.SIGPROF, stop)
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, seconds * patience)
        try:
            return function()
        except KeyboardInterrupt as error:
            raise RuntimeError("the cell interrupted itself") from error
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)

    return around


def _answers(notes, number, sources, work):
    """Yield a record for each attempt at an exercise, the last one first; the best attempt counts."""
    exercise, known = find(number), origins.solutions(work["numbers"])
    if isinstance(exercise, Question):
        yield from _values(notes, number, sources)
        return
    try:
        tries = notes.tries(number) if number in notes.attempts else [notes.given(number)]
    except LookupError as error:
        yield _missing(notes, number, sources, str(error))
        return
    for given in tries:
        yield _answer(exercise, given, work) | _origin(exercise, given, work, known)


def _values(notes, number, sources):
    """Return a record for each value that was passed to `answer` for a question."""
    tried = notes.attempts.get(number, [])
    why = "" if tried else _why(notes, sources)
    if why and number in cells.numbers_in(sources):
        return [{"missing": f'answer("{number}", ...) was never called{why}'}]
    if not tried and number not in cells.numbers_in(sources):
        return [{"missing": f'the cell with answer("{number}", ...) was deleted{why}'}]
    return [{"value": plain(value), "student": str(student)} for value, student in tried or [(None, "you")]]


def _origin(exercise, given, work, known):
    """Return {"ran": location} if an answer holds or runs a solution that it found in this process, or {}."""
    location = origins.held(given, known)
    if location is None and callable(given) and not exercise.judge_function:
        ran, late = [], set(LATE)
        arguments = copy.deepcopy(min(exercise.drawn(work["seed"] + 1), key=size))
        _timed(origins.watched(given, known, ran), arguments, work["call_seconds"], work["patience"])
        LATE.intersection_update(late)  # not counted: tracing makes the call slower
        location = ran[0] if ran else None
    return {} if location is None else {"ran": location}


def _missing(notes, number, sources, reason):
    """Return a record with the reason for a missing answer: a cell that is not Python, a cell that stopped, or none."""
    name = find(number).name
    if not name.isidentifier() and number not in cells.numbers_in(sources):
        reason = f'the cell with check("{number}", ...) was deleted'
    for source, wrong in _broken(sources):
        if number in source or (name.isidentifier() and name in source):
            return {"failed": f"{reason}: {wrong}"}
    return {"missing": reason + _why(notes, sources)}


def _broken(sources):
    """Return [(cell, error)] for the cells that are not valid Python."""
    broken = []
    for index, source in enumerate(sources, 1):
        if wrong := cells.syntax_error(source):
            broken.append((source, wrong if source.startswith("\n") else f"cell {index}, {wrong}"))
    return broken


def _why(notes, sources):
    """Return other possible causes of a missing answer, each after a semicolon."""
    stopped = [f"cell {index + 1} stopped with {message}" for index, message in notes.stopped.items()]
    return "".join(f"; {cause}" for cause in [*(wrong for _, wrong in _broken(sources)[:2]), *stopped[:2]])


def _answer(exercise, given, work):
    if exercise.judge_function:
        return _to_check(exercise, given)
    if given is None or given is Ellipsis:
        return {"missing": f"{exercise.name} is not defined yet"}
    if not callable(given):
        return {"failed": f"expected the function {exercise.name}, got {type(given).__name__}"}
    answer = {"calls": _calls(given, [*exercise.arguments, *exercise.drawn(work["seed"])], work)}
    if exercise.demand_function and not any(isinstance(output, Raised) for output, _ in answer["calls"]):
        verdict = demand(exercise, given)
        answer["demand"] = [bool(verdict.passed), verdict.mistake, verdict.what]
    return answer


def _to_check(exercise, given):
    """Return an answer for the comparer to check, or this process's own verdict if it cannot be sent."""
    try:
        serialisation.pack(given)
    except Exception:
        verdict = cells.ORIGINAL["check"](exercise.number, given)
        return {"verdict": [verdict.status, verdict.mistake, verdict.what]}
    return {"answer": given}


def _calls(function, arguments, work):
    """Return [output, arguments after the call or None] for each call, up to the first call that is stopped."""
    outputs = []
    for inputs in arguments:
        given = copy.deepcopy(inputs)
        output = _timed(function, given, work["call_seconds"], work["patience"])
        outputs.append([_plain(output), _plain_or_none(given)])
        if isinstance(output, Raised) and isinstance(output.error, (TimeoutError, NotImplementedError)):
            break
    return outputs


def _timed(function, given, seconds, patience):
    """Return the result of a call, or Raised with its exception; a TimeoutError if a time limit ended it."""
    results, clocks = [], []

    def run():
        if hasattr(time, "pthread_getcpuclockid"):
            clocks.append(time.pthread_getcpuclockid(threading.get_ident()))
        try:
            with np.errstate(all="ignore"):
                results.append(plain(function(*given)))  # methods of the result never run after this
        except BaseException as error:
            results.append(_raised(error))

    thread = threading.Thread(target=run, daemon=True)
    begun, used = time.monotonic(), time.process_time()
    thread.start()
    while not results and thread.is_alive():
        thread.join(0.05)
        with contextlib.suppress(OSError):  # the thread has ended
            spent = time.clock_gettime(clocks[0]) if clocks else time.process_time() - used
            late = "CPU" if spent > seconds else "wall" if time.monotonic() - begun > seconds * patience else None
            if late and not results:
                LATE.add(late)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
                limit = f"{seconds:.0f} s of CPU time" if late == "CPU" else f"{seconds * patience:.0f} s"
                return Raised(TimeoutError(f"it was still running after {limit}. Check for a loop that never ends."))
    return results[0] if results else Raised(RuntimeError("its thread ended without a result"))


def _raised(error):
    """Return an exception of the same name whose message includes the line where it was raised."""
    base = next((kind for kind in (TimeoutError, NotImplementedError) if isinstance(error, kind)), Exception)
    message = error_text(error) if base is not Exception else f"{error_text(error)}{where(error)}"
    return Raised(type(kind_of(error), (base,), {})(message))


def _plain(output):
    try:
        serialisation.pack(output)
    except serialisation.NotPlainError as error:
        return Raised(TypeError(f"it returned neither a number nor an array of numbers: {error}"))
    return output


def _plain_or_none(given):
    try:
        serialisation.pack(given)
    except Exception:
        return None
    return given


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
