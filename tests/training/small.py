"""A small problem for all tests of training: horizontal and vertical bars."""

import numpy as np

import minigooglenet as mg
from minigooglenet import data


def split(count=40, size=8, seed=0, augment=None):
    """Return a data.Split of grey images with a bright bar, in two classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 60, (count, 1, size, size), np.uint8)
    at = rng.integers(1, size - 1, count)
    for image, label, position in zip(images, labels, at, strict=True):
        (image[0] if label else image[0].T)[position] += 150
    half = count // 2
    parts = [
        data.Images(images[part], labels[part], ("vertical", "horizontal"), data.GREY_UNIT, augment)
        for part in (slice(None, half), slice(half, None))
    ]
    return data.Split(*parts)


def graph(size=8, rng=0):
    """Return a small graph with an auxiliary head, batch norm and dropout."""
    g = mg.Graph(image=(1, size, size))
    rngs = np.random.default_rng(rng).integers(0, 1 << 30, 5)
    wire = g.add("conv1/3x3", mg.layers.Conv2d(1, 8, 3, padding=1, rng=int(rngs[0])), "image")
    wire = g.add("conv1/bn", mg.layers.BatchNorm2d(8), wire)
    wire = g.add("conv1/relu", mg.layers.ReLU(), wire)
    pooled = g.add("conv1/pool", mg.layers.MaxPool2d(2), wire)
    wire = g.add("conv2/3x3", mg.layers.Conv2d(8, 8, 3, padding=1, rng=int(rngs[1])), pooled)
    wire = g.add("conv2/relu", mg.layers.ReLU(), wire)
    early = g.add("loss1/pool", mg.layers.GlobalAvgPool2d(), pooled)
    g.add("loss1/classifier", mg.layers.Linear(8, 2, rng=int(rngs[2])), early)
    wire = g.add("drop", mg.layers.Dropout(0.2, rng=int(rngs[3])), g.add("pool", mg.layers.GlobalAvgPool2d(), wire))
    g.add("loss3/classifier", mg.layers.Linear(8, 2, rng=int(rngs[4])), wire)
    return g


def digest(arrays):
    """Return {name: bytes}, to check that runs are bit-identical."""
    return {name: array.tobytes() for name, array in arrays.items()}
