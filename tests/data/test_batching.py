"""Batches: the same bits for any number of workers, bounded memory, and no threads left over."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet import data


def _noisy(image, rng):
    return image + rng.integers(0, 50, image.shape, np.uint8)


class Slow(data.Dataset):
    """Images that record every access; some are bad."""

    classes = ("even", "odd")
    shape = (3, 4, 4)
    pixels = data.UNIT

    def __init__(self, count, bad=(), augment=None):
        self.labels, self.bad, self.augment, self.requests = np.arange(count) % 2, bad, augment, []

    def image(self, index):
        self.requests.append(index)
        if index in self.bad:
            raise data.BadImageError("it is corrupt")
        return np.full(self.shape, index, np.uint8)


def _numbers(batch):
    """Return the indices of the images of a `Slow`, from their pixels."""
    return np.rint(batch.x[:, 0, 0, 0] * 127.5 + 127.5).astype(int).tolist()


def _loaders():
    return [thread for thread in threading.enumerate() if thread.name.startswith("minigooglenet-data")]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_contain_every_image_once_in_order(workers):
    order = np.random.default_rng(0).permutation(23)
    batches = list(data.batches(Slow(23), order, 5, workers=workers))
    assert [len(batch.labels) for batch in batches] == [5, 5, 5, 5, 3]
    assert np.concatenate([batch.indices for batch in batches]).tolist() == order.tolist()
    assert [index for batch in batches for index in _numbers(batch)] == order.tolist()
    assert np.concatenate([batch.labels for batch in batches]).tolist() == (order % 2).tolist()
    assert {batch.x.dtype for batch in batches} == {np.dtype(np.float32)}
    assert _loaders() == []


@given(st.integers(1, 8), st.integers(0, 4), st.integers(0, 6), st.integers(0, 3))
def test_augmentation_depends_only_on_seed_epoch_and_image(batch_size, workers, start, epoch):
    dataset, order = Slow(20, augment=_noisy), np.arange(20)[::-1]
    batches = list(data.batches(dataset, order, batch_size, seed=5, epoch=epoch, workers=workers, start=start))
    assert sum(len(batch.labels) for batch in batches) == max(0, 20 - start * batch_size)
    for batch in batches:
        for index, x in zip(batch.indices, batch.x, strict=True):
            assert np.array_equal(x, dataset.load(index, np.random.default_rng([5, epoch, index])))


@pytest.mark.parametrize("augment", [None, _noisy])
def test_batches_from_memory_match_single_images(augment):
    images = np.random.default_rng(0).integers(0, 200, (11, 3, 4, 4), np.uint8)
    some = data.Images(images, np.arange(11) % 3, ("a", "b", "c"), data.UNIT, augment)
    order = np.array([3, 1, 10, 0, 7])
    for seed in (None, 4):
        batches = list(data.batches(some, order, 2, seed=seed, epoch=1, workers=2))
        assert np.concatenate([batch.indices for batch in batches]).tolist() == order.tolist()
        for batch in batches:
            for index, x, label in zip(*batch[1:], strict=True):
                rng = None if seed is None else np.random.default_rng([seed, 1, index])
                assert np.array_equal(x, some.load(index, rng))
                assert label == index % 3


def test_batches_without_seed_lack_augmentation():
    (batch,) = data.batches(Slow(4, augment=_noisy), range(4), 4)
    assert _numbers(batch) == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [0, 2])
def test_start_skips_batches_without_decoding(workers):
    dataset = Slow(20)
    assert [_numbers(batch) for batch in data.batches(dataset, range(20), 6, start=2, workers=workers)] == [
        [12, 13, 14, 15, 16, 17],
        [18, 19],
    ]
    assert min(dataset.requests) == 12
    assert list(data.batches(dataset, range(20), 6, start=4, workers=workers)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_images_and_empty_batches_are_skipped(workers):
    dataset = Slow(9, bad={1, 3, 4, 5})
    batches = list(data.batches(dataset, range(9), 3, workers=workers))
    assert [batch.indices.tolist() for batch in batches] == [[0, 2], [6, 7, 8]]
    assert [batch.number for batch in batches] == [0, 2]
    assert [_numbers(batch) for batch in batches] == [[0, 2], [6, 7, 8]]
    assert [batch.labels.tolist() for batch in batches] == [[0, 0], [0, 1, 0]]
    assert dataset.skipped == {f"image {i}": "it is corrupt" for i in (1, 3, 4, 5)}


def test_decoding_ahead_is_bounded_by_the_workers():
    dataset = Slow(1000)
    batches = data.batches(dataset, range(1000), 10, workers=2)
    next(batches)
    time.sleep(0.1)
    assert len(dataset.requests) <= 3 * 10
    batches.close()


def test_closing_batches_ends_their_threads_immediately():
    class Sleepy(Slow):
        def image(self, index):
            time.sleep(0.02 if index >= 100 else 0)
            return super().image(index)

    dataset = Sleepy(10_000)
    batches = data.batches(dataset, range(10_000), 100, workers=2)
    next(batches)
    assert len(_loaders()) == 2
    begun = time.perf_counter()
    batches.close()
    assert time.perf_counter() - begun < 1  # finishing the current batches would take 2 s
    assert _loaders() == []


def test_exception_in_a_loop_ends_the_threads():
    def stopped():
        for _ in data.batches(Slow(1000), range(1000), 2, workers=3):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        stopped()
    assert _loaders() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_augmentation_error_reaches_the_caller_and_ends_threads(workers):
    def faulty(image, rng):
        raise KeyError("a bug in the augmentation")

    with pytest.raises(KeyError, match="a bug in the augmentation"):
        list(data.batches(Slow(50, augment=faulty), range(50), 4, seed=0, workers=workers))
    assert _loaders() == []


def test_augmentation_that_changes_the_shape_raises():
    dataset = Slow(5, augment=lambda image, rng: image[:, :1])
    with pytest.raises(ValueError, match=r"image 0 must have shape \(3, 4, 4\), got \(3, 1, 4\)"):
        list(data.batches(dataset, range(5), 5, seed=0, workers=1))


def test_threads_start_with_the_first_batch():
    data.batches(Slow(5), range(5), 1, workers=2)
    assert _loaders() == []


def test_batches_reject_an_invalid_order_immediately():
    with pytest.raises(TypeError, match="order must be a one-dimensional array of integers, got float64"):
        data.batches(Slow(5), [0.5], 1)
    with pytest.raises(ValueError, match=r"order must contain indices in 0 \.\. 4, got 0 \.\. 5: the data set has 5"):
        data.batches(Slow(5), range(6), 1)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        data.batches(Slow(5), range(5), 0)
    assert list(data.batches(Slow(5), [], 1)) == []
