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
def _(rng):
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
def _(x, w, b, n, k, i, j, stride, pad):
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
def _(x, w, b, n, k, i, j, stride, pad):
    return _looped(x, w, n, k, lambda u: i * stride + u - pad, lambda v: j * stride + v - pad) + b[k]


def _window(x, w, n, i, j, stride, pad):
    padded = np.pad(x[n], ((0, 0), (pad, pad), (pad, pad)))
    return padded[:, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]


@conv_at.right
def _(x, w, b, n, k, i, j, stride, pad):
    return b[k] + np.vdot(_window(x, w, n, i, j, stride, pad), w[k])


@conv_at.wrong("no bound at the end", "Rows from H on and columns from W on count as zero too: both bounds, 0 and H.")
def _(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if y >= 0 and z >= 0:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@conv_at.wrong(
    "padding ignored", "Nothing is padded: the window begins pad rows above and pad columns left of i*stride."
)
def _(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        total += x[n, c, i * stride + u, j * stride + v] * w[k, c, u, v]
    return total


@conv_at.wrong("returned too early", "Only the first row of the kernel counts: the return stands inside the loops.")
def _(x, w, b, n, k, i, j, stride, pad):
    return _looped(x, w[:, :, :1], n, k, lambda u: i * stride + u - pad, lambda v: j * stride + v - pad) + b[k]


@conv_at.wrong("bias once per weight", "The bias was added once for every weight of the filter; it is added once.")
def _(x, w, b, n, k, i, j, stride, pad):
    return (_window(x, w, n, i, j, stride, pad) * w[k] + b[k]).sum()


@conv_at.wrong("bias forgotten", "All values are short by b[k].")
def _(x, w, b, n, k, i, j, stride, pad):
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum()


@conv_at.wrong("bias of filter 0", "Right for filter 0 only: the others have biases of their own.")
def _(x, w, b, n, k, i, j, stride, pad):
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() + b[0]


@conv_at.wrong("channel 0 alone", "Equals the sum over c = 0 alone; one filter looks at all channels.")
def _(x, w, b, n, k, i, j, stride, pad):
    return (_window(x, w, n, i, j, stride, pad)[0] * w[k, 0]).sum() + b[k]


@conv_at.wrong("mean over channels", "Without the bias exactly 1/C of ours: channels are added, not averaged.")
def _(x, w, b, n, k, i, j, stride, pad):
    return (_window(x, w, n, i, j, stride, pad) * w[k]).sum() / w.shape[1] + b[k]


@conv_at.wrong("kernel flipped", "You computed a true convolution; this engine, like all in this field, correlates.")
def _(x, w, b, n, k, i, j, stride, pad):
    return (_window(x, w, n, i, j, stride, pad) * w[k, :, ::-1, ::-1]).sum() + b[k]


@conv_at.wrong("kernel transposed", "Right for symmetric kernels only: the first index of a kernel is its row.")
def _(x, w, b, n, k, i, j, stride, pad):
    return (_window(x, w, n, i, j, stride, pad) * w[k].transpose(0, 2, 1)).sum() + b[k]


@conv_at.wrong("rows and columns exchanged", "Right for the transposed image: i counts rows, j counts columns.")
def _(x, w, b, n, k, i, j, stride, pad):
    return _looped(x, w, n, k, lambda u: j * stride + u - pad, lambda v: i * stride + v - pad) + b[k]


@conv_at.wrong("padding not subtracted", "Your window sits pad rows too low and pad columns too far right.")
def _(x, w, b, n, k, i, j, stride, pad):
    return _looped(x, w, n, k, lambda u: i * stride + u, lambda v: j * stride + v) + b[k]


@conv_at.wrong(
    "negative index wraps", "x[-1] reads the far side: Python allows a negative index, the image has no row."
)
def _(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        total += x[n, c, i * stride + u - pad, j * stride + v - pad] * w[k, c, u, v]
    return total


@conv_at.wrong(
    "kernel slides along at the border", "At the border you cut the image; the kernel must lose the same part."
)
def _(x, w, b, n, k, i, j, stride, pad):
    y, z = i * stride - pad, j * stride - pad
    window = x[n, :, max(0, y) : y + w.shape[2], max(0, z) : z + w.shape[3]]
    return (window * w[k, :, : window.shape[1], : window.shape[2]]).sum() + b[k]


@conv_at.wrong("stride ignored", "Right at i = j = 0, wrong elsewhere: multiply i and j by the stride.")
def _(x, w, b, n, k, i, j, stride, pad):
    return _looped(x, w, n, k, lambda u: i + u - pad, lambda v: j + v - pad) + b[k]


@conv_at.wrong("always image 0", "Right for image 0 only: n chooses the image.")
def _(x, w, b, n, k, i, j, stride, pad):
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
def _(rng):
    k = int(rng.integers(3, 12))
    n, s, p = int(rng.integers(30, 240)), int(rng.integers(2, 4)), int(rng.integers(1, k))
    return {"n": n, "k": k, "s": s, "p": p}


@out_size.solution
def _(n, k, s, p):
    return shapes.window_count(n, k, s, (p, p))


@out_size.wrong("+1 forgotten", "You counted the steps; the first window comes before the first step.")
def _(n, k, s, p):
    return (n + 2 * p - k) // s


@out_size.wrong("padding counted once", "There are p zeros on either side, so 2p in a row.")
def _(n, k, s, p):
    return (n + p - k) // s + 1


@out_size.wrong("padding ignored", "That is the size without padding.")
def _(n, k, s, p):
    return (n - k) // s + 1


@out_size.wrong("rounded up", "A last window that does not fit is dropped. Rounding up is the rule of Caffe's pooling.")
def _(n, k, s, p):
    return -(-(n + 2 * p - k) // s) + 1


@out_size.wrong("fraction kept", "There is no part of a window: the step that does not fit is not taken.")
def _(n, k, s, p):
    return (n + 2 * p - k) / s + 1


@out_size.wrong("image divided by stride", "n // s holds only where padding makes up for the kernel.")
def _(n, k, s, p):
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
def _(rng):
    for place in np.ndindex(3, 3):
        yield tuple(value - 1 for value in place)


@shift_kernel.reference
def _(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dy, 1 - dx] = 1
    return w


@shift_kernel.right
def _(dy, dx):
    middle = np.zeros((3, 3))
    middle[1, 1] = 1
    return np.roll(middle, (-dy, -dx), axis=(0, 1))


@shift_kernel.right
def _(dy, dx):
    rows, columns = np.arange(3) == 1 - dy, np.arange(3) == 1 - dx
    return np.outer(rows, columns).astype(float)


def _one_at(row, column):
    w = np.zeros((3, 3))
    w[row, column] = 1
    return w


@shift_kernel.wrong("moves the other way", "Your picture moves the other way: the 1 sits on the side it comes from.")
def _(dy, dx):
    return _one_at(1 + dy, 1 + dx)


@shift_kernel.wrong("rows and columns exchanged", "It moves right when asked to move down: the row comes first.")
def _(dy, dx):
    return _one_at(1 - dx, 1 - dy)


@shift_kernel.wrong("columns the other way", "Up and down are right; left and right are mirrored.")
def _(dy, dx):
    return _one_at(1 - dy, 1 + dx)


@shift_kernel.wrong("rows the other way", "Left and right are right; up and down are mirrored.")
def _(dy, dx):
    return _one_at(1 + dy, 1 - dx)


@shift_kernel.wrong("nothing moves", "This kernel gives every picture back where it was.")
def _(dy, dx):
    return _one_at(1, 1)


@shift_kernel.wrong("blur", "Nothing moved, contrast fell: a mean mixes nine pixels, here one is wanted.")
def _(dy, dx):
    return np.full((3, 3), 1 / 9)


@shift_kernel.wrong("counted from the corner", "Index 0 is the corner; the middle of a 3 x 3 kernel is index 1.")
def _(dy, dx):
    return _one_at(-dy, -dx)
