"""Batches of images, decoded ahead by threads while the network works on earlier ones."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.data.dataset import BadImageError, Dataset, Images
from minigooglenet.parallel import get_num_threads
from minigooglenet.shapes import integer


class Batch(NamedTuple):
    """n images of a dataset.

    number : which batch of the order this is, from 0
    indices : (n,) their places in the dataset;  x : (n, C, H, W) float32;  labels : (n,) integers
    """

    number: int
    indices: np.ndarray
    x: np.ndarray
    labels: np.ndarray

    __repr__ = console.brief


def batches(dataset, order, batch_size, *, seed=None, epoch=0, workers=None, start=0) -> Iterator[Batch]:
    """Return an iterator over the images of a dataset, in the order that is asked for.

    An image that cannot be used is left out of its batch and noted in `dataset.skipped`; a batch without any image
    is not given. Image i is augmented with default_rng([seed, epoch, i]) alone: neither the number of workers nor
    where one starts changes a bit. At most `workers` + 1 batches are held at a time.

    Parameters
    ----------
    dataset : Dataset
    order : integers, places in the dataset
    batch_size : images in a batch; the last has the rest
    seed : integer, or None for no augmentation, as in testing
    epoch : integer that, with the seed, decides the augmentation
    workers : threads that decode, by default as many as the engine uses; 0 decodes when a batch is asked for
    start : how many batches to leave out at the beginning, without decoding them
    """
    order = _checked_order(order, len(dataset))
    batch_size, start = integer(batch_size, "batch_size", 1), integer(start, "start", 0)
    key = None if seed is None else (integer(seed, "seed", 0), integer(epoch, "epoch", 0))
    workers = get_num_threads() if workers is None else integer(workers, "workers", 0)
    places = range(start * batch_size, len(order), batch_size)
    parts = [(number, order[at : at + batch_size]) for number, at in enumerate(places, start)]
    if isinstance(dataset, Images) and (key is None or dataset.augment is None):
        return (_as_they_are(dataset, *part) for part in parts)
    if workers == 0:
        return _filled(_decoded(dataset, *part, key) for part in parts)
    return _filled(_ahead(dataset, parts, key, workers))


def _checked_order(order, count):
    order = np.asarray(order)
    if order.ndim != 1 or (order.dtype.kind not in "iu" and order.size):
        raise TypeError(f"order must be a row of integers, got {order.dtype} of shape {order.shape}")
    order = order.astype(np.int64)
    if order.size and not 0 <= order.min() <= order.max() < count:
        raise ValueError(
            f"order must hold places in 0 .. {count - 1}, got {order.min()} .. {order.max()}; the dataset has {count}"
        )
    return order


def _filled(all_batches):
    """Leave out the batches without any image; closing this closes what it reads."""
    try:
        for batch in all_batches:
            if len(batch.labels):
                yield batch
            del batch  # before the next is made
    finally:
        all_batches.close()


def _as_they_are(images, number, indices):
    return Batch(number, indices, images.inputs(indices), images.labels[indices])


def _decoded(dataset: Dataset, number, indices, key, stop: Event | None = None) -> Batch:
    """Return the batch of the images at `indices` that are good."""
    x = np.empty((len(indices), *dataset.shape), np.float32)
    good = []
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
    good = np.array(good, np.int64)
    return Batch(number, good, x[: len(good)], dataset.labels[good])


def _ahead(dataset, parts, key, workers):
    """Yield the batches while `workers` threads make the next ones; end them when nobody wants more."""
    stop, coming = Event(), deque()
    pool = ThreadPoolExecutor(workers, "minigooglenet-data")
    try:
        for part in parts:
            coming.append(pool.submit(_decoded, dataset, *part, key, stop))
            if len(coming) > workers:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
