"""Pooling, forward and backward, with windows that overlap, pad and hang over the end."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.gradcheck.museum.exhibit import windows
from minigooglenet.kernels.loops import avg_pool2d, max_pool2d

maxpool = Exercise(
    "05.1",
    "max pooling with its argmax",
    "maxpool(x, k, s, p, ceil) -> (N, C, Ho, Wo), (N, C, Ho, Wo)",
    minutes=15,
    difficulty=2,
    hints=(
        "What is the largest of {-3, nothing}?",
        (
            "Pad with minus infinity, which never wins, and far enough after the end for the last window. Ceil rounds "
            "(n + 2p - k) / s up; a last window that starts at n + p or later is dropped. On [-5, -3, -4] with k = 2, "
            "s = 2 and ceil there are two windows: [-5, -3] and [-4, nothing]."
        ),
        "`xp = np.pad(x, ((0, 0), (0, 0), (p, p + k), (p, p + k)), constant_values=____)`",
    ),
    core=False,
)


def _shuffled(rng, *shape):
    """Return distinct negative whole numbers, in no order."""
    return -1.0 - rng.permutation(np.prod(shape)).reshape(shape)


@maxpool.cases
def maxpool_cases(rng):
    yield _shuffled(rng, 2, 2, 8, 6), 3, 2, 0, True
    yield _shuffled(rng, 1, 2, 8, 6), 3, 2, 0, False
    yield _shuffled(rng, 2, 2, 4, 5), 3, 1, 1, False
    yield _shuffled(rng, 1, 2, 5, 5), 2, 3, 1, True  # a third window would start in the padding
    yield np.full((1, 1, 4, 4), -2.0), 2, 2, 0, False  # all tied: the first wins
    yield _shuffled(rng, 1, 1, 5, 6) / 4, 5, 2, 2, False  # fractions
    for s in (2, 3):  # the last window starts in the image, near its end
        yield _shuffled(rng, 1, 1, 5, 6), 5, s, 2, True


@maxpool.reference
def maxpool_reference(x, k, s, p, ceil):
    return max_pool2d.forward(x, (k, k), (s, s), ((p, p), (p, p)), ceil)


maxpool.engine(max_pool2d.forward)


@maxpool.right
def maxpool_by_windows(x, k, s, p, ceil):
    return _pooled(_seen(x, k, s, p, ceil))


@maxpool.right
def maxpool_by_loops(x, k, s, p, ceil):
    high, across = (_count(n, k, s, p, ceil) for n in x.shape[2:])
    y = np.full((*x.shape[:2], high, across), -np.inf)
    arg = np.zeros(y.shape, int)
    for n, c, i, j in np.ndindex(y.shape):
        for place in range(k * k):
            h, w = i * s - p + place // k, j * s - p + place % k
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3] and x[n, c, h, w] > y[n, c, i, j]:
                y[n, c, i, j], arg[n, c, i, j] = x[n, c, h, w], place
    return y, arg


@maxpool.wrong
def last_value_of_the_window(x, k, s, p, ceil):
    """The last value of each window. On increasing data this looks right."""
    seen = _seen(x, k, s, p, ceil)
    return seen[..., -1, -1], np.full(seen.shape[:4], k * k - 1)


@maxpool.wrong
def padding_with_zeros(x, k, s, p, ceil):
    """A border of negatives became 0: pad with minus infinity."""
    return _pooled(_seen(x, k, s, p, ceil, fill=0.0))


@maxpool.wrong
def floor_for_ceil(x, k, s, p, ceil):
    """Too few windows: this pool rounds up where ceil is True."""
    return _pooled(_seen(x, k, s, p, False))


@maxpool.wrong
def always_ceil(x, k, s, p, ceil):
    """Too many windows: ceil was False."""
    return _pooled(_seen(x, k, s, p, True))


@maxpool.wrong
def window_in_the_padding(x, k, s, p, ceil):
    """The last window starts after the image: it is dropped."""
    return _pooled(_seen(x, k, s, p, ceil, clip=False))


@maxpool.wrong
def maximum_over_the_channels(x, k, s, p, ceil):
    """All channels are equal: pooling never mixes channels."""
    return _pooled(_seen(np.broadcast_to(x.max(axis=1, keepdims=True), x.shape), k, s, p, ceil))


@maxpool.wrong
def ReLU_first(x, k, s, p, ceil):
    """Negative maxima became 0: where does the comparison start?"""
    return _pooled(_seen(np.maximum(x, 0), k, s, p, ceil))


@maxpool.wrong
def stride_is_k(x, k, s, p, ceil):
    """The windows do not overlap any more: they are s apart, not k."""
    return _pooled(_seen(x, k, k, p, ceil))


@maxpool.wrong
def place_in_the_image(x, k, s, p, ceil):
    """y is right. arg is the place in the window, row * k + column, not in the image."""
    y, arg = _pooled(_seen(x, k, s, p, ceil))
    i, j = np.indices(y.shape[2:])
    return y, (i * s - p + arg // k) * x.shape[3] + j * s - p + arg % k


@maxpool.wrong
def outputs_in_the_other_order(x, k, s, p, ceil):
    """Both are right, but exchanged: return the maxima first, then arg."""
    return _pooled(_seen(x, k, s, p, ceil))[::-1]


@maxpool.wrong
def last_of_equals(x, k, s, p, ceil):
    """y is right. Where values are equal the first one wins: compare with > and not >=."""
    seen = _seen(x, k, s, p, ceil)
    y, _ = _pooled(seen)
    return y, k * k - 1 - seen.reshape(*y.shape, -1)[..., ::-1].argmax(axis=-1)


maxpool_backward = Exercise(
    "05.2",
    "the backward of max pooling",
    "maxpool_backward(dout, arg, x_shape, k, s, p) -> (N, C, H, W)",
    minutes=10,
    difficulty=2,
    hints=(
        "Which pixel was the maximum of a window, and of how many windows can it be the maximum?",
        (
            "In one dimension, k = 2, s = 1: in [3, 4, 1] the 4 is the maximum of both windows, so it gets both "
            "gradients. In two, arg = 5 with k = 3 is row 5 // 3 and column 5 % 3 of the window."
        ),
        "`dx[n, c, i * s + arg[n, c, i, j] // k - p, j * s + ____ - p] += dout[n, c, i, j]`",
    ),
)


@maxpool_backward.cases
def maxpool_backward_cases(rng):
    for shape, k, s, p, ceil in (
        ((2, 2, 9, 7), 3, 2, 0, False),
        ((2, 1, 5, 6), 3, 1, 1, False),
        ((1, 2, 8, 6), 3, 2, 0, True),
        ((1, 2, 6, 5), 2, 1, 0, False),
        ((1, 1, 6, 7), 5, 2, 2, False),
    ):
        y, arg = max_pool2d.forward(_shuffled(rng, *shape), (k, k), (s, s), ((p, p), (p, p)), ceil)
        yield integers(rng, y.shape, 1, 10) / s, arg, shape, k, s, p


@maxpool_backward.reference
def maxpool_backward_reference(dout, arg, x_shape, k, s, p):
    return max_pool2d.backward(dout, arg, x_shape[2:], (k, k), (s, s), ((p, p), (p, p)))


maxpool_backward.engine(max_pool2d.backward)


@maxpool_backward.right
def maxpool_backward_by_add_at(dout, arg, x_shape, k, s, p):
    dx = np.zeros(x_shape)
    n, c, i, j = np.indices(dout.shape)
    np.add.at(dx, (n, c, i * s - p + arg // k, j * s - p + arg % k), dout)
    return dx


@maxpool_backward.right
def maxpool_backward_place_by_place(dout, arg, x_shape, k, s, p):
    plane = _plane(x_shape, k, p)
    for place in range(k * k):
        for n, c, i, j in np.argwhere(arg == place):
            plane[n, c, i * s + place // k, j * s + place % k] += dout[n, c, i, j]
    return _cut(plane, x_shape, p)


@maxpool_backward.wrong
def assigned_instead_of_added(dout, arg, x_shape, k, s, p):
    """Gradients are lost: where windows share a maximum, only the last one's gradient stayed. Add them; if an index
    occurs twice, `dx[indices] += dout` adds once, np.add.at each time."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] = dout[n, c, i, j]
    return _cut(plane, x_shape, p)


