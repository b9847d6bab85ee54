"""The pooling layers."""

from minigooglenet import checks, shapes
from minigooglenet.kernels import adaptive_avg_pool2d, avg_pool2d, global_avg_pool2d, max_pool2d
from minigooglenet.layers.base import Layer, map_shape


class Pool(Layer):
    """What the two windowed poolings share: (C, H, W) -> (C, P, Q)."""

    _setting_names = ("kernel_size", "stride", "padding", "ceil_mode")

    def __init__(self, kernel_size, stride=None, padding=0, *, ceil_mode=False):
        super().__init__()
        self.kernel_size, self.stride, self.padding = shapes.pool_settings(kernel_size, stride, padding)
        self.ceil_mode = bool(ceil_mode)

    def output_shape(self, x_shape):
        channels, *size = map_shape(self, x_shape)
        return channels, *shapes.output_size(
            size, self.kernel_size, self.stride, self.padding, ceil_mode=self.ceil_mode
        )


class MaxPool2d(Pool):
    """The largest value of each window: (C, H, W) -> (C, P, Q). Ties go to the first, padding never wins.

    Parameters
    ----------
    kernel_size, stride : int or (h, w); the stride is the kernel size unless given
    padding : int, (h, w) or ((top, bottom), (left, right)), at most kernel - 1 on a side
    ceil_mode : round the output size up, as GoogLeNet's pools do; a last window that would start at or beyond H + top
        padding is dropped
    """

    def forward(self, x, train=False):
        y, argmax = max_pool2d.forward(x, self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return y, (argmax, x.shape[2:], x.dtype)

    def infer(self, x):
        return max_pool2d.forward(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, save=False)[0]

    def backward(self, grad_output, cache):
        argmax, input_size, dtype = cache
        grad_output = checks.gradient(grad_output, argmax.shape, dtype)
        grad_x = max_pool2d.backward(grad_output, argmax, input_size, self.kernel_size, self.stride, self.padding)
        return (grad_x,), {}


class AvgPool2d(Pool):
    """The mean of each window: (C, H, W) -> (C, P, Q).

    The settings are those of MaxPool2d, and `count_include_pad`: whether the divisor counts padding. The overhang of a
    ceil window is never counted.
    """

    _setting_names = (*Pool._setting_names, "count_include_pad")

    def __init__(self, kernel_size, stride=None, padding=0, *, ceil_mode=False, count_include_pad=True):
        super().__init__(kernel_size, stride, padding, ceil_mode=ceil_mode)
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x, train=False):
        settings = self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        y = avg_pool2d.forward(x, *settings)
        return y, (x.shape[2:], y.shape, x.dtype)

    def backward(self, grad_output, cache):
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
    """The mean of each of P x Q windows that together cover any map: (C, H, W) -> (C, P, Q).

    Parameters
    ----------
    output_size : int or (P, Q)
    """

    _setting_names = ("output_size",)

    def __init__(self, output_size):
        super().__init__()
        self.output_size = shapes.pair(output_size, "output_size")

    def output_shape(self, x_shape):
        return map_shape(self, x_shape)[0], *self.output_size

    def forward(self, x, train=False):
        return adaptive_avg_pool2d.forward(x, self.output_size), (x.shape, x.dtype)

    def backward(self, grad_output, cache):
        shape, dtype = cache
        grad_output = checks.gradient(grad_output, (*shape[:2], *self.output_size), dtype)
        return (adaptive_avg_pool2d.backward(grad_output, shape[2:]),), {}


class GlobalAvgPool2d(Layer):
    """The mean of each channel's map: (C, H, W) -> (C,)."""

    def output_shape(self, x_shape):
        return map_shape(self, x_shape)[:1]

    def forward(self, x, train=False):
        return global_avg_pool2d.forward(x), (x.shape, x.dtype)

    def backward(self, grad_output, cache):
        shape, dtype = cache
        return (global_avg_pool2d.backward(checks.gradient(grad_output, shape[:2], dtype), shape[2:]),), {}
