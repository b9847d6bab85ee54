"""The grading of a class: a worker process runs each notebook and sends back values, and a comparer grades the values.

A worker starts isolated, and inside bubblewrap if it is installed.
"""

import contextlib
import functools
import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

from minigooglenet import children, files, warmup
from minigooglenet.course import originality, own_exercises, reading, safe_open
from minigooglenet.course.check_runner import end
from minigooglenet.course.grading import gradebook, points, sandbox, submissions
from minigooglenet.course.grading.archives import ARCHIVES
from minigooglenet.course.grading.gradebook import row_of, rows_of
from minigooglenet.course.grading.removal import temporary_folder
from minigooglenet.course.grading.sandbox import probe, watch
from minigooglenet.course.grading.serialisation import MISSING
from minigooglenet.course.plan import Plan
from minigooglenet.course.roster import Roster, key_of
from minigooglenet.exercises.find import everything, own_folders
from minigooglenet.exercises.questions import COURSE
from minigooglenet.exercises.shown import error_text
from minigooglenet.names import closest

DISK = 256 << 20  # bytes that a notebook may write, and that it may send
COMPARER_SECONDS = 300.0  # to start the comparer, and to compute the outputs that a lesson's answers are compared with
LEAST_GRADING = 20.0  # wall-clock seconds to grade one notebook; more if the notebook itself may take longer
TRIES = 2  # attempts at a notebook during which the grading process itself died
PATIENCE, EXTRA = 3.0, 30.0  # a notebook's wall-clock limit is 3 times its CPU time plus 30 s
# Exit codes after a signal, to the process itself or inside a namespace or bubblewrap: ended by a limit; crashed.
ENDED, CRASHED = (
    {code for number in numbers for code in (-number, 256 - number, 128 + number)} for numbers in ((24, 9), (11, 6))
)
TOO_MUCH = "too much memory"  # instead of an exit code
LOOK = 0.05  # seconds between two measurements of the memory of a notebook's processes
SINGLE = dict.fromkeys(  # variables that restrict libraries to one thread
    ("MINIGOOGLENET_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MINIGOOGLENET_FAST"),
    "1",
)


@dataclass
class GradingOptions:
    """Options of a grading.

    seconds, memory : CPU time and bytes for each notebook;  whole : run every cell, not only what the answers need
    wall : wall-clock seconds for each notebook, by default three times the CPU time plus 30
    handout, solutions : folders that `release` wrote, by default the lessons of the package
    plan : contents of the course file, by default every exercise counts
    student : grade this student again; only this student if the CSV does not exist yet
    owner : the student who handed in every file, if the folder belongs to one student
    """

    seconds: float = 120.0
    memory: int = 2 << 30
    whole: bool = False
    lesson: str | None = None
    wall: float | None = None
    handout: str | None = None
    solutions: str | None = None
    plan: Plan | None = None
    student: str | None = None
    owner: str | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> str:
        """Everything besides the file that a result depends on: with different options, a file is graded again."""
        ipython = util.find_spec("IPython") is not None
        options = (self.seconds, self.wall, self.memory, self.whole, ipython, os.environ.get(COURSE, ""))
        options += (own_exercises.digest(own_folders()),) if own_folders() else ()
        try:
            version = metadata.version("minigooglenet")
        except metadata.PackageNotFoundError:  # a checkout that is not installed
            version = ""
        return f"{version} {gradebook.digest_of(repr(options))}"

    def patience(self, jobs=1) -> float:
        """Return the ratio of a notebook's wall-clock limit to its limit of CPU time.

        jobs : number of notebooks in parallel, which share the cores
        """
        wall = self.wall or PATIENCE * self.seconds + EXTRA
        return wall / self.seconds * self.busy(jobs)

    @staticmethod
    def busy(jobs) -> float:
        """Return the number of processes per core, at least 1."""
        return max(1.0, jobs / (os.cpu_count() or 1))

    @property
    def call_seconds(self) -> float:
        """CPU time for one call of an answer, and to grade one attempt."""
        return min(10.0, self.seconds / 8)


