"""Every operation in readable NumPy: array operations instead of loops, fast enough to run GoogLeNet, nothing compiled.

`numpy.max_pool2d.forward(...)` has the arguments of `loops.max_pool2d.forward(...)`: hyperparameters in full, (h, w)
and four-sided padding, unchecked. All forms save the same values for `backward`, so `forward` of one form works with
`backward` of another.
"""

if __name__ == "numpy":  # a file in `kernels/` was run as a script, so this folder comes before NumPy on the path
    raise ImportError("this folder is not NumPy. Run the file as a module: python -m and its full name")

from minigooglenet.kernels.numpy import (
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
    im2col,
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
    windows,
)
