"""Batches of images: threads decode the next batches while the network computes the current one."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.data.dataset import BadImageError, Dataset, Images
from minigooglenet.parallel import get_num_threads
from minigooglenet.shapes import integer
from minigooglenet.typing import ArrayLike, FloatArray, IntArray


class Batch(NamedTuple):
    """A batch of n images of a data set.

    Attributes
    ----------
    number : index of this batch in the order, from 0
    indices : (n,) indices of the images in the data set
    x : (n, C, H, W) float32
    labels : (n,) integers

    Examples
    --------
    >>> import minigooglenet as mg
    >>> train, test = mg.data.load("digits")
    >>> next(mg.data.batches(train, range(8), 4))
    Batch(number=0, indices=int64 (4,), x=float32 (4, 1, 32, 32), labels=int64 (4,))
    """

    number: int
    indices: IntArray
    x: FloatArray
    labels: IntArray

    def __repr__(self) -> str:
        return console.brief(self)


def batches(
    dataset: Dataset,
    order: ArrayLike,
    batch_size: int,
    *,
    seed: int | None = None,
    epoch: int = 0,
    workers: int | None = None,
    start: int = 0,
) -> Generator[Batch, None, None]:
    """Return a generator of batches of a data set, in the given order.

    An image that cannot be used is left out of its batch and recorded in `dataset.skipped`; a batch without any usable
    image is skipped. Image i is augmented with default_rng([seed, epoch, i]) only, so neither the number of workers nor
    `start` changes a bit. At most `workers` + 1 batches are in memory at a time.

    Parameters
    ----------
    dataset : Dataset
    order : (M,) integers, indices of images in the data set
    batch_size : images per batch; the last batch may be smaller
    seed : integer, or None for no augmentation, as in evaluation
    epoch : integer that, together with the seed, determines the augmentation
    workers : number of decoding threads, by default as many as the engine uses; 0 decodes each batch on demand
    start : number of batches to skip at the beginning, without decoding them

    Examples
    --------
    >>> import minigooglenet as mg
    >>> train, test = mg.data.load("digits")
    >>> [len(batch.labels) for batch in mg.data.batches(train, range(10), 4)]
    [4, 4, 2]
    """
    rows = _checked_order(order, len(dataset))
    batch_size, start = integer(batch_size, "batch_size", 1), integer(start, "start", 0)
    key = None if seed is None else (integer(seed, "seed", 0), integer(epoch, "epoch", 0))
    workers = get_num_threads() if workers is None else integer(workers, "workers", 0)
    firsts = range(start * batch_size, len(rows), batch_size)
    parts = [(number, rows[first : first + batch_size]) for number, first in enumerate(firsts, start)]
    if isinstance(dataset, Images) and (key is None or dataset.augment is None):
        return (_from_memory(dataset, *part) for part in parts)
    if workers == 0:
        return _without_empty(_decoded(dataset, *part, key) for part in parts)
    return _without_empty(_ahead(dataset, parts, key, workers))


def _checked_order(order, count) -> IntArray:
    order = np.asarray(order)
    if order.ndim != 1 or (order.dtype.kind not in "iu" and order.size):
        raise TypeError(f"order must be a one-dimensional array of integers, got {order.dtype} of shape {order.shape}")
    order = order.astype(np.int64)
    if order.size and not 0 <= order.min() <= order.max() < count:
        raise ValueError(
            f"order must contain indices in 0 .. {count - 1}, got {order.min()} .. {order.max()}: the data set has "
            f"{count} images"
        )
    return order


def _without_empty(all_batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Yield the batches that have an image; closing this generator closes `all_batches`."""
    try:
        for batch in all_batches:
            if len(batch.labels):
                yield batch
            del batch  # frees its memory before the next one is decoded
    finally:
        all_batches.close()


def _from_memory(images, number, indices):
    return Batch(number, indices, images.inputs(indices), images.labels[indices])


def _decoded(dataset: Dataset, number, indices, key, stop: Event | None = None) -> Batch:
    """Return the batch of the usable images at `indices`."""
    x = np.empty((len(indices), *dataset.shape), np.float32)
    good = list[int]()
    for index in indices.tolist():
        if stop is not None and stop.is_set():
            break
        rng = None if key is None else np.random.default_rng([*key, index])
        try:
            loaded = dataset.load(index, rng)
        except BadImageError as error:
            dataset.skipped[dataset.name(index)] = str(error)
            continue
        x[len(good)] = checks.has_shape(loaded, dataset.name(index), dataset.shape)
        good.append(index)
    indices = np.array(good, np.int64)
    return Batch(number, indices, x[: len(good)], dataset.labels[indices])


def _ahead(dataset, parts, key, workers):
    """Yield the batches while `workers` threads decode the next ones; stop the threads when the caller stops."""
    stop, pending = Event(), deque[Future[Batch]]()
    pool = ThreadPoolExecutor(workers, "minigooglenet-data")
    try:
        for number, indices in parts:
            pending.append(pool.submit(_decoded, dataset, number, indices, key, stop))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
