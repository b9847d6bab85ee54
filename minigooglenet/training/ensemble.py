"""Several models that differ only in sampling and order, as the paper trained its seven (section 6).

They start from the same weights (the paper calls its own doing so an oversight) and follow the same recipe; the seed of
the order, the augmentation and the dropout is each one's own. Each is a run of its own folder, and resumes like any.
"""

from pathlib import Path

from minigooglenet import children, parallel
from minigooglenet.shapes import integer
from minigooglenet.training import results
from minigooglenet.training.trainer import WEIGHTS


def folders(out, count) -> list[Path]:
    """Return the folder of each of `count` members."""
    return [Path(out) / f"member_{number}" for number in range(1, count + 1)]


def train_ensemble(recipe, out, *, jobs=1, on_member=None) -> list[Path]:
    """Train the members of an ensemble, and return the files of their weights.

    Parameters
    ----------
    recipe : Recipe, which says how many; member k takes its seed plus k - 1
    out : folder; members that were begun there go on where they stopped, finished ones are left as they are
    jobs : how many to train at a time, each in a process of its own with its share of the cores
    on_member : called with the number of members done and that of all
    """
    import joblib

    count = integer(recipe.models, "models", 1)
    jobs = min(integer(jobs, "jobs", 1), count)
    threads = max(1, parallel.get_num_threads() // jobs)
    places = folders(out, count)
    Path(out).mkdir(parents=True, exist_ok=True)
    recipe.write(out)
    tasks = [joblib.delayed(train_member)(recipe.member(number), place, threads) for number, place in enumerate(places)]
    with children.safe_path():
        for done, _ in enumerate(joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks), 1):
            if on_member:
                on_member(done, count)
    return [place / WEIGHTS for place in places]


def train_member(recipe, out, threads) -> None:
    """Train one member in its folder, or what is left of it."""
    before = parallel.get_num_threads()
    parallel.set_num_threads(threads)
    try:
        trainer = recipe.trainer(out)
        trainer.resume()
        if not trainer.run():
            raise KeyboardInterrupt
        results.leave(trainer)
    finally:
        parallel.set_num_threads(before)
