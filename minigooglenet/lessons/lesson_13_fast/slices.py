"""A convolution with slices, one matrix product per kernel position."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.gradcheck.museum.exhibit import windows
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.lessons.lesson_13_fast.instruments import growth, steps

conv_slices = Exercise(
    "13.2",
    "a convolution with R*S iterations of Python",
    "conv_slices(x, w, b, stride, pad) -> (N, K, Ho, Wo)",
    minutes=12,
    difficulty=2,
    hints=(
        "Which loops run over the kernel? Only these may remain.",
        (
            "For one kernel position (u, v), compute its part of all outputs of all images and filters: a slice of the "
            "padded image with the stride as its step, times w[:, :, u, v], summed over the channels."
        ),
        "`y += np.einsum('nchw,kc->nkhw', xp[:, :, u : u + s * Ho : s, v : v + s * Wo : s], w[:, :, u, ____])`",
    ),
)


@conv_slices.cases
def conv_slices_cases(rng):
    yield integers(rng, (1, 1, 3, 4), 1, 10), integers(rng, (1, 1, 2, 2)), integers(rng, 1), 1, 0  # small to read
    yield integers(rng, (6, 4, 7, 8)), integers(rng, (5, 4, 3, 3)), integers(rng, 5), 2, 1
    yield integers(rng, (2, 2, 6, 7)) / 4, integers(rng, (3, 2, 2, 3)) / 8, integers(rng, 3), 3, 2  # fractions
    yield integers(rng, (1, 1, 6, 7)), integers(rng, (3, 1, 1, 3)), integers(rng, 3), 3, 2  # a kernel of one row


@conv_slices.reference
def conv_slices_reference(x, w, b, stride, pad):
    return conv2d.forward(x, w, b, stride, pad, algorithm="im2col")


conv_slices.engine(by_columns.forward)


def _in_slices(x, w, b, stride, pad, short=0, accumulate=True):
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = ((xp.shape[i] - w.shape[i]) // stride + 1 for i in (2, 3))
    y = np.zeros((len(x), len(w), rows, columns))
    y += b[:, None, None]
    for u, v in np.ndindex(w.shape[2:]):
        inputs = xp[:, :, u : u + stride * (rows - short) : stride, v : v + stride * columns : stride]
        part = np.einsum("nchw,kc->nkhw", inputs, w[:, :, u, v])
        y[:, :, : part.shape[2]] = part + (y[:, :, : part.shape[2]] if accumulate else b[:, None, None])
    return y


@conv_slices.right
def conv_slices_by_slices(x, w, b, stride, pad):
    return _in_slices(x, w, b, stride, pad)


@conv_slices.right
def conv_slices_by_tensordot(x, w, b, stride, pad):
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    inputs = np.lib.stride_tricks.sliding_window_view(xp, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.tensordot(inputs, w, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b[:, None, None]


@conv_slices.wrong
def a_loop_over_images_and_filters(x, w, b, stride, pad):
    """The values are right, but you loop over images or filters. Compute all of them at once."""
    padding = ((pad, pad), (pad, pad))
    inputs = windows(x, w.shape[2:], (stride, stride), padding)
    y = np.empty((len(x), len(w), *inputs.shape[2:4]))
    for n in range(len(x)):
        for k in range(len(w)):
            for p, q in np.ndindex(y.shape[2:]):
                y[n, k, p, q] = (inputs[n, :, p, q] * w[k]).sum() + b[k]
    return y


@conv_slices.wrong
def padded_in_every_iteration(x, w, b, stride, pad):
    """The values are right, but you pad all images in every iteration. Pad once."""
    y = b[:, None, None]
    rows, columns = ((x.shape[i] + 2 * pad - w.shape[i]) // stride + 1 for i in (2, 3))
    for u, v in np.ndindex(w.shape[2:]):
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        inputs = xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
        y = y + np.einsum("nchw,kc->nkhw", inputs, w[:, :, u, v])
    return y


@conv_slices.wrong
def slice_ends_a_row_early(x, w, b, stride, pad):
    """The last row contains only the bias: your slice ends one row too early, because the end is exclusive."""
    return _in_slices(x, w, b, stride, pad, short=1)


@conv_slices.wrong
def stride_ignored(x, w, b, stride, pad):
    """You ignored the stride. The slices must take every stride-th row and column."""
    y = conv_slices.reference_function(x, w, b, stride, pad)
    return _in_slices(x, w, b, 1, pad)[:, :, : y.shape[2], : y.shape[3]]


@conv_slices.wrong
def only_the_last_kernel_position(x, w, b, stride, pad):
    """Your result contains only the part of the last kernel position. Use += instead of =."""
    return _in_slices(x, w, b, stride, pad, accumulate=False)


@conv_slices.wrong
def bias_once_per_kernel_position(x, w, b, stride, pad):
    """You added the bias R*S times. Add it once, before the loop."""
    return _in_slices(x, w, b * w[0, 0].size, stride, pad)


@conv_slices.wrong
def kernel_flipped(x, w, b, stride, pad):
    """Your kernel is rotated by 180 degrees, as in mathematics. Use w[:, :, u, v] for kernel position (u, v)."""
    return _in_slices(x, w[:, :, ::-1, ::-1], b, stride, pad)


AXES = ("images", "channels", "filters", "rows", "columns")


def _arguments(longer=None):
    """Return arguments with 2 images, channels and filters and 7 x 7 pixels; the `longer` axis has 8 or 19."""
    n, c, k, h, w = (6 * (axis == longer) + 2 if axis in AXES[:3] else 12 * (axis == longer) + 7 for axis in AXES)
    rng = np.random.default_rng(132)
    return integers(rng, (n, c, h, w)), integers(rng, (k, c, 3, 3)), integers(rng, k), 2, 1


@conv_slices.demand
def conv_slices_demand(function):
    small = _arguments()
    before = steps(function, small)
    positions = small[1][0, 0].size
    for axis, size, longer in zip(AXES, (2, 2, 2, 7, 7), (8, 8, 8, 19, 19), strict=True):
        grown = growth(before, steps(function, _arguments(axis)))
        if grown:
            line, few, many = grown
            name = "a loop over images and filters" if axis in ("images", "filters") else None
            what = f"{line} runs {few} times for {size} {axis} and {many} times for {longer}: it loops over the {axis}"
            return Verdict(False, name, what)
    if before.calls["pad"] >= positions:
        what = f"np.pad is called {before.calls['pad']} times for {positions} kernel positions"
        return Verdict(False, "padded in every iteration", what)
    most = max(before.lines.values(), default=0)
    what = f"no line runs more than {most} times for {positions} kernel positions, at all sizes of the arrays"
    return Verdict(True, None, what)
