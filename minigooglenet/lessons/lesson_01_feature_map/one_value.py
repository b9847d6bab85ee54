"""Exercise: one value of a feature map."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels.loops import conv2d as loops

conv_at = Exercise(
    "01.1",
    "one value of a feature map",
    "conv_at(x, w, b, n, k, i, j, stride, pad) -> float",
    minutes=12,
    difficulty=2,
    hints=(
        "Take i = 0 and pad = 1. Which row of the image does the first row of the kernel read?",
        (
            "Kernel row u reads image row i*stride + u - pad, and likewise for columns. Rows outside 0..H-1 count as "
            "zero. Write three loops: channel c, kernel row u, kernel column v. Add the bias once, outside the loops."
        ),
        "`if 0 <= y < H and ____: total += x[n, c, y, z] * w[k, c, u, v]`, with y = i*stride + u - pad",
    ),
)


@conv_at.cases
def conv_at_cases(rng):
    x, w, b = integers(rng, (1, 2, 4, 6), 1, 10), integers(rng, (2, 2, 3, 3)), integers(rng, 2, 10, 20)
    for i, j in np.ndindex(2, 3):  # small enough to print
        yield x, w, b, 0, (i + j) % 2, i, j, 2, 1
    x, w, b = integers(rng, (2, 3, 6, 8), 1, 10), integers(rng, (4, 3, 3, 3)), integers(rng, 4, 10, 20)
    for i, j in np.ndindex(3, 4):
        yield x, w, b, (i + j) % 2, (i * 4 + j) % 4, i, j, 2, 1
    for i, j in ((5, 7), (5, 0), (0, 7)):  # windows that extend past the last row and the last column
        yield x, w, b, int(i == 5 and j == 0), (i + j) % 4, i, j, 1, 1
    w, b = integers(rng, (4, 3, 2, 3)), integers(rng, 4, 10, 20)
    for i, j in ((0, 0), (1, 3), (4, 5)):
        yield x, w, b, 1, 1 + i % 3, i, j, 1, 0
    x, w, b = integers(rng, (3, 2, 4, 5), 1, 10), integers(rng, (2, 2, 3, 3)), integers(rng, 2, 10, 20)
    yield x, w, b, 2, 1, 2, 1, 1, 2
    yield x, integers(rng, (2, 2, 3, 2)), b, 1, 0, 1, 2, 1, 1  # a kernel that is taller than wide
    yield x / 4, w, b / 8, 1, 1, 1, 2, 1, 1  # fractions


@conv_at.reference
def conv_at_reference(x, w, b, n, k, i, j, stride, pad):
    padding = ((pad, pad), (pad, pad))
    y = loops.forward(x[n : n + 1], w[k : k + 1], b[k : k + 1], (stride, stride), padding, 1)
    return float(y[0, 0, i, j])


def _looped(x, w, n, k, rows, columns):
    """Return the sum over channels and kernel positions; `rows(u)` and `columns(v)` give the pixel that is read."""
    total = 0.0
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = rows(u), columns(v)
        if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@conv_at.right
def conv_at_by_loops(x, w, b, n, k, i, j, stride, pad):
    return _looped(x, w, n, k, lambda u: i * stride + u - pad, lambda v: j * stride + v - pad) + b[k]


def _window(x, w, n, i, j, stride, pad):
    padded = np.pad(x[n], ((0, 0), (pad, pad), (pad, pad)))
    return padded[:, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]


@conv_at.right
def conv_at_by_one_product(x, w, b, n, k, i, j, stride, pad):
    return b[k] + np.vdot(_window(x, w, n, i, j, stride, pad), w[k])


@conv_at.wrong
def no_bound_at_the_end(x, w, b, n, k, i, j, stride, pad):
    """Rows from H on and columns from W on count as zero too: check both bounds."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if y >= 0 and z >= 0:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@conv_at.wrong
def no_bound_at_the_start(x, w, b, n, k, i, j, stride, pad):
    """x[-1] is the last row: Python counts a negative index from the end. Rows and columns before 0 count as zero."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if y < x.shape[2] and z < x.shape[3]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@conv_at.wrong
def H_used_for_W(x, w, b, n, k, i, j, stride, pad):
    """The columns end at W, which is x.shape[3]. You compared them with H, which is x.shape[2]."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if 0 <= y < x.shape[2] and 0 <= z < x.shape[2]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@conv_at.wrong
