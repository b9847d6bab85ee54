"""Exercises: the bias, weight and input gradients of a convolution."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.numpy import conv2d as by_columns

conv_db = Exercise(
    "03.1",
    "the bias gradient",
    "conv_db(dout) -> (K,)",
    minutes=5,
    difficulty=1,
    hints=(
        "If you raise b[k] by 1, which outputs change, and by how much?",
        "Every output of filter k changes by 1, in every image. For two images of 1 x 2, add four values of dout.",
        "`return dout.sum(axis=(0, 2, ____))`",
    ),
)


@conv_db.cases
def conv_db_cases(rng):
    yield (integers(rng, (3, 4, 4, 4)),)  # all sizes but N are equal, so that a wrong axis raises no error
    yield (integers(rng, (2, 3, 2, 5)) / 8,)  # fractions


@conv_db.reference
def conv_db_reference(dout):
    return dout.sum(axis=(0, 2, 3))


@conv_db.right
def conv_db_by_loops(dout):
    db = np.zeros(dout.shape[1])
    for n, k, i, j in np.ndindex(dout.shape):
        db[k] += dout[n, k, i, j]
    return db


@conv_db.right
def conv_db_by_einsum(dout):
    return np.einsum("nkij->k", dout)


@conv_db.wrong
def mean_over_the_images(dout):
    """Exactly 1/N of the correct gradient: sum over the images. The mean belongs in the loss."""
    return dout.mean(axis=0).sum(axis=(1, 2))


@conv_db.wrong
def first_image_only(dout):
    """That is the sum over image 0. Add all images."""
    return dout[0].sum(axis=(1, 2))


@conv_db.wrong
def images_not_summed(dout):
    """You returned one value per image and filter, (N, K). All images use the same bias: sum over axis 0 too."""
    return dout.sum(axis=(2, 3))


@conv_db.wrong
def wrong_axes(dout):
    """You returned one value per column. Sum over images, rows and columns, not over filters."""
    return dout.sum(axis=(0, 1, 2))


@conv_db.wrong
def one_value_for_all_filters(dout):
    """You returned one value for all filters. Sum over images, rows and columns, not over filters."""
    return dout.sum()


@conv_db.wrong
def dout_not_used(dout):
    """You returned N*Ho*Wo for every filter, the number of outputs. Add the values of dout."""
    return np.full(dout.shape[1], dout[:, 0].size, float)


conv_dw = Exercise(
    "03.2",
    "the weight gradient",
    "conv_dw(x, dout, w_shape, stride, pad) -> (K, C, R, S)",
    minutes=10,
    difficulty=2,
    hints=(
        "By which pixels is w[k, c, u, v] multiplied in the forward pass?",
        (
            "For each (u, v), those pixels are a slice of the padded image with a step. Multiply it by dout[:, k] and "
            "add up everything. In one dimension, with kernel size 2 and stride 2: w[0] is multiplied by x[0], x[2], "
            "x[4], and w[1] by x[1], x[3], x[5]."
        ),
        "`dw[k, c, u, v] = (dout[:, k] * xp[:, c, u:u + s * (Ho - 1) + 1:s, ____]).sum()`",
    ),
)


@conv_dw.cases
def conv_dw_cases(rng):
    yield integers(rng, (3, 3, 5, 7)), integers(rng, (3, 3, 3, 4)), (3, 3, 3, 3), 2, 1  # K = C: a swap runs
    yield integers(rng, (2, 2, 6, 5)), integers(rng, (2, 4, 4, 4)), (4, 2, 3, 2), 1, 0
    yield integers(rng, (1, 2, 3, 4)) / 4, integers(rng, (1, 2, 5, 5)) / 8, (2, 2, 3, 4), 1, 2  # fractions, R < S


@conv_dw.reference
def conv_dw_reference(x, dout, w_shape, stride, pad):
    weight = np.zeros(w_shape)
    _, grad_weight, _ = conv2d.backward(dout, x, weight, None, stride, pad, algorithm="im2col")
    return grad_weight


conv_dw.engine(by_columns.backward)


@conv_dw.right
def conv_dw_by_loops(x, dout, w_shape, stride, pad):
    xp, dw = _padded(x, pad), np.zeros(w_shape)
    for n, k, i, j in np.ndindex(dout.shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            dw[k, c, u, v] += dout[n, k, i, j] * xp[n, c, i * stride + u, j * stride + v]
    return dw


@conv_dw.right
def conv_dw_by_slices(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad)


@conv_dw.wrong
def correlation_arguments_exchanged(x, dout, w_shape, stride, pad):
    """The right values, rotated by 180 degrees: dout moves over x, not x over dout. A published course contained this
    mistake."""
    return _dw(x, dout, w_shape, stride, pad)[:, :, ::-1, ::-1]


@conv_dw.wrong
def stride_ignored(x, dout, w_shape, stride, pad):
    """Right only at stride 1: the step of the image's slice must be the stride."""
    return _dw(x, dout, w_shape, 1, pad)


