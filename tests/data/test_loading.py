"""Data sets by name: their contents and their augmentation."""

import numpy as np
import pytest

from minigooglenet import data


def test_digits_are_uint8_and_give_the_same_inputs():
    pytest.importorskip("sklearn")
    split, (images, labels, _, test_labels) = data.load("digits"), data.digits()
    assert (len(split.train), len(split.test), split.train.shape) == (1438, 359, (1, 32, 32))
    assert split.train.pixels == data.GREY_UNIT
    assert np.array_equal(split.train.labels, labels)
    assert np.array_equal(split.test.labels, test_labels)
    x = next(data.batches(split.train, range(100), 100)).x
    assert np.abs(x - images[:100]).max() <= 0.5 / 127.5 + 1e-6
    assert data.load("digits", 16).test.shape == (1, 16, 16)


def test_shapes_are_4000_and_1000_disjoint_scenes():
    split = data.load("shapes")
    assert (len(split.train), len(split.test), split.train.shape) == (4000, 1000, (3, 32, 32))
    assert split.train.pixels == data.UNIT
    assert np.array_equal(split.train.images[:3], data.shapes(3, 32, seed=0).images)
    assert not {p.tobytes() for p in split.train.images} & {p.tobytes() for p in split.test.images}
    assert np.bincount(split.train.labels).min() > 300


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_only_the_training_set_is_augmented_on_request(name, monkeypatch):
    monkeypatch.setattr(data.loading, "SCENES", (50, 5))
    if name == "digits":
        pytest.importorskip("sklearn")
    assert data.load(name).train.augment is None
    split = data.load(name, augment=True)
    assert split.test.augment is None
    plain, one, again, later = (
        next(data.batches(split.train, range(40), 40, seed=seed, epoch=epoch)).x
        for seed, epoch in ((None, 0), (1, 0), (1, 0), (1, 1))
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, plain)
    assert not np.array_equal(one, later)


def test_digits_are_never_mirrored():
    pytest.importorskip("sklearn")
    train = data.load("digits", augment=True).train
    image = np.zeros((1, 32, 32), np.uint8)
    image[:, :, :8] = 255
    for seed in range(50):
        assert train.augment(image, np.random.default_rng(seed))[0, :, 16:].max() == 0


def test_cifar10_has_one_size():
    with pytest.raises(ValueError, match="size must be 32 for CIFAR-10, whose images are 32 x 32, got 64"):
        data.load("cifar10", 64)
