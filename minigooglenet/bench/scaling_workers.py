"""Processes that do one training step whenever the bench asks for it, with the engine of `train --workers`.

Between two steps they wait without using a core, so that several teams can take turns.
"""

import json
import multiprocessing.connection
import os
import signal
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigooglenet import children, data, orphans, parallel, training
from minigooglenet.bench import settings
from minigooglenet.bench.training import LEARNING_RATE, batch_of
from minigooglenet.distributed import ShardedTrainer, errors
from minigooglenet.distributed.group import Times
from minigooglenet.distributed.memory import ARRIVED, GO, Layout, Shared, start_worker
from minigooglenet.distributed.supervisor import DONE, FAILED
from minigooglenet.distributed.tree import Span
from minigooglenet.training import interrupt
from minigooglenet.typing import Array

LIMIT = 600.0  # seconds without a message of any worker after which a step has failed; the first step compiles kernels
NOTHING = Layout(1, 1, 0, "float32")  # for a process that exchanges nothing


class Work(NamedTuple):
    """A training step.

    model : name of a model, or path of a file with a network
    batch : number of images, of all workers together
    workers, threads : number of processes, and threads of each
    shards : number of shards of the batch; None for whole batches, in one process
    """

    model: str
    batch: int
    workers: int
    threads: int
    shards: int | None


class Share(NamedTuple):
    """What one worker, or the mean worker, did in one step.

    seconds : duration of the step
    update : seconds outside the computation of gradients
    waiting, exchanging : seconds of waiting for other workers, and of copying and adding arrays
    sent : bytes that the others receive from this worker
    """

    seconds: float
    update: float
    waiting: float
    exchanging: float
    sent: float

    @property
    def computing(self) -> float:
        """Seconds of all other work."""
        return self.seconds - self.waiting - self.exchanging

    @property
    def per_step(self) -> float:
        """Seconds that do not depend on the number of images: the update and the exchange."""
        return self.update + self.exchanging


def mean(shares: list[Share]) -> Share:
    """Return the mean of each entry.

    Examples
    --------
    >>> from minigooglenet.bench.scaling_workers import Share, mean
    >>> mean([Share(1.0, 0.25, 0.0, 0.5, 8), Share(2.0, 0.25, 1.0, 0.5, 8)])
    Share(seconds=1.5, update=0.25, waiting=0.5, exchanging=0.5, sent=8.0)
    """
    return Share(*np.mean(shares, axis=0).tolist())


