"""The linear layer, and the flattening before it."""

import math

import numpy as np

from minigooglenet import checks, initializers, shapes
from minigooglenet.kernels import linear
from minigooglenet.layers.base import Layer, any_shape, named_gradients


class Linear(Layer):
    """y = weight @ x + bias: (I,) -> (O,), weight (O, I), bias (O,).

    `init`, `bias_init` and `rng` are those of Conv2d.
    """

    def __init__(self, in_features, out_features, *, bias=True, init="he", bias_init=0.0, rng=None):
        super().__init__()
        self.in_features = shapes.integer(in_features, "in_features", 1)
        self.out_features = shapes.integer(out_features, "out_features", 1)
        shape = (self.out_features, self.in_features)
        self.params["weight"] = initializers.rule(init)(shape, self.in_features, np.random.default_rng(rng))
        if bias:
            self.params["bias"] = np.full(self.out_features, bias_init, np.float32)

    def output_shape(self, x_shape):
        return linear.output_shape(any_shape(self, x_shape), (self.out_features, self.in_features))

    def forward(self, x, train=False):
        return linear.forward(x, self.params["weight"], self.params.get("bias")), x

    def backward(self, grad_output, cache):
        weight, bias = self.params["weight"], self.params.get("bias")
        grad_x, grad_weight, grad_bias = linear.backward(grad_output, cache, weight, bias)
        return (grad_x,), named_gradients(grad_weight, grad_bias)

    def settings(self):
        return {"in_features": self.in_features, "out_features": self.out_features, "bias": "bias" in self.params}


class Flatten(Layer):
    """Any shape to one axis: (C, H, W) -> (C * H * W,), channel by channel, row by row."""

    def output_shape(self, x_shape):
        return (math.prod(any_shape(self, x_shape)),)

    def forward(self, x, train=False):
        return checks.floating(x, "x").reshape(len(x), -1).copy(), (x.shape, x.dtype)

    def backward(self, grad_output, cache):
        shape, dtype = cache
        grad_output = checks.gradient(grad_output, (shape[0], math.prod(shape[1:])), dtype)
        return (grad_output.reshape(shape).copy(),), {}
