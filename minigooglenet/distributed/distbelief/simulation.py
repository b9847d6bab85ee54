"""A parameter server and its workers, simulated from a seed in one process, with real gradients of a real graph.

Only time is simulated. A gradient depends only on the parameters that its worker fetched and on its batch, so it is
computed when the worker fetches, and applied when the worker would push it. The order of the pushes follows from the
drawn times, so the same seed gives the same bits for any number of threads.

* Asynchronous (Dean et al. 2012): each push updates the parameters at once. In the meantime, other workers have changed
  them: the number of these updates is the staleness of the gradient.
* Synchronous: each update waits for the gradients of all workers and uses their mean.
* Synchronous with backup workers (Chen et al. 2016): W + b workers compute, each update uses the first W gradients. The
  other b workers stop at once and start from the new parameters.
"""

import heapq
from collections.abc import Callable, Generator, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigooglenet import checks, data, losses
from minigooglenet.distributed.distbelief.clock import ComputeTimes
from minigooglenet.distributed.distbelief.results import Point, Simulation, Update
from minigooglenet.distributed.distbelief.server import ParameterServer, Pushed
from minigooglenet.evaluation.held_out import measure
from minigooglenet.graph import Graph
from minigooglenet.names import unknown
from minigooglenet.shapes import integer
from minigooglenet.training.step import gradients

MODES = ("asynchronous", "synchronous", "backup")
TIMES, DROPOUT = 1, 2  # what a generator is for, so that no two draw the same numbers


def simulate(
    graph: Graph,
    split: data.Split | Sequence[Any],
    mode: str = "asynchronous",
    *,
    workers: int = 8,
    backup: int | None = None,
    updates: int = 400,
    batch_size: int = 16,
    lr: float = 0.005,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    average_from: float = 0.5,
    times: ComputeTimes | None = None,
    evaluations: int = 10,
    seed: int = 0,
    on_update: Callable[[Update], object] | None = None,
) -> Simulation:
    """Train a copy of a graph with simulated workers and a parameter server.

    Batch k, counted over all workers, has the images at k * batch_size .. (k + 1) * batch_size of an endless sequence
    of shuffled epochs. So a synchronous update is a step of plain training on the batches of its workers, joined.

    Parameters
    ----------
    graph : Graph with one input; it does not change
    split : data.Split, or arrays for `data.as_split`
    mode : "asynchronous", "synchronous" or "backup" (synchronous with backup workers)
    workers : W, number of gradients that are computed at the same time and used
    backup : b, number of further workers in mode "backup", by default 1
    updates : number of updates of the parameters
    batch_size : images of each gradient
    lr, momentum, weight_decay : as in `optim.sgd_step`
    average_from : fraction of the updates after which Polyak averaging starts
    times : ComputeTimes, in seconds of simulated time
    evaluations : number of evaluations on the held-out images, at equal distances
    seed : of the order of the images, the times and dropout
    on_update : called with each Update

    Raises
    ------
    FloatingPointError
        If a loss is not finite. A stale gradient needs a smaller learning rate.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> result = mg.distributed.simulate(g, mg.data.digits(8), workers=4, updates=40, lr=0.05)
    >>> result.staleness[:8].tolist()
    [0, 1, 2, 3, 1, 3, 2, 6]
    """
    if mode not in MODES:
        raise ValueError(unknown("mode", mode, MODES))
    workers, updates = integer(workers, "workers", 1), integer(updates, "updates", 1)
    if mode != "backup" and backup:
        raise ValueError(f"mode {mode!r} has no backup workers, got backup={backup!r}. Try mode='backup'.")
    backup = integer(1 if backup is None else backup, "backup", 1) if mode == "backup" else 0
    batch_size, evaluations = integer(batch_size, "batch_size", 1), integer(evaluations, "evaluations", 1)
    average_from = checks.number(average_from, "average_from", 0, 1)
    graph, seed = deepcopy(graph), integer(seed, "seed", 0)
    split = data.as_split(split, graph.shapes[graph.main][0])
    server = ParameterServer(
        graph, lr=lr, momentum=momentum, weight_decay=weight_decay, average_from=int(average_from * updates)
    )
    crew = _Crew(server, split.train, batch_size, times or ComputeTimes(), seed, workers + backup)
    rounds = _asynchronous(crew, workers) if mode == "asynchronous" else _synchronous(crew, workers, backup)
    marks = {round(updates * (i + 1) / evaluations) for i in range(evaluations)}
    rows, points = list[Update](), list[Point]()
    for number, arrived in zip(range(updates), rounds, strict=False):
        pushed = arrived.pushed
        loss = float(np.average([one.loss for one in pushed], weights=[one.images for one in pushed]))
        rows.append(
            Update(number, arrived.seconds, arrived.worker, server.version - pushed[-1].version, loss, arrived.dropped)
        )
        server.push(pushed)
        if number + 1 in marks:
            points.append(_evaluated(server, split.test, arrived.seconds))
        if on_update:
            on_update(rows[-1])
    return Simulation(mode, workers, backup, tuple(rows), tuple(points), graph, server.averaged())


class _Arrived(NamedTuple):
    """What reaches the server for one update: the time, the last worker, its gradients, and how many are dropped."""

    seconds: float
    worker: int
    pushed: list[Pushed]
    dropped: int


