"""The experiment: do the last weights or their Polyak average win, in each mode of the parameter server?

A small network learns noisy digits. The noise keeps the gradients noisy too, so the weights move around a minimum
instead of towards it, which averaging can correct.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minigooglenet import data
from minigooglenet.console import Table
from minigooglenet.distributed.distbelief.results import Simulation, described
from minigooglenet.distributed.distbelief.simulation import compare_modes
from minigooglenet.evaluation import repetition_interval
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from minigooglenet.shapes import integer

SIDE, CLASSES = 8, 10


class Sizes(NamedTuple):
    """How much one seed draws and trains.

    Attributes
    ----------
    copies : noisy copies of each digit
    noise : standard deviation of the noise; the digits are in -1 .. 1
    workers, backup : W and b
    updates : of the asynchronous mode; the synchronous modes use as many gradients
    batch_size : images of each gradient
    lr : learning rate of the asynchronous mode; that of the synchronous modes is W times as large
    """

    copies: int = 4
    noise: float = 0.9
    workers: int = 8
    backup: int = 1
    updates: int = 2400
    batch_size: int = 16
    lr: float = 0.005


QUICK = Sizes(copies=2, updates=480)


def network(seed: int = 0) -> Graph:
    """Return the network of the experiment: two convolutions and a linear layer, 3,818 parameters."""
    rng = np.random.default_rng(seed)
    g = Graph(image=(1, SIDE, SIDE))
    wire = g.add("relu1", ReLU(), g.add("conv1", Conv2d(1, 8, 3, padding=1, rng=rng), "image"))
    wire = g.add("conv2", Conv2d(8, 16, 3, padding=1, rng=rng), g.add("pool1", MaxPool2d(2), wire))
    wire = g.add("flat", Flatten(), g.add("relu2", ReLU(), wire))
    g.add("classifier", Linear(16 * (SIDE // 2) ** 2, CLASSES, rng=rng), wire)
    return g


def noisy_digits(seed: int = 0, copies: int = Sizes().copies, noise: float = Sizes().noise) -> data.Split:
    """Return noisy copies of the handwritten digits at 8 x 8; training and held-out digits stay separate."""
    rng = np.random.default_rng(seed)
    train, train_labels, test, test_labels = data.digits(SIDE)

    def drawn(images, labels):
        images = np.concatenate([images] * copies)
        images = (images + noise * rng.standard_normal(images.shape)).astype(np.float32)
        return data.Images(images, np.tile(labels, copies), tuple(map(str, range(CLASSES))), None)

    return data.Split(drawn(train, train_labels), drawn(test, test_labels))


def distbelief_experiment(
    seeds: int = 10, sizes: Sizes | None = None, *, on_step: Callable[[int, int, str], object] | None = None
) -> list[dict[str, Simulation]]:
    """Return {mode: Simulation} for each seed; noise, initial weights, order and times depend on the seed.

    Parameters
    ----------
    seeds : number of repetitions
    sizes : Sizes, by default those of the documented experiment
    on_step : called with (gradients done, all gradients, seed and mode)

    Examples
    --------
    >>> from minigooglenet.distributed.distbelief import experiment
    >>> (result,) = experiment.distbelief_experiment(1, experiment.Sizes(copies=1, updates=32))
    >>> list(result)
    ['asynchronous', 'synchronous', 'backup']
    """
    seeds, sizes = integer(seeds, "seeds", 1), Sizes() if sizes is None else sizes
    rounds = sizes.updates // sizes.workers
    every, done, results = seeds * (sizes.updates + 2 * rounds * sizes.workers), 0, []
    for seed in range(seeds):

        def report(mode: str, update, seed: int = seed) -> None:
            nonlocal done
            done += 1 if mode == "asynchronous" else sizes.workers
            if on_step:
                on_step(done, every, f"seed {seed}: {mode}")

        results.append(
            compare_modes(
                network(seed),
                noisy_digits(seed, sizes.copies, sizes.noise),
                workers=sizes.workers,
                backup=sizes.backup,
                updates=sizes.updates,
                lr=sizes.lr,
                batch_size=sizes.batch_size,
                seed=seed,
                on_update=report,
            )
        )
    return results


def table(results: Sequence[Mapping[str, Simulation]]) -> Table:
    """Return the table of the results: means over the seeds, with 95% intervals if there are several."""
    rows = []
    for mode, first in results[0].items():
        runs = [result[mode] for result in results]
        columns = (
            ([run.hours for run in runs], 2),
            ([run.staleness.mean() for run in runs], 2),
            ([run.accuracy for run in runs], 3),
            ([run.average_accuracy for run in runs], 3),
            ([run.average_accuracy - run.accuracy for run in runs], 3),
        )
        numbers = [_summary(values, digits) for values, digits in columns]
        rows.append((mode, described(first.workers, first.backup), f"{len(first.updates):,}", *numbers))
    seeds = len(results)
    notes = [
        "Average: of the weights after each update of the second half. Hours are simulated.",
        f"Means of {seeds} seeds with Student's 95% intervals, differences paired by seed."
        if seeds > 1
        else "One seed: no interval.",
    ]
    columns = ("mode", "workers", ">updates", ">hours", ">staleness", ">last weights", ">average", ">difference")
    return Table("Last weights and Polyak average, accuracy on held-out images", columns, rows, notes)


def _summary(values, digits):
    mean = float(np.mean(values))
    if len(values) < 2 or np.ptp(values) == 0:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} +- {mean - repetition_interval(values)[0]:.{digits}f}"
