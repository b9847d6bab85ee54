"""Every operation as plain loops over its definition: slow, obvious, and the oracle of all the others.

`loops.conv2d.forward(...)` takes what `kernels.conv2d.forward(...)` takes, but its settings in their full form: kernel
and stride as (h, w), padding as ((top, bottom), (left, right)). Nothing is checked, so that the definition is in view.
"""

from minigooglenet.kernels.loops import (
    adaptive_avg_pool2d,
    add,
    avg_pool2d,
    batch_norm2d,
    concat,
    conv2d,
    dropout,
    global_avg_pool2d,
    linear,
    local_response_norm,
    log_softmax,
    max_pool2d,
    relu,
    softmax,
    softmax_cross_entropy,
)
