"""Layers that join branches."""

from typing import Any

from minigooglenet import checks
from minigooglenet.kernels import add, concat
from minigooglenet.layers.base import Gradients, Layer, any_shape
from minigooglenet.typing import Array, Shape


class Concat(Layer):
    """Concatenation along the channels: (C1, ...), (C2, ...) -> (C1 + C2, ...).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.layers.Concat().output_shape((64, 28, 28), (128, 28, 28), (32, 28, 28), (32, 28, 28))
    (256, 28, 28)
    """

    inputs_taken = None

    def output_shape(self, *x_shapes: Shape) -> Shape:
        return concat.output_shape(*(any_shape(self, shape) for shape in x_shapes))

    def forward(self, *xs: Array, train: bool = False) -> tuple[Array, Any]:
        y = concat.forward(*xs)
        return y, (y.shape, y.dtype, [x.shape[1] for x in xs])

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        y_shape, dtype, channels = cache
        return concat.backward(checks.gradient(grad_output, y_shape, dtype), channels), {}


class Add(Layer):
    """The sum of inputs of one shape.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.Add().forward(np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]]))[0]
    array([[11., 22.]])
    """

    inputs_taken = None

    def output_shape(self, *x_shapes: Shape) -> Shape:
        return add.output_shape(*(any_shape(self, shape) for shape in x_shapes))

    def forward(self, *xs: Array, train: bool = False) -> tuple[Array, Any]:
        return add.forward(*xs), (len(xs), xs[0].shape, xs[0].dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        count, shape, dtype = cache
        return add.backward(checks.gradient(grad_output, shape, dtype), count), {}
