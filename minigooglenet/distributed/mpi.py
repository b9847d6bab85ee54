"""The engine for a cluster: workers on many machines that exchange arrays through MPI.

    srun python -m mpi4py -m minigooglenet train ...
    mpiexec -n 4 python -m mpi4py -m minigooglenet train ...

`-m mpi4py` ends all workers if one of them fails; without it the others would wait forever. The sum is not MPI's
Allreduce, whose order differs between implementations: every worker receives its part of all arrays, adds it in the
fixed tree, and sends it to the others.
"""

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigooglenet import parallel
from minigooglenet.distributed import errors, launcher, shards
from minigooglenet.distributed.group import STEP_TIMEOUT, Group, Times, gather_texts
from minigooglenet.distributed.tree import Span, TreeSum
from minigooglenet.distributed.worker import train as train_worker
from minigooglenet.training.display import Display
from minigooglenet.training.recipe import Recipe
from minigooglenet.typing import Array, PathLike

SPIN, PAUSE = 0.05, 0.0005  # seconds of asking MPI without a pause, and the pause after that


class Cluster:
    """The group of the processes of an MPI communicator, in one of them.

    comm : mpi4py communicator, by default COMM_WORLD
    step_timeout : seconds after which a worker that waits for the others raises a TimeoutError
    """

    def __init__(self, comm: Any = None, step_timeout: float = STEP_TIMEOUT) -> None:
        self._mpi = launcher.library()
        from mpi4py.util import dtlib

        self._type_of = dtlib.from_numpy_dtype
        self._comm = self._mpi.COMM_WORLD if comm is None else comm
        self.rank, self.size, self.stop = self._comm.Get_rank(), self._comm.Get_size(), False
        self.times, self._limit = Times(), step_timeout
        self._total = np.empty(0)

    def exchange(self, nodes: Mapping[Span, Array], count: int) -> Array:
        """Return the tree sum of the flat arrays of all shards; each worker adds an equal part of their length."""
        begun = time.perf_counter()
        example = next(iter(nodes.values()))
        if self._total.shape != example.shape or self._total.dtype != example.dtype:
            self._total = np.empty_like(example)
        kind = self._type_of(example.dtype)
        bounds = [example.size * rank // self.size for rank in range(self.size + 1)]
        lengths, starts = np.diff(bounds).tolist(), bounds[:-1]
        own = lengths[self.rank]
        everyone = shards.sent(count, self.size)
        mine, tree = sorted(nodes), TreeSum(count)
        for number in range(max(map(len, everyone))):  # one node of each worker at a time; some may have fewer
            senders = [len(part) > number for part in everyone]
            sent = nodes[mine[number]] if senders[self.rank] else self._total
            received = np.empty((self.size, own), example.dtype)
            self._wait(
                self._comm.Ialltoallv(
                    [sent, [length * senders[self.rank] for length in lengths], starts, kind],
                    [received, [own * sends for sends in senders], [own * rank for rank in range(self.size)], kind],
                )
            )
            tree.add_nodes({part[number]: received[rank] for rank, part in enumerate(everyone) if senders[rank]})
        self._wait(self._comm.Iallgatherv([tree.total, own, kind], [self._total, lengths, starts, kind]))
        self.times.exchanging += time.perf_counter() - begun
        return self._total

    def gather(self, row: Array) -> Array:
        """Return an array `(size, *row.shape)` with the rows of all workers."""
        begun = time.perf_counter()
        row = np.ascontiguousarray(row)
        result = np.empty((self.size, *row.shape), row.dtype)
        content, everyone = row.reshape(-1).view(np.uint8), result.reshape(-1).view(np.uint8)
        byte = self._mpi.BYTE
        self._wait(self._comm.Iallgather([content, content.size, byte], [everyone, content.size, byte]))
        self.times.waiting += time.perf_counter() - begun
        return result

    def barrier(self) -> None:
        """Wait until every worker has called this."""
        begun = time.perf_counter()
        self._wait(self._comm.Ibarrier())
        self.times.waiting += time.perf_counter() - begun

    def _wait(self, request):
        """Wait for an operation, but not forever: MPI itself has no time limit."""
        begun = time.monotonic()
        while not request.Test():
            waited = time.monotonic() - begun
            if waited > self._limit:
                raise TimeoutError(
                    f"the other workers did not finish a step in {self._limit:g} seconds. Continue with --resume, or "
                    "allow more time with --step-timeout."
                )
            time.sleep(PAUSE if waited > SPIN else 0)


def train(
    recipe: Recipe,
    out: PathLike,
    *,
    resume: bool = False,
    step_timeout: float = STEP_TIMEOUT,
    display: Display | None = None,
) -> bool:
    """Train a recipe with all processes that the MPI launcher started; return False if the run was stopped and saved.

    All of them call this. The folder and the data must be readable in all of them; worker 0 writes.

    Raises
    ------
    TimeoutError
        If the others do not finish a step in time. As any error that is not caught, it ends all workers.
    """
    group = Cluster(step_timeout=step_timeout)
    try:
        shards.of_settings(recipe.settings, group.size)
        parallel.set_num_threads(threads(group))
        finished = train_worker(
            recipe, Path(out), group, resume=resume, display=Display() if display is None else display
        )
        group.barrier()  # worker 0 writes the last files
    except Exception as error:
        raise errors.from_description(group.rank, list(errors.described(error))) from error
    return finished


def end() -> None:
    """End MPI in this process, after all workers have ended their training.

    Otherwise an exit status such as 130 of a run that was stopped and saved would abort MPI: with error messages, and
    with files that remain in the shared memory of each machine.
    """
    launcher.library().Finalize()


def threads(group: Group) -> int:
    """Return the number of threads for this worker: the processors that it has, divided by the workers that share them.

    A launcher may bind each worker to processors of its own, or leave all of a machine to all of its workers.
    """
    content = f"{platform.node()} {_processors()}"
    return max(1, parallel.get_num_threads() // gather_texts(group, content).count(content))


def _processors():
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
