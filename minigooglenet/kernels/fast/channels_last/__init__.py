"""Channels last: kernels for images whose channels are neighbours in memory, which plans use for inference.

An array is still (N, C, H, W), but its memory has the order N, H, W, C, as in PyTorch's memory format of this name. A
SIMD vector is then some channels of one pixel, and no kernel must move values from lane to lane: a convolution is a
product of pixels and filters without a transposed or copied image, Winograd's tiles are loaded and stored as they are,
and a pooled vector is the maximum of nine vectors.
"""

from minigooglenet.kernels.fast.channels_last import (
    avg_pool2d,
    batch_norm2d,
    conv2d,
    local_response_norm,
    max_pool2d,
    relu,
    winograd,
)

__all__ = ["avg_pool2d", "batch_norm2d", "conv2d", "local_response_norm", "max_pool2d", "relu", "winograd"]