def S_used_for_R(x, w, b, n, k, i, j, stride, pad):
    """The kernel has R = w.shape[2] rows and S = w.shape[3] columns. You used S for the rows too."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1], w.shape[3], w.shape[3]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@conv_at.wrong
def bias_once_per_channel(x, w, b, n, k, i, j, stride, pad):
    """The bias is added once per channel, inside the loop over c. Add it once, outside the loop."""
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() + w.shape[1] * b[k]


@conv_at.wrong
def padding_ignored(x, w, b, n, k, i, j, stride, pad):
    """Padding is ignored. The window must start at row i*stride - pad and column j*stride - pad."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        total += x[n, c, i * stride + u, j * stride + v] * w[k, c, u, v]
    return total


@conv_at.wrong
def returned_too_early(x, w, b, n, k, i, j, stride, pad):
    """Only the first row of the kernel is used: `return` is inside the loops. Move it after them."""
    return _looped(x, w[:, :, :1], n, k, lambda u: i * stride + u - pad, lambda v: j * stride + v - pad) + b[k]


@conv_at.wrong
def bias_once_per_weight(x, w, b, n, k, i, j, stride, pad):
    """The bias is added once per weight of the filter. Add it once."""
    return (_window(x, w, n, i, j, stride, pad) * w[k] + b[k]).sum()


@conv_at.wrong
def bias_with_every_product(x, w, b, n, k, i, j, stride, pad):
    """The bias is added with every product. Add it once, outside all loops."""
    inside = _window(np.ones_like(x), w, n, i, j, stride, pad)[0].sum()  # number of products without padding
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() + w.shape[1] * inside * b[k]


@conv_at.wrong
def bias_forgotten(x, w, b, n, k, i, j, stride, pad):
    """All values are too small by b[k]: add the bias."""
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum()


@conv_at.wrong
def bias_of_filter_0(x, w, b, n, k, i, j, stride, pad):
    """Right only for filter 0: filter k has the bias b[k]."""
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() + b[0]


@conv_at.wrong
def channel_0_only(x, w, b, n, k, i, j, stride, pad):
    """Your result is the sum over channel 0 only. A filter reads all channels."""
    return (_window(x, w, n, i, j, stride, pad)[0] * w[k, 0]).sum() + b[k]


@conv_at.wrong
def mean_over_channels(x, w, b, n, k, i, j, stride, pad):
    """Apart from the bias, exactly 1/C of the correct value: sum over the channels, don't average."""
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() / w.shape[1] + b[k]


@conv_at.wrong
def kernel_flipped(x, w, b, n, k, i, j, stride, pad):
    """You computed a true convolution. This course computes a correlation: don't rotate the kernel."""
    return (_window(x, w, n, i, j, stride, pad) * w[k, :, ::-1, ::-1]).sum() + b[k]


@conv_at.wrong
def kernel_transposed(x, w, b, n, k, i, j, stride, pad):
    """Right only for symmetric kernels: the first index of a kernel is its row."""
    return (_window(x, w, n, i, j, stride, pad) * w[k].transpose(0, 2, 1)).sum() + b[k]


@conv_at.wrong
def rows_and_columns_exchanged(x, w, b, n, k, i, j, stride, pad):
    """You exchanged i and j: i is the row, j is the column."""
    return _looped(x, w, n, k, lambda u: j * stride + u - pad, lambda v: i * stride + v - pad) + b[k]


@conv_at.wrong
def padding_not_subtracted(x, w, b, n, k, i, j, stride, pad):
    """Your window is pad rows too low and pad columns too far right: subtract pad."""
    return _looped(x, w, n, k, lambda u: i * stride + u, lambda v: j * stride + v) + b[k]


@conv_at.wrong
def negative_index_wraps(x, w, b, n, k, i, j, stride, pad):
    """x[-1] reads the last row: Python counts a negative index from the end. Pixels outside the image count as zero."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        total += x[n, c, i * stride + u - pad, j * stride + v - pad] * w[k, c, u, v]
    return total


@conv_at.wrong
def kernel_slides_along_at_the_border(x, w, b, n, k, i, j, stride, pad):
    """At the border your window has fewer rows and columns: cut the same ones off the kernel."""
    y, z = i * stride - pad, j * stride - pad
    window = x[n, :, max(0, y) : y + w.shape[2], max(0, z) : z + w.shape[3]]
    return (window * w[k, :, : window.shape[1], : window.shape[2]]).sum() + b[k]


@conv_at.wrong
def stride_ignored(x, w, b, n, k, i, j, stride, pad):
    """Right only at i = j = 0: multiply i and j by the stride."""
    return _looped(x, w, n, k, lambda u: i + u - pad, lambda v: j + v - pad) + b[k]


@conv_at.wrong
def always_image_0(x, w, b, n, k, i, j, stride, pad):
    """Right only for image 0: n is the index of the image."""
    return (_window(x, w, 0, i, j, stride, pad) * w[k]).sum() + b[k]
