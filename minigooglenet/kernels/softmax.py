"""Softmax over axis 1: scores to probabilities."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x):
    """Return y of x's shape (N, C, ...): positive, summing to one along axis 1."""
    checks.with_classes(x)
    return returned("softmax", "forward", form_of("softmax", x.dtype).forward(x), (x.shape, x.dtype))


@flushed
def backward(grad_y, y):
    """Return grad_x from the output y: y * (grad_y - sum of grad_y * y along axis 1)."""
    grad_y = checks.gradient(grad_y, y.shape, y.dtype)
    return returned("softmax", "backward", form_of("softmax", y.dtype).backward(grad_y, y), (y.shape, y.dtype))
