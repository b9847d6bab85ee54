"""Log-softmax over axis 1, without ever forming a probability that could underflow to zero."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x):
    """Return y of x's shape (N, C, ...): the logarithm of softmax along axis 1."""
    checks.with_classes(x)
    return returned("log_softmax", "forward", form_of("log_softmax", x.dtype).forward(x), (x.shape, x.dtype))


@flushed
def backward(grad_y, y):
    """Return grad_x from the output y: grad_y - softmax * (sum of grad_y along axis 1)."""
    grad_y = checks.gradient(grad_y, y.shape, y.dtype)
    grad_x = form_of("log_softmax", y.dtype).backward(grad_y, y)
    return returned("log_softmax", "backward", grad_x, (y.shape, y.dtype))
