"""Exercise: col2im, the transpose of im2col."""

import numpy as np

from minigooglenet import shapes
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels.numpy import im2col as engine
from minigooglenet.lessons.lesson_02_matrix.columns import both_sides

col2im = Exercise(
    "02.3",
    "the transpose of im2col",
    "col2im(cols, x_shape, kh, kw, stride, pad) -> x_shape",
    minutes=12,
    difficulty=3,
    hints=(
        "Run im2col backwards. What happens to a pixel that was in two windows?",
        (
            "Start from a padded image of zeros, (N, C, H + 2*pad, W + 2*pad). To each slice that im2col reads, add "
            "the values of cols. For a line of 3 pixels and k = 2, two values are added to the middle pixel. At the "
            "end, crop the padding. With pad = 0, [pad:-pad] is empty."
        ),
        "`window ____ cols[:, :, i*Wo + j].reshape(N, C, kh, kw)`, with window = xp[:, :, the slices of im2col]",
    ),
)


@col2im.cases
def col2im_cases(rng):
    yield integers(rng, (1, 4, 6), 1, 10), (1, 1, 3, 4), 2, 2, 1, 0  # small to read
    yield integers(rng, (2, 18, 12)), (2, 3, 5, 7), 3, 2, 2, 1
    yield integers(rng, (1, 12, 12)), (1, 2, 4, 6), 2, 3, 1, 0
    yield integers(rng, (2, 18, 20)), (2, 2, 4, 5), 3, 3, 1, 1
    yield integers(rng, (1, 12, 25)) / 8, (1, 1, 3, 4), 3, 4, 1, 2  # fractions


@col2im.reference
def col2im_reference(cols, x_shape, kh, kw, stride, pad):
    return engine.col2im(cols, x_shape[2:], (kh, kw), stride, both_sides(pad))


col2im.engine(engine.col2im)


def _in_padded(cols, x_shape, kh, kw, stride, pad, put):
    """Return the padded image after put(image, rows, columns, values) for every kernel position."""
    images, channels, height, width = x_shape
    size = shapes.output_size((height, width), (kh, kw), (stride, stride), both_sides(pad))
    cols = cols.reshape(images, channels, kh, kw, *size)
    xp = np.zeros((images, channels, height + 2 * pad, width + 2 * pad))
    for u, v in np.ndindex(kh, kw):
        rows = slice(u, u + stride * (size[0] - 1) + 1, stride)
        columns = slice(v, v + stride * (size[1] - 1) + 1, stride)
        put(xp, rows, columns, cols[:, :, u, v])
    return xp


def _add(xp, rows, columns, values):
    xp[:, :, rows, columns] += values


def _set(xp, rows, columns, values):
    xp[:, :, rows, columns] = values


