"""A range of channels, as one output of a split."""

from typing import Any

from minigooglenet import checks
from minigooglenet.kernels import channel_slice
from minigooglenet.layers.base import Gradients, Layer, any_shape
from minigooglenet.typing import Array, Shape


class ChannelSlice(Layer):
    """The channels from `start` to `stop`, without `stop`: (C, ...) -> (stop - start, ...).

    ShuffleNet V2 (Ma et al. 2018) splits its channels and convolves only one half.

    Parameters
    ----------
    start, stop : 0 <= start < stop <= C

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.ChannelSlice(2, 4).forward(np.arange(6.0)[None])[0]
    array([[2., 3.]])
    """

    _setting_names = ("start", "stop")

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = channel_slice.checked_range(start, stop)

    def output_shape(self, x_shape: Shape) -> Shape:
        x_shape = any_shape(self, x_shape)
        if not x_shape:
            raise ValueError("a channel slice needs channels: a shape (C, ...) without the batch axis, got ()")
        start, stop = channel_slice.checked_range(self.start, self.stop, x_shape[0])
        return stop - start, *x_shape[1:]

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        y = channel_slice.forward(x, self.start, self.stop)
        return y, (y.shape, y.dtype, x.shape[1])

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        y_shape, dtype, channels = cache
        return (channel_slice.backward(checks.gradient(grad_output, y_shape, dtype), self.start, channels),), {}
