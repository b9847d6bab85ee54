"""A class graded: each notebook in a process of its own that sends back values, which another process marks."""

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import minigooglenet
from minigooglenet import warmup
from minigooglenet.course import cells, gradebook, sandbox
from minigooglenet.course.checked import end
from minigooglenet.course.judge import FAILED, MISSING
from minigooglenet.exercises.find import everything
from minigooglenet.exercises.questions import COURSE

DISK = 256 << 20  # bytes that a notebook may write, and that it may send
JUDGE_SECONDS = 300.0  # to mark one notebook, the first one of a lesson with all that is compared
TRIES = 2  # of a notebook during which the grading itself died
KEPT = ("PATH", "LANG", "LC_ALL", "HOME", "PYTHONPATH", "NUMBA_CACHE_DIR", "OPENBLAS_CORETYPE", "SYSTEMROOT", COURSE)
SINGLE = (
    "MINIGOOGLENET_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "MINIGOOGLENET_FAST",
)
PEEKS = re.compile(rb"reference_function|solution_function|\.rights\b|judge_function|exercises\.lessons")


@dataclass
class Asked:
    """How to grade. seconds, memory (bytes): of each notebook; whole: run every cell, not only what answers need."""

    seconds: float = 120.0
    memory: int = 2 << 30
    whole: bool = False
    lesson: str | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class Handed(NamedTuple):
    """A notebook that a student handed in."""

    student: str
    path: Path
    numbers: tuple[str, ...]

    @property
    def key(self):
        """What it is kept by: another content or lesson is another notebook."""
        return f"{self.student}/{self.path.name}/{','.join(self.numbers)}/{gradebook.digest(self.path)}"


def grade(folder, out, asked, jobs=1, fresh=False, tell=lambda done, count, name: None):
    """Grade every notebook in a folder (a file or a folder for each student), and write the CSV `out`.

    Returns
    -------
    (rows of the CSV, walls around every process, whether all are done)
    """
    handed, absent = collect(folder, asked.lesson)
    warmup.warmup()  # what is compiled now is compiled for all
    ledger, lock, walls = gradebook.Ledger(f"{out}.state", fresh), threading.Lock(), set(sandbox.WALLS)
    rows: dict[int, list] = {}
    slots: queue.SimpleQueue = queue.SimpleQueue()
    judges = [Judge() for _ in range(jobs)]
    for slot in range(jobs):
        slots.put(slot)

    def one(place):
        if asked.ended.is_set():
            return
        slot = slots.get()
        try:
            rows[place] = _one(handed[place], asked, slot, judges[slot], ledger, lock, walls)
        finally:
            slots.put(slot)
            tell(len(rows), len(handed), handed[place].student)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for done in [pool.submit(one, place) for place in range(len(handed))]:
                    done.result()
            except BaseException:
                asked.ended.set()
                for judge in judges:
                    judge.close()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for judge in judges:
            judge.close()
        flat = [row for place in sorted(rows) for row in rows[place]] + absent
        gradebook.write(out, sorted(flat, key=lambda row: (row["student"], row["exercise"])))
    return flat, walls, len(rows) == len(handed)


