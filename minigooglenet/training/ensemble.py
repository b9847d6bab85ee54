"""Ensembles: several models that differ only in sampling and order, like the seven of the paper (section 6).

They have the same initial weights (which the paper calls an oversight) and the same recipe. Only the random
seed for order, augmentation and dropout differs. Each member is a separate run in its own folder, and can be resumed.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

from minigooglenet import files
from minigooglenet.jobs import DONE, FAILED, Event, Part
from minigooglenet.shapes import integer
from minigooglenet.training import many
from minigooglenet.training.lock import Hold, locked
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.run_files import WEIGHTS
from minigooglenet.typing import PathLike


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
    restarts: int = 2,
    part: Part | None = None,
    dask: str | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> list[Path]:
    """Train the members of an ensemble, and return the paths of their weights files.

    Parameters
    ----------
    recipe : Recipe; `recipe.models` is the number of members, and member k uses its seed plus k - 1
    out : folder; unfinished members in it are resumed, finished members are kept unchanged
    jobs : number of members to train in parallel, each in its own process, which gets an equal part of the cores
    on_member : called with (members done, members in total)
    hold : `lock.Hold` of `out` that the caller has taken; by default the folder is locked until all members are done
    restarts : number of times that a member is started again after a crash
    part : element of an array of jobs (`jobs.part("3/8")`), which trains only its members and does not lock the folder
    dask : address of the scheduler of a Dask cluster, which trains the members; None for this machine
    on_event : called with each `jobs.Event` of a member

    Raises
    ------
    ChildProcessError
        If members failed, with the reasons. The others are trained first.

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
    members = folders(out, integer(recipe.models, "models", 1))
    recipes = {folder.name: recipe.member(number) for number, folder in enumerate(members)}
    if part is not None:
        members = part.of(members)
    ended = []

    def tell(event):
        if on_event:
            on_event(event)
        if event.state in (DONE, FAILED):
            ended.append(event)
            if on_member:
                on_member(len(ended), len(members))

    files.make_folder(out)
    with contextlib.nullcontext() if part is not None else locked(out, hold):
        recipe.write(out)
        events = many.train_all(recipes, out, many.Ways(jobs, restarts, part, dask), tell)
    many.check(events, out)
    return [folder / WEIGHTS for folder in members]
