"""Exercises: max and average pooling, with windows that overlap, read padding and extend past the edge."""

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
        "What is the maximum of a window that contains -3 and padding?",
        (
            "Pad with minus infinity, which is never the maximum, and far enough past the edge for the last window. "
            "With ceil, (n + 2p - k) / s is rounded up; a last window that starts at n + p or later is dropped. For "
            "[-5, -3, -4] with k = 2, s = 2 and ceil there are two windows: [-5, -3] and [-4, padding]."
        ),
        "`xp = np.pad(x, ((0, 0), (0, 0), (p, p + k), (p, p + k)), constant_values=____)`",
    ),
    core=False,
)


def _shuffled(rng, *shape):
    """Return distinct negative integers in random order."""
    return -1.0 - rng.permutation(np.prod(shape)).reshape(shape)


@maxpool.cases
def maxpool_cases(rng):
    yield _shuffled(rng, 2, 2, 8, 6), 3, 2, 0, True
    yield _shuffled(rng, 1, 2, 8, 6), 3, 2, 0, False
    yield _shuffled(rng, 2, 2, 4, 5), 3, 1, 1, False
    yield _shuffled(rng, 1, 2, 5, 5), 2, 3, 1, True  # a third window would start in the padding
    yield np.full((1, 1, 4, 4), -2.0), 2, 2, 0, False  # ties: the first value counts
    yield _shuffled(rng, 1, 1, 5, 6) / 4, 5, 2, 2, False  # fractions
    for s in (2, 3):  # the last window starts in the image, near its end
        yield _shuffled(rng, 1, 1, 5, 6), 5, s, 2, True


@maxpool.reference
def maxpool_reference(x, k, s, p, ceil):
    return max_pool2d.forward(x, (k, k), (s, s), ((p, p), (p, p)), ceil)


maxpool.engine(max_pool2d.forward)


@maxpool.right
def maxpool_by_windows(x, k, s, p, ceil):
    return _pooled(_windows(x, k, s, p, ceil))


@maxpool.right
def maxpool_by_loops(x, k, s, p, ceil):
    high, across = (_count(n, k, s, p, ceil) for n in x.shape[2:])
    y = np.full((*x.shape[:2], high, across), -np.inf)
    arg = np.zeros(y.shape, int)
    for n, c, i, j in np.ndindex(y.shape):
        for position in range(k * k):
            h, w = i * s - p + position // k, j * s - p + position % k
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3] and x[n, c, h, w] > y[n, c, i, j]:
                y[n, c, i, j], arg[n, c, i, j] = x[n, c, h, w], position
    return y, arg


@maxpool.wrong
def last_value_of_the_window(x, k, s, p, ceil):
    """You returned the last value of each window. It is the maximum only if the values increase."""
    values = _windows(x, k, s, p, ceil)
    return values[..., -1, -1], np.full(values.shape[:4], k * k - 1)


@maxpool.wrong
def padding_with_zeros(x, k, s, p, ceil):
    """Negative values at the border became 0: pad with minus infinity."""
    return _pooled(_windows(x, k, s, p, ceil, fill=0.0))


@maxpool.wrong
def floor_instead_of_ceil(x, k, s, p, ceil):
    """You have too few windows: if ceil is True, round up."""
    return _pooled(_windows(x, k, s, p, False))


@maxpool.wrong
def always_ceil(x, k, s, p, ceil):
    """You have too many windows: if ceil is False, round down."""
    return _pooled(_windows(x, k, s, p, True))


@maxpool.wrong
def window_in_the_padding(x, k, s, p, ceil):
    """Your last window starts after the image, in the padding: drop it."""
    return _pooled(_windows(x, k, s, p, ceil, clip=False))


@maxpool.wrong
def maximum_over_the_channels(x, k, s, p, ceil):
    """Your channels are all equal: pool each channel separately."""
    return _pooled(_windows(np.broadcast_to(x.max(axis=1, keepdims=True), x.shape), k, s, p, ceil))


@maxpool.wrong
def ReLU_first(x, k, s, p, ceil):
    """Negative maxima became 0: start the comparison at minus infinity, not at 0."""
    return _pooled(_windows(np.maximum(x, 0), k, s, p, ceil))


@maxpool.wrong
def stride_is_k(x, k, s, p, ceil):
    """Your windows are k pixels apart. They must be s pixels apart, so they may overlap."""
    return _pooled(_windows(x, k, k, p, ceil))


