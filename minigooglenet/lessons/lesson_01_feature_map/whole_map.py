"""Exercise: the whole convolution."""

import numpy as np

from minigooglenet import shapes
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.gradcheck.museum.exhibit import windows
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.loops import conv2d as loops
from minigooglenet.kernels.numpy import conv2d as by_columns

conv_forward = Exercise(
    "01.3",
    "the whole feature map",
    "conv_forward(x, w, b, stride, pad) -> (N, K, Ho, Wo)",
    minutes=10,
    difficulty=2,
    hints=(
        "conv_at gives you one value. What is the shape of the array of all values?",
        (
            "Ho = (H + 2*pad - R) // stride + 1, and Wo in the same way from W and S. Fill y of shape (N, K, Ho, Wo) "
            "with four loops over n, k, i and j; conv_at gives each value."
        ),
        "`y[n, k, i, j] = conv_at(x, w, b, n, k, i, ____, stride, pad)`",
    ),
)


@conv_forward.cases
def conv_forward_cases(rng):
    yield integers(rng, (1, 1, 4, 5), 1, 10), integers(rng, (1, 1, 3, 2)), integers(rng, 1), 2, 1  # small to read
    yield integers(rng, (3, 3, 6, 7)), integers(rng, (3, 3, 3, 3)), integers(rng, 3), 2, 1  # C = K
    yield integers(rng, (2, 2, 6, 5)), integers(rng, (4, 2, 3, 2)), integers(rng, 4), 1, 0
    yield integers(rng, (1, 2, 4, 5)) / 4, integers(rng, (2, 2, 3, 4)) / 8, integers(rng, 2) / 16, 1, 2  # fractions


@conv_forward.reference
def conv_forward_reference(x, w, b, stride, pad):
    return loops.forward(x, w, b, (stride, stride), ((pad, pad), (pad, pad)), 1)


conv_forward.engine(loops.forward)


def _windows(x, w, stride, pad):
    return windows(x, w.shape[2:], (stride, stride), ((pad, pad), (pad, pad)))


def _sums(patches, w, b):
    return np.einsum("ncpqrs,kcrs->nkpq", patches, w) + b[:, None, None]


def _right(x, w, b, stride, pad):
    return _sums(_windows(x, w, stride, pad), w, b)


conv_forward.right(_right)


@conv_forward.right
def conv_forward_by_im2col(x, w, b, stride, pad):
    return by_columns.forward(x, w, b, (stride, stride), ((pad, pad), (pad, pad)), 1)


@conv_forward.right
def conv_forward_by_the_engine(x, w, b, stride, pad):
    return conv2d.forward(x, w, b, stride, pad)


@conv_forward.wrong
def stride_ignored(x, w, b, stride, pad):
    """Your output is the one at stride 1, sliced to the right size. Multiply i and j by the stride."""
    rows, columns = _right(x, w, b, stride, pad).shape[2:]
    return _right(x, w, b, 1, pad)[:, :, :rows, :columns]


@conv_forward.wrong
def first_image_copied(x, w, b, stride, pad):
    """All your outputs equal that of image 0. Use the index n."""
    return np.repeat(_right(x[:1], w, b, stride, pad), len(x), axis=0)


@conv_forward.wrong
def height_and_width_exchanged(x, w, b, stride, pad):
    """Ho comes from H and R, Wo from W and S."""
    padding = ((pad, pad), (pad, pad))
    wide, high = shapes.output_size(x.shape[2:], w.shape[2:], (stride, stride), padding)
    more = (pad, pad + stride * max(wide, high))  # everything that is read outside counts as zero
    patches = windows(x, w.shape[2:], (stride, stride), (more, more))
    return _sums(patches[:, :, :high, :wide], w, b)


@conv_forward.wrong
def bias_of_filter_0_for_all(x, w, b, stride, pad):
    """Right only for filter 0: filter k has the bias b[k]."""
    return _sums(_windows(x, w, stride, pad), w, b[:1])


@conv_forward.wrong
def bias_forgotten(x, w, b, stride, pad):
    """Every output channel is too small by b[k]: add the bias."""
    return _sums(_windows(x, w, stride, pad), w, 0 * b)


@conv_forward.wrong
def bias_once_per_weight(x, w, b, stride, pad):
    """The bias is added once per weight of the filter. Add it once."""
    return _sums(_windows(x, w, stride, pad), w, b * w[0].size)