def collect(folder, lesson=None):
    """Return the notebooks in a folder, and rows for the lessons that a student with a folder did not hand in."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    flat = [(path.stem, path) for path in folder.iterdir() if path.suffix in (".ipynb", ".py") and path.is_file()]
    own = {place.name for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")}
    inside = [(name, path) for name in own for path in (folder / name).glob("*.ipynb") if path.is_file()]
    known = {number: number.partition(".")[0] for number in everything()}
    lessons = {path: lessons_of(path) & set(known.values()) for _, path in flat + inside}
    if lesson:  # those of no other lesson
        lessons = {path: {lesson} for path, found in lessons.items() if not found or lesson in found}
    common = Counter(each for found in lessons.values() for each in found).most_common(1)
    if not common or (lesson and lesson not in known.values()):
        raise ValueError(f"{folder} has no notebook of a lesson with exercises; perhaps --lesson 03?")
    handed, there = [], set()
    for student, path in sorted(each for each in flat + inside if each[1] in lessons):
        mine = lessons[path] or {common[0][0]}
        numbers = tuple(number for number, of in known.items() if of in mine)
        handed.append(Handed(student, path, numbers))
        there |= {(student, each) for each in mine}
    every = {each for found in lessons.values() for each in found}
    absent = [
        _row(student, "", number, MISSING, f"no notebook of lesson {known[number]}")
        for student in sorted(own)
        for number in known
        if known[number] in every and (student, known[number]) not in there
    ]
    return handed, absent


def lessons_of(path) -> set[str]:
    """Return the lessons that a notebook belongs to, by its name or else by what it checks."""
    named = re.findall(r"(?:^|[^0-9])(\d\d)_", path.name)
    if named:
        return {named[-1]}
    with path.open("rb") as file:
        text = file.read(cells.MOST_BYTES)
    return {found.decode() for found in re.findall(rb"(?:check|answer)\(\s*\\?[\"'](\d\d)\.", text)}


def _one(handed, asked, slot, judge, ledger, lock, walls):
    with lock:
        key = handed.key
        if key in ledger.done:
            return ledger.done[key]
        tried = ledger.begun[key]
        if tried < TRIES:
            ledger.write({"begun": key})
    marked = None
    if handed.path.is_symlink():
        reason = "it is a link to another file, which is not followed"
    elif tried >= TRIES:
        reason = f"the grading itself died {tried} times while this notebook ran; look at it by hand"
    else:
        stream, reason = run(handed, asked, slot, ledger.seed)
        marked = None if asked.ended.is_set() else judge.mark(stream, handed.numbers, ledger.seed)
        if asked.ended.is_set():
            with lock:
                ledger.write({"begun": key, "times": -1})
            raise KeyboardInterrupt
        if marked is None:
            reason = "what it sent could not be marked in time"
    rows = _rows(handed, marked, reason)
    with lock:
        if marked and marked["walls"]:
            walls &= set(marked["walls"])
        ledger.write({"done": key, "rows": rows})
    return rows


def run(handed, asked, slot, seed):
    """Run a notebook; return what it sent, and why it came to its end if that was not by itself."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as results:
        work = {
            "path": str(handed.path.resolve()),
            "folder": folder,
            "numbers": handed.numbers,
            "seed": seed,
            "whole": asked.whole,
            "slot": slot,
            "cpu": int(asked.seconds) + 1,
            "memory": asked.memory,
            "disk": DISK,
            "cell_seconds": asked.seconds / 4,
            "call_seconds": min(10.0, asked.seconds / 8),
            "readable": _readable(),
        }
        command = [sys.executable, "-W", "ignore", "-m", "minigooglenet.course.student", json.dumps(work)]
        env = {name: os.environ[name] for name in KEPT if name in os.environ} | dict.fromkeys(SINGLE, "1")
        env |= {"TMPDIR": folder, "TEMP": folder, "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1"}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": results, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **quiet, cwd=folder, env=env, start_new_session=True)
        try:
            code = _wait(process, asked)
        finally:
            end(process)
            process.wait()
        results.seek(0)
        return results.read(DISK), _reason(code, asked)


def _wait(process, asked):
    """Return the exit code, or None where the time was up or the grading is to end."""
    deadline = asked.seconds
    while deadline > 0 and not asked.ended.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(0.5, deadline))
        deadline -= 0.5
    return None


def _reason(code, asked):
    if code is None:
        return f"it was still running after {asked.seconds:.0f} s"
    if code in (-24, -9, -11, -6, 256 - 24, 256 - 9, 256 - 11, 256 - 6):  # as the limits end a process
        return "it was stopped: it ran out of CPU time or memory, or crashed"
    return f"it ended before its answers could be read (exit code {code})"


def _readable():
    """Return the folders beside Python's own that its packages and compiled kernels are read from."""
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    cache, own = warmup.folder(), Path(minigooglenet.__file__).parent
    return packages + ([str(cache.parent)] if cache is not None and not cache.is_relative_to(own) else [])


def _rows(handed, marked, reason):
    if marked is None:
        return [_row(handed.student, handed.path.name, number, FAILED, reason) for number in handed.numbers]
    predicted, notes = marked["predicted"], []
    if predicted:
        notes.append(f"predicted {sum(predicted)} of {len(predicted)}")
    if PEEKS.search(handed.path.read_bytes()):
        notes.append("reads right answers by name: look at it")
    if marked["stopped"]:
        notes.append(f"a cell stopped: {marked['stopped'][0]}")
    rows = []
    for row in marked["rows"]:
        if row["status"] == MISSING and not row["message"]:
            row["status"], row["message"] = FAILED, marked["unreadable"] or reason
        rows.append({"student": handed.student, "file": handed.path.name, **row, "note": "; ".join(notes)})
    return rows


def _row(student, file, number, status, message):
    exercise = everything()[number]
    found = {"title": exercise.title, "points": 0, "of": exercise.difficulty, "mistake": None, "verified": True}
    return {
        "student": student,
        "file": file,
        "exercise": number,
        "status": status,
        "message": message,
        "note": "",
        **found,
    }


class Judge:
    """The process that marks, started when it is needed and anew when it had to be ended."""

    def __init__(self):
        self.process = None

    def mark(self, stream, numbers, seed) -> dict | None:
        """Return what `judge.judge` returns, or None if it took too long or more memory than it may."""
        if self.process is None or self.process.poll() is not None:
            command = [sys.executable, "-W", "ignore", "-m", "minigooglenet.course.judge"]
            pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            env = {**os.environ, **dict.fromkeys(SINGLE, "1")}
            self.process = subprocess.Popen(command, **pipe, env=env, text=True, start_new_session=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "stream")
            path.write_bytes(stream)
            process = self.process
            timer = threading.Timer(JUDGE_SECONDS, process.kill)
            timer.start()
            try:
                process.stdin.write(json.dumps({"stream": str(path), "numbers": numbers, "seed": seed}) + "\n")
                process.stdin.flush()
                return json.loads(process.stdout.readline())
            except (OSError, ValueError):
                self.close()
                return None
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
