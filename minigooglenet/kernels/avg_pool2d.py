"""Average pooling: the mean of each window.

The divisor counts padding (`count_include_pad`) or real values only; the part of a ceil window past the padding never
counts.
"""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Return y (N, C, P, Q) for x (N, C, H, W), float32, float64 or complex128.

    The hyperparameters are those of max pooling; `count_include_pad` is whether padding counts as zeros.
    """
    checks.floating(x, "x", 4)
    kernel_size, stride, padding = shapes.pool_settings(kernel_size, stride, padding)
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    y = form_of("avg_pool2d", x.dtype).forward(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return returned("avg_pool2d", "forward", y, ((*x.shape[:2], *size), x.dtype))


@flushed
def backward(grad_y, input_size, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Return grad_x (N, C, H, W): each window's gradient shared among its real values, for input_size = (H, W)."""
    checks.floating(grad_y, "grad_y", 4)
    kernel_size, stride, padding = shapes.pool_settings(kernel_size, stride, padding)
    shapes.check_pool_windows("grad_y", grad_y.shape[2:], input_size, kernel_size, stride, padding)
    arguments = grad_y, input_size, kernel_size, stride, padding, count_include_pad
    grad_x = form_of("avg_pool2d", grad_y.dtype).backward(*arguments)
    return returned("avg_pool2d", "backward", grad_x, ((*grad_y.shape[:2], *input_size), grad_y.dtype))
