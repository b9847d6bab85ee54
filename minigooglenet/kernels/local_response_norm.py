"""Local response normalisation across channels: bright neighbours dim a value (Krizhevsky et al. 2012, section 3.3).

y[c] = x[c] * scale[c] ** -beta,  scale[c] = k + alpha / size * (sum of x ** 2 over the `size` channels around c)

Alpha is divided by size, as in Caffe, PyTorch and ONNX. An even size reaches one channel further down than up, as in
PyTorch.
"""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x, size=5, alpha=1e-4, beta=0.75, k=1.0, *, save=True):
    """Return (y, scale), both (N, C, H, W), for x (N, C, H, W) float32, float64 or complex128.

    Without `save`, None replaces the scale, which only a backward needs.
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
def backward(grad_y, x, scale, size=5, alpha=1e-4, beta=0.75):
    """Return grad_x (N, C, H, W), from the forward's input and scale."""
    checks.has_shape(scale, "scale", x.shape)
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    grad_x = form_of("local_response_norm", x.dtype).backward(grad_y, x, scale, size, alpha, beta)
    return returned("local_response_norm", "backward", grad_x, (x.shape, x.dtype))
