"""Towers of 3x3 convolutions with and without shortcuts, for the experiment on residual connections in lesson 09."""

import numpy as np

from minigooglenet import losses, training
from minigooglenet.graph import Graph
from minigooglenet.layers import Add, Conv2d, Flatten, Linear, MaxPool2d, ReLU

CHANNELS, SIDE, BLOCKS = 8, 16, 16
HE = (2 / (9 * CHANNELS)) ** 0.5  # standard deviation of "he" for a 3x3 kernel over CHANNELS channels


def tower(*, shortcut, std, blocks=BLOCKS, seed=0):
    """Return a graph for digits of 16 x 16: one convolution, then blocks f of a 3x3 convolution and a ReLU.

    shortcut : whether each block returns x + f(x) instead of f(x)
    std : standard deviation of the weights in the blocks
    """
    rng = np.random.default_rng(seed)
    g = Graph(image=(1, SIDE, SIDE))
    wire = g.add("first", Conv2d(1, CHANNELS, 3, padding=1, rng=rng), "image")
    wire = g.add("block0", MaxPool2d(2), g.add("first/relu", ReLU(), wire))
    for number in range(1, blocks + 1):
        conv = Conv2d(CHANNELS, CHANNELS, 3, padding=1, rng=rng)
        conv.params["weight"][...] = std * rng.standard_normal(conv.params["weight"].shape)
        f = g.add(f"relu{number}", ReLU(), g.add(f"conv{number}", conv, wire))
        wire = g.add(f"block{number}", Add(), wire, f) if shortcut else g.add(f"block{number}", Add(), f)
    wire = g.add("flatten", Flatten(), wire)
    g.add("classifier", Linear(CHANNELS * (SIDE // 2) ** 2, 10, rng=rng), wire)
    return g


def ratios(g, images, labels, blocks=BLOCKS):
    """Return two ratios of norms: (signal after the last / before the first block, gradient at first / at last)."""
    ends = ["block0", f"block{blocks}"]
    outputs, tape = g.forward({"image": images}, outputs=[*ends, "classifier"], train=True)
    _, grad = losses.softmax_cross_entropy(outputs["classifier"], labels)
    grads, _ = g.backward({"classifier": grad}, tape, wires=ends)
    (signal0, signal), (grad0, grad1) = ([np.linalg.norm(arrays[wire]) for wire in ends] for arrays in (outputs, grads))
    return float(signal / signal0), float(grad0 / grad1)


def train(g, images, labels, epochs=2):
    """Train a tower and return the loss of every step; the last is inf if training ended with a NaN or inf."""
    curve = []
    try:
        training.train(g, images, labels, epochs=epochs, lr=0.02, rng=0, on_step=lambda step: curve.append(step.loss))
    except FloatingPointError:
        curve.append(float("inf"))
    return curve
