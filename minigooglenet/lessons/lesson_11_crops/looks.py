"""Small networks that learn from pieces of digits, as GoogLeNet learned from pieces of photographs: for lesson 11.

    from minigooglenet.lessons.lesson_11_crops import looks
    networks = looks.networks(7)
    asked = looks.ask(networks, images=200)

All of them start from the same weights and differ only in the order and the pieces that they see, as the paper's seven.
"""

import numpy as np

from minigooglenet import data, evaluation, models, training
from minigooglenet.evaluation.prediction import crop_count

SIDE, SIZE = 16, 14  # of an image and of what the network takes: 256 and 224, by sixteen
LEAST = 10  # the smallest piece
COUNTS = (1, 10, 144)


def networks(count, epochs=2, width=0.5) -> list:
    """Return `count` trained networks; the first ones are the same whatever the count."""
    return [network(seed, epochs, width) for seed in range(count)]


def network(seed, epochs=2, width=0.5):
    """Return a mini GoogLeNet that has seen one piece of each training digit in each epoch, half of them mirrored."""
    split = data.load("digits", SIDE)
    rng = np.random.default_rng(seed)
    g = models.mini_googlenet(in_channels=1, size=SIZE, dropout=False, width=width, rng=0)
    pieces = np.stack([piece(image, rng) for _ in range(epochs) for image in split.train.images])
    labels = np.tile(split.train.labels, epochs)
    training.train(g, split.train.pixels.to_input(pieces), labels, epochs=1, rng=rng)
    return g


def piece(image, rng):
    """Return a square piece of an image (C, SIDE, SIDE) at (C, SIZE, SIZE), mirrored or not."""
    side = int(rng.integers(LEAST, SIDE + 1))
    top, left = (int(start) for start in rng.integers(0, SIDE - side + 1, 2))
    part = data.transforms.crop(image, top, left, side, side)
    return data.transforms.mirror(data.transforms.resize(part, SIZE, SIZE), rng)


def ask(networks, images=300, counts=COUNTS, tell=None):
    """Return the evaluation.Evaluation of the networks on the first `images` of the held-out digits.

    tell : called with a line of text after each quarter of the crops
    """
    test = data.load("digits", SIDE).test
    total, told = images * len(networks) * crop_count(counts), 0

    def report(done):
        nonlocal told
        if tell and 4 * done // total > told:
            told = 4 * done // total
            tell(f"{done / total:.0%} of {total:,} crops")

    return evaluation.evaluate(networks, test, counts, indices=range(images), on_batch=report)
