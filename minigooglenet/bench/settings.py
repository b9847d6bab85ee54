"""Settings of a benchmark run, and a context manager for the number of threads of all engines."""

import contextlib
import os
from dataclasses import dataclass, field

import numpy as np

from minigooglenet import parallel
from minigooglenet.weights import by_name


@dataclass
class Settings:
    """Settings of all parts of a run.

    model : name of a model for `models.build`, or path of a file with a network
    threads : number of threads of every engine
    rounds, seconds : number of timings per engine, and its time limit
    batches : batch sizes (default: each part has its own)
    peers : {name: module} of other engines
    quick : measure less of everything
    """

    model: str = "googlenet"
    threads: int = field(default_factory=parallel.get_num_threads)
    rounds: int = 10
    seconds: float = 2.0
    batches: tuple[int, ...] | None = None
    peers: dict = field(default_factory=dict)
    quick: bool = False

    def graph(self):
        """Return the network. A model gets an initialisation that keeps the activations at the same size."""
        return by_name.classifier(by_name.network(self.model, init="he", rng=0))

    def batch_sizes(self, usual, quick) -> tuple[int, ...]:
        """Return the requested batch sizes, or the default of a part."""
        return self.batches or (quick if self.quick else usual)

    def thread_counts(self) -> list[int]:
        """Return 1, 2, 4, ... and the full number of threads."""
        counts = [1 << power for power in range(self.threads.bit_length()) if 1 << power < self.threads]
        return [*counts, self.threads]


@contextlib.contextmanager
def threads(count, peers=()):
    """Set the number of threads of our engine and all `peers` in the block, and restore it afterwards."""
    with contextlib.ExitStack() as stack:
        stack.callback(parallel.set_num_threads, parallel.get_num_threads())
        parallel.set_num_threads(count)
        for peer in peers:
            stack.enter_context(peer.threads(count))
        yield


def images(graph, batch, seed=0) -> np.ndarray:
    """Return random images (batch, C, H, W) in float32 for the one input of a graph."""
    if len(graph.inputs) != 1:
        raise ValueError(f"the bench needs a graph with one input, got inputs {list(graph.inputs)}")
    (shape,) = graph.inputs.values()
    return np.random.default_rng(seed).standard_normal((batch, *shape), dtype=np.float32)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
