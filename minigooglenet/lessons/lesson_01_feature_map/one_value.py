"""Lesson 01: one number of a feature map, the size of the map, and the kernel that only moves a picture."""

import numpy as np

from minigooglenet import shapes
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.kernels.loops import conv2d as loops

conv_at = Exercise(
    "01.1",
    "one number of a feature map",
    "conv_at(x, w, b, n, k, i, j, stride, pad) -> float",
    minutes=12,
    difficulty=2,
    hints=(
        "Take i = 0 and pad = 1. Which row of the image does the first row of the kernel meet? Is there such a row?",
        (
            "Kernel row u meets image row i*stride + u - pad, columns alike. Rows outside 0..H-1 count as zero. "
            "Three loops: channel c, kernel row u, kernel column v. The bias comes once, after them."
        ),
        "`if 0 <= y < H and ____: total += x[n, c, y, z] * w[k, c, u, v]`, with y = i*stride + u - pad",
    ),
)


@conv_at.cases
def conv_at_cases(rng):
    x, w, b = integers(rng, (1, 2, 4, 6), 1, 10), integers(rng, (2, 2, 3, 3)), integers(rng, 2, 10, 20)
    for i, j in np.ndindex(2, 3):  # small enough to be printed
        yield x, w, b, 0, (i + j) % 2, i, j, 2, 1
    x, w, b = integers(rng, (2, 3, 6, 8), 1, 10), integers(rng, (4, 3, 3, 3)), integers(rng, 4, 10, 20)
    for i, j in np.ndindex(3, 4):
        yield x, w, b, (i + j) % 2, (i * 4 + j) % 4, i, j, 2, 1
    for i, j in ((5, 7), (5, 0), (0, 7)):  # windows that hang over the last row and the last column
        yield x, w, b, 1, (i + j) % 4, i, j, 1, 1
    w, b = integers(rng, (4, 3, 2, 3)), integers(rng, 4, 10, 20)
    for i, j in ((0, 0), (1, 3), (4, 5)):
        yield x, w, b, 1, 1 + i % 3, i, j, 1, 0
    x, w, b = integers(rng, (3, 2, 4, 5), 1, 10), integers(rng, (2, 2, 3, 3)), integers(rng, 2, 10, 20)
    yield x, w, b, 2, 1, 2, 1, 1, 2


@conv_at.reference
def conv_at_reference(x, w, b, n, k, i, j, stride, pad):
    padding = ((pad, pad), (pad, pad))
    y = loops.forward(x[n : n + 1], w[k : k + 1], b[k : k + 1], (stride, stride), padding, 1)
    return float(y[0, 0, i, j])


def _looped(x, w, n, k, rows, columns):
    """Return the sum over channels and kernel with image rows and columns by place in the kernel; outside is zero."""
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
    """Rows from H on and columns from W on count as zero too: both bounds, 0 and H."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if y >= 0 and z >= 0:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@conv_at.wrong
def padding_ignored(x, w, b, n, k, i, j, stride, pad):
    """Nothing is padded: the window begins pad rows above and pad columns left of i*stride."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        total += x[n, c, i * stride + u, j * stride + v] * w[k, c, u, v]
    return total


@conv_at.wrong
def returned_too_early(x, w, b, n, k, i, j, stride, pad):
    """Only the first row of the kernel counts: the return stands inside the loops."""
    return _looped(x, w[:, :, :1], n, k, lambda u: i * stride + u - pad, lambda v: j * stride + v - pad) + b[k]


@conv_at.wrong
def bias_once_per_weight(x, w, b, n, k, i, j, stride, pad):
    """The bias was added once for every weight of the filter; it is added once."""
    return (_window(x, w, n, i, j, stride, pad) * w[k] + b[k]).sum()


@conv_at.wrong
def bias_forgotten(x, w, b, n, k, i, j, stride, pad):
    """All values are short by b[k]."""
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum()


