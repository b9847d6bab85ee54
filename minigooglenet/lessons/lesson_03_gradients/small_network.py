"""A tiny network on the handwritten digits, trained with any pair of functions as its convolution."""

import numpy as np

from minigooglenet import data, evaluation, training
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU


def small_network(algorithm):
    """Return two convolutions, a max pool and a linear layer; `algorithm` is a pair (forward, backward)."""
    g, rng = Graph(image=(1, 8, 8)), np.random.default_rng(0)
    wire = g.add("conv1", Conv2d(1, 8, 3, padding=1, algorithm=algorithm, rng=rng), "image")
    wire = g.add("relu1", ReLU(), wire)
    wire = g.add("conv2", Conv2d(8, 24, 3, stride=2, padding=1, algorithm=algorithm, rng=rng), wire)
    wire = g.add("relu2", ReLU(), wire)
    wire = g.add("pool", MaxPool2d(2), wire)
    wire = g.add("flatten", Flatten(), wire)
    g.add("classifier", Linear(96, 10, rng=rng), wire)
    return g


def accuracy(algorithm, epochs=2) -> float:
    """Train the network on the digits; return its accuracy on held-out digits."""
    images, labels, held_out_images, held_out_labels = data.digits(8)
    g = small_network(algorithm)
    training.train(g, images, labels, epochs=epochs, rng=0)
    return float((evaluation.predict(g, held_out_images) == held_out_labels).mean())
