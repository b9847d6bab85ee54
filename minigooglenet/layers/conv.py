"""The convolution layer."""

from typing import Any

import numpy as np

from minigooglenet import checks, initializers, shapes
from minigooglenet.kernels import conv2d
from minigooglenet.layers.base import Gradients, Layer, map_shape, named_gradients
from minigooglenet.typing import Array, Padding, Pair, Rng, Shape, Size


class Conv2d(Layer):
    """A convolution: (C, H, W) -> (K, P, Q), weight (K, C/groups, R, S), bias (K,).

    Parameters
    ----------
    in_channels, out_channels : C and K
    kernel_size : R = S, or (R, S)
    stride : int or (h, w)
    padding : number of zeros at the edges: int, (h, w) or ((top, bottom), (left, right))
    groups : number of independent convolutions that the channels are split into
    dilation : int or (h, w), the distance between neighbouring kernel positions in pixels
    bias : whether the layer has a bias
    algorithm : "auto", "loops", "im2col", "numba", "winograd" or your own pair (forward, backward); see
        `kernels.conv2d`. "auto" leaves the choice to `mg.use`
    init, bias_init : initialisation of the weight (a rule of `initializers`); initial value of the bias
    rng : Generator, int or None for the weight

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> conv = mg.layers.Conv2d(3, 64, 7, stride=2, padding=3, rng=0)
    >>> conv.output_shape((3, 224, 224))
    (64, 112, 112)
    >>> y, cache = conv.forward(np.zeros((2, 3, 16, 16), np.float32))
    >>> y.shape, conv.params["weight"].shape
    ((2, 64, 8, 8), (64, 3, 7, 7))
    """

    _setting_names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "groups")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Padding = 0,
        *,
        groups: int = 1,
        dilation: Size = 1,
        bias: bool = True,
        algorithm: str | Pair = "auto",
        init: str = "he",
        bias_init: float = 0.0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        self.in_channels = shapes.integer(in_channels, "in_channels", 1)
        self.out_channels = shapes.integer(out_channels, "out_channels", 1)
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = shapes.pair(stride, "stride")
        self.padding = shapes.four_sided(padding)
        self.groups = shapes.integer(groups, "groups", 1)
        self.dilation = shapes.pair(dilation, "dilation")
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"groups must divide both channel counts: {in_channels} in, {out_channels} out, {groups} groups"
            )
        self.algorithm = algorithm  # checked now, not at the first image
        conv2d.check_algorithm(algorithm, self.kernel_size, self.stride, self.padding, self.dilation)
        group_channels = self.in_channels // self.groups
        fan_in = group_channels * self.kernel_size[0] * self.kernel_size[1]
        shape = (self.out_channels, group_channels, *self.kernel_size)
        self.params["weight"] = initializers.rule(init)(shape, fan_in, np.random.default_rng(rng))
        if bias:
            self.params["bias"] = np.full(self.out_channels, checks.number(bias_init, "bias_init"), np.float32)

    def output_shape(self, x_shape: Shape) -> Shape:
        return conv2d.output_shape(
            map_shape(self, x_shape), self._weight_shape(), self.stride, self.padding, self.groups, self.dilation
        )

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return conv2d.forward(x, **self._arguments()), x

    def backward(self, grad_output: Array, cache: Any, need_inputs: bool = True) -> Gradients:
        grads = conv2d.backward(grad_output, cache, **self._arguments(), need_inputs=need_inputs)
        grad_x, grad_weight, grad_bias = grads
        return (grad_x,), named_gradients(grad_weight, grad_bias)

    def settings(self) -> dict[str, Any]:
        # Without a dilation of 1, so that earlier versions read the file of a network that does not dilate.
        return {**super().settings(), "bias": "bias" in self.params, **conv2d.keywords_of(self.dilation)}

    def _arguments(self):
        settings = {name: getattr(self, name) for name in ("stride", "padding", "groups", "dilation", "algorithm")}
        return {"weight": self.params["weight"], "bias": self.params.get("bias"), **settings}

    def _weight_shape(self):
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size