class Team:
    """The processes of one Work, as a context manager that ends them.

    Attributes
    ----------
    shares : the mean Share of the workers in each step
    gradient_bytes : size of the flat array that a shard contributes; 0 without shards
    """

    def __init__(self, work: Work) -> None:
        self.shares: list[Share] = []
        self._pipes, self._processes = [], []
        layout = NOTHING
        if work.shards is not None:
            example = trainer(work).layout
            layout = Layout(work.workers, work.shards, example.size, str(example.dtype))
        self.gradient_bytes = layout.length * np.dtype(layout.dtype).itemsize
        block = layout.allocate()
        try:
            with children.safe_path():
                for rank in range(work.workers):
                    pipe, process = start_worker(_serve, rank, layout, block, work)
                    self._pipes.append(pipe)
                    self._processes.append(process)
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.end()

    def step(self) -> None:
        """Let all workers do one step.

        Raises
        ------
        ChildProcessError
            If a worker ends.
        TimeoutError
            If no worker sends anything for ten minutes.
        """
        shares, arrived = {}, 0
        self._send_all()
        while len(shares) < len(self._pipes):
            ready = multiprocessing.connection.wait(self._pipes, timeout=LIMIT)
            if not ready:
                raise TimeoutError(f"the workers of the bench did not finish a step in {LIMIT:g} seconds")
            for pipe in ready:
                rank = self._pipes.index(pipe)
                message = self._received(rank)
                if message == ARRIVED:
                    arrived += 1
                elif message[:1] == FAILED:
                    raise errors.from_description(rank, json.loads(message[1:]))
                else:
                    shares[rank] = Share(*json.loads(message[1:]))
            if arrived == len(self._pipes):
                arrived = 0
                self._send_all()
        self.shares.append(mean(list(shares.values())))

    def _send_all(self):
        for rank, pipe in enumerate(self._pipes):
            try:
                pipe.send_bytes(GO)
            except OSError:
                self._received(rank)  # raises why the worker has ended

    def _received(self, rank):
        try:
            return self._pipes[rank].recv_bytes()
        except (EOFError, ConnectionError):
            process = self._processes[rank]
            process.join(5)
            raise ChildProcessError(
                f"worker {rank} of the bench ended with exit status {process.exitcode}. A negative status is the "
                "number of a signal; 9 often means that memory ran out, so try a smaller --batch."
            ) from None

    def end(self) -> None:
        """End all processes at once."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()
            process.close()
        for pipe in self._pipes:
            pipe.close()
        self._processes, self._pipes = [], []


def trainer(work: Work, group: Any = None) -> Any:
    """Return a Trainer of random images, all of them in one batch."""
    graph = settings.Settings(model=work.model).graph()
    x, labels, _ = batch_of(graph, work.batch)
    (classes,) = graph.shapes[graph.main]
    names = tuple(map(str, range(classes)))
    split = data.Split(*(data.Images(x[:count], labels[:count], names, None) for count in (work.batch, 1)))
    chosen = training.Settings(epochs=1, batch_size=work.batch, lr=LEARNING_RATE, shards=work.shards)
    if work.shards is None:
        return training.Trainer(graph, split, chosen)
    return ShardedTrainer(graph, split, chosen, group=group)


class Totals(Times):
    """Times that keep their sums when a trainer takes them."""

    def __init__(self):
        super().__init__()
        self.sums = np.zeros(2)

    def taken(self) -> tuple[float, float]:
        """Return (waiting, exchanging) since the last call."""
        times = super().taken()
        self.sums += times
        return times


class Counted(Shared):
    """A group that counts the bytes that the other workers receive from this one: `sent`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.times, self.sent = Totals(), 0

    def exchange(self, nodes: Mapping[Span, Array], count: int) -> Array:
        """Exchange arrays; each other worker receives its part of every node, and this worker's part of the sum."""
        total = super().exchange(nodes, count)
        start, stop = self._bounds
        part = total[start:stop].nbytes
        self.sent += sum(node.nbytes for node in nodes.values()) - part * len(nodes) + part * (self.size - 1)
        return total

    def gather(self, row: Array) -> Array:
        """Gather rows; each other worker receives this worker's row."""
        self.sent += row.nbytes * (self.size - 1)
        return super().gather(row)


def _serve(rank, layout, block, pipe, work):
    """Do steps until the bench ends, in a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bench ends its workers
    interrupt.unblock()
    orphans.end_with_parent()
    try:
        parallel.set_num_threads(work.threads)
        group = Counted(rank, layout, block, pipe)
        one = trainer(work, group)
        (batch,) = one.batches(0)
        with parallel.computing():
            while pipe.recv_bytes():
                share = measured_step(one, batch, group)
                pipe.send_bytes(DONE + json.dumps(share).encode())
    except (EOFError, ConnectionError):
        os._exit(1)  # the bench has ended
    except BaseException as error:
        pipe.send_bytes(FAILED + json.dumps(errors.described(error)).encode())


def measured_step(one: Any, batch: Any, group: Counted) -> Share:
    """Return the Share of one step of a trainer with a group."""
    group.times.taken()
    before, sent, computed = group.times.sums.copy(), group.sent, 0.0
    gradients = type(one).gradients

    def timed(batch, *update):
        nonlocal computed
        begun = time.perf_counter()
        result = gradients(one, batch, *update)
        computed = time.perf_counter() - begun
        return result

    one.gradients = timed
    begun = time.perf_counter()
    one.learn(batch, LEARNING_RATE)
    seconds = time.perf_counter() - begun
    group.times.taken()
    waiting, exchanging = (group.times.sums - before).tolist()
    return Share(seconds, seconds - computed, waiting, exchanging, float(group.sent - sent))
