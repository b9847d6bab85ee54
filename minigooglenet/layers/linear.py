"""The linear layer, and the flatten layer before it."""

import math
from typing import Any

import numpy as np

from minigooglenet import checks, initializers, shapes
from minigooglenet.kernels import linear
from minigooglenet.layers.base import Gradients, Layer, any_shape, named_gradients
from minigooglenet.typing import Array, Rng, Shape


class Linear(Layer):
    """y = weight @ x + bias: (I,) -> (O,), weight (O, I), bias (O,).

    `init`, `bias_init` and `rng` have the same meaning as in Conv2d.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> fc = mg.layers.Linear(1024, 10, rng=0)
    >>> fc.forward(np.zeros((2, 1024), np.float32))[0].shape
    (2, 10)
    >>> fc
    Linear(in_features=1024, out_features=10, bias=True)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        init: str = "he",
        bias_init: float = 0.0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        self.in_features = shapes.integer(in_features, "in_features", 1)
        self.out_features = shapes.integer(out_features, "out_features", 1)
        shape = (self.out_features, self.in_features)
        self.params["weight"] = initializers.rule(init)(shape, self.in_features, np.random.default_rng(rng))
        if bias:
            self.params["bias"] = np.full(self.out_features, checks.number(bias_init, "bias_init"), np.float32)

    def output_shape(self, x_shape: Shape) -> Shape:
        return linear.output_shape(any_shape(self, x_shape), (self.out_features, self.in_features))

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return linear.forward(x, self.params["weight"], self.params.get("bias")), x

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        weight, bias = self.params["weight"], self.params.get("bias")
        grad_x, grad_weight, grad_bias = linear.backward(grad_output, cache, weight, bias)
        return (grad_x,), named_gradients(grad_weight, grad_bias)

    def settings(self) -> dict[str, Any]:
        return {"in_features": self.in_features, "out_features": self.out_features, "bias": "bias" in self.params}


class Flatten(Layer):
    """Any shape to one axis: (C, H, W) -> (C * H * W,), channel by channel, row by row.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.layers.Flatten().output_shape((1024, 7, 7))
    (50176,)
    """

    def output_shape(self, x_shape: Shape) -> Shape:
        return (math.prod(any_shape(self, x_shape)),)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return checks.floating(x, "x").reshape(len(x), -1).copy(), (x.shape, x.dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        shape, dtype = cache
        grad_output = checks.gradient(grad_output, (shape[0], math.prod(shape[1:])), dtype)
        return (grad_output.reshape(shape).copy(),), {}
