"""The layers that work value by value, and softmax."""

import math

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels import dropout, relu, softmax
from minigooglenet.layers.base import Layer, any_shape
from minigooglenet.layers.operations import Taped, Term


class ReLU(Layer):
    """max(x, 0), for any shape."""

    apart = spreads = True

    def output_shape(self, x_shape):
        return any_shape(self, x_shape)

    def forward(self, x, train=False):
        y, passed = relu.forward(x)
        return y, (passed, x.dtype)

    def infer(self, x, out=None):
        return relu.forward(x, mask=False, out=out)[0]

    def backward(self, grad_output, cache):
        passed, dtype = cache
        return (relu.backward(checks.gradient(grad_output, passed.shape, dtype), passed),), {}

    def operations(self, x_shape):
        return [Term("compare", tuple(x_shape))]

    def taped(self, x_shape):
        return Taped(bytes=math.prod(x_shape))


class Dropout(Layer):
    """Inverted dropout, for any shape: active while training, the identity in inference.

    `p` is the share that is dropped. `rng` (Generator, int or None) draws what to drop, anew at every training forward.
    """

    apart = True

    def __init__(self, p=0.5, *, rng=None):
        super().__init__()
        self.p = checks.probability(p)
        self.rng = np.random.default_rng(rng)

    def output_shape(self, x_shape):
        return any_shape(self, x_shape)

    def forward(self, x, train=False):
        if not train:
            return checks.floating(x, "x").copy(), (x.shape, x.dtype, None)
        y, kept = dropout.forward(x, self.p, self.rng)
        return y, (x.shape, x.dtype, kept)

    def backward(self, grad_output, cache):
        shape, dtype, kept = cache
        grad_output = checks.gradient(grad_output, shape, dtype)
        return (grad_output.copy() if kept is None else dropout.backward(grad_output, kept, self.p),), {}

    def operations(self, x_shape):
        return []  # inference does nothing

    def taped(self, x_shape):
        return Taped(bytes=math.prod(x_shape))

    def settings(self):
        return {"p": self.p}


class Softmax(Layer):
    """Scores to probabilities along the channels: axis 1 of (N, C, ...)."""

    apart = True

    def output_shape(self, x_shape):
        x_shape = any_shape(self, x_shape)
        if not x_shape:
            raise ValueError("softmax needs classes: a shape (C, ...) behind the batch axis, got ()")
        return x_shape

    def forward(self, x, train=False):
        y = softmax.forward(x)
        return y, y.copy()  # the output is the caller's to change

    def backward(self, grad_output, cache):
        return (softmax.backward(grad_output, cache),), {}

    def operations(self, x_shape):
        classes, places = x_shape[0], math.prod(x_shape[1:])
        return [
            Term("compare", (classes - 1, places), "the largest"),
            Term("add", (2 * classes - 1, places), "less the largest, and the sum"),
            Term("power", (classes, places)),
            Term("divide", (classes, places)),
        ]

    def taped(self, x_shape):
        return Taped(values=math.prod(x_shape))

    def windows(self, x_shape):
        return shapes.WHOLE if len(x_shape) == 1 else None