@conv_forward.wrong
def edge_padding(x, w, b, stride, pad):
    """Wrong only at the borders: pad with zeros, not with the edge value."""
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge")
    return _right(padded, w, b, stride, 0)


@conv_forward.wrong
def padding_below_and_right_only(x, w, b, stride, pad):
    """Your output is moved up and left by pad pixels of the image: pad above and to the left too."""
    return _right(np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad))), w, b, stride, 0)


@conv_forward.wrong
def padding_ignored(x, w, b, stride, pad):
    """Your output is the one for pad = 0."""
    return _right(x, w, b, stride, 0)


@conv_forward.wrong
def size_rounded_up(x, w, b, stride, pad):
    """You have one row or column too many: a last window that does not fit is dropped."""
    sides = (
        -(size + 2 * pad - kernel) % stride for size, kernel in zip(x.shape[2:], w.shape[2:], strict=True)
    )  # zeros that the last window needs in addition
    below, right = sides
    return _sums(windows(x, w.shape[2:], (stride, stride), ((pad, pad + below), (pad, pad + right))), w, b)


def _of_size(x, w, b, stride, pad, rows, columns):
    """Return an output of `rows` by `columns`: right values where there are any, 0 elsewhere."""
    y = np.zeros((len(x), len(w), rows, columns))
    right = _right(x, w, b, stride, pad)[:, :, :rows, :columns]
    y[:, :, : right.shape[2], : right.shape[3]] = right
    return y


@conv_forward.wrong
def size_without_the_stride(x, w, b, stride, pad):
    """Your output has as many rows as at stride 1: divide H + 2 * pad - R by the stride, then add 1."""
    return _of_size(x, w, b, stride, pad, *(x.shape[i] + 2 * pad - w.shape[i] + 1 for i in (2, 3)))


@conv_forward.wrong
def size_without_plus_1(x, w, b, stride, pad):
    """One row and one column too few: the first window comes before the (H + 2 * pad - R) // stride steps. Add 1."""
    return _of_size(x, w, b, stride, pad, *((x.shape[i] + 2 * pad - w.shape[i]) // stride for i in (2, 3)))


@conv_forward.wrong
def size_with_one_padding(x, w, b, stride, pad):
    """You counted the padding on one side. There are pad zeros on both sides, so H + 2 * pad."""
    return _of_size(x, w, b, stride, pad, *((x.shape[i] + pad - w.shape[i]) // stride + 1 for i in (2, 3)))


@conv_forward.wrong
def width_from_the_kernel_height(x, w, b, stride, pad):
    """You computed the width with the height of the kernel: Wo depends on W and S, not on R."""
    height, width = w.shape[2:]
    columns = (x.shape[3] + 2 * pad - height) // stride + 1
    more = abs(height - width) + stride  # zeros for the windows that do not fit
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad + more)))
    return _sums(_windows(padded, w, stride, 0)[:, :, :, :columns], w, b)


@conv_forward.wrong
def kernel_flipped(x, w, b, stride, pad):
    """You computed a true convolution. This course computes a correlation: don't rotate the kernel."""
    return _right(x, w[:, :, ::-1, ::-1], b, stride, pad)


@conv_forward.wrong
def kernel_transposed(x, w, b, stride, pad):
    """Right only for symmetric kernels: the first index of a kernel is its row."""
    return np.einsum("ncpqrs,kcsr->nkpq", _windows(x, w, stride, pad), w) + b[:, None, None]


@conv_forward.wrong
def filters_and_channels_exchanged(x, w, b, stride, pad):
    """You used w[c, k]. The filter is the first index, the channel the second: w[k, c]."""
    return _right(x, w.transpose(1, 0, 2, 3), b, stride, pad)


@conv_forward.wrong
def channels_reversed(x, w, b, stride, pad):
    """You read the channels in reverse order: w[k, c] is multiplied by x[n, c]."""
    return _right(x, w[:, ::-1], b, stride, pad)


@conv_forward.wrong
def last_channel_only(x, w, b, stride, pad):
    """Your result is the sum over the last channel only. Use += instead of =."""
    return _right(x[:, -1:], w[:, -1:], b, stride, pad)


@conv_forward.wrong
def mean_over_channels(x, w, b, stride, pad):
    """Apart from the bias, exactly 1/C of the correct values: sum over the channels, don't average."""
    return _right(x, w / w.shape[1], b, stride, pad)
