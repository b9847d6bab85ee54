"""The group of workers that train one network, as each of them sees it.

Three operations are all that training needs. Each engine implements them: `Alone` for one process, `memory.Shared` for
the processes of one machine, `mpi.Cluster` for many machines. Only arrays are exchanged, never pickled objects.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from minigooglenet.distributed.tree import Span, TreeSum
from minigooglenet.typing import Array

STEP_TIMEOUT = 600.0  # seconds; the first step may compile kernels, and worker 0 evaluates and writes between steps


class Times:
    """Seconds that a worker has spent waiting for others and exchanging arrays, since the last `taken`."""

    def __init__(self) -> None:
        self.waiting = self.exchanging = 0.0

    def taken(self) -> tuple[float, float]:
        """Return (waiting, exchanging), and start again from zero."""
        times = self.waiting, self.exchanging
        self.waiting = self.exchanging = 0.0
        return times


class Group(Protocol):
    """One worker's access to all workers.

    rank : number of this worker, from 0
    size : number of workers
    times : Times of this worker
    stop : whether the engine was asked to end the run, such as by a signal to the process that started the workers

    Examples
    --------
    >>> from minigooglenet import distributed
    >>> group: distributed.Group = distributed.Alone()
    >>> group.rank, group.size, group.stop
    (0, 1, False)
    """

    rank: int
    size: int
    times: Times
    stop: bool

    def exchange(self, nodes: Mapping[Span, Array], count: int) -> Array:
        """Return the tree sum of the flat arrays (M,) of all `count` shards, of which this worker has `nodes`.

        Every worker gets the same bits. The result is only to be read, until the next call: the workers may share it.
        """
        ...

    def gather(self, row: Array) -> Array:
        """Return an array `(size, *row.shape)` with the rows of all workers, whose shapes and dtypes must be equal."""
        ...

    def barrier(self) -> None:
        """Wait until every worker has called this."""
        ...


class Alone:
    """The group of one process, which computes all shards itself.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import distributed
    >>> group = distributed.Alone()
    >>> group.gather(np.array([1.0, 2.0]))
    array([[1., 2.]])
    """

    rank, size, stop = 0, 1, False

    def __init__(self) -> None:
        self.times = Times()

    def exchange(self, nodes: Mapping[Span, Array], count: int) -> Array:
        """Return the tree sum of the arrays of all shards."""
        tree = TreeSum(count)
        tree.add_nodes(nodes)
        return tree.total

    def gather(self, row: Array) -> Array:
        """Return the row in an array `(1, *row.shape)`."""
        return np.array(row)[None]

    def barrier(self) -> None:
        """Return immediately."""


def gather_texts(group: Group, text: str) -> list[str]:
    """Return the texts of all workers."""
    content = np.frombuffer(text.encode(), np.uint8)
    most = int(group.gather(np.array([content.size])).max())
    padded = np.zeros(most, np.uint8)
    padded[: content.size] = content
    return [row.tobytes().rstrip(b"\0").decode() for row in group.gather(padded)]


def check_same(group: Group, facts: Mapping[str, Any]) -> None:
    """Raise a ValueError in every worker if the workers' facts, {name: value that JSON can store}, are not all equal.

    Examples
    --------
    >>> from minigooglenet import distributed
    >>> distributed.check_same(distributed.Alone(), {"dtype": "float32"})
    """
    everyone = [json.loads(text) for text in gather_texts(group, json.dumps(dict(facts), sort_keys=True))]
    first = everyone[0]
    for rank, other in enumerate(everyone):
        names = [name for name in {**first, **other} if first.get(name) != other.get(name)]
        if names:
            values = "; ".join(f"{name} {other.get(name)!r} instead of {first.get(name)!r}" for name in names[:3])
            raise ValueError(
                f"worker {rank} differs from worker 0: {values}. All workers need the same program, data and settings, "
                "or the result would depend on who computes what."
            )
