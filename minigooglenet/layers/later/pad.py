"""Padding as a layer of its own, for paddings that no convolution or pool has."""

from typing import Any

from minigooglenet import checks, shapes
from minigooglenet.kernels import pad
from minigooglenet.layers.base import Gradients, Layer, map_shape
from minigooglenet.typing import Array, Padding, Shape


class Pad(Layer):
    """Rows and columns of one value around each channel: (C, H, W) -> (C, H + top + bottom, W + left + right).

    Parameters
    ----------
    padding : int, (h, w) or ((top, bottom), (left, right))
    value : of the padding

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.layers.Pad(((0, 1), (0, 1))).output_shape((3, 224, 224))
    (3, 225, 225)
    """

    _setting_names = ("padding", "value")

    def __init__(self, padding: Padding, value: float = 0.0) -> None:
        super().__init__()
        self.padding = shapes.four_sided(padding)
        self.value = checks.number(value, "value")

    def output_shape(self, x_shape: Shape) -> Shape:
        channels, *size = map_shape(self, x_shape)
        return channels, *pad.output_size(tuple(size), self.padding)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        y = pad.forward(x, self.padding, self.value)
        return y, (y.shape, y.dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        return (pad.backward(checks.gradient(grad_output, *cache), self.padding),), {}
