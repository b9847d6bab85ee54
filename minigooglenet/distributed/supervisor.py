"""The supervisor of the workers of one machine: it starts them, answers their barriers, and replaces those that die.

A result does not depend on the number of workers, so a run whose worker was killed continues from its last checkpoint
with fewer workers, and ends with the same bits.
"""

import contextlib
import json
import multiprocessing
import multiprocessing.connection
import os
import time
from functools import partial
from pathlib import Path

from minigooglenet import children, orphans, parallel
from minigooglenet.distributed import errors, shards
from minigooglenet.distributed.group import STEP_TIMEOUT
from minigooglenet.distributed.memory import ARRIVED, BEAT, GO, STOP, Layout, Shared, Views, start_worker
from minigooglenet.distributed.sharded import ShardedTrainer
from minigooglenet.distributed.worker import train as train_worker
from minigooglenet.training import interrupt, run_files
from minigooglenet.training.display import Display
from minigooglenet.training.lock import Hold
from minigooglenet.training.log import run_logs
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.run_files import CHECKPOINT, identity
from minigooglenet.typing import PathLike

SILENT = 30  # seconds without a sign of life
GRACE = 5.0  # seconds in which a process that is done may end
FUTILE = 5  # deaths in a row without a new checkpoint after which the run ends
LINE, STATUS, DONE, FAILED = b"L", b"P", b"D", b"E"  # kinds of messages of a worker, besides ARRIVED


def train(
    recipe: Recipe,
    out: PathLike,
    workers: int,
    *,
    resume: bool = False,
    step_timeout: float = STEP_TIMEOUT,
    display: Display | None = None,
) -> bool:
    """Train a recipe with several processes of this machine; return False if the run was stopped and saved.

    A worker that dies, or is silent, ends the others. The run then continues from its last checkpoint with the largest
    number of workers that divides the shards, up to the number of those that are left.

    Parameters
    ----------
    recipe : Recipe; `recipe.settings.shards` is the number of shards
    out : folder of the run
    workers : number of processes; it must divide the shards. Each has an equal part of the cores
    resume : whether to continue the run in `out`
    step_timeout : seconds after which a worker that has not reached the others counts as dead
    display : where the progress is shown, by default standard output

    Raises
    ------
    ChildProcessError
        If workers die again and again without reaching a new checkpoint. The last checkpoint is kept.
    ValueError, OSError, FloatingPointError
        Errors of a worker, which end all of them.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> settings = mg.training.Settings(epochs=2, shards=8)
    >>> mg.distributed.train(mg.training.Recipe(settings=settings), "run", workers=2)  # doctest: +SKIP
    True
    """
    count = shards.of_settings(recipe.settings, workers)
    display, out = Display() if display is None else display, Path(out)
    # Raises the errors of data and settings before any process starts.
    layout = recipe.trainer(None, partial(display.status, "bytes"), make=ShardedTrainer).layout
    futile, known, before = 0, identity(out / CHECKPOINT), _files(out)
    with display, interrupt.signals_wait() as signals, children.safe_path():
        while True:
            team = Team(recipe, out, Layout(workers, count, layout.size, str(layout.dtype)), resume, display)
            try:
                dead = team.watch(signals, step_timeout)
            finally:
                team.end()
                if not team.done:
                    _remove_partial_files(out)
            if not dead:
                return team.finished
            now, reasons = identity(out / CHECKPOINT), "; ".join(dead.values())
            if signals:
                rest = "continue from the last checkpoint with --resume" if now else "the run has no checkpoint yet"
                display.line(f"Stopped without saving, because {reasons}; {rest}.")
                return False
            futile, known = (futile + 1 if now == known else 0), now
            if futile == FUTILE:
                raise ChildProcessError(
                    f"{FUTILE} times in a row a worker ended before the run in {out} reached a new checkpoint. The "
                    f"last time {reasons}. Continue with --resume, and with fewer --workers if memory ran out."
                )
            workers, resume = shards.most_workers(count, max(1, workers - len(dead))), True
            if now is None:
                _remove_new(out, before)
            start = "Starting again" if now is None else "Continuing from the last checkpoint"
            display.line(f"{reasons[0].upper()}{reasons[1:]}. {start} with {_count(workers)}.")


