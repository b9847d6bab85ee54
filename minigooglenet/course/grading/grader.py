"""A class graded: each notebook in a worker process, which sends back values, and a comparer process marks these.

A worker starts isolated, and inside the box that bubblewrap builds where it is installed.
"""

import contextlib
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
from minigooglenet.course.grading import gradebook, marks, sandbox, submissions
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
COMPARER_SECONDS = 300.0  # to start the process that marks, and to compute what a lesson's answers are compared with
LEAST_MARKING = 20.0  # seconds by the clock to mark one notebook; more if the notebook may take longer itself
TRIES = 2  # of a notebook during which the grading itself died
PATIENCE, EXTRA = 3.0, 30.0  # by the clock on the wall, a notebook may take 3 times its CPU time and 30 s more
# Exit codes of what a signal ended, the process itself or inside a namespace or a box: a limit or the system; a crash.
ENDED, CRASHED = ({code for each in those for code in (-each, 256 - each, 128 + each)} for those in ((24, 9), (11, 6)))
TOO_MUCH = "too much memory"  # in place of an exit code
LOOK = 0.05  # seconds between two looks at the memory of all processes of a notebook
SINGLE = dict.fromkeys(  # variables that hold libraries to one thread
    ("MINIGOOGLENET_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MINIGOOGLENET_FAST"),
    "1",
)


