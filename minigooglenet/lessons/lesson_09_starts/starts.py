"""Initialisations and their effect on signals and gradients, for lesson 09.

from minigooglenet.lessons.lesson_09_starts import starts
g = mg.models.googlenet(init="zeros", dropout=False)
starts.survey(g, "he").first
"""

from typing import NamedTuple

import numpy as np

from minigooglenet import losses
from minigooglenet.graph import Graph
from minigooglenet.layers import BatchNorm2d, Conv2d, ReLU

SCHEMES = ("0.01", "glorot", "caffe", "he")
CAFFE_PIXELS = 60.0  # standard deviation of a photograph minus its mean, the input of Caffe's network
FIRST, MIDDLE, LAST = "conv1/7x7_s2", "inception_4a/output", "inception_5b/output"


def std(scheme, fan_in, fan_out):
    """Return the standard deviation of the weights of a layer."""
    variances = {"0.01": 1e-4, "glorot": 2 / (fan_in + fan_out), "caffe": 1 / fan_in, "he": 2 / fan_in}
    return variances[scheme] ** 0.5


def initialise(g, scheme, rng=0):
    """Overwrite all weights of `g` with new normal weights, and return `g`; biases are 0, or 0.2 for "caffe"."""
    rng = np.random.default_rng(rng)
    for name, values in g.params.items():
        if name.endswith("/bias"):
            values[...] = 0.2 if scheme == "caffe" and "classifier" not in name else 0
        else:
            fan_in, fan_out = values[0].size, values[:, 0].size
            values[...] = std(scheme, fan_in, fan_out) * rng.standard_normal(values.shape)
    return g


def images(g, scheme, seed=0):
    """Return a batch of two noise images for `g`."""
    scale = CAFFE_PIXELS if scheme == "caffe" else 1.0
    return (scale * np.random.default_rng(seed).standard_normal((2, *g.shapes["image"]))).astype(np.float32)


def gradients(g, x, classifier, wires):
    """Return (loss, {wire: gradient}) of one classifier; the gradients include the loss weight of training."""
    outputs, tape = g.forward({"image": x}, outputs=(classifier,), train=True)
    weight = losses.head_weights(g)[classifier]
    _, by_classifier, grads = losses.weighted_sum(outputs, np.array([1, 2]), {classifier: weight})
    return float(by_classifier[classifier]), g.backward(grads, tape, wires=wires)[0]


class Survey(NamedTuple):
    """Gradient norms of the three classifiers at several layers of GoogLeNet.

    first, last : gradient norm of the main classifier's loss at the first convolution and at 5b
    with_heads : gradient norm of the weighted sum of all three losses at the first convolution
    at_4a : {classifier: gradient norm of its loss at the output of 4a}
    losses : {classifier: loss}, without loss weights
    """

    first: float
    last: float
    with_heads: float
    at_4a: dict[str, float]
    losses: dict[str, float]


def survey(g, scheme) -> Survey:
    """Initialise GoogLeNet `g` itself with the scheme, and return the Survey of one batch of noise."""
    x = images(initialise(g, scheme), scheme)
    first_losses, grads = {}, {}
    for classifier in g.outputs:
        wires = [FIRST, MIDDLE, LAST] if classifier == g.outputs[-1] else [FIRST, MIDDLE]
        first_losses[classifier], grads[classifier] = gradients(g, x, classifier, wires)
    main = grads[g.outputs[-1]]
    return Survey(
        first=norm(main[FIRST]),
        last=norm(main[LAST]),
        with_heads=norm(*(arrays[FIRST] for arrays in grads.values())),
        at_4a={classifier: norm(arrays[MIDDLE]) for classifier, arrays in grads.items()},
        losses=first_losses,
    )


def norm(*arrays) -> float:
    """Return the Euclidean norm of the sum of arrays."""
    return float(np.linalg.norm(sum(array.astype(np.float64) for array in arrays)))


def chain(scale, layers=22, width=64, batch=64, seed=0):
    """Return the gradient norm at the first layer / at the last, in a chain of 1x1 convolution, batch norm and ReLU.

    scale : standard deviation of the weights times the root of the width
    """
    rng = np.random.default_rng(seed)
    g = Graph(image=(width, 1, 1))
    wire = "image"
    for layer in range(layers):
        conv = Conv2d(width, width, 1, bias=False, rng=rng)
        conv.params["weight"][...] = scale / width**0.5 * rng.standard_normal((width, width, 1, 1))
        wire = g.add(f"conv{layer}", conv, wire)
        wire = g.add(f"norm{layer}", BatchNorm2d(width), wire)
        wire = g.add(f"relu{layer}", ReLU(), wire)
    g = g.astype(np.float64)
    outputs, tape = g.forward({"image": rng.standard_normal((batch, width, 1, 1))}, train=True)
    ends = ("norm0", f"norm{layers - 1}")
    grads, _ = g.backward({wire: rng.standard_normal(outputs[wire].shape)}, tape, wires=ends)
    first, last = (float(np.linalg.norm(grads[end])) for end in ends)
    return first / last