class Task(NamedTuple):
    """A notebook to grade."""

    student: str
    path: Path
    numbers: tuple[str, ...]
    name: str = ""
    note: str = ""
    when: float = 0.0  # time of submission
    modules: tuple[Path, ...] = ()  # the student's own modules that it may import
    options: str = ""

    @property
    def key(self):
        """Key of its saved rows: it depends on the contents, the lesson, the options and the version."""
        digests = []
        for path in (self.path, *self.modules):
            try:
                digests.append(safe_open.digest(path, reading.MOST_BYTES))
            except (OSError, ValueError) as error:
                digests.append(type(error).__name__)
        return f"{self.student}/{self.name}/{','.join(self.numbers)}/{'+'.join(digests)}/{self.options}"


class Interrupted(NamedTuple):
    """Rows of a notebook that a time limit ended: never saved, and graded again if a busy machine may be the cause."""

    rows: list
    again: bool


def grade(
    folder, out, options, jobs=1, fresh=False, progress=lambda done, count, name: None, report=lambda sentence: None
):
    """Grade every notebook in a folder or archive, and write the CSV `out`, "-" for standard output.

    progress : called after each notebook;  report : called with each sentence about files without a row

    Returns
    -------
    (rows of the CSV, sandbox protections that held for every process, whether all notebooks are graded)
    """
    with temporary_folder() as scratch:
        tasks, absent, sentences = _collected(folder, scratch, options)
        if options.student:
            students = {task.student for task in tasks} | {row["student"] for row in absent}
            options.student = _one_of(options.student, students)
            if out == files.STDOUT or not Path(out).exists():
                tasks = [task for task in tasks if task.student == options.student]
                absent = [row for row in absent if row["student"] == options.student]
        saved = out != files.STDOUT and (Path(out).is_file() or not Path(out).exists())  # not for a pipe or a device
        state = Path(f"{out}.state") if saved else Path(scratch, "state")
        ledger = gradebook.Ledger(state, fresh)
        rows, protections, complete = _graded(tasks, absent, out, options, jobs, ledger, progress, sentences)
        for sentence in sentences + [ledger.sentence] * (ledger.sentence is not None):
            report(sentence)
        return rows, protections, complete


def collect(folder, lesson=None):
    """Return the tasks of a folder, and rows for the lessons that students did not hand in."""
    with temporary_folder() as scratch:
        return _collected(folder, scratch, GradingOptions(lesson=lesson))[:2]


def _collected(folder, scratch, options):
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(f"folder {folder} does not exist")
    if not (folder.is_dir() or submissions.opens(folder)):
        raise FileNotFoundError(f"{folder} is neither a folder nor an archive ({', '.join(ARCHIVES)})")
    lesson = options.lesson and submissions.lesson_number(options.lesson)
    collected = submissions.collect(folder, scratch, lesson, options.plan, options.owner)
    tasks = [Task(*file, options.key) for file in collected.to_grade]
    absent = [
        row_of(missing.student, missing.file, number, MISSING, missing.reason)
        for missing in collected.absent
        for number in everything()
        if number.startswith(f"{missing.lesson}.") and (options.plan is None or options.plan.counts(number))
    ]
    return tasks, absent, collected.sentences


def _one_of(student, students):
    """Return the student with this name, or the only student whose name contains it."""
    key = key_of(student)
    exact = [name for name in students if key_of(name) == key]
    alike = exact or [name for name in students if key and key in key_of(name)]
    if len(alike) != 1:
        near = " or ".join(map(repr, sorted(alike)[:5])) or closest(student, students)
        raise ValueError(f"no student {student!r} in this class.{f' Did you mean {near}?' if near else ''}")
    return alike[0]