@maxpool_backward.wrong
def counted_once(dout, arg, x_shape, k, s, p):
    """A pixel that is the maximum of two windows got only the first one's gradient: they add."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        if plane[n, c, i * s + r, j * s + q] == 0:
            plane[n, c, i * s + r, j * s + q] = dout[n, c, i, j]
    return _cut(plane, x_shape, p)


@maxpool_backward.wrong
def spread_over_the_window(dout, arg, x_shape, k, s, p):
    """That is average pooling: only the maximum gets the gradient."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        plane[n, c, i * s : i * s + k, j * s : j * s + k] += dout[n, c, i, j] / (k * k)
    return _cut(plane, x_shape, p)


@maxpool_backward.wrong
def row_and_column_of_arg_exchanged(dout, arg, x_shape, k, s, p):
    """Row and column are exchanged: the row in the window is arg // k, the column arg % k."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        q, r = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] += dout[n, c, i, j]
    return _cut(plane, x_shape, p)


@maxpool_backward.wrong
def crop_missing(dout, arg, x_shape, k, s, p):
    """Moved by p: the padding has to come off in front, too."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] += dout[n, c, i, j]
    return _cut(plane, x_shape, 0)


@maxpool_backward.wrong
def stride_ignored(dout, arg, x_shape, k, s, p):
    """Squeezed into the top left corner: window i starts at i * s."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i + r, j + q] += dout[n, c, i, j]
    return _cut(plane, x_shape, p)


@maxpool_backward.wrong
def dout_not_used(dout, arg, x_shape, k, s, p):
    """You counted of how many windows a pixel is the maximum: add the dout of each."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] += 1
    return _cut(plane, x_shape, p)


