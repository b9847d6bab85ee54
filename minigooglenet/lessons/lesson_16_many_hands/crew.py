"""The workers of lesson 16 as threads of one process. Each runs the trainer that processes and machines run."""

import copy
import hashlib
import threading
import time
from collections.abc import Callable

import numpy as np

import minigooglenet as mg
from minigooglenet.distributed.group import Times
from minigooglenet.evaluation.held_out import measure
from minigooglenet.losses import head_weights
from minigooglenet.training.step import gradients

LIMIT = 120  # seconds that a worker waits for the others
SHARDS = 8


class Threads:
    """The group of one thread: `rank` is its number, and `shared` belongs to all threads."""

    stop = False

    def __init__(self, rank, shared):
        self.rank, self.size, self.shared, self.times = rank, shared.size, shared, Times()

    def gather(self, row):
        """Return the rows of all workers."""
        return np.stack(self._everyone(np.array(row)))

    def exchange(self, nodes, count):
        """Return the tree sum of all shards; every worker adds the same arrays in the same order."""
        tree = mg.distributed.TreeSum(count)
        for other in self._everyone(nodes):
            tree.add_nodes({span: array.copy() for span, array in other.items()})
        self.barrier()
        return tree.total

    def barrier(self):
        """Wait for all workers, for at most LIMIT seconds."""
        self.shared.barrier.wait(LIMIT)

    def _everyone(self, value):
        self.shared.values[self.rank] = value
        self.barrier()
        values = list(self.shared.values)
        self.barrier()
        return values


class _Shared:
    def __init__(self, size):
        self.size, self.values, self.barrier = size, [None] * size, threading.Barrier(size)


def trained(make: Callable[[], mg.Graph], split, settings, workers: int) -> list[mg.Graph]:
    """Return the graph of each worker after synchronous training.

    make : returns a new graph with the same initial weights at every call
    """
    shared, graphs, errors = _Shared(workers), [make() for _ in range(workers)], []

    def work(rank):
        try:
            group = Threads(rank, shared)
            mg.distributed.ShardedTrainer(graphs[rank], split, settings, group=group).run()
        except BaseException as error:
            errors.append(error)
            shared.barrier.abort()  # so that no other worker waits for this one

    threads = [threading.Thread(target=work, args=(rank,), daemon=True) for rank in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return graphs


def network() -> mg.Graph:
    """Return a network for digits of 8 x 8 pixels, with dropout: 1,370 parameters."""
    rng, layers = np.random.default_rng(0), mg.layers
    g = mg.Graph(image=(1, 8, 8))
    wire = g.add("relu", layers.ReLU(), g.add("conv", layers.Conv2d(1, 8, 3, padding=1, rng=rng), "image"))
    wire = g.add("flat", layers.Flatten(), g.add("pool", layers.MaxPool2d(2), wire))
    g.add("classifier", layers.Linear(128, 10, rng=rng), g.add("dropout", layers.Dropout(0.4, rng=1), wire))
    return g


def shard_gradients(graph: mg.Graph, x, labels, shards: int = SHARDS) -> np.ndarray:
    """Return the mean gradient of each shard of a batch as (S, M): all parameters in one row."""
    layout, weights = mg.distributed.Flat(graph.params), head_weights(graph)
    bounds = mg.distributed.parts(len(labels), shards)
    return np.stack([layout.pack(gradients(graph, x[a:b], labels[a:b], weights).params) for a, b in bounds])


def digest(arrays) -> str:
    """Return the first 12 digits of the sha256 of an array, or of a graph's parameters: equal if every bit is equal."""
    result = hashlib.sha256()
    for array in arrays.params.values() if isinstance(arrays, mg.Graph) else [arrays]:
        result.update(np.ascontiguousarray(array).tobytes())
    return result.hexdigest()[:12]


def seconds_of_a_step(images: int, rounds: int, threads=(1, 2)) -> dict[int, float]:
    """Return {threads: shortest time of a forward and a backward pass of a small GoogLeNet}, measured in turn."""
    before, graph, rng = mg.get_num_threads(), mg.models.mini_googlenet(rng=0), np.random.default_rng(0)
    weights = head_weights(graph)
    ((_, shape),) = graph.inputs.items()
    x, labels = rng.standard_normal((images, *shape)).astype(np.float32), rng.integers(0, 2, images)
    times: dict[int, list[float]] = {count: [] for count in threads}
    try:
        for _ in range(rounds + 1):  # the first round may compile
            for count in threads:
                mg.set_num_threads(count)
                begun = time.perf_counter()
                gradients(graph, x, labels, weights)
                times[count].append(time.perf_counter() - begun)
    finally:
        mg.set_num_threads(before)
    return {count: min(seconds[1:]) for count, seconds in times.items()}


def trajectory(graph: mg.Graph, train, steps: int, lr: float = 0.01, batch: int = 16) -> np.ndarray:
    """Return the weights (T, M) after each step of SGD with momentum; the graph gets the last ones."""
    layout, weights, velocity, result = mg.distributed.Flat(graph.params), head_weights(graph), {}, []
    rng = np.random.default_rng(0)
    for _ in range(steps):
        chosen = rng.integers(0, len(train), batch)
        step = gradients(graph, train.images[chosen], train.labels[chosen], weights)
        mg.optim.sgd_step(graph.params, step.params, velocity, lr=lr, momentum=0.9)
        result.append(layout.pack(graph.params))
    return np.array(result)


def accuracy(graph: mg.Graph, row, test) -> float:
    """Return the accuracy of a copy of the graph with the weights (M,)."""
    graph = copy.deepcopy(graph)
    for name, array in mg.distributed.Flat(graph.params).unpack(row.astype(np.float32)).items():
        graph.params[name] = array.copy()
    return measure(graph, test).accuracy
