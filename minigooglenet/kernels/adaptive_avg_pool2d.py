"""Adaptive average pooling: the mean of each window, the windows placed so that every map gives the same output size.

The windows are not all alike: of 14 values for 4 outputs they start at 0, 3, 7 and 10.
"""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x, output_size):
    """Return y (N, C, P, Q) for x (N, C, H, W), float32, float64 or complex128; output_size is (P, Q) or one number."""
    checks.floating(x, "x", 4)
    output_size = shapes.pair(output_size, "output_size")
    y = form_of("adaptive_avg_pool2d", x.dtype).forward(x, output_size)
    return returned("adaptive_avg_pool2d", "forward", y, ((*x.shape[:2], *output_size), x.dtype))


@flushed
def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W): each window's gradient shared among its values, for input_size = (H, W)."""
    checks.floating(grad_y, "grad_y", 4)
    input_size = shapes.pair(input_size, "input_size")
    grad_x = form_of("adaptive_avg_pool2d", grad_y.dtype).backward(grad_y, input_size)
    return returned("adaptive_avg_pool2d", "backward", grad_x, ((*grad_y.shape[:2], *input_size), grad_y.dtype))
