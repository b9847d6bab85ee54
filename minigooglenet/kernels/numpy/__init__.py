"""Every operation in readable NumPy: whole arrays instead of loops, fast enough to run GoogLeNet, and nothing compiled.

`numpy.max_pool2d.forward(...)` takes what `loops.max_pool2d.forward(...)` takes: hyperparameters in full, (h, w) and
four-sided padding, nothing checked. What a forward saves means the same in every form, so the forward of one works with
the backward of another.
"""

if __name__ == "numpy":  # a file of `kernels/` was run as a script, which puts this folder in front of NumPy itself
    raise ImportError("this folder is not NumPy. Run the file as a module: python -m and its full name")

from minigooglenet.kernels.numpy import (
    adaptive_avg_pool2d,
    add,
    avg_pool2d,
    batch_norm2d,
    concat,
    conv2d,
    dropout,
    global_avg_pool2d,
    im2col,
    linear,
    local_response_norm,
    log_softmax,
    max_pool2d,
    relu,
    softmax,
    softmax_cross_entropy,
    windows,
)
