"""Elementwise layers, and softmax."""

from typing import Any

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels import dropout, relu, softmax
from minigooglenet.layers.base import Gradients, Layer, any_shape
from minigooglenet.typing import Array, Rng, Shape


class ReLU(Layer):
    """max(x, 0), for any shape.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> y, cache = mg.layers.ReLU().forward(np.array([[-1.0, 2.0]]))
    >>> y
    array([[0., 2.]])
    """

    def output_shape(self, x_shape: Shape) -> Shape:
        return any_shape(self, x_shape)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        y, mask = relu.forward(x)
        return y, (mask, x.dtype)

    def infer(self, x: Array) -> Array:
        return relu.forward(x, save=False)[0]

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        mask, dtype = cache
        return (relu.backward(checks.gradient(grad_output, mask.shape, dtype), mask),), {}


class Dropout(Layer):
    """Inverted dropout, for any shape: active in training, the identity in inference.

    Parameters
    ----------
    p : fraction of the values to drop
    rng : Generator, int or None; every forward pass with train=True draws a new mask

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.Dropout(0.4).forward(np.array([[1.0, 2.0]]))[0]
    array([[1., 2.]])
    """

    _setting_names = ("p",)

    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        super().__init__()
        self.p = checks.probability(p)
        self.rng = np.random.default_rng(rng)

    def output_shape(self, x_shape: Shape) -> Shape:
        return any_shape(self, x_shape)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        if not train:
            return checks.floating(x, "x").copy(), (x.shape, x.dtype, None)
        y, mask = dropout.forward(x, self.p, self.rng)
        return y, (x.shape, x.dtype, mask)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        shape, dtype, mask = cache
        grad_output = checks.gradient(grad_output, shape, dtype)
        return (grad_output.copy() if mask is None else dropout.backward(grad_output, mask, self.p),), {}


class Softmax(Layer):
    """Logits to probabilities along the channels: axis 1 of (N, C, ...).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.Softmax().forward(np.zeros((1, 4)))[0]
    array([[0.25, 0.25, 0.25, 0.25]])
    """

    def output_shape(self, x_shape: Shape) -> Shape:
        x_shape = any_shape(self, x_shape)
        if not x_shape:
            raise ValueError("softmax needs an axis of classes: a shape (C, ...) without the batch axis, got ()")
        return x_shape

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        y = softmax.forward(x)
        return y, y.copy()  # the caller may change the output

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        return (softmax.backward(grad_output, cache),), {}
