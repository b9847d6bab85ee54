"""Elementwise functions of later networks: one operation for all of them. NaN stays NaN.

- "clip": min(max(x, low), high), with parameters (low, high); ReLU6 (MobileNet) is clip with (0, 6)
- "leaky_relu": x above 0, slope * x elsewhere, with parameters (slope,)
- "sigmoid": 1 / (1 + exp(-x))
- "tanh"
- "hard_swish": x * min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, "Searching for MobileNetV3", section 5.2)
- "silu": x * sigmoid(x), also called Swish (Ramachandran et al. 2017)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.names import unknown
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]

# {function: names of its parameters}
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "clip": ("low", "high"),
    "leaky_relu": ("slope",),
    "sigmoid": (),
    "tanh": (),
    "hard_swish": (),
    "silu": (),
}
UNBOUNDED = {"low": -np.inf, "high": np.inf}
KINKED = ("clip", "leaky_relu", "hard_swish")  # no complex step: they compare


@flushed
def forward(x: Array, function: str, parameters: Sequence[float] = ()) -> Array:
    """Return y = function(x), value by value, for x of any shape.

    Parameters
    ----------
    x : float32 or float64; also complex128 for "sigmoid", "tanh" and "silu", which are analytic
    function : "clip", "leaky_relu", "sigmoid", "tanh", "hard_swish" or "silu"
    parameters : (low, high) of "clip", where -inf and inf mean no bound; (slope,) of "leaky_relu"; else ()

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.elementwise.forward(np.array([-2.0, 1.0, 7.0]), "clip", (0, 6))
    array([0., 1., 6.])
    >>> mg.kernels.elementwise.forward(np.array([-1000.0, 0.0, 1000.0]), "sigmoid")
    array([0. , 0.5, 1. ])
    """
    parameters = _checked(x, function, parameters)
    y = form_of("elementwise", x.dtype).forward(x, function, parameters)
    return returned("elementwise", "forward", y, (x.shape, x.dtype))


@flushed
def backward(grad_y: Array, x: Array, function: str, parameters: Sequence[float] = ()) -> Array:
    """Return grad_x: grad_y times the derivative at x.

    At a kink, the derivative is that of the flat side: 0 at both bounds of "clip" and at -3 of "hard_swish", which is
    1 at 3; at 0, that of "leaky_relu" is its slope. PyTorch's `hardtanh`, `hardswish` and `leaky_relu` do the same.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.elementwise.backward(np.ones(4), np.array([-2.0, 0.0, 1.0, 6.0]), "clip", (0, 6))
    array([0., 0., 1., 0.])
    """
    parameters = _checked(x, function, parameters)
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    grad_x = form_of("elementwise", x.dtype).backward(grad_y, x, function, parameters)
    return returned("elementwise", "backward", grad_x, (x.shape, x.dtype))


def _checked(x, function, parameters):
    """Return the parameters, rounded to the dtype of x, after checking all arguments."""
    if not isinstance(function, str) or function not in FUNCTIONS:
        raise ValueError(unknown("function", function, FUNCTIONS))
    checks.floating(x, "x", dtypes=checks.FLOATS if function in KINKED else checks.COMPLEX_STEP)
    return rounded(function, parameters, x.dtype)


def rounded(function: str, parameters: Sequence[float], dtype: np.dtype[Any]) -> tuple[float, ...]:
    """Return the parameters as floats that the dtype contains, after checking them."""
    names = FUNCTIONS[function]
    if not isinstance(parameters, (tuple, list)) or len(parameters) != len(names):
        expected = f"({', '.join(names)}{',' * (len(names) == 1)})"
        raise ValueError(f"the parameters of {function} are {expected}, got {parameters!r}")
    checked = [parameter(value, name) for value, name in zip(parameters, names, strict=True)]
    with np.errstate(over="ignore"):  # a bound that float32 cannot contain is infinite
        values = tuple(np.asarray(checked, np.float64).astype(dtype).tolist())
    if function == "clip":
        check_bounds(*values)
    return values


def check_bounds(low: float, high: float) -> None:
    """Raise a ValueError unless low is at most high."""
    if low > high:
        raise ValueError(f"low must be at most high, got low = {low:g} and high = {high:g}")


def parameter(value: float, name: str) -> float:
    """Return a parameter as a float, or raise an error with its name; only "low" may be -inf, and "high" inf."""
    unbounded = isinstance(value, float) and value == UNBOUNDED.get(name)
    return float(value) if unbounded else checks.number(value, name)
