"""A convolution in slices."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.gradcheck.museum.exhibit import windows
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.lessons.lesson_13_fast.instruments import growth, steps

conv_slices = Exercise(
    "13.2",
    "a convolution with R*S steps of Python",
    "conv_slices(x, w, b, stride, pad) -> (N, K, Ho, Wo)",
    minutes=12,
    difficulty=2,
    hints=(
        "Which loops are over the kernel? Only those may stay.",
        (
            "For one place (u, v) of the kernel, all outputs of all images and filters at once: a slice of the padded "
            "image in steps of the stride, times w[:, :, u, v], summed over the channels."
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
        seen = xp[:, :, u : u + stride * (rows - short) : stride, v : v + stride * columns : stride]
        share = np.einsum("nchw,kc->nkhw", seen, w[:, :, u, v])
        y[:, :, : share.shape[2]] = share + (y[:, :, : share.shape[2]] if accumulate else b[:, None, None])
    return y


@conv_slices.right
def conv_slices_by_slices(x, w, b, stride, pad):
    return _in_slices(x, w, b, stride, pad)


@conv_slices.right
def conv_slices_by_tensordot(x, w, b, stride, pad):
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    seen = np.lib.stride_tricks.sliding_window_view(xp, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.tensordot(seen, w, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b[:, None, None]


@conv_slices.wrong
def a_loop_over_images_and_filters(x, w, b, stride, pad):
    """The values are right. Take all images and filters at once."""
    padding = ((pad, pad), (pad, pad))
    seen = windows(x, w.shape[2:], (stride, stride), padding)
    y = np.empty((len(x), len(w), *seen.shape[2:4]))
    for n in range(len(x)):
        for k in range(len(w)):
            for p, q in np.ndindex(y.shape[2:]):
                y[n, k, p, q] = (seen[n, :, p, q] * w[k]).sum() + b[k]
    return y


@conv_slices.wrong
def a_copy_for_every_step(x, w, b, stride, pad):
    """The values are right, but every step pads all images again: pad once."""
    y = b[:, None, None]
    rows, columns = ((x.shape[i] + 2 * pad - w.shape[i]) // stride + 1 for i in (2, 3))
    for u, v in np.ndindex(w.shape[2:]):
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        seen = xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
        y = y + np.einsum("nchw,kc->nkhw", seen, w[:, :, u, v])
    return y


@conv_slices.wrong
def slice_ends_a_row_early(x, w, b, stride, pad):
    """The last row has the bias alone: the slice's end is exclusive."""
    return _in_slices(x, w, b, stride, pad, short=1)


@conv_slices.wrong
def stride_ignored(x, w, b, stride, pad):
    """The slices must take every stride-th row and column."""
    y = conv_slices.reference_function(x, w, b, stride, pad)
    return _in_slices(x, w, b, 1, pad)[:, :, : y.shape[2], : y.shape[3]]


@conv_slices.wrong
def only_the_last_place(x, w, b, stride, pad):
    """Equals the share of the kernel's last place: `=` where `+=` is meant."""
    return _in_slices(x, w, b, stride, pad, accumulate=False)


@conv_slices.wrong
def bias_once_per_place(x, w, b, stride, pad):
    """The bias was added R*S times: it belongs before the loop."""
    return _in_slices(x, w, b * w[0, 0].size, stride, pad)


@conv_slices.wrong
def kernel_flipped(x, w, b, stride, pad):
    """u and v run from the kernel's other end: you computed a true convolution."""
    return _in_slices(x, w[:, :, ::-1, ::-1], b, stride, pad)


AXES = ("images", "channels", "filters", "rows", "columns")


def _arguments(longer=None):
    """Return a convolution with 2 of everything and 7 x 7 pixels, 8 or 19 of them along the axis that is longer."""
    n, c, k, h, w = (6 * (axis == longer) + 2 if axis in AXES[:3] else 12 * (axis == longer) + 7 for axis in AXES)
    rng = np.random.default_rng(132)
    return integers(rng, (n, c, h, w)), integers(rng, (k, c, 3, 3)), integers(rng, k), 2, 1


@conv_slices.demand
def conv_slices_demand(function):
    small = _arguments()
    before = steps(function, small)
    places = small[1][0, 0].size
    for axis, size, longer in zip(AXES, (2, 2, 2, 7, 7), (8, 8, 8, 19, 19), strict=True):
        grown = growth(before, steps(function, _arguments(axis)))
        if grown:
            where, few, many = grown
            name = "a loop over images and filters" if axis in ("images", "filters") else None
            what = f"{where} runs {few} times for {size} {axis} and {many} times for {longer}: it loops over the {axis}"
            return Verdict(False, name, what)
    if before.calls["pad"] >= places:
        what = f"np.pad is called {before.calls['pad']} times for {places} places of the kernel"
        return Verdict(False, "a copy for every step", what)
    most = max(before.lines.values(), default=0)
    told = f"no line runs more than {most} times for {places} places of the kernel, whatever the other sizes"
    return Verdict(True, None, told)