@maxpool_backward.wrong
def place_taken_as_one_of_the_image(dout, arg, x_shape, k, s, p):
    """arg counts in the window, not in the image: its pixel is in row i * s - p + arg // k."""
    dx = np.zeros(x_shape)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], x_shape[3])
        dx[n, c, r, q] += dout[n, c, i, j]
    return dx


avgpool_backward = Exercise(
    "05.3",
    "the backward of average pooling",
    "avgpool_backward(dout, x_shape, k, s) -> (N, C, H, W)",
    minutes=5,
    difficulty=1,
    hints=(
        "One output is the mean of 25 pixels: what is each pixel's share in it?",
        "In one dimension, k = 2, s = 1: each output gives half to either pixel, and where windows overlap halves add.",
        "`dx[:, :, i * s:i * s + k, j * s:j * s + k] += dout[:, :, i, j, None, None] / ____`",
    ),
    core=False,
)


@avgpool_backward.cases
def avgpool_backward_cases(rng):
    yield integers(rng, (2, 2, 4, 4)), (2, 2, 14, 14), 5, 3  # GoogLeNet's auxiliary heads
    yield integers(rng, (2, 3, 1, 1)), (2, 3, 7, 7), 7, 1  # and its last pool
    yield integers(rng, (1, 2, 2, 3)), (1, 2, 5, 7), 3, 2


@avgpool_backward.reference
def avgpool_backward_reference(dout, x_shape, k, s):
    return avg_pool2d.backward(dout, x_shape[2:], (k, k), (s, s), ((0, 0), (0, 0)))


avgpool_backward.engine(avg_pool2d.backward)


@avgpool_backward.right
def avgpool_backward_window_by_window(dout, x_shape, k, s):
    return _shared(dout, x_shape, k, s) / (k * k)


@avgpool_backward.right
def avgpool_backward_shift_by_shift(dout, x_shape, k, s):
    dx = np.zeros(x_shape)
    for u, v in np.ndindex(k, k):
        dx[:, :, u : u + s * (dout.shape[2] - 1) + 1 : s, v : v + s * (dout.shape[3] - 1) + 1 : s] += dout / k / k
    return dx


@avgpool_backward.wrong
def not_divided(dout, x_shape, k, s):
    """k * k times too big: an output is the mean of its window, not the sum."""
    return _shared(dout, x_shape, k, s)


@avgpool_backward.wrong
def assigned_instead_of_added(dout, x_shape, k, s):
    """Where windows overlap the stripes are too small: shares add."""
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] = dout[:, :, i, j, None, None] / (k * k)
    return dx


@avgpool_backward.wrong
def divided_by_the_windows(dout, x_shape, k, s):
    """Divided by the number of windows; a window holds k * k pixels."""
    return _shared(dout, x_shape, k, s) / (dout.shape[2] * dout.shape[3])


@avgpool_backward.wrong
def divided_by_the_image(dout, x_shape, k, s):
    """Divided by H * W; a window holds k * k pixels."""
    return _shared(dout, x_shape, k, s) / (x_shape[2] * x_shape[3])


@avgpool_backward.wrong
def centre_only(dout, x_shape, k, s):
    """Only the centres of the windows have a gradient: every pixel took part."""
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s + k // 2, j * s + k // 2] += dout[:, :, i, j]
    return dx


@avgpool_backward.wrong
def mean_per_pixel(dout, x_shape, k, s):
    """You evened out the overlap; it is part of the answer."""
    covered = _shared(np.ones_like(dout), x_shape, k, s)
    return _shared(dout, x_shape, k, s) / (k * k) / np.maximum(covered, 1)


def _count(n, k, s, p, ceil, clip=True):
    """Return how many windows lie along n pixels."""
    room = n + 2 * p - k
    count = (-(-room // s) if ceil else room // s) + 1
    return count - 1 if ceil and clip and (count - 1) * s >= n + p else count


def _seen(x, k, s, p, ceil, *, fill=-np.inf, clip=True):
    """Return (N, C, Ho, Wo, k, k): the window of each output."""
    counts = [_count(n, k, s, p, ceil, clip) for n in x.shape[2:]]
    sides = [(p, max(p, (count - 1) * s + k - n - p)) for count, n in zip(counts, x.shape[2:], strict=True)]
    return windows(x, (k, k), (s, s), sides, fill)[:, :, : counts[0], : counts[1]]


def _pooled(seen):
    """Return (y, arg) of windows."""
    flat = seen.reshape(*seen.shape[:4], -1)
    return flat.max(axis=-1), flat.argmax(axis=-1)


def _plane(x_shape, k, p):
    return np.zeros((*x_shape[:2], x_shape[2] + 2 * p + k, x_shape[3] + 2 * p + k))


def _cut(plane, x_shape, p):
    return plane[:, :, p : p + x_shape[2], p : p + x_shape[3]].copy()


def _shared(dout, x_shape, k, s):
    """Return the sum of the windows' gradients at each pixel."""
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] += dout[:, :, i, j, None, None]
    return dx
