"""The engine for one machine: processes that exchange arrays through shared memory.

No worker waits for a lock that another one could hold when it is killed. A barrier is a message to the supervisor,
which answers when the last worker has arrived. So a worker that dies is noticed at once, and no wait outlasts the
supervisor.

The shared memory has no name in the file system: the operating system frees it with the last process.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Mapping
from multiprocessing import resource_tracker
from typing import Any, NamedTuple

import numpy as np

from minigooglenet.distributed.group import Times
from minigooglenet.distributed.shards import sent
from minigooglenet.distributed.tree import Span, TreeSum
from minigooglenet.training import interrupt
from minigooglenet.typing import Array

SPAWN = multiprocessing.get_context("spawn")  # the same on Linux, macOS and Windows; a fork would copy locked locks
CHUNK = 1 << 16  # bytes of a worker's row that are exchanged at a time
ARRIVED, GO, STOP = b"A", b"G", b"S"  # a worker at a barrier; the answers of the supervisor
BEAT = 1.0  # seconds between two signs of life of a worker


class Layout(NamedTuple):
    """Where each worker's arrays are in the shared memory.

    size : number of workers
    count : number of shards
    length, dtype : of the flat array that is exchanged
    """

    size: int
    count: int
    length: int
    dtype: str

    @property
    def nodes(self) -> list[list[Span]]:
        """Return the spans of shards that each worker sends."""
        return sent(self.count, self.size)

    @property
    def bytes(self) -> int:
        """Return the size of the shared memory: signs of life, rows, the arrays of all workers, and their sum."""
        arrays = 1 + sum(map(len, self.nodes))
        return self.size * (8 + 2 * CHUNK) + arrays * self.length * np.dtype(self.dtype).itemsize

    def allocate(self) -> Any:
        """Return shared memory for all workers, to pass to their processes when they start."""
        return SPAWN.RawArray("b", self.bytes)


def start_worker(target: Any, rank: int, layout: Layout, block: Any, *more: Any) -> tuple[Any, Any]:
    """Start `target(rank, layout, block, pipe, *more)` in a process; return (other end of the pipe, process).

    Signals that ask a process to end are blocked in it until it calls `interrupt.unblock`.
    """
    here, there = SPAWN.Pipe()
    arguments = rank, layout, block, there, *more
    process = SPAWN.Process(target=target, args=arguments, name=f"worker {rank}", daemon=True)
    if os.name == "posix":
        resource_tracker.ensure_running()  # here, because it unblocks signals when it starts
    with interrupt.blocked():
        process.start()
    there.close()  # so that the pipe ends with the worker
    return here, process


class Views:
    """The shared memory as arrays: `beats` (size,), `rows` (2, size, CHUNK), `nodes` {span: (M,)} and `total` (M,)."""

    def __init__(self, layout: Layout, block: Any) -> None:
        memory, start = np.frombuffer(block, np.uint8), 0

        def following(dtype, *shape):
            nonlocal start
            stop = start + int(np.prod(shape)) * np.dtype(dtype).itemsize
            start, part = stop, memory[start:stop]
            return part.view(dtype).reshape(shape)

        self.beats = following(np.int64, layout.size)
        self.rows = following(np.uint8, 2, layout.size, CHUNK)
        all_spans = [span for part in layout.nodes for span in part]
        self.nodes = {span: following(layout.dtype, layout.length) for span in all_spans}
        self.total = following(layout.dtype, layout.length)


class Shared:
    """The group of the processes of one machine, in one of them.

    rank : number of this worker
    layout, block : Layout and shared memory that all workers have
    pipe : connection to the supervisor
    """

    def __init__(self, rank: int, layout: Layout, block: Any, pipe: multiprocessing.connection.Connection) -> None:
        self.rank, self.size, self.stop = rank, layout.size, False
        self.times = Times()
        self._layout, self._pipe = layout, pipe
        self._views, self._round = Views(layout, block), 0
        self._readable = self._views.total.view()
        self._readable.flags.writeable = False
        self._bounds = tuple(layout.length * part // self.size for part in (rank, rank + 1))

    def barrier(self) -> None:
        """Wait until every worker has called this."""
        begun = time.perf_counter()
        self._pipe.send_bytes(ARRIVED)
        try:
            answer = self._pipe.recv_bytes()
        except EOFError:
            raise ConnectionAbortedError("the process that started this worker has ended") from None
        self.stop = self.stop or answer == STOP
        self.times.waiting += time.perf_counter() - begun

    def exchange(self, nodes: Mapping[Span, Array], count: int) -> Array:
        """Return the tree sum of the flat arrays of all shards; each worker adds an equal part of their length."""
        views, (start, stop) = self._views, self._bounds
        with self._exchanging():
            for span, array in nodes.items():
                views.nodes[span][...] = array
        self.barrier()
        with self._exchanging():
            tree = TreeSum(count)
            tree.add_nodes({span: array[start:stop] for span, array in views.nodes.items()})
            views.total[start:stop] = tree.total
        self.barrier()
        return self._readable

    def gather(self, row: Array) -> Array:
        """Return an array `(size, *row.shape)` with the rows of all workers."""
        content = np.ascontiguousarray(row).reshape(-1).view(np.uint8)
        result = np.empty((self.size, content.size), np.uint8)
        for start in range(0, content.size, CHUNK):
            part = content[start : start + CHUNK]
            # A fast worker may write its next row while a slow one still reads this one, so two sets take turns.
            self._round ^= 1
            rows = self._views.rows[self._round]
            rows[self.rank, : part.size] = part
            self.barrier()
            result[:, start : start + part.size] = rows[:, : part.size]
        return result.view(row.dtype).reshape(self.size, *row.shape)

    def show_life(self) -> None:
        """Count signs of life in the shared memory, from a thread that ends with the process."""

        def count():
            while True:
                self._views.beats[self.rank] += 1
                time.sleep(BEAT)

        threading.Thread(target=count, name="beat", daemon=True).start()

    @contextlib.contextmanager
    def _exchanging(self):
        begun = time.perf_counter()
        yield
        self.times.exchanging += time.perf_counter() - begun
