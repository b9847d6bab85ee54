"""What a run of the bench is asked for, and the number of threads of all contenders, given back afterwards."""

import contextlib
import os
from dataclasses import dataclass, field

import numpy as np

from minigooglenet import models, parallel


@dataclass
class Settings:
    """What all parts of one run share.

    model : a name that `models.build` knows
    threads : of every contender
    rounds, seconds : how often each contender is timed, and what it may take in all
    batches : images at once; each part has its own choice where this is None
    peers : {name: module} of other engines to measure beside ours
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
        """Return the network, with weights under which activations keep their size from layer to layer."""
        return models.build(self.model, init="he", rng=0)

    def batch_sizes(self, usual, quick) -> tuple[int, ...]:
        """Return the batch sizes that were asked for, else the usual ones of a part."""
        return self.batches or (quick if self.quick else usual)

    def thread_counts(self) -> list[int]:
        """Return 1, 2, 4, ... and the number of threads itself."""
        counts = [1 << power for power in range(self.threads.bit_length()) if 1 << power < self.threads]
        return [*counts, self.threads]


@contextlib.contextmanager
def threads(count, peers=()):
    """Let our engine and all `peers` use `count` threads inside; afterwards, errors or not, as many as before."""
    with contextlib.ExitStack() as stack:
        stack.callback(parallel.set_num_threads, parallel.get_num_threads())
        parallel.set_num_threads(count)
        for peer in peers:
            stack.enter_context(peer.threads(count))
        yield


def images(graph, batch, seed=0) -> np.ndarray:
    """Return random images (batch, C, H, W) in float32 for the one input of a graph."""
    if len(graph.inputs) != 1:
        raise ValueError(f"the bench feeds one input, this graph has {list(graph.inputs)}")
    (shape,) = graph.inputs.values()
    return np.random.default_rng(seed).standard_normal((batch, *shape), dtype=np.float32)


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
