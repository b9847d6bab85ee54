"""The product of branches."""

from typing import Any

from minigooglenet.kernels import multiply
from minigooglenet.layers.base import Gradients, Layer, any_shape
from minigooglenet.typing import Array, Shape


class Multiply(Layer):
    """The product of two or more inputs of one shape, or of a feature map (C, H, W) with gates (C,) or (C, 1, 1).

    Gates are the second half of squeeze-and-excitation (Hu et al. 2018): one factor per channel.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.Multiply().output_shape((64, 28, 28), (64,))
    (64, 28, 28)
    >>> mg.layers.Multiply().forward(np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]]))[0]
    array([[10., 40.]])
    """

    inputs_taken = None

    def output_shape(self, *x_shapes: Shape) -> Shape:
        return multiply.output_shape(*(any_shape(self, shape) for shape in x_shapes))

    def forward(self, *xs: Array, train: bool = False) -> tuple[Array, Any]:
        return multiply.forward(*xs), xs

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        return multiply.backward(grad_output, *cache), {}
