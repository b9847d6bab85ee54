"""Batches: the same bits whatever the workers, bounded memory, and no thread that stays."""

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
    """Images that remember when they were asked for; some are bad."""

    classes = ("even", "odd")
    shape = (3, 4, 4)
    pixels = data.UNIT

    def __init__(self, count, bad=(), augment=None):
        self.labels, self.bad, self.augment, self.asked = np.arange(count) % 2, bad, augment, []

    def image(self, index):
        self.asked.append(index)
        if index in self.bad:
            raise data.BadImageError("it is torn")
        return np.full(self.shape, index, np.uint8)


def _numbers(batch):
    """Return what the images of a `Slow` say their places are."""
    return np.rint(batch.x[:, 0, 0, 0] * 127.5 + 127.5).astype(int).tolist()


def _loaders():
    return [thread for thread in threading.enumerate() if thread.name.startswith("minigooglenet-data")]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_image_comes_once_in_the_order_asked_for(workers):
    order = np.random.default_rng(0).permutation(23)
    found = list(data.batches(Slow(23), order, 5, workers=workers))
    assert [len(batch.labels) for batch in found] == [5, 5, 5, 5, 3]
    assert np.concatenate([batch.indices for batch in found]).tolist() == order.tolist()
    assert [place for batch in found for place in _numbers(batch)] == order.tolist()
    assert np.concatenate([batch.labels for batch in found]).tolist() == (order % 2).tolist()
    assert {batch.x.dtype for batch in found} == {np.dtype(np.float32)}
    assert _loaders() == []


@given(st.integers(1, 8), st.integers(0, 4), st.integers(0, 6), st.integers(0, 3))
def test_augmentation_depends_on_seed_epoch_and_image_alone(batch_size, workers, start, epoch):
    dataset, order = Slow(20, augment=_noisy), np.arange(20)[::-1]
    found = list(data.batches(dataset, order, batch_size, seed=5, epoch=epoch, workers=workers, start=start))
    assert sum(len(batch.labels) for batch in found) == max(0, 20 - start * batch_size)
    for batch in found:
        for index, x in zip(batch.indices, batch.x, strict=True):
            assert np.array_equal(x, dataset.load(index, np.random.default_rng([5, epoch, index])))


@pytest.mark.parametrize("augment", [None, _noisy])
def test_images_in_memory_come_as_they_would_one_by_one(augment):
    images = np.random.default_rng(0).integers(0, 200, (11, 3, 4, 4), np.uint8)
    some = data.Images(images, np.arange(11) % 3, ("a", "b", "c"), data.UNIT, augment)
    order = np.array([3, 1, 10, 0, 7])
    for seed in (None, 4):
        found = list(data.batches(some, order, 2, seed=seed, epoch=1, workers=2))
        assert np.concatenate([batch.indices for batch in found]).tolist() == order.tolist()
        for batch in found:
            for index, x, label in zip(*batch[1:], strict=True):
                rng = None if seed is None else np.random.default_rng([seed, 1, index])
                assert np.array_equal(x, some.load(index, rng))
                assert label == index % 3


def test_testing_never_augments():
    (batch,) = data.batches(Slow(4, augment=_noisy), range(4), 4)
    assert _numbers(batch) == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_start_is_left_out_without_decoding(workers):
    dataset = Slow(20)
    assert [_numbers(batch) for batch in data.batches(dataset, range(20), 6, start=2, workers=workers)] == [
        [12, 13, 14, 15, 16, 17],
        [18, 19],
    ]
    assert min(dataset.asked) == 12
    assert list(data.batches(dataset, range(20), 6, start=4, workers=workers)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_images_are_left_out_and_noted_and_an_empty_batch_is_not_given(workers):
    dataset = Slow(9, bad={1, 3, 4, 5})
    found = list(data.batches(dataset, range(9), 3, workers=workers))
    assert [batch.indices.tolist() for batch in found] == [[0, 2], [6, 7, 8]]
    assert [batch.number for batch in found] == [0, 2]
    assert [_numbers(batch) for batch in found] == [[0, 2], [6, 7, 8]]
    assert [batch.labels.tolist() for batch in found] == [[0, 0], [0, 1, 0]]
    assert dataset.skipped == {f"image {i}": "it is torn" for i in (1, 3, 4, 5)}


def test_no_more_is_decoded_ahead_than_the_workers_hold():
    dataset = Slow(1000)
    found = data.batches(dataset, range(1000), 10, workers=2)
    next(found)
    time.sleep(0.1)
    assert len(dataset.asked) <= 3 * 10
    found.close()


def test_closing_early_ends_the_threads_at_once():
    class Sleepy(Slow):
        def image(self, index):
            time.sleep(0.02 if index >= 100 else 0)
            return super().image(index)

    dataset = Sleepy(10_000)
    found = data.batches(dataset, range(10_000), 100, workers=2)
    next(found)
    assert len(_loaders()) == 2
    begun = time.perf_counter()
    found.close()
    assert time.perf_counter() - begun < 1  # the batches that were begun would take 2 s
    assert _loaders() == []


def test_leaving_a_loop_by_an_exception_leaves_no_thread():
    def stopped():
        for _ in data.batches(Slow(1000), range(1000), 2, workers=3):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        stopped()
    assert _loaders() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_a_fault_in_the_augmentation_reaches_the_caller_and_ends_the_threads(workers):
    def faulty(image, rng):
        raise KeyError("a fault of the caller's")

    with pytest.raises(KeyError, match="a fault of the caller's"):
        list(data.batches(Slow(50, augment=faulty), range(50), 4, seed=0, workers=workers))
    assert _loaders() == []


def test_an_augmentation_that_changes_the_shape_is_refused_with_the_image():
    dataset = Slow(5, augment=lambda image, rng: image[:, :1])
    with pytest.raises(ValueError, match=r"image 0 must have shape \(3, 4, 4\), got \(3, 1, 4\)"):
        list(data.batches(dataset, range(5), 5, seed=0, workers=1))


def test_no_thread_begins_before_the_first_batch_is_asked_for():
    data.batches(Slow(5), range(5), 1, workers=2)
    assert _loaders() == []


def test_what_is_no_order_is_refused_at_the_call():
    with pytest.raises(TypeError, match="order must be a row of integers, got float64"):
        data.batches(Slow(5), [0.5], 1)
    with pytest.raises(ValueError, match=r"order must hold places in 0 \.\. 4, got 0 \.\. 5; the dataset has 5"):
        data.batches(Slow(5), range(6), 1)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        data.batches(Slow(5), range(5), 0)
    assert list(data.batches(Slow(5), [], 1)) == []