def _graded(tasks, absent, out, options, jobs, ledger, progress, sentences):
    probe.held()
    _compiled()
    lock, protections = threading.Lock(), set(sandbox.PROTECTIONS)
    rows: dict[int, list] = {}
    late: dict[int, Interrupted] = {}
    slots: queue.SimpleQueue = queue.SimpleQueue()
    comparers = [Comparer() for _ in range(jobs)]
    for slot in range(jobs):
        slots.put(slot)

    def one(index, at_once=jobs):
        if options.ended.is_set():
            return
        slot = slots.get()
        try:
            result = _one(tasks[index], options, slot, comparers[slot], ledger, lock, protections, at_once)
            if isinstance(result, Interrupted) and result.again and at_once:
                late[index] = result
            else:
                rows[index] = result.rows if isinstance(result, Interrupted) else result
        finally:
            slots.put(slot)
            progress(len(rows), len(tasks), tasks[index].student)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for done in [pool.submit(one, index) for index in range(len(tasks))]:
                    done.result()
                for index in sorted(late):  # again, with nothing else running
                    pool.submit(one, index, 0).result()
                if options.ended.is_set() and len(rows) < len(tasks):  # interrupted before the first one began
                    raise KeyboardInterrupt
            except BaseException:
                options.ended.set()
                for comparer in comparers:
                    comparer.close()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for comparer in comparers:
            comparer.close()
        for index in late:
            rows.setdefault(index, late[index].rows)
        flat = [{**row, "when": None} for row in absent] + _noted(tasks, rows, options)
        flat.sort(key=lambda row: (row["student"], row["exercise"]))
        points.check_names(flat, options.plan.roster if options.plan else Roster([]), not options.owner)
        if options.plan:
            flat, remarks = points.apply_plan(flat, options.plan)
            sentences += remarks
        gradebook.write(out, flat)
    return flat, protections, len(rows) == len(tasks)


@functools.cache
def _compiled():
    """Compile the kernels once, for all workers and all gradings of this process."""
    warmup.warmup()


def _noted(tasks, rows, options):
    """Return all rows, with notes that need a comparison of the whole class."""
    work = [(task.student, task.path, task.numbers) for task in tasks]
    allowed = options.plan.allowed if options.plan else {}
    notes = originality.notes(work, options.handout, allowed, options.solutions)
    flat = []
    for index in sorted(rows):
        for row in rows[index]:
            choice = tasks[index].note
            row_notes = [choice, *notes[index].get("", []), *notes[index].get(row["exercise"], []), row["note"]]
            when = None if options.owner else tasks[index].when  # a platform handles late files itself
            about = {"file": tasks[index].name, "when": when, "choice": choice}
            flat.append({**row, **about, "note": "; ".join(filter(None, row_notes))})
    return flat


def _one(task, options, slot, comparer, ledger, lock, protections, jobs):
    with lock:
        key = task.key
        if key in ledger.done and task.student != options.student:
            return ledger.done[key]
        tried = ledger.begun[key]
        if tried < TRIES:
            ledger.write({"begun": key})
    graded, late, code = None, False, 0
    if safe_open.is_link(task.path):
        reason = safe_open.LINK
    elif tried >= TRIES:
        reason = f"the grading process died {tried} times while it ran this notebook; grade it by hand"
    else:
        try:
            stream, code = run(task, options, slot, ledger.seed, jobs)
            reason, late = _reason(code, options, jobs), code is None or code in ENDED
        except (OSError, ValueError, RuntimeError) as error:  # the file disappeared, or no process could be started
            stream, code, late = b"", None, True  # tried again, and never saved
            reason = f"it could not be run: {error_text(error)}"
        if not options.ended.is_set():
            graded = comparer.compare(stream, task.numbers, ledger.seed, options, jobs)
        if options.ended.is_set():
            with lock:
                ledger.write({"begun": key, "times": -1})
            raise KeyboardInterrupt
        if graded is None:
            reason, late = "its answers could not be graded in time", True
    rows = rows_of(task, graded, reason)
    again = (late and (graded is None or code is None)) or bool(graded and "wall" in graded["late"])
    with lock:
        if graded and graded["protections"]:
            protections &= set(graded["protections"])
        if late or (graded and graded["late"]):  # the next grading may have enough time
            ledger.write({"begun": key, "times": -1})
            return Interrupted(rows, again)
        ledger.write({"done": key, "rows": rows})
    return rows


