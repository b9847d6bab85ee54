"""Channel shuffle, between grouped convolutions."""

from typing import Any

from minigooglenet import checks, shapes
from minigooglenet.kernels import channel_shuffle
from minigooglenet.layers.base import Gradients, Layer, any_shape
from minigooglenet.typing import Array, Shape


class ChannelShuffle(Layer):
    """Another order of the channels: the first of each group, then the second of each, and so on: (C, ...) -> (C, ...).

    So the next grouped convolution reads channels of every group (Zhang et al. 2018, "ShuffleNet").

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.ChannelShuffle(2).forward(np.arange(6.0)[None])[0]
    array([[0., 3., 1., 4., 2., 5.]])
    """

    _setting_names = ("groups",)

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = shapes.integer(groups, "groups", 1)

    def output_shape(self, x_shape: Shape) -> Shape:
        x_shape = any_shape(self, x_shape)
        if not x_shape:
            raise ValueError("a channel shuffle needs channels: a shape (C, ...) without the batch axis, got ()")
        channel_shuffle.checked_groups(self.groups, x_shape[0])
        return x_shape

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return channel_shuffle.forward(x, self.groups), (x.shape, x.dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        return (channel_shuffle.backward(checks.gradient(grad_output, *cache), self.groups),), {}
