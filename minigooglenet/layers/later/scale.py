"""A factor and an offset for each channel."""

from typing import Any

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels import scale
from minigooglenet.layers.base import Gradients, Layer, any_shape, named_gradients
from minigooglenet.typing import Array, Shape


class Scale(Layer):
    """y = x * weight + bias, channel by channel: (C, ...) -> (C, ...), weight and bias (C,).

    Trained, it is the second half of batch normalisation. Not trained, it is the factor of a residual branch
    (Inception-ResNet-v2: 0.17) or the preprocessing of images.

    Parameters
    ----------
    channels : C
    init : first value of each weight; each bias begins with 0
    bias : whether the layer has a bias
    trained : whether weight and bias are trained, so in `params`, or constant, in `buffers`

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> residual = mg.layers.Scale(2, init=0.5, bias=False, trained=False)
    >>> residual.forward(np.array([[2.0, 4.0]]))[0], residual.params, residual.buffers
    (array([[1., 2.]]), {}, {'weight': array([0.5, 0.5], dtype=float32)})
    """

    _setting_names = ("channels",)

    def __init__(self, channels: int, *, init: float = 1.0, bias: bool = True, trained: bool = True) -> None:
        super().__init__()
        self.channels = shapes.integer(channels, "channels", 1)
        arrays = self.params if trained else self.buffers
        arrays["weight"] = np.full(self.channels, checks.number(init, "init"), np.float32)
        if bias:
            arrays["bias"] = np.zeros(self.channels, np.float32)

    @property
    def trained(self) -> bool:
        """Whether weight and bias are parameters."""
        return "weight" in self.params

    def output_shape(self, x_shape: Shape) -> Shape:
        return scale.output_shape(any_shape(self, x_shape), self.channels)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return scale.forward(x, *self.arrays()), x

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        grad_x, grad_weight, grad_bias = scale.backward(grad_output, cache, *self.arrays())
        return (grad_x,), named_gradients(grad_weight, grad_bias) if self.trained else {}

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "bias": self.arrays()[1] is not None, "trained": self.trained}

    def arrays(self) -> tuple[Array, Array | None]:
        """Return the weight, and the bias or None."""
        arrays = {**self.params, **self.buffers}
        return arrays["weight"], arrays.get("bias")