@dataclass
class Asked:
    """How to grade.

    seconds, memory : CPU time and bytes of each notebook;  whole : run every cell, not only what answers need
    wall : seconds by the clock on the wall, by default three times the CPU time and 30 more
    handout, solutions : folders that `release` wrote, by default the package's own lessons
    plan : what the course file says, by default every exercise counts
    student : grade this one again; if there is no CSV yet, nobody else
    everything_of : the student whose files these all are
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
    everything_of: str | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> str:
        """What a result depends on besides the file: a result of other options is another result."""
        ipython = util.find_spec("IPython") is not None
        options = (self.seconds, self.wall, self.memory, self.whole, ipython, os.environ.get(COURSE, ""))
        options += (own_exercises.digest(own_folders()),) if own_folders() else ()
        try:
            version = metadata.version("minigooglenet")
        except metadata.PackageNotFoundError:  # a checkout that nobody installed
            version = ""
        return f"{version} {gradebook.digest_of(repr(options))}"

    def patience(self, jobs=1) -> float:
        """Return how many times its CPU time a notebook may take by the clock on the wall.

        jobs : notebooks at once, which share the cores
        """
        wall = self.wall or PATIENCE * self.seconds + EXTRA
        return wall / self.seconds * self.busy(jobs)

    @staticmethod
    def busy(jobs) -> float:
        """Return how many processes share a core."""
        return max(1.0, jobs / (os.cpu_count() or 1))

    @property
    def call_seconds(self) -> float:
        """CPU time for one call of an answer, and to mark one."""
        return min(10.0, self.seconds / 8)


class Handed(NamedTuple):
    """A notebook to grade."""

    student: str
    path: Path
    numbers: tuple[str, ...]
    name: str = ""
    note: str = ""
    when: float = 0.0  # it was handed in
    modules: tuple[Path, ...] = ()  # the student's own, which it may import
    options: str = ""

    @property
    def key(self):
        """What its rows are kept by: another content, lesson, option or version is another notebook."""
        digests = []
        for path in (self.path, *self.modules):
            try:
                digests.append(safe_open.digest(path, reading.MOST_BYTES))
            except (OSError, ValueError) as error:
                digests.append(type(error).__name__)
        return f"{self.student}/{self.name}/{','.join(self.numbers)}/{'+'.join(digests)}/{self.options}"


class Late(NamedTuple):
    """Rows of a notebook that a time limit ended: never kept, and tried again if the machine may be the cause."""

    rows: list
    again: bool


def grade(folder, out, asked, jobs=1, fresh=False, tell=lambda done, count, name: None, say=lambda sentence: None):
    """Grade every notebook in a folder or archive, and write the CSV `out`, "-" for standard output.

    tell : called with the progress;  say : called with each sentence about files that became no row

    Returns
    -------
    (rows of the CSV, walls around every process, whether all are done)
    """
    with temporary_folder() as scratch:
        handed, absent, sentences = _collected(folder, scratch, asked)
        if asked.student:
            asked.student = _one_of(asked.student, {each.student for each in handed} | {a["student"] for a in absent})
            if out == files.STDOUT or not Path(out).exists():
                handed = [each for each in handed if each.student == asked.student]
                absent = [row for row in absent if row["student"] == asked.student]
        kept = out != files.STDOUT and (Path(out).is_file() or not Path(out).exists())  # not for a pipe or a device
        state = Path(f"{out}.state") if kept else Path(scratch, "state")
        ledger = gradebook.Ledger(state, fresh)
        rows, walls, whole = _graded(handed, absent, out, asked, jobs, ledger, tell, sentences)
        for sentence in sentences + [ledger.sentence] * (ledger.sentence is not None):
            say(sentence)
        return rows, walls, whole


def collect(folder, lesson=None):
    """Return the notebooks in a folder, and rows for the lessons that students did not hand in."""
    with temporary_folder() as scratch:
        return _collected(folder, scratch, Asked(lesson=lesson))[:2]


def _collected(folder, scratch, asked):
    folder = Path(folder)
    if not folder.exists() or not (folder.is_dir() or submissions.opens(folder)):
        raise FileNotFoundError(f"there is no folder {folder}")
    lesson = asked.lesson and submissions.lesson_number(asked.lesson)
    found = submissions.collect(folder, scratch, lesson, asked.plan, asked.everything_of)
    handed = [Handed(*each, asked.key) for each in found.handed]
    absent = [
        row_of(each.student, each.file, number, MISSING, each.reason)
        for each in found.absent
        for number in everything()
        if number.startswith(f"{each.lesson}.") and (asked.plan is None or asked.plan.counts(number))
    ]
    return handed, absent, found.sentences


def _one_of(student, students):
    """Return the student that somebody asks for, by the whole name or by a part that only one has."""
    key = key_of(student)
    exact = [each for each in students if key_of(each) == key]
    alike = exact or [each for each in students if key and key in key_of(each)]
    if len(alike) != 1:
        near = " or ".join(map(repr, sorted(alike)[:5])) or closest(student, students)
        raise ValueError(f"no student {student!r} in this class.{f' Did you mean {near}?' if near else ''}")
    return alike[0]


def _graded(handed, absent, out, asked, jobs, ledger, tell, sentences):
    probe.held()
    warmup.warmup()  # what is compiled now is compiled for all
    lock, walls = threading.Lock(), set(sandbox.WALLS)
    rows: dict[int, list] = {}
    late: dict[int, Late] = {}
    slots: queue.SimpleQueue = queue.SimpleQueue()
    comparers = [Comparer() for _ in range(jobs)]
    for slot in range(jobs):
        slots.put(slot)

    def one(place, at_once=jobs):
        if asked.ended.is_set():
            return
        slot = slots.get()
        try:
            found = _one(handed[place], asked, slot, comparers[slot], ledger, lock, walls, at_once)
            if isinstance(found, Late) and found.again and at_once:
                late[place] = found
            else:
                rows[place] = found.rows if isinstance(found, Late) else found
        finally:
            slots.put(slot)
            tell(len(rows), len(handed), handed[place].student)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for done in [pool.submit(one, place) for place in range(len(handed))]:
                    done.result()
                for place in sorted(late):  # again, with nothing else running
                    pool.submit(one, place, 0).result()
                if asked.ended.is_set() and len(rows) < len(handed):  # before the first one had begun
                    raise KeyboardInterrupt
            except BaseException:
                asked.ended.set()
                for comparer in comparers:
                    comparer.close()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for comparer in comparers:
            comparer.close()
        for place in late:
            rows.setdefault(place, late[place].rows)
        flat = [{**row, "when": None} for row in absent] + _noted(handed, rows, asked)
        flat.sort(key=lambda row: (row["student"], row["exercise"]))
        marks.names(flat, asked.plan.roster if asked.plan else Roster([]), not asked.everything_of)
        if asked.plan:
            flat, told = marks.marked(flat, asked.plan)
            sentences += told
        gradebook.write(out, flat)
    return flat, walls, len(rows) == len(handed)


def _noted(handed, rows, asked):
    """Return all rows, with what only a look at the whole class can say in their notes."""
    work = [(each.student, each.path, each.numbers) for each in handed]
    allowed = asked.plan.allowed if asked.plan else {}
    notes = originality.notes(work, asked.handout, allowed, asked.solutions)
    flat = []
    for place in sorted(rows):
        for row in rows[place]:
            choice = handed[place].note
            told = [choice, *notes[place].get("", []), *notes[place].get(row["exercise"], []), row["note"]]
            when = None if asked.everything_of else handed[place].when  # a platform judges lateness itself
            about = {"file": handed[place].name, "when": when, "choice": choice}
            flat.append({**row, **about, "note": "; ".join(filter(None, told))})
    return flat


def _one(handed, asked, slot, comparer, ledger, lock, walls, jobs):
    with lock:
        key = handed.key
        if key in ledger.done and handed.student != asked.student:
            return ledger.done[key]
        tried = ledger.begun[key]
        if tried < TRIES:
            ledger.write({"begun": key})
    marked, late, code = None, False, 0
    if safe_open.is_link(handed.path):
        reason = safe_open.LINK
    elif tried >= TRIES:
        reason = f"the grading itself died {tried} times while this notebook ran; look at it by hand"
    else:
        try:
            stream, code = run(handed, asked, slot, ledger.seed, jobs)
            reason, late = _reason(code, asked, jobs), code is None or code in ENDED
        except (OSError, ValueError, RuntimeError) as error:  # the file vanished, or no process could be started
            stream, code, late = b"", None, True  # tried again, and never kept
            reason = f"it could not be run: {error_text(error)}"
        marked = None if asked.ended.is_set() else comparer.mark(stream, handed.numbers, ledger.seed, asked, jobs)
        if asked.ended.is_set():
            with lock:
                ledger.write({"begun": key, "times": -1})
            raise KeyboardInterrupt
        if marked is None:
            reason, late = "what it sent could not be marked in time", True
    rows = rows_of(handed, marked, reason)
    again = (late and (marked is None or code is None)) or bool(marked and "wall" in marked["late"])
    with lock:
        if marked and marked["walls"]:
            walls &= set(marked["walls"])
        if late or (marked and marked["late"]):  # another day it may come to its end
            ledger.write({"begun": key, "times": -1})
            return Late(rows, again)
        ledger.write({"done": key, "rows": rows})
    return rows


def run(handed, asked, slot, seed, jobs=1):
    """Run a notebook; return what it sent, and its exit code or None if it did not come to its end in time."""
    with temporary_folder() as folder, tempfile.TemporaryFile() as results:
        patience = asked.patience(jobs)
        work = {
            "path": str(handed.path.resolve()),
            "modules": [
                str(path.resolve()) for path in handed.modules if path.is_file() and not safe_open.is_link(path)
            ],
            "folder": folder,
            "numbers": handed.numbers,
            "seed": seed,
            "whole": asked.whole,
            "slot": slot,
            "cpu": int(asked.seconds) + 1,
            "memory": asked.memory,
            "disk": DISK,
            "cell_seconds": asked.seconds / 4,
            "call_seconds": asked.call_seconds,
            "patience": patience,
            "readable": readable(),
            "mechanism": probe.held().mechanism,
            "threads": sandbox.threads_of(slot),
        }
        process = _start(work, results)
        try:
            code = _wait(process, asked, patience * asked.seconds)
        finally:
            end(process)
            process.wait()
        results.seek(0)
        return results.read(DISK), code


def _start(work, results):
    """Start a worker with the description of its work; what it sends goes to the file `results`."""
    import matplotlib  # only here, because the command line waits for what is imported at its start

    words = children.command("minigooglenet.course.grading.worker", json.dumps(work), options=("-B", "-W", "ignore"))
    read = [str(children.PACKAGE), work["path"], *work["modules"], *work["readable"]]
    write = [str(_kernels() or children.PACKAGE), matplotlib.get_cachedir()]  # sealed before the first cell runs
    words = sandbox.command(work["mechanism"], words, work["folder"], read, write)
    variables = children.environment(**SINGLE, TMPDIR=work["folder"], TEMP=work["folder"], MPLBACKEND="agg")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": results, "stderr": subprocess.DEVNULL, "start_new_session": True}
    return subprocess.Popen(words, cwd=work["folder"], env=variables, **quiet)


def readable() -> list[str]:
    """Return the folders beside Python's own that its packages and compiled kernels are read from."""
    kernels = _kernels()
    return [*sandbox.packages(), *([] if kernels is None else [str(kernels)]), *map(str, own_folders())]