@maxpool.wrong
def position_in_the_image(x, k, s, p, ceil):
    """y is right, but arg must be the position in the window, row * k + column, not the position in the image."""
    y, arg = _pooled(_windows(x, k, s, p, ceil))
    i, j = np.indices(y.shape[2:])
    return y, (i * s - p + arg // k) * x.shape[3] + j * s - p + arg % k


@maxpool.wrong
def outputs_exchanged(x, k, s, p, ceil):
    """Both outputs are right, but in the wrong order: return the maxima first, then arg."""
    return _pooled(_windows(x, k, s, p, ceil))[::-1]


@maxpool.wrong
def last_of_equals(x, k, s, p, ceil):
    """y is right, but if values are equal, arg must be the position of the first: compare with >, not >=."""
    values = _windows(x, k, s, p, ceil)
    y, _ = _pooled(values)
    return y, k * k - 1 - values.reshape(*y.shape, -1)[..., ::-1].argmax(axis=-1)


maxpool_backward = Exercise(
    "05.2",
    "the backward pass of max pooling",
    "maxpool_backward(dout, arg, x_shape, k, s, p) -> (N, C, H, W)",
    minutes=10,
    difficulty=2,
    hints=(
        "How many windows can have the same pixel as their maximum?",
        (
            "In one dimension, with k = 2 and s = 1: in [3, 4, 1], the 4 is the maximum of both windows, so it gets "
            "both gradients. In two dimensions, arg = 5 with k = 3 is row arg // k = 1, column arg % k = 2."
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
def maxpool_backward_by_positions(dout, arg, x_shape, k, s, p):
    plane = _plane(x_shape, k, p)
    for position in range(k * k):
        for n, c, i, j in np.argwhere(arg == position):
            plane[n, c, i * s + position // k, j * s + position % k] += dout[n, c, i, j]
    return _cropped(plane, x_shape, p)


@maxpool_backward.wrong
def assigned_instead_of_added(dout, arg, x_shape, k, s, p):
    """Some gradient is lost: if windows share a maximum, only the gradient of the last window is kept. Use += instead
    of =, or np.add.at with arrays of indices: `dx[indices] += dout` adds only once if an index occurs twice."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] = dout[n, c, i, j]
    return _cropped(plane, x_shape, p)


@maxpool_backward.wrong
def first_window_only(dout, arg, x_shape, k, s, p):
    """If a pixel is the maximum of two windows, only the gradient of the first is kept. Add both."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        if plane[n, c, i * s + r, j * s + q] == 0:
            plane[n, c, i * s + r, j * s + q] = dout[n, c, i, j]
    return _cropped(plane, x_shape, p)


@maxpool_backward.wrong
def spread_over_the_window(dout, arg, x_shape, k, s, p):
    """That is the gradient of average pooling. In max pooling only the maximum gets the gradient."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        plane[n, c, i * s : i * s + k, j * s : j * s + k] += dout[n, c, i, j] / (k * k)
    return _cropped(plane, x_shape, p)


@maxpool_backward.wrong
def row_and_column_of_arg_exchanged(dout, arg, x_shape, k, s, p):
    """Rows and columns are exchanged: the row in the window is arg // k, the column is arg % k."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        q, r = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] += dout[n, c, i, j]
    return _cropped(plane, x_shape, p)


@maxpool_backward.wrong
def crop_missing(dout, arg, x_shape, k, s, p):
    """Your result is moved down and right by p: subtract p from the row and the column."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] += dout[n, c, i, j]
    return _cropped(plane, x_shape, 0)


@maxpool_backward.wrong
def stride_ignored(dout, arg, x_shape, k, s, p):
    """All gradients are in the top left corner: window i starts at i * s."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i + r, j + q] += dout[n, c, i, j]
    return _cropped(plane, x_shape, p)


@maxpool_backward.wrong
def dout_not_used(dout, arg, x_shape, k, s, p):
    """You counted the windows in which a pixel is the maximum. Add the dout of these windows."""
    plane = _plane(x_shape, k, p)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], k)
        plane[n, c, i * s + r, j * s + q] += 1
    return _cropped(plane, x_shape, p)


@maxpool_backward.wrong
def arg_used_as_position_in_the_image(dout, arg, x_shape, k, s, p):
    """arg is the position in the window, not in the image: the row of its pixel is i * s - p + arg // k."""
    dx = np.zeros(x_shape)
    for n, c, i, j in np.ndindex(dout.shape):
        r, q = divmod(arg[n, c, i, j], x_shape[3])
        dx[n, c, r, q] += dout[n, c, i, j]
    return dx


avgpool_backward = Exercise(
    "05.3",
    "the backward pass of average pooling",
    "avgpool_backward(dout, x_shape, k, s) -> (N, C, H, W)",
    minutes=5,
    difficulty=1,
    hints=(
        "One output is the mean of 25 pixels. If one of these pixels rises by 1, how much does the output rise?",
        (
            "In one dimension, with k = 2 and s = 1, add half of each output's gradient to both of its pixels. Where "
            "windows overlap, the halves are added."
        ),
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
    return _window_sums(dout, x_shape, k, s) / (k * k)


@avgpool_backward.right
def avgpool_backward_by_positions(dout, x_shape, k, s):
    dx = np.zeros(x_shape)
    for u, v in np.ndindex(k, k):
        dx[:, :, u : u + s * (dout.shape[2] - 1) + 1 : s, v : v + s * (dout.shape[3] - 1) + 1 : s] += dout / k / k
    return dx


@avgpool_backward.wrong
def not_divided(dout, x_shape, k, s):
    """Your gradient is k * k times too large: an output is the mean of its window, not the sum."""
    return _window_sums(dout, x_shape, k, s)


@avgpool_backward.wrong
def assigned_instead_of_added(dout, x_shape, k, s):
    """The gradient is too small where windows overlap. Use += instead of =."""
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] = dout[:, :, i, j, None, None] / (k * k)
    return dx


@avgpool_backward.wrong
def divided_by_the_windows(dout, x_shape, k, s):
    """You divided by the number of windows. Divide by the number of pixels in a window, k * k."""
    return _window_sums(dout, x_shape, k, s) / (dout.shape[2] * dout.shape[3])


@avgpool_backward.wrong
def divided_by_the_image(dout, x_shape, k, s):
    """You divided by H * W. Divide by the number of pixels in a window, k * k."""
    return _window_sums(dout, x_shape, k, s) / (x_shape[2] * x_shape[3])


@avgpool_backward.wrong
def centre_only(dout, x_shape, k, s):
    """Only the centres of the windows have a gradient. Every pixel of a window needs one."""
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s + k // 2, j * s + k // 2] += dout[:, :, i, j]
    return dx


@avgpool_backward.wrong
def mean_per_pixel(dout, x_shape, k, s):
    """You divided by the number of windows that contain a pixel. Add their gradients instead of averaging them."""
    covered = _window_sums(np.ones_like(dout), x_shape, k, s)
    return _window_sums(dout, x_shape, k, s) / (k * k) / np.maximum(covered, 1)


def _count(n, k, s, p, ceil, clip=True):
    """Return the number of windows along n pixels."""
    room = n + 2 * p - k
    count = (-(-room // s) if ceil else room // s) + 1
    return count - 1 if ceil and clip and (count - 1) * s >= n + p else count


def _windows(x, k, s, p, ceil, *, fill=-np.inf, clip=True):
    """Return (N, C, Ho, Wo, k, k): the window of each output."""
    counts = [_count(n, k, s, p, ceil, clip) for n in x.shape[2:]]
    sides = [(p, max(p, (count - 1) * s + k - n - p)) for count, n in zip(counts, x.shape[2:], strict=True)]
    return windows(x, (k, k), (s, s), sides, fill)[:, :, : counts[0], : counts[1]]


def _pooled(values):
    """Return (y, arg) of windows (N, C, Ho, Wo, k, k)."""
    flat = values.reshape(*values.shape[:4], -1)
    return flat.max(axis=-1), flat.argmax(axis=-1)


def _plane(x_shape, k, p):
    return np.zeros((*x_shape[:2], x_shape[2] + 2 * p + k, x_shape[3] + 2 * p + k))


def _cropped(plane, x_shape, p):
    return plane[:, :, p : p + x_shape[2], p : p + x_shape[3]].copy()


def _window_sums(dout, x_shape, k, s):
    """Return, for each pixel, the sum of the gradients of its windows."""
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] += dout[:, :, i, j, None, None]
    return dx