@conv_at.wrong
def bias_of_filter_0(x, w, b, n, k, i, j, stride, pad):
    """Right for filter 0 only: the others have biases of their own."""
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() + b[0]


@conv_at.wrong
def channel_0_alone(x, w, b, n, k, i, j, stride, pad):
    """Equals the sum over c = 0 alone; one filter looks at all channels."""
    return (_window(x, w, n, i, j, stride, pad)[0] * w[k, 0]).sum() + b[k]


@conv_at.wrong
def mean_over_channels(x, w, b, n, k, i, j, stride, pad):
    """Without the bias exactly 1/C of ours: channels are added, not averaged."""
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() / w.shape[1] + b[k]


@conv_at.wrong
def kernel_flipped(x, w, b, n, k, i, j, stride, pad):
    """You computed a true convolution; this engine, like all in this field, correlates."""
    return (_window(x, w, n, i, j, stride, pad) * w[k, :, ::-1, ::-1]).sum() + b[k]


@conv_at.wrong
def kernel_transposed(x, w, b, n, k, i, j, stride, pad):
    """Right for symmetric kernels only: the first index of a kernel is its row."""
    return (_window(x, w, n, i, j, stride, pad) * w[k].transpose(0, 2, 1)).sum() + b[k]


@conv_at.wrong
def rows_and_columns_exchanged(x, w, b, n, k, i, j, stride, pad):
    """Right for the transposed image: i counts rows, j counts columns."""
    return _looped(x, w, n, k, lambda u: j * stride + u - pad, lambda v: i * stride + v - pad) + b[k]


@conv_at.wrong
def padding_not_subtracted(x, w, b, n, k, i, j, stride, pad):
    """Your window sits pad rows too low and pad columns too far right."""
    return _looped(x, w, n, k, lambda u: i * stride + u, lambda v: j * stride + v) + b[k]


@conv_at.wrong
def negative_index_wraps(x, w, b, n, k, i, j, stride, pad):
    """x[-1] reads the far side: Python allows a negative index, the image has no row."""
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        total += x[n, c, i * stride + u - pad, j * stride + v - pad] * w[k, c, u, v]
    return total


@conv_at.wrong
def kernel_slides_along_at_the_border(x, w, b, n, k, i, j, stride, pad):
    """At the border you cut the image; the kernel must lose the same part."""
    y, z = i * stride - pad, j * stride - pad
    window = x[n, :, max(0, y) : y + w.shape[2], max(0, z) : z + w.shape[3]]
    return (window * w[k, :, : window.shape[1], : window.shape[2]]).sum() + b[k]


@conv_at.wrong
def stride_ignored(x, w, b, n, k, i, j, stride, pad):
    """Right at i = j = 0, wrong elsewhere: multiply i and j by the stride."""
    return _looped(x, w, n, k, lambda u: i + u - pad, lambda v: j + v - pad) + b[k]


@conv_at.wrong
def always_image_0(x, w, b, n, k, i, j, stride, pad):
    """Right for image 0 only: n chooses the image."""
    return (_window(x, w, 0, i, j, stride, pad) * w[k]).sum() + b[k]


out_size = Question(
    "01.2",
    "how large is the map",
    "A kernel of {k} x {k} moves with stride {s} over an image of {n} x {n}, with {p} rows and columns "
    "of zeros on every side. How many outputs stand in one row?",
    minutes=4,
    difficulty=1,
    hints=(
        "Draw a line of n + 2p cells. Where does the first window start, and where the last one that still fits?",
        (
            "The first window starts at 0 and ends at k. What is left is room for steps of s; a step that does not fit "
            "is not taken. Line of 7 cells, k = 3, s = 2: 4 cells are left, 2 steps, 3 windows."
        ),
        "`(n + 2*p - k) // ____ + 1`",
    ),
)


