"""Pure array functions: the forward and the backward of every operation, side by side in a file of its name.

`kernels.max_pool2d.forward(x, 3, stride=2)` works on plain arrays. A forward returns the output and whatever its
backward asks back; a backward takes the upstream gradient first. `kernels.loops` holds each operation once more, as its
definition.
"""

from minigooglenet.kernels import (
    adaptive_avg_pool2d,
    add,
    avg_pool2d,
    batch_norm2d,
    concat,
    conv2d,
    direct,
    dropout,
    global_avg_pool2d,
    im2col,
    linear,
    local_response_norm,
    log_softmax,
    loops,
    max_pool2d,
    relu,
    softmax,
    softmax_cross_entropy,
    subnormals,
)

__all__ = [
    "adaptive_avg_pool2d",
    "add",
    "avg_pool2d",
    "batch_norm2d",
    "concat",
    "conv2d",
    "direct",
    "dropout",
    "global_avg_pool2d",
    "im2col",
    "linear",
    "local_response_norm",
    "log_softmax",
    "loops",
    "max_pool2d",
    "relu",
    "softmax",
    "softmax_cross_entropy",
    "subnormals",
]
