"""The convolution layer."""

import numpy as np

from minigooglenet import initializers, shapes
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.fast import winograd
from minigooglenet.layers.base import Layer, map_shape, named_gradients
from minigooglenet.layers.fused import FusedConv2d, regular
from minigooglenet.layers.operations import Taped, Term


class Conv2d(Layer):
    """A convolution: (C, H, W) -> (K, P, Q), weight (K, C/groups, R, S), bias (K,).

    Parameters
    ----------
    in_channels, out_channels : C and K
    kernel_size : R = S, or (R, S)
    stride : int or (h, w)
    padding : int, (h, w) or ((top, bottom), (left, right)); zeros
    groups : into how many independent convolutions the channels are split
    bias : whether there is one
    algorithm : "auto", "loops", "im2col", "numba", "winograd" or your own pair (forward, backward); see
        `kernels.conv2d`. "auto" chooses between "numba" and "winograd", which is faster and ten times less exact
    init, bias_init : how the weight starts (a rule of `initializers`) and at which value the bias does
    rng : Generator, int or None, for the weight
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        *,
        groups=1,
        bias=True,
        algorithm="auto",
        init="he",
        bias_init=0.0,
        rng=None,
    ):
        super().__init__()
        self.in_channels = shapes.integer(in_channels, "in_channels", 1)
        self.out_channels = shapes.integer(out_channels, "out_channels", 1)
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = shapes.pair(stride, "stride")
        self.padding = shapes.four_sided(padding)
        self.groups = shapes.integer(groups, "groups", 1)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"groups must divide both channel counts: {in_channels} in, {out_channels} out, {groups} groups"
            )
        conv2d.functions(algorithm)  # a wrong name is refused here, not at the first image
        self.algorithm = algorithm
        if isinstance(algorithm, str) and algorithm == "winograd":
            winograd.check((0, 0, *self.kernel_size), self.stride, self.padding)
        group_channels = self.in_channels // self.groups
        fan_in = group_channels * self.kernel_size[0] * self.kernel_size[1]
        shape = (self.out_channels, group_channels, *self.kernel_size)
        self.params["weight"] = initializers.rule(init)(shape, fan_in, np.random.default_rng(rng))
        if bias:
            self.params["bias"] = np.full(self.out_channels, bias_init, np.float32)

    def output_shape(self, x_shape):
        return conv2d.output_shape(
            map_shape(self, x_shape), self._weight_shape(), self.stride, self.padding, self.groups
        )

    def forward(self, x, train=False):
        return conv2d.forward(x, *self._arguments()), x

    def infer(self, x, out=None):
        return conv2d.forward(x, *self._arguments(), out=out)

    def planned(self, followers):
        weight, bias = self.params.get("weight"), self.params.get("bias")
        usual = regular(weight, self._weight_shape()) and (bias is None or regular(bias, (self.out_channels,)))
        if not usual or not isinstance(self.algorithm, str):
            return super().planned(followers)  # a reader's own convolution stays as it is, and so do wrong arrays
        fused = FusedConv2d(self, followers)
        return fused, len(fused.taken)

    @property
    def apart(self):
        return isinstance(self.algorithm, str)

    def backward(self, grad_output, cache):
        grad_x, grad_weight, grad_bias = conv2d.backward(grad_output, cache, *self._arguments())
        return (grad_x,), named_gradients(grad_weight, grad_bias)

    def backward_params(self, grad_output, cache):
        _, grad_weight, grad_bias = conv2d.backward(grad_output, cache, *self._arguments(), inputs=False)
        return named_gradients(grad_weight, grad_bias)

    def operations(self, x_shape):
        filters, height, width = self.output_shape(x_shape)
        factors = (self.in_channels // self.groups, filters, *self.kernel_size, height, width)
        terms = [Term("mac", factors), Term("grad_input_mac", factors), Term("grad_weight_mac", factors)]
        return [*terms, Term("add", (filters, height, width), "bias")] if "bias" in self.params else terms

    def taped(self, x_shape):
        return Taped(inputs=True)

    def window(self, x_shape):
        return self.kernel_size, self.stride

    def settings(self):
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "groups": self.groups,
            "bias": "bias" in self.params,
        }

    def _arguments(self):
        return self.params["weight"], self.params.get("bias"), self.stride, self.padding, self.groups, self.algorithm

    def _weight_shape(self):
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size
