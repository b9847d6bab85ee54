"""Local response normalisation: large values in nearby channels reduce a value (Krizhevsky et al. 2012, section 3.3).

y[c] = x[c] * scale[c] ** -beta,  scale[c] = k + alpha / size * (sum of x ** 2 over the `size` channels around c)

Alpha is divided by size, as in Caffe, PyTorch and ONNX. With an even size the window has one more channel below c than
above it, as in PyTorch.
"""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(
    x: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *, save: bool = True
) -> tuple[Array, Array | None]:
    """Return (y, scale), both (N, C, H, W), for x (N, C, H, W) float32, float64 or complex128.

    Only `backward` needs `scale`; with save=False it is None.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> y, scale = mg.kernels.local_response_norm.forward(np.full((1, 3, 1, 1), 2.0), size=3, alpha=0.75, beta=1.0)
    >>> scale.ravel(), y.ravel()
    (array([3., 4., 3.]), array([0.66666667, 0.5       , 0.66666667]))
    """
    checks.floating(x, "x", 4)
    size = shapes.integer(size, "size", 1)
    form = form_of("local_response_norm", x.dtype)
    if not save and hasattr(form, "infer"):
        return form.infer(x, size, alpha, beta, k), None
    like = x.shape, x.dtype
    y, scale = returned("local_response_norm", "forward", form.forward(x, size, alpha, beta, k), like, like)
    return y, scale if save else None


@flushed
def backward(grad_y: Array, x: Array, scale: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75) -> Array:
    """Return grad_x (N, C, H, W) for the input and the scale of `forward`.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x = np.full((1, 1, 1, 1), 2.0)
    >>> _, scale = mg.kernels.local_response_norm.forward(x, size=1, alpha=0.25, beta=1.0)
    >>> mg.kernels.local_response_norm.backward(np.ones_like(x), x, scale, size=1, alpha=0.25, beta=1.0)
    array([[[[0.]]]])
    """
    checks.has_shape(scale, "scale", x.shape)
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    grad_x = form_of("local_response_norm", x.dtype).backward(grad_y, x, scale, size, alpha, beta)
    return returned("local_response_norm", "backward", grad_x, (x.shape, x.dtype))