def _kernels():
    """Return the folder of compiled kernels, None if they are kept in the package."""
    cache = warmup.folder()
    return None if cache is None or cache.is_relative_to(children.PACKAGE) else cache.parent


def _wait(process, asked, seconds):
    """Return the exit code, TOO_MUCH, or None if the time was up or the grading is to end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not asked.ended.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(LOOK, seconds))
        if watch.memory(process.pid, asked.memory) > asked.memory:
            return TOO_MUCH
    return None


def _reason(code, asked, jobs):
    if code == TOO_MUCH:
        return f"it was stopped: its processes used more than {asked.memory >> 20:,} MB of memory together"
    if code is None:
        alone = "" if jobs else ", alone"
        seconds = asked.patience(jobs) * asked.seconds
        return f"it was still running after {seconds:.0f} s{alone} (its limit is {asked.seconds:.0f} s of CPU time)"
    if code in ENDED:
        return f"it was stopped: it used its {asked.seconds:.0f} s of CPU time, or the machine ran out of memory"
    if code in CRASHED:
        return "it was stopped: it ran out of memory or crashed"
    return f"it ended before its answers could be read (exit code {code})"


class Comparer:
    """The process that marks, started when it is needed and anew when it had to be ended."""

    def __init__(self):
        self.process, self.folder = None, None

    def mark(self, stream, numbers, seed, asked, jobs=1) -> dict | None:
        """Return what `comparer.compare` returns, or None if it took too long or more memory than it may."""
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
            work = {"stream": str(path), "numbers": numbers, "seed": seed, "seconds": asked.call_seconds}
            try:
                self.process.stdin.write(json.dumps(work) + "\n")
                self.process.stdin.flush()
                self._line(COMPARER_SECONDS)
                return self._line(max(LEAST_MARKING, asked.seconds) * asked.busy(jobs))
            except (OSError, ValueError):
                self.close()
                return None

    def _line(self, seconds):
        """Return the next line of the process as an object; the process is killed if it takes longer."""
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
