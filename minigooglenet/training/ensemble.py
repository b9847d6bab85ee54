"""Ensembles: several models that differ only in sampling and order, like the seven of the paper (section 6).

They have the same initial weights (which the paper calls an oversight) and the same recipe. Only the random
seed for order, augmentation and dropout differs. Each member is a separate run in its own folder, and can be resumed.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path

from minigooglenet import children, extras, files, orphans, parallel
from minigooglenet.shapes import integer
from minigooglenet.training import artifacts
from minigooglenet.training.lock import Hold, locked
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.run_files import WEIGHTS
from minigooglenet.typing import PathLike

_working: list[None] = []  # not empty while this process trains a member


def folders(out: PathLike, count: int) -> list[Path]:
    """Return the folder of each of `count` members."""
    return [Path(out) / f"member_{number}" for number in range(1, count + 1)]


def train_ensemble(
    recipe: Recipe,
    out: PathLike,
    *,
    jobs: int = 1,
    on_member: Callable[[int, int], object] | None = None,
    hold: Hold | None = None,
) -> list[Path]:
    """Train the members of an ensemble, and return the paths of their weights files.

    Parameters
    ----------
    recipe : Recipe; `recipe.models` is the number of members, and member k uses its seed plus k - 1
    out : folder; unfinished members in it are resumed, finished members are kept unchanged
    jobs : number of members to train in parallel, each in its own process, which gets an equal part of the cores
    on_member : called with (members done, members in total)
    hold : `lock.Hold` of `out` that the caller has taken; by default the folder is locked until all members are done

    Notes
    -----
    If this process ends, even by `kill -9`, the other processes save their state after the current step and end within
    half a second.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> recipe = mg.training.Recipe(data="digits", models=2)
    >>> mg.training.train_ensemble(recipe, "run", jobs=2)  # doctest: +SKIP
    [PosixPath('run/member_1/weights.safetensors'), PosixPath('run/member_2/weights.safetensors')]
    """
    with extras.needed("training", "training an ensemble"):
        import joblib
    from joblib.externals.loky.process_executor import BrokenProcessPool

    count = integer(recipe.models, "models", 1)
    jobs = min(integer(jobs, "jobs", 1), count)
    threads = max(1, parallel.get_num_threads() // jobs)
    members = folders(out, count)
    files.make_folder(out)
    with locked(out, hold):
        recipe.write(out)
        tasks = [
            joblib.delayed(train_member)(recipe.member(number), folder, threads, os.getpid())
            for number, folder in enumerate(members)
        ]
        try:
            with children.safe_path():
                for done, _ in enumerate(joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks), 1):
                    if on_member:
                        on_member(done, count)
        except BrokenProcessPool as error:
            raise ChildProcessError(
                f"a process that trained a model in {out} ended unexpectedly: it was killed, or memory ran out. Its "
                "saved state is kept. Run the command again with --resume, and with fewer --jobs if memory ran out."
            ) from error
        return [folder / WEIGHTS for folder in members]


def train_member(recipe: Recipe, out: PathLike, threads: int, parent: int | None = None) -> None:
    """Train one member in its folder, or resume it.

    parent : ID of the process that started the ensemble; if it is not this process, this process ends with it
    """
    if parent is not None and parent != os.getpid() and not _parent_runs(parent)():
        os._exit(1)  # this member was still queued when the parent process ended
    before = parallel.get_num_threads()
    parallel.set_num_threads(threads)
    _working.append(None)
    try:
        with Hold(out) as hold:
            trainer = recipe.trainer(out, hold=hold)
            trainer.resume_or_restart()
            if not trainer.run():
                raise KeyboardInterrupt
            artifacts.write(trainer)
    finally:
        _working.pop()
        parallel.set_num_threads(before)


@functools.cache
def _parent_runs(parent):
    """Watch the parent while this process runs; if the parent ends, end the training safely, as after Ctrl-C."""
    return orphans.watch(parent, stop=orphans.interrupt, working=lambda: bool(_working))
