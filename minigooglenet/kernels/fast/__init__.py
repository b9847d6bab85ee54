"""Optimised compiled code. An operation has a file here only if it pays; the other files are building blocks.

Import this package only through `compiled.fast()`: it needs Numba, which not every machine has.
"""

from minigooglenet.kernels.fast import (
    adaptive_avg_pool2d,
    add,
    avg_pool2d,
    batch_norm2d,
    channels_last,
    compile_cache,
    concat,
    conv2d,
    elementwise,
    flat,
    global_avg_pool2d,
    implicit_gemm,
    jit,
    linear,
    local_response_norm,
    max_pool2d,
    multiply,
    relu,
    same_bits,
    scale,
    sgd,
    subnormals,
    waiting,
    winograd,
)