class _Crew:
    """The workers: their times, and the gradients of their batches at the server's current parameters."""

    def __init__(self, server, train, batch_size, times, seed, workers):
        self.server, self.train, self.batch_size, self.times, self.seed = server, train, batch_size, times, seed
        self.clocks = [np.random.default_rng([seed, worker, TIMES]) for worker in range(workers)]
        self.weights = losses.head_weights(server.graph)
        self.orders: dict[int, Any] = {}

    def seconds(self, worker):
        """Draw the time of a worker's next gradient."""
        return self.times.draw(self.clocks[worker])

    def gradient(self, number) -> Pushed:
        """Return the gradient of batch `number`, counted over all workers."""
        graph = self.server.graph
        for index, (layer, _) in enumerate(graph.nodes.values()):
            if isinstance(getattr(layer, "rng", None), np.random.Generator):
                layer.rng = np.random.default_rng([self.seed, number, DROPOUT, index])
        batch = self._batch(number)
        result = gradients(graph, batch.x, batch.labels, self.weights, number=self.server.version)
        return Pushed(self.server.version, len(batch.labels), result.loss, result.params)

    def _batch(self, number) -> data.Batch:
        positions = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
        epochs, offsets = np.divmod(positions, len(self.train))
        order = [self._order(epoch)[offset] for epoch, offset in zip(epochs.tolist(), offsets, strict=True)]
        found = next(data.batches(self.train, order, self.batch_size, seed=self.seed, epoch=number, workers=0), None)
        if found is None:
            raise ValueError(f"none of the {self.batch_size} images of batch {number} could be used")
        return found

    def _order(self, epoch):
        """Return the order of the images in an epoch: the Trainer's."""
        if epoch not in self.orders:
            self.orders[epoch] = np.random.default_rng([self.seed, epoch]).permutation(len(self.train))
            self.orders.pop(epoch - 2, None)
        return self.orders[epoch]


def _asynchronous(crew: _Crew, workers: int) -> Generator[_Arrived, None, None]:
    """Yield the pushes in the order of their times; a worker fetches again after its push was applied."""
    running = [(crew.seconds(worker), worker, crew.gradient(worker)) for worker in range(workers)]
    heapq.heapify(running)  # by time, then by worker
    for number in range(workers, 1 << 62):
        seconds, worker, pushed = heapq.heappop(running)
        yield _Arrived(seconds, worker, [pushed], 0)
        heapq.heappush(running, (seconds + crew.seconds(worker), worker, crew.gradient(number)))


def _synchronous(crew: _Crew, workers: int, backup: int) -> Generator[_Arrived, None, None]:
    """Yield the first gradients of each round. Nobody uses those of slower workers, so they are not computed."""
    everyone, now = workers + backup, 0.0
    for round_number in range(1 << 62):
        arrivals = sorted((crew.seconds(worker), worker) for worker in range(everyone))[:workers]
        seconds, slowest = arrivals[-1]
        now += seconds
        chosen = sorted(worker for _, worker in arrivals)
        pushed = [crew.gradient(round_number * everyone + worker) for worker in chosen]
        yield _Arrived(now, slowest, pushed, backup)


def _evaluated(server, test, seconds):
    average = _accuracy(server.averaged(), test) if server.average else float("nan")
    return Point(server.version, seconds, _accuracy(server.graph, test), average)


def _accuracy(graph, test):
    result = measure(graph, test)
    assert result is not None  # only a request to stop ends it early
    return result.accuracy


def compare_modes(
    graph: Graph,
    split: data.Split | Sequence[Any],
    *,
    workers: int = 8,
    backup: int = 1,
    updates: int = 400,
    lr: float = 0.005,
    on_update: Callable[[str, Update], object] | None = None,
    **arguments: Any,
) -> dict[str, Simulation]:
    """Simulate the three modes from the same initial weights, with equally many gradients that are used.

    A synchronous update uses the mean of W gradients, so the synchronous modes make updates // W updates, with W times
    the learning rate: then one update moves the parameters about as far as W asynchronous ones.

    Parameters
    ----------
    graph, split, workers : as in `simulate`
    backup : b, number of further workers in mode "backup"
    updates : number of updates of the asynchronous mode
    lr : its learning rate
    on_update : called with (mode, Update)
    arguments : of `simulate`, for all modes

    Returns
    -------
    {mode: Simulation}

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> results = mg.distributed.compare_modes(g, mg.data.digits(8), workers=4, updates=80)
    >>> {mode: len(result.updates) for mode, result in results.items()}
    {'asynchronous': 80, 'synchronous': 20, 'backup': 20}
    """
    workers = integer(workers, "workers", 1)
    updates, lr = integer(updates, "updates", workers), checks.number(lr, "lr")

    def run(mode: str, count: int, rate: float, **extra: int) -> Simulation:
        report = None if on_update is None else partial(on_update, mode)
        every: dict[str, Any] = {"workers": workers, "on_update": report, **extra, **arguments}
        return simulate(graph, split, mode, updates=count, lr=rate, **every)

    rounds, faster = updates // workers, lr * workers
    return {
        "asynchronous": run("asynchronous", updates, lr),
        "synchronous": run("synchronous", rounds, faster),
        "backup": run("backup", rounds, faster, backup=backup),
    }
