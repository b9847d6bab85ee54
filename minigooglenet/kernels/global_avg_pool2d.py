"""Global average pooling: the mean of each channel's whole map."""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x):
    """Return y (N, C) for x (N, C, H, W), float32, float64 or complex128."""
    checks.floating(x, "x", 4)
    y = form_of("global_avg_pool2d", x.dtype).forward(x)
    return returned("global_avg_pool2d", "forward", y, (x.shape[:2], x.dtype))


@flushed
def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W): every position of a map gets 1 / (H * W) of its mean's gradient."""
    checks.floating(grad_y, "grad_y", 2)
    input_size = shapes.pair(input_size, "input_size")
    grad_x = form_of("global_avg_pool2d", grad_y.dtype).backward(grad_y, input_size)
    return returned("global_avg_pool2d", "backward", grad_x, ((*grad_y.shape, *input_size), grad_y.dtype))
