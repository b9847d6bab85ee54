"""ReLU: max(x, 0), value by value. NaN stays NaN."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x, *, save=True):
    """Return (y, mask), both of x's shape, for x float32 or float64; `mask` is False where y is zero.

    Without `save`, None replaces the mask, which only a backward needs.
    """
    checks.floating(x, "x", dtypes=checks.FLOATS)
    form = form_of("relu", x.dtype)
    if not save and hasattr(form, "infer"):
        return form.infer(x), None
    y, mask = returned("relu", "forward", form.forward(x), (x.shape, x.dtype), (x.shape, None))
    return y, mask.astype(bool, copy=False) if save else None


@flushed
def backward(grad_y, mask):
    """Return grad_x: the gradient where the value passed, zero elsewhere (at exactly zero too)."""
    checks.has_shape(checks.floating(grad_y, "grad_y", dtypes=checks.FLOATS), "grad_y", mask.shape)
    grad_x = form_of("relu", grad_y.dtype).backward(grad_y, mask.astype(bool, copy=False))
    return returned("relu", "backward", grad_x, (grad_y.shape, grad_y.dtype))
