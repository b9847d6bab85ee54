"""The pooling layers."""

from typing import Any

from minigooglenet import checks, shapes
from minigooglenet.kernels import adaptive_avg_pool2d, avg_pool2d, global_avg_pool2d, max_pool2d
from minigooglenet.layers.base import Gradients, Layer, map_shape
from minigooglenet.typing import Array, Padding, Shape, Size


class Pool(Layer):
    """The base class of MaxPool2d and AvgPool2d: (C, H, W) -> (C, P, Q)."""

    _setting_names: tuple[str, ...] = ("kernel_size", "stride", "padding", "ceil_mode")

    def __init__(
        self, kernel_size: Size, stride: Size | None = None, padding: Padding = 0, *, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = shapes.pool_settings(kernel_size, stride, padding)
        self.ceil_mode = bool(ceil_mode)

    def output_shape(self, x_shape: Shape) -> Shape:
        channels, height, width = map_shape(self, x_shape)
        windows = self.kernel_size, self.stride, self.padding
        return channels, *shapes.output_size((height, width), *windows, ceil_mode=self.ceil_mode)


class MaxPool2d(Pool):
    """The maximum of each window: (C, H, W) -> (C, P, Q). Padding is never the maximum.

    Parameters
    ----------
    kernel_size, stride : int or (h, w); the stride is the kernel size by default
    padding : int, (h, w) or ((top, bottom), (left, right)), at most kernel - 1 on a side
    ceil_mode : round the output size up, as GoogLeNet's pools do; a last window that would start at or beyond H + top
        padding is dropped

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> pool = mg.layers.MaxPool2d(3, stride=2, ceil_mode=True)
    >>> pool.output_shape((64, 112, 112))
    (64, 56, 56)
    >>> pool.forward(np.arange(25.0).reshape(1, 1, 5, 5))[0]
    array([[[[12., 14.],
             [22., 24.]]]])
    """

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        y, argmax = max_pool2d.forward(x, self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return y, (argmax, x.shape[2:], x.dtype)

    def infer(self, x: Array) -> Array:
        return max_pool2d.forward(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, save=False)[0]

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        argmax, input_size, dtype = cache
        grad_output = checks.gradient(grad_output, argmax.shape, dtype)
        grad_x = max_pool2d.backward(grad_output, argmax, input_size, self.kernel_size, self.stride, self.padding)
        return (grad_x,), {}


class AvgPool2d(Pool):
    """The mean of each window: (C, H, W) -> (C, P, Q).

    The hyperparameters are those of MaxPool2d, and `count_include_pad`: whether the divisor counts padding. It never
    counts the out-of-bounds part of a ceil-mode window.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.AvgPool2d(2).forward(np.arange(16.0).reshape(1, 1, 4, 4))[0]
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """

    _setting_names = (*Pool._setting_names, "count_include_pad")

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Padding = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode=ceil_mode)
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        windows = self.kernel_size, self.stride, self.padding
        y = avg_pool2d.forward(x, *windows, self.ceil_mode, self.count_include_pad)
        return y, (x.shape[2:], y.shape, x.dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        input_size, y_shape, dtype = cache
        grad_x = avg_pool2d.backward(
            checks.gradient(grad_output, y_shape, dtype),
            input_size,
            self.kernel_size,
            self.stride,
            self.padding,
            self.count_include_pad,
        )
        return (grad_x,), {}


class AdaptiveAvgPool2d(Layer):
    """The mean of each of P x Q windows that cover an input of any size: (C, H, W) -> (C, P, Q).

    Parameters
    ----------
    output_size : int or (P, Q)

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.layers.AdaptiveAvgPool2d(4).output_shape((512, 14, 14))
    (512, 4, 4)
    """

    _setting_names = ("output_size",)

    def __init__(self, output_size: Size) -> None:
        super().__init__()
        self.output_size = shapes.pair(output_size, "output_size")

    def output_shape(self, x_shape: Shape) -> Shape:
        return map_shape(self, x_shape)[0], *self.output_size

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return adaptive_avg_pool2d.forward(x, self.output_size), (x.shape, x.dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        shape, dtype = cache
        grad_output = checks.gradient(grad_output, (*shape[:2], *self.output_size), dtype)
        return (adaptive_avg_pool2d.backward(grad_output, shape[2:]),), {}


class GlobalAvgPool2d(Layer):
    """The mean of each channel: (C, H, W) -> (C,).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.layers.GlobalAvgPool2d().output_shape((1024, 7, 7))
    (1024,)
    """

    def output_shape(self, x_shape: Shape) -> Shape:
        return map_shape(self, x_shape)[:1]

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return global_avg_pool2d.forward(x), (x.shape, x.dtype)

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        shape, dtype = cache
        return (global_avg_pool2d.backward(checks.gradient(grad_output, shape[:2], dtype), shape[2:]),), {}
