"""Synchronous training: each worker computes its shards of every batch, and all workers make the same update.

The result is the same to the bit for any number of workers, because everything that determines it belongs to the run:
the shards, the order of their sum (`tree`), and the random numbers of each image. Nothing belongs to a worker.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np

from minigooglenet import data, parallel
from minigooglenet.data.dataset import BadImageError, Dataset
from minigooglenet.distributed import flat, shards
from minigooglenet.distributed.group import Alone, Group
from minigooglenet.distributed.sample_random import SampleGenerator
from minigooglenet.distributed.tree import TreeSum
from minigooglenet.evaluation.held_out import BATCH, HeldOut, batch_results, joined
from minigooglenet.graph import Graph
from minigooglenet.training import checkpoint
from minigooglenet.training.log import Epoch
from minigooglenet.training.settings import Settings
from minigooglenet.training.step import Gradients, Step, gradients
from minigooglenet.training.trainer import Trainer
from minigooglenet.typing import Array, IntArray, PathLike


class ShardedTrainer(Trainer):
    """A Trainer that cuts each batch into `settings.shards` shards, which the workers of a group compute.

    Every worker has a ShardedTrainer with the same graph, data and settings; only that of worker 0 has a folder `out`.
    `gradients` of a batch are the sums over the shards, weighted by their images. Batch norm normalises each shard with
    the statistics of that shard alone; the running statistics are the means over the shards. An epoch's last batch may
    be smaller, and its shards then differ by an image.

    Parameters
    ----------
    graph, split, settings, out : as for `Trainer`; `settings.shards` is the number of shards
    group : this worker's access to the others; by default one process computes all shards

    Raises
    ------
    ValueError
        If the workers do not divide the shards.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> settings = mg.training.Settings(epochs=1, shards=4)
    >>> trainer = mg.distributed.ShardedTrainer(g, mg.data.digits(8), settings)
    >>> trainer.run(), trainer.step
    (True, 45)
    """

    SHARDED = True

    def __init__(
        self,
        graph: Graph,
        split: data.Split,
        settings: Settings,
        out: PathLike | None = None,
        group: Group | None = None,
    ) -> None:
        self.group: Group = Alone() if group is None else group
        self.shards = shards.of_settings(settings, self.group.size)
        super().__init__(graph, split, settings, out)
        self._early = False  # the gradients of all shards are added first
        self.layout, self._trained = flat.of_training(graph, self.head_weights, self.frozen)
        self._own = shards.of_rank(self.shards, self.group.rank, self.group.size)
        self._epoch_order: tuple[int, IntArray] = (-1, np.empty(0, np.int64))
        self._stop = False
        self._free: list[Array] = []  # flat arrays to use again: fresh memory takes longer to fill
        self._begun = time.perf_counter()
        self._spent = np.zeros(3)  # seconds of computing, waiting and exchanging in the last step, of all workers

    def run(
        self,
        on_step: Callable[[Step], object] | None = None,
        on_epoch: Callable[[Epoch], object] | None = None,
    ) -> bool:
        """Train as `Trainer.run` does, in every worker; BLAS, whose bits depend on its threads, uses one."""
        with parallel.computing():
            return super().run(on_step, on_epoch)

    def batches(self, epoch: int, start: int = 0) -> Generator[data.Batch, None, None]:
        """Return the images of every batch that this worker computes; a batch may be empty."""
        settings, train = self.settings, self.split.train
        portions = [self._portion(epoch, number) for number in range(self.steps_per_epoch)]
        part = settings.batch_size // self.group.size
        loaded = data.batches(train, np.concatenate(portions), part, seed=settings.seed, epoch=epoch, start=start)
        try:
            following = next(loaded, None)
            for number in range(start, self.steps_per_epoch):
                if following is not None and following.number == number:
                    yield following
                    following = next(loaded, None)
                else:  # no image of this worker's shards can be used
                    nothing = np.empty(0, np.int64)
                    yield data.Batch(number, nothing, np.empty((0, *train.shape), np.float32), nothing)
        finally:
            loaded.close()

    def gradients(self, batch: data.Batch, update: object = None) -> Gradients:
        """Return the Gradients of the whole batch, of which `batch` has this worker's images."""
        epoch, number = divmod(self.step, self.steps_per_epoch)
        planned = self._batch_order(epoch, number)
        free = self._free
        tree, rows = TreeSum(self.shards, free), []
        before = {name: value.copy() for name, value in self.graph.buffers.items()}
        bounds = shards.parts(len(planned), self.shards)
        for shard in self._own:
            usable = np.isin(batch.indices, planned[slice(*bounds[shard])])
            result = self._shard(batch.x[usable], batch.labels[usable], batch.indices[usable], len(planned))
            arrays = flat.contribution(self.graph, result.params, result.images / len(planned))
            tree.add(shard, self.layout.pack(arrays, free.pop() if free else None))
            images = result.images
            rows.append([images, result.loss, result.accuracy * images, *(v * images for v in result.heads.values())])
            for name, value in before.items():
                self.graph.buffers[name] = value.copy()
        return self._summed(tree, rows, batch, planned)

    def _shard(self, x, labels, indices, planned):
        """Return the Gradients of one shard, weighted by its part of the batch."""
        if not len(labels):
            zeros = {name: np.zeros_like(self.graph.params[name]) for name in self._trained}
            return Gradients(0.0, dict.fromkeys(self.head_weights, 0.0), 0.0, zeros, 0)
        layers = self.drawing()
        generators = [layer.rng for layer in layers]
        weights = {wire: weight * len(labels) / planned for wire, weight in self.head_weights.items()}
        try:
            for number, layer in enumerate(layers):
                layer.rng = SampleGenerator([self.settings.seed, number, self.step], indices)
            return gradients(
                self.graph,
                x,
                labels,
                weights,
                number=self.step,
                frozen=self.frozen,
                smoothing=self.settings.label_smoothing,
            )
        finally:
            for layer, generator in zip(layers, generators, strict=True):
                layer.rng = generator

    def _summed(self, tree, rows, batch, planned):
        """Return the Gradients of the batch from the sums of all workers."""
        group = self.group
        end = *self._seconds(), bool(self.interrupts or group.stop)
        everyone = group.gather(np.array([[*row, *end] for row in rows], np.float64))
        table = everyone.reshape(-1, everyone.shape[-1])
        images, loss, hits, *heads = [sum(column) for column in table[:, :-4].T.tolist()]
        self._spent, self._stop = table[:, -4:-1].sum(axis=0), bool(table[:, -1].any())
        total = group.exchange(tree.nodes, tree.count)
        self._free += [node for node in tree.nodes.values() if node is not total]
        count = int(images)
        self._record_unusable(self.split.train, planned, batch.indices, count)
        if not count:
            return Gradients(0.0, dict.fromkeys(self.head_weights, 0.0), 0.0, {}, 0)
        if count < len(planned):  # the weights assumed that all images can be used
            total = total * total.dtype.type(len(planned) / count)  # a copy: the workers share the sum
            loss *= len(planned) / count
        arrays = self.layout.unpack(total)
        for name, value in flat.buffers_of(arrays).items():
            self.graph.buffers[name] = value.copy()
        losses = dict(zip(self.head_weights, (head / count for head in heads), strict=True))
        return Gradients(loss, losses, hits / count, {name: arrays[name] for name in self._trained}, count)

    def _seconds(self):
        """Return the seconds of computing, waiting and exchanging since the last call."""
        now = time.perf_counter()
        (waiting, exchanging), begun, self._begun = self.group.times.taken(), self._begun, now
        return now - begun - waiting - exchanging, waiting, exchanging

    @property
    def timing(self) -> str:
        """Return the fractions of computing, waiting and exchanging in the last step of all workers, as text."""
        total = self._spent.sum()
        if self.group.size == 1 or not total:
            return ""
        names = ("computing", "waiting", "exchanging")
        return ", ".join(f"{name} {part / total:.0%}" for name, part in zip(names, self._spent, strict=True))

    def follow(self, path: Path) -> None:
        """Continue from the checkpoint that worker 0 has read, in a worker without a folder."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", checkpoint.ResumeWarning)  # worker 0 reports it
            self._restore(checkpoint.read(path, self.state_dict(copy=False)))

    def stops(self) -> bool:
        """Return whether any worker was asked to stop before the last exchange: all workers stop at the same step."""
        return self._stop

    def evaluate(self) -> HeldOut | None:
        """Evaluate the held-out images, each worker its part of the batches; None in all of them if one was stopped."""
        test, group = self.split.test, self.group
        count = -(-len(test) // BATCH)
        first, last = (count * rank // group.size for rank in (group.rank, group.rank + 1))
        most = -(-count // group.size)
        order = np.arange(first * BATCH, min(last * BATCH, len(test)))
        predicted, totals = np.full(most * BATCH, -1, np.int64), np.zeros(most)
        for result in batch_results(self.trained(), test, order, self.interrupts):
            predicted[result.indices - first * BATCH] = result.predicted
            totals[result.number] = result.loss
        stop = np.array([bool(self.interrupts or group.stop)])
        if group.gather(stop).any():
            return None
        sizes = [(count * (rank + 1) // group.size - count * rank // group.size) for rank in range(group.size)]
        everyone = [row[: size * BATCH] for row, size in zip(group.gather(predicted), sizes, strict=True)]
        sums = [row[:size] for row, size in zip(group.gather(totals), sizes, strict=True)]
        classes = np.concatenate(everyone)[: len(test)]
        usable = np.flatnonzero(classes >= 0)
        self._record_unusable(test, np.arange(len(test)), usable, len(usable))
        return joined(test.labels[usable], classes[usable], itertools.chain(*sums))

    def _batch_order(self, epoch, number):
        """Return the indices of the images of a batch, as planned; some may turn out to be unusable."""
        if self._epoch_order[0] != epoch:
            self._epoch_order = epoch, self.order(epoch)
        size = self.settings.batch_size
        return self._epoch_order[1][number * size : (number + 1) * size]

    def _portion(self, epoch, number):
        """Return the indices of a batch that this worker computes."""
        planned = self._batch_order(epoch, number)
        bounds = shards.parts(len(planned), self.shards)
        return planned[bounds[self._own.start][0] : bounds[self._own.stop - 1][1]]

    def _record_unusable(self, dataset: Dataset, planned: Array, known: Array, usable: int) -> None:
        """Record the images that other workers could not use, with their reasons, by trying them here."""
        if usable == len(planned):
            return
        for index in set(planned.tolist()) - set(known.tolist()):
            if dataset.name(index) not in dataset.skipped:
                try:
                    dataset.load(index, None)
                except BadImageError as error:
                    dataset.skipped[dataset.name(index)] = str(error)
