"""The convolution layer."""

import numpy as np

from minigooglenet import initializers, shapes
from minigooglenet.kernels import conv2d
from minigooglenet.layers.base import Layer, map_shape, named_gradients


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
        `kernels.conv2d`. "auto" leaves the choice to `mg.use`
    init, bias_init : how the weight starts (a rule of `initializers`) and at which value the bias does
    rng : Generator, int or None, for the weight
    """

    _setting_names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "groups")

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
        self.algorithm = algorithm
        conv2d.check_algorithm(algorithm, self.kernel_size, self.stride, self.padding)  # not only at the first image
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

    def backward(self, grad_output, cache, need_inputs=True):
        grads = conv2d.backward(grad_output, cache, *self._arguments(), need_inputs=need_inputs)
        grad_x, grad_weight, grad_bias = grads
        return (grad_x,), named_gradients(grad_weight, grad_bias)

    def settings(self):
        return {**super().settings(), "bias": "bias" in self.params}

    def _arguments(self):
        return self.params["weight"], self.params.get("bias"), self.stride, self.padding, self.groups, self.algorithm

    def _weight_shape(self):
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size
