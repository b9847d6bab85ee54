"""A small graph and small data for the tests of the simulated parameter server."""

import numpy as np

from minigooglenet import data
from minigooglenet.distributed import ComputeTimes
from minigooglenet.graph import Graph
from minigooglenet.layers import Dropout, Flatten, Linear, ReLU

EQUAL = ComputeTimes(spread=0.0, stragglers=0.0)


def network(dropout=0.0):
    """Return a graph with two linear layers."""
    rng = np.random.default_rng(0)
    g = Graph(image=(1, 4, 4))
    wire = g.add("relu", ReLU(), g.add("hidden", Linear(16, 12, rng=rng), g.add("flat", Flatten(), "image")))
    if dropout:
        wire = g.add("drop", Dropout(dropout), wire)
    g.add("classifier", Linear(12, 3, rng=rng), wire)
    return g


def split(train=60, test=30):
    """Return random images of three classes, which differ in their brightness."""
    rng, parts = np.random.default_rng(1), []
    for count in (train, test):
        labels = rng.integers(0, 3, count)
        images = rng.standard_normal((count, 1, 4, 4)) + labels[:, None, None, None] - 1
        parts.append(data.Images(images.astype(np.float32), labels, ("dark", "grey", "light"), None))
    return data.Split(*parts)


def same_bits(first, second):
    """Return whether two simulations have the same rows, evaluations, weights and averages."""
    rows = repr((first.updates, first.points)) == repr((second.updates, second.points))  # NaN equals NaN here
    pairs = [(a.params, b.params) for a, b in ((first.last, second.last), (first.averaged, second.averaged))]
    return rows and all(a[name].tobytes() == b[name].tobytes() for a, b in pairs for name in a)
