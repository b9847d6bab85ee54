"""Elementwise layers, for any shape. They share one operation, `kernels.elementwise`."""

from typing import Any, ClassVar

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels import elementwise
from minigooglenet.layers.base import Gradients, Layer, any_shape
from minigooglenet.typing import Array, Shape


class Elementwise(Layer):
    """The base class: one function, applied value by value."""

    function: ClassVar[str]

    @property
    def parameters(self) -> tuple[float, ...]:
        """The parameters of the function."""
        return ()

    def output_shape(self, x_shape: Shape) -> Shape:
        return any_shape(self, x_shape)

    def forward(self, x: Array, train: bool = False) -> tuple[Array, Any]:
        return elementwise.forward(x, self.function, self.parameters), x

    def backward(self, grad_output: Array, cache: Any) -> Gradients:
        return (elementwise.backward(grad_output, cache, self.function, self.parameters),), {}


class Clip(Elementwise):
    """min(max(x, low), high). The gradient is zero at and beyond the bounds, as in PyTorch's Hardtanh.

    Parameters
    ----------
    low, high : bounds; None means unbounded, as an infinite bound does

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.Clip(-1, 1).forward(np.array([[-3.0, 0.5, 3.0]]))[0]
    array([[-1. ,  0.5,  1. ]])
    """

    function = "clip"
    _setting_names: tuple[str, ...] = ("low", "high")

    def __init__(self, low: float | None, high: float | None) -> None:
        super().__init__()
        self.low = None if low in (None, -np.inf) else checks.number(low, "low")
        self.high = None if high in (None, np.inf) else checks.number(high, "high")
        elementwise.check_bounds(*self.parameters)

    @property
    def parameters(self) -> tuple[float, ...]:
        """The bounds, infinite where the layer has none."""
        return -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high


class ReLU6(Clip):
    """min(max(x, 0), 6), MobileNet's activation: a Clip.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.ReLU6().forward(np.array([[-1.0, 3.0, 8.0]]))[0]
    array([[0., 3., 6.]])
    """

    _setting_names = ()

    def __init__(self) -> None:
        super().__init__(0.0, 6.0)


class LeakyReLU(Elementwise):
    """x above 0, slope * x elsewhere.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.LeakyReLU(0.1).forward(np.array([[-2.0, 2.0]]))[0]
    array([[-0.2,  2. ]])
    """

    function = "leaky_relu"
    _setting_names = ("slope",)

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = checks.number(slope, "slope")

    @property
    def parameters(self) -> tuple[float, ...]:
        """The slope."""
        return (self.slope,)


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x)), without overflow.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.Sigmoid().forward(np.array([[-1000.0, 0.0, 1000.0]]))[0]
    array([[0. , 0.5, 1. ]])
    """

    function = "sigmoid"


class Tanh(Elementwise):
    """The hyperbolic tangent.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.Tanh().forward(np.array([[-1000.0, 0.0, 1000.0]]))[0]
    array([[-1.,  0.,  1.]])
    """

    function = "tanh"


class HardSwish(Elementwise):
    """x * min(max(x + 3, 0), 6) / 6 (MobileNetV3).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.HardSwish().forward(np.array([[-4.0, 0.0, 1.5, 4.0]]))[0]
    array([[-0.   ,  0.   ,  1.125,  4.   ]])
    """

    function = "hard_swish"


class SiLU(Elementwise):
    """x * sigmoid(x), also called Swish (EfficientNet).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.layers.SiLU().forward(np.array([[-1000.0, 0.0, 1000.0]]))[0]
    array([[  -0.,    0., 1000.]])
    """

    function = "silu"