@conv_dw.wrong
def stride_on_the_kernel_index(x, dout, w_shape, stride, pad):
    """Multiply i and j, the position in dout, by the stride, not u and v."""
    xp, dw = _padded(x, pad), np.zeros(w_shape)
    for n, k, i, j in np.ndindex(dout.shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            dw[k, c, u, v] += dout[n, k, i, j] * xp[n, c, i + u * stride, j + v * stride]
    return dw


@conv_dw.wrong
def last_image_only(x, dout, w_shape, stride, pad):
    """That is the gradient of the last image only. Use += instead of =."""
    return _dw(x[-1:], dout[-1:], w_shape, stride, pad)


@conv_dw.wrong
def mean_over_the_images(x, dout, w_shape, stride, pad):
    """Exactly 1/N of the correct gradient: sum over the images. The mean belongs in the loss."""
    return _dw(x, dout, w_shape, stride, pad) / len(x)


@conv_dw.wrong
def padded_at_the_end_only(x, dout, w_shape, stride, pad):
    """You padded only below and to the right: pad all four sides."""
    xp = np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))
    return _dw(xp, dout, w_shape, stride, 0)


@conv_dw.wrong
def padded_on_all_axes(x, dout, w_shape, stride, pad):
    """np.pad(x, pad) pads images and channels too: pass np.pad a pair for each of the four axes."""
    xp = np.pad(x, pad)[: x.shape[0], : x.shape[1]]
    return _dw(xp, dout, w_shape, stride, 0)


