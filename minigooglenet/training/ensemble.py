"""Several models that differ only in sampling and order, as the paper trained its seven (section 6).

They start from the same weights (the paper calls its own doing so an oversight) and follow the same recipe; the seed of
the order, the augmentation and the dropout is each one's own. Each is a run of its own folder, and resumes like any.
"""

import functools
import os
from pathlib import Path

from minigooglenet import children, files, orphans, parallel
from minigooglenet.shapes import integer
from minigooglenet.training import artifacts
from minigooglenet.training.lock import Hold, only_one
from minigooglenet.training.run_files import WEIGHTS

_working: list = []  # something while this process trains a member


def folders(out, count) -> list[Path]:
    """Return the folder of each of `count` members."""
    return [Path(out) / f"member_{number}" for number in range(1, count + 1)]


def train_ensemble(recipe, out, *, jobs=1, on_member=None, hold=None) -> list[Path]:
    """Train the members of an ensemble, and return the files of their weights.

    Parameters
    ----------
    recipe : Recipe, which says how many; member k takes its seed plus k - 1
    out : folder; members that were begun there go on where they stopped, finished ones are left as they are
    jobs : how many to train at a time, each in a process of its own with its share of the cores
    on_member : called with the number of members done and that of all
    hold : `lock.Hold` of `out` that the caller has taken; by default the folder is locked until all is done

    If this process ends, by `kill -9` too, the others end within half a second after their step, which is saved.
    """
    import joblib
    from joblib.externals.loky.process_executor import BrokenProcessPool

    count = integer(recipe.models, "models", 1)
    jobs = min(integer(jobs, "jobs", 1), count)
    threads = max(1, parallel.get_num_threads() // jobs)
    places = folders(out, count)
    files.make_folder(out)
    with only_one(out, hold):
        recipe.write(out)
        tasks = [
            joblib.delayed(train_member)(recipe.member(number), place, threads, os.getpid())
            for number, place in enumerate(places)
        ]
        try:
            with children.safe_path():
                for done, _ in enumerate(joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks), 1):
                    if on_member:
                        on_member(done, count)
        except BrokenProcessPool as error:
            raise ChildProcessError(
                f"a process that trained a model in {out} ended unexpectedly: it was killed, or memory ran out. What "
                "it had saved is kept: run the command again with --resume, perhaps with fewer --jobs."
            ) from error
        return [place / WEIGHTS for place in places]


def train_member(recipe, out, threads, parent=None) -> None:
    """Train one member in its folder, or what is left of it.

    parent : ID of the process that asks for it; if it is another one, this process ends with it
    """
    if parent not in (None, os.getpid()) and not _parent_runs(parent)():
        os._exit(1)  # this member waited in the queue of a process that has ended
    before = parallel.get_num_threads()
    parallel.set_num_threads(threads)
    _working.append(None)
    try:
        with Hold(out) as hold:
            trainer = recipe.trainer(out, hold=hold)
            trainer.resume_or_restart()
            if not trainer.run():
                raise KeyboardInterrupt
            artifacts.leave(trainer)
    finally:
        _working.pop()
        parallel.set_num_threads(before)


@functools.cache
def _parent_runs(parent):
    """Watch the parent for as long as this process lives; what Ctrl-C does is a safe end of a training."""
    return orphans.watch(parent, stop=orphans.interrupt, working=lambda: bool(_working))