class Team:
    """The processes of one attempt.

    Attributes
    ----------
    finished : whether the run was trained to its end
    done : whether all workers have ended by themselves
    """

    def __init__(self, recipe: Recipe, out: Path, layout: Layout, resume: bool, display: Display) -> None:
        self.finished, self._display, self.done = False, display, False
        block = layout.allocate()
        self._beats = Views(layout, block).beats
        self._pipes, self._processes = [], []
        threads = max(1, parallel.get_num_threads() // layout.size)
        try:
            for rank in range(layout.size):
                more = recipe, out, resume, threads, display.kind
                pipe, process = start_worker(_work, rank, layout, block, *more)
                self._pipes.append(pipe)
                self._processes.append(process)
        except BaseException:
            self.end()
            raise

    def watch(self, signals: list[int], step_timeout: float) -> dict[int, str]:
        """Serve the workers until all are done; return {rank: reason} of those that died.

        Raises the error of a worker.
        """
        alive, arrived, done = dict(enumerate(self._pipes)), set[int](), set[int]()
        last, beats, ticks = time.monotonic(), self._beats.copy(), [0] * len(self._pipes)
        tick = time.monotonic()
        while len(done) < len(self._pipes):
            ready = multiprocessing.connection.wait(list(alive.values()), timeout=BEAT)
            for rank, pipe in enumerate(self._pipes):
                if pipe not in ready:
                    continue
                try:
                    message = pipe.recv_bytes()
                except (EOFError, ConnectionError):
                    if rank not in done:
                        return {rank: self._death(rank)}
                    del alive[rank]
                    continue
                if message == ARRIVED:
                    arrived.add(rank)
                else:
                    done |= self._handle(rank, message)
            if len(arrived) == len(self._pipes):
                for pipe in self._pipes:
                    with contextlib.suppress(OSError):  # its end is noticed above
                        pipe.send_bytes(STOP if signals else GO)
                arrived.clear()
                last = time.monotonic()
            late = set(range(len(self._pipes))) - arrived - done
            if arrived and time.monotonic() - last > step_timeout:
                return {rank: f"worker {rank} did not finish a step in {step_timeout:g} seconds" for rank in late}
            if time.monotonic() - tick >= BEAT:
                # Counted in checks, not in seconds: while this process is suspended, all workers seem silent.
                ticks = [
                    0 if now != before else count + 1
                    for now, before, count in zip(self._beats, beats, ticks, strict=True)
                ]
                beats, tick = self._beats.copy(), time.monotonic()
                silent = [rank for rank in late if ticks[rank] > SILENT and beats[rank]]
                if silent:
                    return {rank: f"worker {rank} gave no sign of life for {SILENT} seconds" for rank in silent}
        self.done = True
        return {}

    def _handle(self, rank, message):
        """Handle a message; return the rank in a set if it says that the worker is done."""
        content = json.loads(message[1:])
        if message[:1] == LINE:
            self._display.line(*content)
        elif message[:1] == STATUS:
            self._display.status(*content)
        elif message[:1] == FAILED:
            raise errors.from_description(rank, content)
        elif message[:1] == DONE:
            self.finished = self.finished or content
            return {rank}
        return set()

    def _death(self, rank):
        process = self._processes[rank]
        process.join(5)
        code = process.exitcode
        if code is not None and code < 0:
            return f"worker {rank} was ended by signal {-code}"
        return f"worker {rank} ended unexpectedly with exit status {code}"

    def end(self) -> None:
        """End all processes at once."""
        for process in self._processes:
            if self.done:
                process.join(GRACE)
            process.kill()
        for process in self._processes:
            process.join()
            process.close()
        for pipe in self._pipes:
            pipe.close()


class _Remote(Display):
    """A display in worker 0 that the supervisor shows."""

    def __init__(self, pipe, kind):
        super().__init__()
        self._pipe, self.kind = pipe, kind

    def line(self, *content):
        self._pipe.send_bytes(LINE + json.dumps(content).encode())

    def status(self, *content):
        self._pipe.send_bytes(STATUS + json.dumps(content).encode())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def _work(rank, layout, block, pipe, recipe, out, resume, threads, kind):
    """Run one worker, in its own process."""
    if parent := multiprocessing.parent_process():
        orphans.end_with_parent(parent.pid)  # it may have ended during the imports
    parallel.set_num_threads(threads)
    group = Shared(rank, layout, block, pipe)
    group.show_life()
    try:
        interrupt.unblock()
        finished = train_worker(recipe, out, group, resume=resume, display=_Remote(pipe, kind))
        pipe.send_bytes(DONE + json.dumps(bool(finished)).encode())
    except ConnectionError:
        os._exit(1)  # the supervisor has ended
    except BaseException as error:
        pipe.send_bytes(FAILED + json.dumps(errors.described(error)).encode())
        pipe.close()


def _files(out):
    """Return {path: identity} of the files that a run writes before its end."""
    return {out / name: identity(out / name) for name in run_files.before_the_end(run_logs(out))}


def _remove_new(out, before):
    """Remove what this run wrote before its first checkpoint. What was in the folder before stays."""
    for path, now in _files(out).items():
        if now != before[path]:
            path.unlink(missing_ok=True)


def _remove_partial_files(out):
    """Remove what worker 0 was writing when it was ended, unless another process trains in the folder."""
    if not any(out.glob(".*.part")):  # the lock would write a file into a folder that is perhaps not of this run
        return
    with contextlib.suppress(OSError), Hold(out) as hold:
        hold.take()
        run_files.sweep(out, run_logs(out))


def _count(workers):
    return f"{workers} worker{'s' * (workers != 1)}"
