"""Pure array functions: the forward and the backward of every operation, in a file of its name.

`kernels.max_pool2d.forward(x, 3, stride=2)` works on plain arrays. Its file states which arguments the operation
accepts, checks them, and calls one form (`forms`): `loops` has each operation as its definition, `numpy` in readable
NumPy, `fast` in compiled code. A backward takes the upstream gradient, then the arguments of the forward that it needs.
"""

from minigooglenet.kernels import (
    adaptive_avg_pool2d,
    add,
    avg_pool2d,
    batch_norm2d,
    concat,
    conv2d,
    dropout,
    forms,
    global_avg_pool2d,
    linear,
    local_response_norm,
    log_softmax,
    loops,
    max_pool2d,
    numpy,
    relu,
    softmax,
    softmax_cross_entropy,
)