def run(task, options, slot, seed, jobs=1):
    """Run a notebook; return the bytes that it sent, and its exit code or None if it did not finish in time."""
    with temporary_folder() as folder, tempfile.TemporaryFile() as results:
        patience = options.patience(jobs)
        work = {
            "path": str(task.path.resolve()),
            "modules": [str(path.resolve()) for path in task.modules if path.is_file() and not safe_open.is_link(path)],
            "folder": folder,
            "numbers": task.numbers,
            "seed": seed,
            "whole": options.whole,
            "slot": slot,
            "cpu": int(options.seconds) + 1,
            "memory": options.memory,
            "disk": DISK,
            "cell_seconds": options.seconds / 4,
            "call_seconds": options.call_seconds,
            "patience": patience,
            "readable": readable(),
            "mechanism": probe.held().mechanism,
            "threads": sandbox.thread_count(slot),
        }
        process = _start(work, results)
        try:
            code = _wait(process, options, patience * options.seconds)
        finally:
            end(process)
            process.wait()
        results.seek(0)
        return results.read(DISK), code


def _start(work, results):
    """Start a worker with a description of its task; its output goes to the file `results`."""
    import matplotlib  # only here, to keep the start of the command line fast

    words = children.command("minigooglenet.course.grading.worker", json.dumps(work), options=("-B", "-W", "ignore"))
    read = [str(children.PACKAGE), work["path"], *work["modules"], *work["readable"]]
    write = [str(_kernels() or children.PACKAGE), matplotlib.get_cachedir()]  # read-only before the first cell runs
    words = sandbox.command(work["mechanism"], words, work["folder"], read, write)
    variables = children.environment(**SINGLE, TMPDIR=work["folder"], TEMP=work["folder"], MPLBACKEND="agg")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": results, "stderr": subprocess.DEVNULL, "start_new_session": True}
    return subprocess.Popen(words, cwd=work["folder"], env=variables, **quiet)


def readable() -> list[str]:
    """Return the folders of installed packages, compiled kernels and a course's own exercises."""
    kernels = _kernels()
    return [*sandbox.packages(), *([] if kernels is None else [str(kernels)]), *map(str, own_folders())]


def _kernels():
    """Return the folder of compiled kernels, None if they are stored in the package."""
    cache = warmup.folder()
    return None if cache is None or cache.is_relative_to(children.PACKAGE) else cache.parent


def _wait(process, options, seconds):
    """Return the exit code, TOO_MUCH, or None if the time limit or an interrupt ended the wait."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not options.ended.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(LOOK, seconds))
        if watch.memory(process.pid, options.memory) > options.memory:
            return TOO_MUCH
    return None


def _reason(code, options, jobs):
    if code == TOO_MUCH:
        return f"it was stopped: its processes used more than {options.memory >> 20:,} MB of memory in total"
    if code is None:
        alone = "" if jobs else ", alone"
        seconds = options.patience(jobs) * options.seconds
        return f"it was still running after {seconds:.0f} s{alone} (its limit is {options.seconds:.0f} s of CPU time)"
    if code in ENDED:
        return f"it was stopped: it used its {options.seconds:.0f} s of CPU time, or the machine ran out of memory"
    if code in CRASHED:
        return "it was stopped: it ran out of memory or crashed"
    return f"its process ended before its answers could be read (exit code {code})"


class Comparer:
    """Handle of a comparer process, which is started when it is needed, and again after it had to be ended."""

    def __init__(self):
        self.process, self.folder = None, None

    def compare(self, stream, numbers, seed, options, jobs=1) -> dict | None:
        """Return the result of `comparer.compare`, or None if it exceeded its limit of time or memory."""
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.folder = children.own_folder()
            pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            start = {"folder": self.folder.name, "variables": children.environment(**SINGLE)}
            quiet = {"options": ("-W", "ignore"), "text": True, "start_new_session": True}
            self.process = children.start("minigooglenet.course.grading.comparer", **start, **pipe, **quiet)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "stream")
            path.write_bytes(stream)
            work = {"stream": str(path), "numbers": numbers, "seed": seed, "seconds": options.call_seconds}
            try:
                self.process.stdin.write(json.dumps(work) + "\n")
                self.process.stdin.flush()
                self._line(COMPARER_SECONDS)
                return self._line(max(LEAST_GRADING, options.seconds) * options.busy(jobs))
            except (OSError, ValueError):
                self.close()
                return None

    def _line(self, seconds):
        """Return the next line of the process as an object; kill the process if it takes longer."""
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        try:
            return json.loads(self.process.stdout.readline())
        finally:
            timer.cancel()

    def close(self):
        """End the process."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
        if self.folder is not None:
            self.folder.cleanup()
