"""The choice between fast convolution algorithms, by shapes and dtype only: direct, Winograd or implicit GEMM.

So the same call gives the same bits on every run and for every number of threads.
"""

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast import direct, implicit_gemm, winograd

# The thresholds of `choose`: where both algorithms were equally fast, measured on GoogLeNet's and smaller layers.
LEAST_TILES, LEAST_CHANNELS = 32, 8


def forward(x, weight, bias, stride, padding, groups, **dilation):
    """Return y (N, K, P, Q)."""
    form = choose(x.shape, weight.shape, stride, padding, x.dtype, **dilation)
    return form.forward(x, weight, bias, stride, padding, groups, **dilation)


def backward(grad_y, x, weight, bias, stride, padding, groups, **dilation):
    """Return (grad_x, grad_weight, grad_bias)."""
    form = choose(x.shape, weight.shape, stride, padding, x.dtype, **dilation)
    return form.backward(grad_y, x, weight, bias, stride, padding, groups, **dilation)


def backward_params(grad_y, x, weight, bias, stride, padding, groups, **dilation):
    """Return (grad_weight, grad_bias) without computing grad_x."""
    form = choose(x.shape, weight.shape, stride, padding, x.dtype, **dilation)
    return form.backward_params(grad_y, x, weight, bias, stride, padding, groups, **dilation)


def choose(x_shape, weight_shape, stride, padding, dtype, dilation=(1, 1)):
    """Return the module that computes x (N, C, H, W) with weight (K, C/groups, R, S).

    Groups of few channels, such as those of a depthwise convolution, are computed directly: without a matrix product.

    Winograd's algorithm pays for 3x3 kernels with stride 1 and enough tiles of 4 x 4 outputs in the whole batch: its
    transformed weights are four times as large and take time to read. It has more round-off, so it is used only for
    float32.

    The choice depends on the batch size. So the results of an image by itself and in a batch may differ by the
    round-off of the two algorithms: up to 4e-6 of the largest value. Name an algorithm to get bit-identical results.
    """
    if direct.applies(weight_shape, x_shape[1] // weight_shape[1], stride, dilation):
        return direct
    if dtype != np.float32 or not shapes.winograd_applies(weight_shape[2:], stride, padding, dilation):
        return implicit_gemm
    down, across = shapes.winograd_grid(shapes.output_size(x_shape[2:], weight_shape[2:], stride, padding))
    enough = x_shape[0] * down * across >= LEAST_TILES and min(weight_shape[:2]) >= LEAST_CHANNELS
    return winograd if enough else implicit_gemm


def may_be_winograd(weight_shape, groups, stride, padding, dtype, dilation=(1, 1)):
    """Return whether `choose` may pick Winograd's algorithm for such a weight at some image size."""
    x_shape = 1 << 10, groups * weight_shape[1], 1 << 10, 1 << 10
    return choose(x_shape, weight_shape, stride, padding, dtype, dilation) is winograd


def workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize, **dilation):
    """Return (bytes of transformed weights, bytes of workspace) that a forward pass allocates next to its arrays."""
    form = choose(x_shape, weight_shape, stride, padding, np.dtype(f"f{itemsize}"), **dilation)
    return form.workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize, **dilation)