@conv_dw.wrong
def assigned_instead_of_added(x, dout, w_shape, stride, pad):
    """Only the last product remains. Use += instead of =."""
    xp, dw = _padded(x, pad), np.zeros(w_shape)
    for n, k, i, j in np.ndindex(dout.shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            dw[k, c, u, v] = dout[n, k, i, j] * xp[n, c, i * stride + u, j * stride + v]
    return dw


@conv_dw.wrong
def R_used_for_S(x, dout, w_shape, stride, pad):
    """The kernel has S = w_shape[3] columns. You used R = w_shape[2] for the columns too."""
    dw = _dw(x, dout, w_shape, stride, pad)
    dw[..., w_shape[2] :] = 0
    return dw


@conv_dw.wrong
def filters_and_channels_exchanged(x, dout, w_shape, stride, pad):
    """Filters and channels are exchanged: return dw[k, c], not dw[c, k]."""
    dw = _dw(x, dout, w_shape, stride, pad).swapaxes(0, 1)
    return dw if w_shape[0] == w_shape[1] else dw.reshape(w_shape)


@conv_dw.wrong
def rows_and_columns_exchanged(x, dout, w_shape, stride, pad):
    """The rows and columns of each kernel are exchanged: the row is the first of its two indices."""
    return _dw(x, dout, w_shape, stride, pad).swapaxes(2, 3).reshape(w_shape)


conv_dx = Exercise(
    "03.3",
    "the input gradient",
    "conv_dx(dout, w, x_shape, stride, pad) -> (N, C, H, W)",
    minutes=10,
    difficulty=2,
    hints=(
        "Which outputs read this pixel, and through which weight?",
        (
            "In one dimension, with kernel size 3 and stride 1: output i multiplies x[i], x[i + 1], x[i + 2] by w[0], "
            "w[1], w[2]. So add dout[i] * w[0] to dx[i], dout[i] * w[1] to dx[i + 1], and so on. Add to a padded array "
            "of zeros, and crop it at the end."
        ),
        "`dxp[:, c, u:u + s * (Ho - 1) + 1:s, v:v + s * (Wo - 1) + 1:s] += dout[:, k] * ____`",
    ),
)


def dx_cases(rng):
    """Yield revealing test cases: equal channels and stride 2, a rectangular kernel, and rows that no window reads."""
    yield integers(rng, (3, 3, 3, 4)), integers(rng, (3, 3, 3, 3)), (3, 3, 5, 7), 2, 1  # K = C: a swap runs
    yield integers(rng, (2, 4, 4, 4)), integers(rng, (4, 2, 3, 2)), (2, 2, 6, 5), 1, 0
    yield integers(rng, (2, 2, 2, 2)), integers(rng, (2, 2, 3, 3)), (2, 2, 6, 6), 2, 0  # no window reads the last row
    yield integers(rng, (1, 2, 5, 5)) / 4, integers(rng, (2, 1, 3, 4)) / 8, (1, 1, 3, 4), 1, 2  # fractions
    yield integers(rng, (1, 2, 1, 2)), integers(rng, (2, 1, 3, 3)), (1, 1, 5, 6), 3, 0  # two rows without a window


conv_dx.cases(dx_cases)


@conv_dx.reference
def conv_dx_reference(dout, w, x_shape, stride, pad):
    return conv2d.backward(dout, np.zeros(x_shape), w, None, stride, pad, algorithm="im2col")[0]


conv_dx.engine(by_columns.backward)


@conv_dx.right
def conv_dx_by_loops(dout, w, x_shape, stride, pad):
    padded = np.zeros((*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad))
    for n, k, i, j in np.ndindex(dout.shape):
        for c, u, v in np.ndindex(w.shape[1:]):
            padded[n, c, i * stride + u, j * stride + v] += dout[n, k, i, j] * w[k, c, u, v]
    return padded[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@conv_dx.right
def conv_dx_by_slices(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)


@conv_dx.wrong
def kernel_flipped(dout, w, x_shape, stride, pad):
    """You rotated the kernel. If you add each gradient to the pixels that the output read, use the kernel as it is."""
    return _dx(dout, w[:, :, ::-1, ::-1], x_shape, stride, pad)


@conv_dx.wrong
def filters_and_channels_exchanged(dout, w, x_shape, stride, pad):
    """You used w[c, k] instead of w[k, c]."""
    exchanged = w.swapaxes(0, 1) if w.shape[0] == w.shape[1] else w.swapaxes(0, 1).reshape(w.shape)
    return _dx(dout, exchanged, x_shape, stride, pad)


@conv_dx.wrong
def assigned_instead_of_added(dout, w, x_shape, stride, pad):
    """If several outputs read a pixel, only the last gradient is kept. Use += instead of =."""
    padded = np.zeros((*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad))
    rows, columns = w.shape[2:]
    for n, i, j in np.ndindex(dout.shape[0], *dout.shape[2:]):
        window = np.s_[n, :, i * stride : i * stride + rows, j * stride : j * stride + columns]
        padded[window] = np.tensordot(dout[n, :, i, j], w, axes=1)
    return padded[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


def _assigned(summed):
    """Register the loop over kernel positions with `=`, which writes one filter at a time or the sum of all."""

    def answer(dout, w, x_shape, stride, pad):
        padded = np.zeros((*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad))
        high, across = dout.shape[2:]
        for u, v in np.ndindex(w.shape[2:]):
            rows = slice(u, u + stride * (high - 1) + 1, stride)
            columns = slice(v, v + stride * (across - 1) + 1, stride)
            filters = slice(None) if summed else slice(-1, None)
            padded[:, :, rows, columns] = np.einsum("nkij,kc->ncij", dout[:, filters], w[filters, :, u, v])
        return padded[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]

    answer.__name__ = f"assigned_instead_of_added_for_{'all_filters' if summed else 'each_filter'}"
    loop = "kernel position (u, v)" if summed else "filter and kernel position (u, v)"
    answer.__doc__ = f"Each {loop} overwrites the gradients of the previous ones. Use += instead of =."
    conv_dx.wrong(answer)


for summed in (True, False):
    _assigned(summed)


@conv_dx.wrong
def assigned_product_by_product(dout, w, x_shape, stride, pad):
    """Each product overwrites the previous one. Use += instead of =."""
    padded = np.zeros((*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad))
    for n, k, i, j in np.ndindex(dout.shape):
        for c, u, v in np.ndindex(w.shape[1:]):
            padded[n, c, i * stride + u, j * stride + v] = dout[n, k, i, j] * w[k, c, u, v]
    return padded[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@conv_dx.wrong
def crop_missing(dout, w, x_shape, stride, pad):
    """Your result is moved down and right by pad: crop the padding on all four sides."""
    padded = _dx(dout, w, (*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad), stride, 0)
    return padded[:, :, : x_shape[2], : x_shape[3]]


@conv_dx.wrong
def crop_empty_without_padding(dout, w, x_shape, stride, pad):
    """[pad:-pad] is empty if pad is 0: crop with [pad : pad + H]."""
    padded = _dx(dout, w, (*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad), stride, 0)
    return padded[:, :, pad:-pad, pad:-pad]


@conv_dx.wrong
def stride_ignored(dout, w, x_shape, stride, pad):
    """All gradients are in the top left corner: window i starts at i * stride."""
    padded = np.zeros((*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad))
    for n, k, i, j in np.ndindex(dout.shape):
        padded[n, :, i : i + w.shape[2], j : j + w.shape[3]] += dout[n, k, i, j] * w[k]
    return padded[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@conv_dx.wrong
def mean_over_the_filters(dout, w, x_shape, stride, pad):
    """Exactly 1/K of the correct gradient: sum over the filters, don't average."""
    return _dx(dout, w, x_shape, stride, pad) / len(w)


@conv_dx.wrong
def first_filter_only(dout, w, x_shape, stride, pad):
    """That is the gradient through filter 0 only. Every filter reads the pixel: sum over all filters."""
    return _dx(dout[:, :1], w[:1], x_shape, stride, pad)


def _padded(x, pad):
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def _dw(x, dout, w_shape, stride, pad):
    """Return the weight gradient, from one slice of the padded image per kernel position."""
    xp, dw = _padded(x, pad), np.zeros(w_shape)
    high, across = dout.shape[2:]
    for u, v in np.ndindex(*w_shape[2:]):
        pixels = xp[:, :, u : u + stride * (high - 1) + 1 : stride, v : v + stride * (across - 1) + 1 : stride]
        dw[:, :, u, v] = np.einsum("nkij,ncij->kc", dout, pixels)
    return dw


def _dx(dout, w, x_shape, stride, pad):
    """Return the input gradient: each output's gradient added to the pixels of its window."""
    padded = np.zeros((*x_shape[:2], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad))
    high, across = dout.shape[2:]
    for u, v in np.ndindex(w.shape[2:]):
        rows, columns = slice(u, u + stride * (high - 1) + 1, stride), slice(v, v + stride * (across - 1) + 1, stride)
        padded[:, :, rows, columns] += np.einsum("nkij,kc->ncij", dout, w[:, :, u, v])
    return padded[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]
