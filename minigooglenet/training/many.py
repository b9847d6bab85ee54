"""Several training runs, each a job in a separate process and in a separate folder: ensembles and sweeps.

A run that crashes is started again and resumes. A run that fails costs only itself.
"""

import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from minigooglenet import files, jobs, orphans
from minigooglenet.jobs import Event, Job, Part
from minigooglenet.shapes import integer
from minigooglenet.training import artifacts
from minigooglenet.training.interrupt import signals_wait
from minigooglenet.training.lock import Hold
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.run_files import WEIGHTS
from minigooglenet.typing import PathLike

JOURNAL, JOURNALS = "jobs.jsonl", "jobs*.jsonl"
WAIT = orphans.GRACE + 5  # seconds in which a process that lost its parent releases its folder


class Ways(NamedTuple):
    """How several runs are trained.

    jobs : number of runs in parallel, each in its own process with an equal part of the cores
    restarts : number of times that a run is started again after a crash
    part : element of an array of jobs; None for all runs
    dask : address of the scheduler of a Dask cluster; None for this machine
    """

    jobs: int = 1
    restarts: int = 2
    part: Part | None = None
    dask: str | None = None


def train_all(
    recipes: Mapping[str, Recipe],
    out: PathLike,
    ways: Ways | None = None,
    on_event: Callable[[Event], object] = lambda event: None,
) -> list[Event]:
    """Train recipes, each in the folder of its name in `out`, and return the last Event of each.

    Finished runs are kept, unfinished runs are resumed. The value of a finished run is the dict of `train_one`.

    Raises
    ------
    ValueError
        If a folder contains another run.
    KeyboardInterrupt
        After a signal such as Ctrl-C; the running ones have finished their step and are saved.
    """
    ways = Ways() if ways is None else ways
    at_once, restarts = integer(ways.jobs, "jobs", 1), integer(ways.restarts, "restarts", 0)
    out = Path(out).absolute()
    names = list(recipes) if ways.part is None else ways.part.of(list(recipes))
    for name in names:
        recipes[name].check(out / name)
    calls = [Job(name, train_one, (recipes[name], out / name), out / name / WEIGHTS) for name in names]
    journal = jobs.Journal(out / journal_name(ways.part))
    with signals_wait() as interrupts:
        engine: jobs.runner.Engine = functools.partial(
            jobs.in_processes, at_once=at_once, restarts=restarts, stop=lambda: bool(interrupts)
        )
        if ways.dask is not None:
            engine = functools.partial(
                jobs.on_dask, address=ways.dask, restarts=restarts, stop=lambda: bool(interrupts)
            )
        return jobs.run(calls, engine, journal, others=journals(out), on_event=on_event)


def train_one(recipe: Recipe, out: PathLike) -> dict[str, Any]:
    """Train one run in its folder, or resume it, and return the held-out results of its last and best epochs.

    The folder may still be locked by a process that lost its parent; then this function waits until it has saved.
    """
    files.make_folder(out)
    with Hold(out) as hold:
        _take(hold)
        trainer = recipe.trainer(out, hold=hold)
        trainer.resume_or_restart()
        if not trainer.run():
            raise KeyboardInterrupt
        artifacts.write(trainer)
        last, best = trainer.epochs[-1], trainer.best or trainer.epochs[-1]
        return {"accuracy": last.test_accuracy, "loss": last.test_loss, "best": best.test_accuracy}


def _take(hold):
    deadline = time.monotonic() + WAIT
    while True:
        try:
            return hold.take()
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def journal_name(part: Part | None) -> str:
    """Return the name of the journal: each element of an array has its own, because only one process may append."""
    return JOURNAL if part is None else f"jobs-{part.number}-of-{part.count}.jsonl"


def journals(out: PathLike) -> list[Path]:
    """Return the paths of all journals in a folder."""
    return sorted(Path(out).glob(JOURNALS))


def check(events: list[Event], out: PathLike) -> None:
    """Raise a ChildProcessError with one line for each run that failed."""
    failed = [event for event in events if event.state == jobs.FAILED]
    if failed:
        width = max(len(event.job.name) for event in failed)
        lines = [f"{event.job.name:{width}}  {event.error}" for event in failed]
        which = f"{len(failed)} of {len(events)} runs in {out} failed"
        others = "The others are finished. " if len(failed) < len(events) else ""
        advice = "Saved states are kept: run the command again with --resume, with fewer --jobs if memory ran out."
        raise ChildProcessError("\n  ".join([f"{which}. {others}{advice}", *lines]))
