"""The layers that work value by value, and softmax."""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels import dropout, relu, softmax
from minigooglenet.layers.base import Layer, any_shape


class ReLU(Layer):
    """max(x, 0), for any shape."""

    def output_shape(self, x_shape):
        return any_shape(self, x_shape)

    def forward(self, x, train=False):
        y, mask = relu.forward(x)
        return y, (mask, x.dtype)

    def infer(self, x):
        return relu.forward(x, save=False)[0]

    def backward(self, grad_output, cache):
        mask, dtype = cache
        return (relu.backward(checks.gradient(grad_output, mask.shape, dtype), mask),), {}


class Dropout(Layer):
    """Inverted dropout, for any shape: active while training, the identity in inference.

    `p` is the share that is dropped. `rng` (Generator, int or None) draws what to drop, anew at every training forward.
    """

    _setting_names = ("p",)

    def __init__(self, p=0.5, *, rng=None):
        super().__init__()
        self.p = checks.probability(p)
        self.rng = np.random.default_rng(rng)

    def output_shape(self, x_shape):
        return any_shape(self, x_shape)

    def forward(self, x, train=False):
        if not train:
            return checks.floating(x, "x").copy(), (x.shape, x.dtype, None)
        y, mask = dropout.forward(x, self.p, self.rng)
        return y, (x.shape, x.dtype, mask)

    def backward(self, grad_output, cache):
        shape, dtype, mask = cache
        grad_output = checks.gradient(grad_output, shape, dtype)
        return (grad_output.copy() if mask is None else dropout.backward(grad_output, mask, self.p),), {}


class Softmax(Layer):
    """Scores to probabilities along the channels: axis 1 of (N, C, ...)."""

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
