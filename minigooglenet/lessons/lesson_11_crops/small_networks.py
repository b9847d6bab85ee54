"""Small networks trained on random crops of digits, for the ensembles of lesson 11.

    from minigooglenet.lessons.lesson_11_crops import small_networks
    networks = small_networks.networks(7)
    evaluation = small_networks.evaluate(networks, images=200)

All networks have the same initial weights. They differ only in the order and the crops of their training images, as the
seven networks of the paper do.
"""

import numpy as np

from minigooglenet import data, evaluation, models, renamed, training
from minigooglenet.evaluation.prediction import crop_count

SIDE, SIZE = 16, 14  # of an image and of the network's input: the paper's 256 and 224, divided by 16
SMALLEST = 10  # side of the smallest random crop
COUNTS = (1, 10, 144)


def networks(count, epochs=2, width=0.5) -> list:
    """Return `count` trained networks; a larger count adds networks and does not change the first ones."""
    return [network(seed, epochs, width) for seed in range(count)]


def network(seed, epochs=2, width=0.5):
    """Return a mini GoogLeNet trained on one random crop of each training digit per epoch, half of them mirrored."""
    split = data.load("digits", SIDE)
    rng = np.random.default_rng(seed)
    g = models.mini_googlenet(in_channels=1, size=SIZE, dropout=False, width=width, rng=0)
    crops = np.stack([random_crop(image, rng) for _ in range(epochs) for image in split.train.images])
    labels = np.tile(split.train.labels, epochs)
    training.train(g, split.train.pixels.to_input(crops), labels, epochs=1, rng=rng)
    return g


def random_crop(image, rng):
    """Return a random square crop of an image (C, SIDE, SIDE), resized to (C, SIZE, SIZE) and perhaps mirrored."""
    side = int(rng.integers(SMALLEST, SIDE + 1))
    top, left = (int(start) for start in rng.integers(0, SIDE - side + 1, 2))
    part = data.transforms.crop(image, top, left, side, side)
    return data.transforms.mirror(data.transforms.resize(part, SIZE, SIZE), rng)


def evaluate(networks, images=300, counts=COUNTS, log=None, *, tell=None):
    """Return the evaluation.Evaluation of the networks on the first `images` of the held-out digits.

    log : function that is called with a line of text after each quarter of the crops
    tell : old name of log, until 0.3
    """
    if tell is not None:
        renamed.warn("tell=", "log=")
        log = tell
    test = data.load("digits", SIDE).test
    total, told = images * len(networks) * crop_count(counts), 0

    def report(done):
        nonlocal told
        if log and 4 * done // total > told:
            told = 4 * done // total
            log(f"{done / total:.0%} of {total:,} crops")

    return evaluation.evaluate(networks, test, counts, indices=range(images), on_batch=report)
