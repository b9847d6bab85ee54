"""Global max pooling."""

from typing import Any

from minigooglenet import checks
from minigooglenet.kernels import global_max_pool2d
from minigooglenet.layers.base import Gradients, Layer, map_shape
from minigooglenet.typing import Array, Shape


class GlobalMaxPool2d(Layer):
    """The maximum of each channel: (C, H, W) -> (C,). The first of equal values gets the gradient.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.layers.GlobalMaxPool2d().output_shape((1024, 7, 7))
    (1024,)
    """

    def output_shape(self, x_shape: Shape) -> Shape:
        return map_shape(self, x_shape)[:1]

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        y, argmax = global_max_pool2d.forward(x)
        return y, (argmax, x.shape[2:], x.dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        argmax, input_size, dtype = cache
        grad_output = checks.gradient(grad_output, argmax.shape, dtype)
        return (global_max_pool2d.backward(grad_output, argmax, input_size),), {}
