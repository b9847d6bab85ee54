"""Functions on plain arrays: `forward` and `backward` of every operation, each operation in a file of its name.

`kernels.max_pool2d.forward(x, 3, stride=2)` works on plain arrays. Its file documents and checks the arguments, then
calls one form of the operation (`forms`): `loops` is the definition, `numpy` is readable NumPy, `fast` is compiled
code. `backward` takes the upstream gradient first, then those arguments of `forward` that it needs.
"""

from minigooglenet.kernels import (
    adaptive_avg_pool2d,
    add,
    avg_pool2d,
    batch_norm2d,
    channel_shuffle,
    channel_slice,
    concat,
    conv2d,
    dropout,
    elementwise,
    forms,
    global_avg_pool2d,
    global_max_pool2d,
    linear,
    local_response_norm,
    log_softmax,
    loops,
    max_pool2d,
    multiply,
    numpy,
    pad,
    relu,
    scale,
    softmax,
    softmax_cross_entropy,
)

__all__ = ["adaptive_avg_pool2d", "add", "avg_pool2d", "batch_norm2d", "channel_shuffle", "channel_slice", "concat"]
__all__ += ["conv2d", "dropout", "elementwise", "global_avg_pool2d", "global_max_pool2d", "linear"]
__all__ += ["local_response_norm", "log_softmax", "max_pool2d", "multiply", "pad", "relu", "scale", "softmax"]
__all__ += ["softmax_cross_entropy"]