@out_size.draw
def out_size_draw(rng):
    k = int(rng.integers(3, 12))
    n, s, p = int(rng.integers(30, 240)), int(rng.integers(2, 4)), int(rng.integers(1, k))
    return {"n": n, "k": k, "s": s, "p": p}


@out_size.solution
def out_size_solution(n, k, s, p):
    return shapes.window_count(n, k, s, (p, p))


@out_size.wrong
def plus_1_forgotten(n, k, s, p):
    """You counted the steps; the first window comes before the first step."""
    return (n + 2 * p - k) // s


@out_size.wrong
def padding_counted_once(n, k, s, p):
    """There are p zeros on either side, so 2p in a row."""
    return (n + p - k) // s + 1


@out_size.wrong
def padding_ignored(n, k, s, p):
    """That is the size without padding."""
    return (n - k) // s + 1


@out_size.wrong
def rounded_up(n, k, s, p):
    """A last window that does not fit is dropped. Rounding up is the rule of Caffe's pooling."""
    return -(-(n + 2 * p - k) // s) + 1


@out_size.wrong
def fraction_kept(n, k, s, p):
    """There is no part of a window: the step that does not fit is not taken."""
    return (n + 2 * p - k) / s + 1


@out_size.wrong
def image_divided_by_stride(n, k, s, p):
    """n // s holds only where padding makes up for the kernel."""
    return n // s


shift_kernel = Exercise(
    "01.4",
    "a kernel that moves the picture",
    "shift_kernel(dy, dx) -> (3, 3)",
    minutes=6,
    difficulty=2,
    hints=(
        "Output (i, j) shall be one number of the image. Which one?",
        (
            "The picture moves down by dy, so output(i, j) = x(i - dy, j - dx). With padding 1 the kernel's middle, "
            "index (1, 1), meets x(i, j)."
        ),
        "`w[1 - dy, ____] = 1`",
    ),
    core=False,
)


@shift_kernel.cases
def shift_kernel_cases(rng):
    for place in np.ndindex(3, 3):
        yield tuple(value - 1 for value in place)


@shift_kernel.reference
def shift_kernel_reference(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dy, 1 - dx] = 1
    return w


@shift_kernel.right
def shift_kernel_by_roll(dy, dx):
    middle = np.zeros((3, 3))
    middle[1, 1] = 1
    return np.roll(middle, (-dy, -dx), axis=(0, 1))


@shift_kernel.right
def shift_kernel_by_outer_product(dy, dx):
    rows, columns = np.arange(3) == 1 - dy, np.arange(3) == 1 - dx
    return np.outer(rows, columns).astype(float)


def _one_at(row, column):
    w = np.zeros((3, 3))
    w[row, column] = 1
    return w


@shift_kernel.wrong
def moves_the_other_way(dy, dx):
    """Your picture moves the other way: the 1 sits on the side it comes from."""
    return _one_at(1 + dy, 1 + dx)


@shift_kernel.wrong
def rows_and_columns_exchanged(dy, dx):
    """It moves right when asked to move down: the row comes first."""
    return _one_at(1 - dx, 1 - dy)


@shift_kernel.wrong
def columns_the_other_way(dy, dx):
    """Up and down are right; left and right are mirrored."""
    return _one_at(1 - dy, 1 + dx)


@shift_kernel.wrong
def rows_the_other_way(dy, dx):
    """Left and right are right; up and down are mirrored."""
    return _one_at(1 + dy, 1 - dx)


@shift_kernel.wrong
def nothing_moves(dy, dx):
    """This kernel gives every picture back where it was."""
    return _one_at(1, 1)


@shift_kernel.wrong
def blur(dy, dx):
    """Nothing moved, contrast fell: a mean mixes nine pixels, here one is wanted."""
    return np.full((3, 3), 1 / 9)


@shift_kernel.wrong
def counted_from_the_corner(dy, dx):
    """Index 0 is the corner; the middle of a 3 x 3 kernel is index 1."""
    return _one_at(-dy, -dx)