def _cropped(xp, x_shape, pad):
    return xp[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@col2im.right
def col2im_by_adding_slices(cols, x_shape, kh, kw, stride, pad):
    return _cropped(_in_padded(cols, x_shape, kh, kw, stride, pad, _add), x_shape, pad)


@col2im.right
def col2im_by_bincount(cols, x_shape, kh, kw, stride, pad):
    pixels = np.arange(1, 1 + np.prod(x_shape[1:])).reshape(1, *x_shape[1:])
    read = engine.im2col(pixels, (kh, kw), stride, both_sides(pad))[0]  # the pixel of each element; 0 is padding
    x = np.stack([np.bincount(read.ravel(), image.ravel(), pixels.size + 1)[1:] for image in cols])
    return x.reshape(x_shape)


@col2im.wrong
def assigned_instead_of_added(cols, x_shape, kh, kw, stride, pad):
    """Where windows overlap, only the last value is kept. Use += instead of =."""
    return _cropped(_in_padded(cols, x_shape, kh, kw, stride, pad, _set), x_shape, pad)


@col2im.wrong
def assigned_window_by_window(cols, x_shape, kh, kw, stride, pad):
    """Windows overlap, and each overwrites the previous one. Use += instead of =."""
    images, channels, height, width = x_shape
    xp = np.zeros((images, channels, height + 2 * pad, width + 2 * pad))
    size = shapes.output_size((height, width), (kh, kw), (stride, stride), both_sides(pad))
    for q, (i, j) in enumerate(np.ndindex(*size)):
        window = cols[:, :, q].reshape(images, channels, kh, kw)
        xp[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] = window
    return _cropped(xp, x_shape, pad)


@col2im.wrong
def kernel_rotated(cols, x_shape, kh, kw, stride, pad):
    """The kernel positions are in reverse order: position (u, v) belongs to pixel i*stride + u, j*stride + v."""
    moved = cols.reshape(*x_shape[:2], kh * kw, -1)[:, :, ::-1].reshape(cols.shape)
    return _cropped(_in_padded(moved, x_shape, kh, kw, stride, pad, _add), x_shape, pad)


@col2im.wrong
def columns_before_rows_of_the_kernel(cols, x_shape, kh, kw, stride, pad):
    """You read the kernel's columns before its rows: reshape to (N, C, kh, kw, Ho, Wo), in this order."""
    moved = cols.reshape(*x_shape[:2], kw, kh, -1).swapaxes(2, 3).reshape(cols.shape)
    return _cropped(_in_padded(moved, x_shape, kh, kw, stride, pad, _add), x_shape, pad)


@col2im.wrong
def padding_not_cropped(cols, x_shape, kh, kw, stride, pad):
    """Your result is moved down and right by pad: crop the padding on all four sides."""
    return _in_padded(cols, x_shape, kh, kw, stride, pad, _add)[:, :, : x_shape[2], : x_shape[3]]


@col2im.wrong
def padding_cropped_twice(cols, x_shape, kh, kw, stride, pad):
    """The first pad rows and columns of the image are missing: you cropped 2*pad instead of pad."""
    xp = np.pad(_in_padded(cols, x_shape, kh, kw, stride, pad, _add), ((0, 0), (0, 0), (0, pad), (0, pad)))
    return _cropped(xp[:, :, pad:, pad:], x_shape, pad)


@col2im.wrong
def empty_slice_at_padding_0(cols, x_shape, kh, kw, stride, pad):
    """[pad:-pad] is empty if pad is 0: crop with [pad : pad + H]."""
    return _in_padded(cols, x_shape, kh, kw, stride, pad, _add)[:, :, pad:-pad, pad:-pad]


@col2im.wrong
def divided_by_the_count(cols, x_shape, kh, kw, stride, pad):
    """You divided by the number of windows that read a pixel. That is an inverse; the transpose only adds."""
    added = _in_padded(cols, x_shape, kh, kw, stride, pad, _add)
    count = _in_padded(np.ones_like(cols), x_shape, kh, kw, stride, pad, _add)
    return _cropped(added / np.maximum(count, 1), x_shape, pad)


@col2im.wrong
def stride_ignored(cols, x_shape, kh, kw, stride, pad):
    """Your windows are one pixel apart. They must be stride pixels apart."""

    def put(xp, rows, columns, values):
        high, wide = values.shape[2:]
        xp[:, :, rows.start : rows.start + high, columns.start : columns.start + wide] += values

    return _cropped(_in_padded(cols, x_shape, kh, kw, stride, pad, put), x_shape, pad)


@col2im.wrong
def rows_read_as_u_v_c(cols, x_shape, kh, kw, stride, pad):
    """The rows of cols are ordered by channel first, then kernel row, then kernel column."""
    images, channels = x_shape[:2]
    moved = cols.reshape(images, kh, kw, channels, -1).transpose(0, 3, 1, 2, 4).reshape(cols.shape)
    return _cropped(_in_padded(moved, x_shape, kh, kw, stride, pad, _add), x_shape, pad)
