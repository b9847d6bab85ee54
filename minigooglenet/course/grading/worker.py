"""The worker: the process that runs a notebook. Nothing that it says is believed: it sends back values, not marks.

It is started by `grader` with the description of its work as JSON, reads the notebook, goes behind the walls of
`sandbox`, runs the cells that the answers need while the checks only take notes, calls each answer on the arguments of
its exercise, and writes what comes out to the file that it was given as its standard output.
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

LATE: set[str] = set()  # "CPU": a time limit ended something; "wall": the wall clock did, so the machine may be busy


def main(work) -> None:
    """Do the work that was described."""
    results = _keep_output()
    try:
        sources = cells.read(work["path"], follow=False)
    except (OSError, ValueError) as error:
        _send(results, {"unreadable": str(error)})
        return
    modules = {}
    for path in map(Path, work["modules"]):
        with contextlib.suppress(OSError, ValueError):  # it vanished, or it is a link
            modules[path.name] = safe_open.read(path, reading.MOST_SOURCE)
    for number in work["numbers"]:
        find(number)  # loaded while it can be
    matplotlib.font_manager.findfont("DejaVu Sans")
    _compile_without_keeping()
    os.environ["HOME"] = work["folder"]
    package = str(Path(minigooglenet.__file__).parent)
    for source in sources:
        cells.plain(source)  # IPython is imported while it can be
    box = sandbox.confine(work["folder"], work["disk"], (package, *work["readable"]), work["slot"], work["mechanism"])
    seconds = work["cpu"] + int(time.process_time())
    held = sandbox.limit(seconds, work["memory"], work["disk"], work["threads"])
    _send(results, {"walls": sorted(box | held & set(sandbox.WALLS))})
    for name, data in modules.items():
        Path(work["folder"], name).write_bytes(data)
    with own_modules.importable(work["folder"]):  # these, and %%writefile helper.py
        _answer_all(results, sources, work)
    os._exit(0)  # no thread and no __del__ of a student's has the last word


def _answer_all(results, sources, work):
    notes, places = _run(sources, work)
    others = [source for place, source in enumerate(sources) if places is not None and place not in places]
    missing = any("NameError" in told for told in notes.stopped.values())
    if missing and any(map(cells.may_make_names, others)):  # a story cell may train for minutes: not without a cause
        notes, _ = _run(sources, work | {"whole": True})
    for number in work["numbers"]:
        for record in _answers(notes, number, sources, work):
            _send(results, {"number": number, **record})
    stopped = {place + 1: str(told)[:500] for place, told in notes.stopped.items()}
    predicted = list(map(bool, notes.predicted.values()))
    _send(results, {"end": True, "stopped": stopped, "predicted": predicted, "late": sorted(LATE)})


def _keep_output():
    """Return the file that came as standard output, and make what is printed go nowhere."""
    results, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return results


def _compile_without_keeping():
    """Keep Numba from writing compiled code to folders that cannot be written here."""
    if compiled.fast() is None:
        return
    from numba.core.caching import Cache

    Cache.save_overload = lambda self, signature, data: None
    compiled.fast().compile_cache.keep_nothing()


def _send(results, record):
    try:
        data = memoryview(serialisation.pack(record))
    except Exception as error:  # a student's object may do anything when it is read
        told = f"the answer cannot be sent: {error_text(error)}"
        data = memoryview(serialisation.pack({"number": record.get("number"), "failed": told}))
    while data:
        data = data[os.write(results, data) :]


def _run(sources, work):
    names = {find(number).name for number in work["numbers"]}
    places = None if work["whole"] else cells.needed(sources, None, names)
    return cells.run(sources, places, around=_within(work["cell_seconds"], work["patience"])), places


def _within(seconds, patience):
    """Return what calls a function and interrupts it after some seconds of CPU time, where the system can.

    patience : how many times as long it may take by the clock on the wall, because a busy machine is nobody's mistake
    """

    def around(function):
        if not hasattr(signal, "setitimer"):
            return function()

        def stop(which, _):
            LATE.add("wall" if which == signal.SIGALRM else "CPU")
            told = seconds if which == signal.SIGPROF else seconds * patience
            raise TimeoutError(f"the cell was still running after {told:.0f} s")

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
    """Yield a record for each attempt at an exercise, the last one first: the best of them counts."""
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
    """Return a record for each value that was given to a question."""
    tried = notes.attempts.get(number, [])
    why = "" if tried else _why(notes, sources)
    if why and number in cells.numbers_in(sources):
        return [{"missing": f'nothing was given to answer("{number}", ...){why}'}]
    if not tried and number not in cells.numbers_in(sources):
        return [{"missing": f'the cell with answer("{number}", ...) is gone{why}'}]
    return [{"value": plain(value), "student": str(student)} for value, student in tried or [(None, "you")]]


def _origin(exercise, given, work, known):
    """Return {"ran": where it is} if an answer holds or runs a solution that it found in this process, or {}."""
    place = origins.held(given, known)
    if place is None and callable(given) and not exercise.judge_function:
        ran, late = [], set(LATE)
        arguments = copy.deepcopy(min(exercise.drawn(work["seed"] + 1), key=size))
        _timed(origins.watched(given, known, ran), arguments, work["call_seconds"], work["patience"])
        LATE.intersection_update(late)  # a call that is watched takes longer
        place = ran[0] if ran else None
    return {} if place is None else {"ran": place}


def _missing(notes, number, sources, told):
    """Return a record that says why there is no answer: a cell that is not Python, one that stopped, or neither."""
    name = find(number).name
    if not name.isidentifier() and number not in cells.numbers_in(sources):
        told = f'the cell with check("{number}", ...) is gone'
    for source, wrong in _broken(sources):
        if number in source or (name.isidentifier() and name in source):
            return {"failed": f"{told}: {wrong}"}
    return {"missing": told + _why(notes, sources)}


def _broken(sources):
    """Return [(cell, what Python says about it)] of the cells that Python cannot read."""
    found = []
    for place, source in enumerate(sources, 1):
        if wrong := cells.syntax_error(source):
            found.append((source, wrong if source.startswith("\n") else f"cell {place}, {wrong}"))
    return found


def _why(notes, sources):
    """Return what else may be the cause of a missing answer."""
    stopped = [f"cell {place + 1} stopped with {told}" for place, told in notes.stopped.items()]
    return "".join(f"; {told}" for told in [*(wrong for _, wrong in _broken(sources)[:2]), *stopped[:2]])


def _answer(exercise, given, work):
    if exercise.judge_function:
        return _for_judge(exercise, given)
    if given is None or given is Ellipsis:
        return {"missing": f"there is no {exercise.name} yet"}
    if not callable(given):
        return {"failed": f"expected the function {exercise.name}, got {type(given).__name__}"}
    answer = {"calls": _calls(given, [*exercise.arguments, *exercise.drawn(work["seed"])], work)}
    if exercise.demand_function and not any(isinstance(output, Raised) for output, _ in answer["calls"]):
        verdict = demand(exercise, given)
        answer["demand"] = [bool(verdict.passed), verdict.mistake, verdict.what]
    return answer


def _for_judge(exercise, given):
    """Return an answer to be judged elsewhere, or where it is no plain value what the judge says here."""
    try:
        serialisation.pack(given)
    except Exception:
        verdict = cells.ORIGINAL["check"](exercise.number, given)
        return {"verdict": [verdict.status, verdict.mistake, verdict.what]}
    return {"answer": given}


def _calls(function, arguments, work):
    """Return [output, arguments afterwards or None] of every call; the first that is stopped is the last."""
    outputs = []
    for each in arguments:
        given = copy.deepcopy(each)
        output = _timed(function, given, work["call_seconds"], work["patience"])
        outputs.append([_plain(output), _plain_or_none(given)])
        if isinstance(output, Raised) and isinstance(output.error, (TimeoutError, NotImplementedError)):
            break
    return outputs


def _timed(function, given, seconds, patience):
    """Return what a function returns, Raised, or a TimeoutError in Raised: its CPU time or the wall clock was up."""
    box, clocks = [], []

    def run():
        if hasattr(time, "pthread_getcpuclockid"):
            clocks.append(time.pthread_getcpuclockid(threading.get_ident()))
        try:
            with np.errstate(all="ignore"):
                box.append(plain(function(*given)))  # none of its own methods runs after this
        except BaseException as error:
            box.append(_raised(error))

    thread = threading.Thread(target=run, daemon=True)
    begun, used = time.monotonic(), time.process_time()
    thread.start()
    while not box and thread.is_alive():
        thread.join(0.05)
        with contextlib.suppress(OSError):  # the thread has ended
            spent = time.clock_gettime(clocks[0]) if clocks else time.process_time() - used
            late = "CPU" if spent > seconds else "wall" if time.monotonic() - begun > seconds * patience else None
            if late and not box:
                LATE.add(late)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
                told = f"{seconds:.0f} s of CPU time" if late == "CPU" else f"{seconds * patience:.0f} s"
                return Raised(TimeoutError(f"it was still running after {told}. Look for a loop that never ends."))
    return box[0] if box else Raised(RuntimeError("its thread ended without a result"))


def _raised(error):
    """Return an exception of the same name that says in which line it arose."""
    base = next((kind for kind in (TimeoutError, NotImplementedError) if isinstance(error, kind)), Exception)
    told = error_text(error) if base is not Exception else f"{error_text(error)}{where(error)}"
    return Raised(type(kind_of(error), (base,), {})(told))


def _plain(output):
    try:
        serialisation.pack(output)
    except serialisation.NotPlainError as error:
        return Raised(TypeError(f"it returned what is no number and no array of numbers: {error}"))
    return output


def _plain_or_none(given):
    try:
        serialisation.pack(given)
    except Exception:
        return None
    return given


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
