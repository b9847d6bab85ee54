"""Every operation as plain loops, its definition: slow, obvious, and the reference for all other forms.

`loops.conv2d.forward(...)` has the arguments of `kernels.conv2d.forward(...)`, with hyperparameters in full: kernel and
stride as (h, w), padding as ((top, bottom), (left, right)). Nothing is checked, so that only the definition is left.
"""

from minigooglenet.kernels.loops import (
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
    global_avg_pool2d,
    global_max_pool2d,
    linear,
    local_response_norm,
    log_softmax,
    max_pool2d,
    multiply,
    pad,
    relu,
    scale,
    softmax,
    softmax_cross_entropy,
)
