"""The training run of the budget game, which measures whether a design learns.

A small network is trained on handwritten digits of 8 x 8 for two epochs. It has a 3x3 convolution to 60 channels, the
module with an eighth of the design's filters, global average pooling and a classifier. The seed is fixed, so a design
always gets the same run.
"""

import functools

import numpy as np

from minigooglenet import data, evaluation, training
from minigooglenet.graph import Graph
from minigooglenet.layers import BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, ReLU
from minigooglenet.models import Style, inception

SIDE, CHANNELS, SCALE, CLASSES, EPOCHS = 8, 480, 8, 10, 2


def network(design):
    """Return the network for a design: its module has an eighth of the filters, but at least one per convolution."""
    rng = np.random.default_rng(0)
    g = Graph(image=(1, SIDE, SIDE))
    wire = g.add("first", Conv2d(1, CHANNELS // SCALE, 3, padding=1, bias=False, rng=rng), "image")
    wire = g.add("first/relu", ReLU(), g.add("first/bn", BatchNorm2d(CHANNELS // SCALE), wire))
    widths = [max(1, round(filters / SCALE)) for filters in design]
    wire = inception(g, wire, "module", *widths, style=Style(norm="batch", init="he", rng=rng))
    wire = g.add("mean", GlobalAvgPool2d(), wire)
    g.add("classifier", Linear(g.shapes[wire][0], CLASSES, rng=rng), wire)
    return g


@functools.lru_cache(maxsize=1000)
def learned(design) -> float:
    """Return the accuracy on held-out digits after training, scaled so that 0 is chance and 1 is perfect."""
    images, labels, test_images, test_labels = data.digits(SIDE)
    g = network(design)
    training.train(g, images, labels, epochs=EPOCHS, lr=0.1, rng=0)
    accuracy = float((evaluation.predict(g, test_images) == test_labels).mean())
    return max(0.0, (accuracy - 1 / CLASSES) / (1 - 1 / CLASSES))
