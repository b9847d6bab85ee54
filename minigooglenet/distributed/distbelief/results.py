"""The result of a simulation: one row per update, one per evaluation, and a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigooglenet.console import Table
from minigooglenet.graph import Graph
from minigooglenet.typing import IntArray

HOUR = 3600.0  # seconds


class Update(NamedTuple):
    """One update of the parameters.

    Attributes
    ----------
    number : index of this update, from 0
    seconds : simulated time at which it is made
    worker : the worker whose gradient completed it
    staleness : number of updates that others made since this worker fetched its parameters
    loss : mean loss of the batches in nats, at the fetched parameters
    dropped : number of gradients that this update discards

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.distributed.Update(number=0, seconds=9.5, worker=3, staleness=0, loss=2.31, dropped=0)
    Update(number=0, seconds=9.5, worker=3, staleness=0, loss=2.31, dropped=0)
    """

    number: int
    seconds: float
    worker: int
    staleness: int
    loss: float
    dropped: int


class Point(NamedTuple):
    """One evaluation on the held-out images.

    Attributes
    ----------
    updates : number of updates so far
    seconds : simulated time
    accuracy : fraction of correct predictions with the last parameters
    average : the same with the Polyak average; NaN before averaging starts

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.distributed.Point(updates=100, seconds=130.5, accuracy=0.71, average=0.73)
    Point(updates=100, seconds=130.5, accuracy=0.71, average=0.73)
    """

    updates: int
    seconds: float
    accuracy: float
    average: float

    @property
    def hours(self) -> float:
        """Return the simulated time in hours."""
        return self.seconds / HOUR


@dataclass(frozen=True, repr=False)
class Simulation:
    """The result of a simulation.

    Attributes
    ----------
    mode : "asynchronous", "synchronous" or "backup"
    workers : number of workers whose gradients are used
    backup : number of further workers
    updates : one Update per update
    points : one Point per evaluation, the last one at the end
    last, averaged : Graph with the last parameters, and with their Polyak average

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> mg.distributed.simulate(g, mg.data.digits(8), workers=4, updates=40)
    Simulation(asynchronous, 4 workers, 40 updates in 0.03 simulated hours, accuracy 0.571, average 0.407)
    """

    mode: str
    workers: int
    backup: int
    updates: tuple[Update, ...]
    points: tuple[Point, ...]
    last: Graph
    averaged: Graph

    @property
    def hours(self) -> float:
        """Return the simulated time of the last update in hours."""
        return self.updates[-1].seconds / HOUR

    @property
    def staleness(self) -> IntArray:
        """Return the staleness of each update."""
        return np.array([update.staleness for update in self.updates], np.int64)

    @property
    def accuracy(self) -> float:
        """Return the final accuracy of the last parameters."""
        return self.points[-1].accuracy

    @property
    def average_accuracy(self) -> float:
        """Return the final accuracy of the Polyak average."""
        return self.points[-1].average

    def __repr__(self) -> str:
        return (
            f"Simulation({self.mode}, {described(self.workers, self.backup)}, {len(self.updates):,} updates in "
            f"{self.hours:.2f} simulated hours, accuracy {self.accuracy:.3f}, average {self.average_accuracy:.3f})"
        )

    def table(self) -> Table:
        """Return the evaluations as a table, with a note on the staleness."""
        rows = [
            (f"{point.updates:,}", f"{point.hours:.3f}", f"{point.accuracy:.3f}", fraction(point.average))
            for point in self.points
        ]
        staleness = self.staleness
        notes = [f"Staleness: mean {staleness.mean():.2f}, largest {staleness.max()} updates."]
        if self.backup:
            notes.append(f"Gradients discarded: {sum(update.dropped for update in self.updates):,}.")
        columns = (">updates", ">simulated hours", ">accuracy", ">accuracy of the average")
        return Table(f"Parameter server, {self.mode}, {described(self.workers, self.backup)}", columns, rows, notes)

    def __str__(self) -> str:
        return str(self.table())


def described(workers: int, backup: int) -> str:
    """Return the numbers of workers in words."""
    return f"{workers} workers" if not backup else f"{workers} + {backup} backup workers"


def fraction(value: float) -> str:
    """Return an accuracy as text, a dash for NaN."""
    return "-" if np.isnan(value) else f"{value:.3f}"


def table(results: Mapping[str, Simulation]) -> Table:
    """Return a table that compares modes: updates, simulated hours, staleness, and both accuracies at the end."""
    rows = [
        (
            mode,
            described(result.workers, result.backup),
            f"{len(result.updates):,}",
            f"{result.hours:.2f}",
            f"{result.staleness.mean():.2f}",
            fraction(result.accuracy),
            fraction(result.average_accuracy),
        )
        for mode, result in results.items()
    ]
    columns = ("mode", "workers", ">updates", ">simulated hours", ">staleness", ">last weights", ">average")
    return Table("One parameter server, three modes", columns, rows)
