"""ReLU: max(x, 0), value by value. NaN stays NaN."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, *, save: bool = True) -> tuple[Array, Array | None]:
    """Return (y, mask), both of x's shape, for x float32 or float64; `mask` is False where y is zero.

    Only `backward` needs the mask; with save=False it is None.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.relu.forward(np.array([-2.0, 0.0, 3.0]))
    (array([0., 0., 3.]), array([False, False,  True]))
    """
    checks.floating(x, "x", dtypes=checks.FLOATS)
    form = form_of("relu", x.dtype)
    if not save and hasattr(form, "infer"):
        return form.infer(x), None
    y, mask = returned("relu", "forward", form.forward(x), (x.shape, x.dtype), (x.shape, None))
    return y, mask.astype(bool, copy=False) if save else None


@flushed
def backward(grad_y: Array, mask: Array) -> Array:
    """Return grad_x: grad_y where x was positive, zero elsewhere (also where x was exactly zero).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.relu.backward(np.array([1.0, 2.0, 3.0]), np.array([False, False, True]))
    array([0., 0., 3.])
    """
    checks.has_shape(checks.floating(grad_y, "grad_y", dtypes=checks.FLOATS), "grad_y", mask.shape)
    grad_x = form_of("relu", grad_y.dtype).backward(grad_y, mask.astype(bool, copy=False))
    return returned("relu", "backward", grad_x, (grad_y.shape, grad_y.dtype))
