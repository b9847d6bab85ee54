"""The pooling layers."""

from itertools import starmap

from minigooglenet import checks, shapes
from minigooglenet.kernels import adaptive_avg_pool2d, avg_pool2d, global_avg_pool2d, max_pool2d, pooling
from minigooglenet.layers.base import Layer, map_shape
from minigooglenet.layers.operations import Taped, Term


class _Pool(Layer):
    """What the two windowed poolings share: (C, H, W) -> (C, P, Q)."""

    def __init__(self, kernel_size, stride=None, padding=0, *, ceil_mode=False):
        super().__init__()
        self.kernel_size, self.stride, self.padding = pooling.settings(kernel_size, stride, padding)
        self.ceil_mode = bool(ceil_mode)

    def output_shape(self, x_shape):
        channels, *size = map_shape(self, x_shape)
        return channels, *shapes.output_size(
            size, self.kernel_size, self.stride, self.padding, ceil_mode=self.ceil_mode
        )

    def window(self, x_shape):
        return self.kernel_size, self.stride

    def settings(self):
        return {
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "ceil_mode": self.ceil_mode,
        }

    def _further_values(self, x_shape):
        """Return how many values all windows of one channel hold beyond the first of each (padding left out)."""
        _, *windows = self.output_shape(x_shape)
        seen = 1
        for axis in range(2):
            along = (x_shape[1 + axis], self.kernel_size[axis], self.stride[axis], self.padding[axis][0])
            ranges = [shapes.real_window(i, *along) for i in range(windows[axis])]
            seen *= sum(end - start for start, end in ranges)
        return seen - windows[0] * windows[1]


class MaxPool2d(_Pool):
    """The largest value of each window: (C, H, W) -> (C, P, Q). Ties go to the first, padding never wins.

    Parameters
    ----------
    kernel_size, stride : int or (h, w); the stride is the kernel size unless given
    padding : int, (h, w) or ((top, bottom), (left, right)), at most kernel - 1 on a side
    ceil_mode : round the output size up, as GoogLeNet's pools do; a last window that would start at or beyond H + top
        padding is dropped
    """

    apart = spreads = True

    def forward(self, x, train=False):
        y, winners = max_pool2d.forward(x, self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return y, (winners, x.shape[2:], x.dtype)

    def bind(self, x, out, images):
        return max_pool2d.bind(x, self.kernel_size, self.stride, self.padding, out)

    def infer(self, x, out=None):
        settings = self.kernel_size, self.stride, self.padding, self.ceil_mode
        return max_pool2d.forward(x, *settings, winners=False, out=out)[0]

    def backward(self, grad_output, cache):
        winners, input_size, dtype = cache
        grad_output = checks.gradient(grad_output, winners.shape, dtype)
        grad_x = max_pool2d.backward(grad_output, winners, input_size, self.kernel_size, self.stride, self.padding)
        return (grad_x,), {}

    def operations(self, x_shape):
        return [Term("compare", (x_shape[0], self._further_values(x_shape)), "further values of all windows")]

    def taped(self, x_shape):
        channels, height, width = self.output_shape(x_shape)
        return Taped(bytes=channels * height * width * max_pool2d.winner_bytes(self.kernel_size))


class AvgPool2d(_Pool):
    """The mean of each window: (C, H, W) -> (C, P, Q).

    The settings are those of MaxPool2d, and `count_include_pad`: whether the divisor counts padding. The overhang of a
    ceil window is never counted.
    """

    apart = spreads = True

    def __init__(self, kernel_size, stride=None, padding=0, *, ceil_mode=False, count_include_pad=True):
        super().__init__(kernel_size, stride, padding, ceil_mode=ceil_mode)
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x, train=False):
        y = self._averages(x)
        return y, (x.shape[2:], y.shape, x.dtype)

    def bind(self, x, out, images):
        return avg_pool2d.bind(x, self.kernel_size, self.stride, self.padding, self.count_include_pad, out)

    def infer(self, x, out=None):
        return self._averages(x, out)

    def _averages(self, x, out=None):
        settings = self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        return avg_pool2d.forward(x, *settings, out=out)

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

    def operations(self, x_shape):
        return [
            Term("add", (x_shape[0], self._further_values(x_shape)), "further values of all windows"),
            Term("divide", self.output_shape(x_shape)),
        ]

    def taped(self, x_shape):
        return Taped()

    def settings(self):
        return {**super().settings(), "count_include_pad": self.count_include_pad}


class AdaptiveAvgPool2d(Layer):
    """The mean of each of P x Q windows that together cover any map: (C, H, W) -> (C, P, Q).

    Parameters
    ----------
    output_size : int or (P, Q)
    """

    apart = spreads = True

    def __init__(self, output_size):
        super().__init__()
        self.output_size = shapes.pair(output_size, "output_size")

    def output_shape(self, x_shape):
        return map_shape(self, x_shape)[0], *self.output_size

    def forward(self, x, train=False):
        return adaptive_avg_pool2d.forward(x, self.output_size), (x.shape, x.dtype)

    def infer(self, x, out=None):
        return adaptive_avg_pool2d.forward(x, self.output_size, out=out)

    def backward(self, grad_output, cache):
        shape, dtype = cache
        grad_output = checks.gradient(grad_output, (*shape[:2], *self.output_size), dtype)
        return (adaptive_avg_pool2d.backward(grad_output, shape[2:]),), {}

    def operations(self, x_shape):
        y_shape = self.output_shape(x_shape)
        height, width = (sum(lengths) for lengths in self._lengths(x_shape))
        further = height * width - y_shape[1] * y_shape[2]
        return [Term("add", (x_shape[0], further), "further values of all windows"), Term("divide", y_shape)]

    def taped(self, x_shape):
        return Taped()

    def window(self, x_shape):
        """Return the largest window, and how far apart two windows are on average, rounded down."""
        kernel_size = tuple(max(lengths) for lengths in self._lengths(x_shape))
        stride = (max(1, size // count) for size, count in zip(x_shape[1:], self.output_size, strict=True))
        return kernel_size, tuple(stride)

    def windows(self, x_shape):
        return tuple(starmap(shapes.adaptive_windows, zip(x_shape[1:], self.output_size, strict=True)))

    def settings(self):
        return {"output_size": self.output_size}

    def _lengths(self, x_shape):
        """Return the lengths of all windows along each axis."""
        return [[end - start for start, end in zip(*axis[:2], strict=True)] for axis in self.windows(x_shape)]


class GlobalAvgPool2d(Layer):
    """The mean of each channel's map: (C, H, W) -> (C,)."""

    apart = True

    def output_shape(self, x_shape):
        return map_shape(self, x_shape)[:1]

    def forward(self, x, train=False):
        return global_avg_pool2d.forward(x), (x.shape, x.dtype)

    def backward(self, grad_output, cache):
        shape, dtype = cache
        return (global_avg_pool2d.backward(checks.gradient(grad_output, shape[:2], dtype), shape[2:]),), {}

    def operations(self, x_shape):
        channels, height, width = map_shape(self, x_shape)
        return [Term("add", (channels, height * width - 1)), Term("divide", (channels,))]

    def taped(self, x_shape):
        return Taped()

    def window(self, x_shape):
        return tuple(x_shape[1:]), (1, 1)

    def windows(self, x_shape):
        return shapes.WHOLE
