"""Exercises: im2col, and a convolution as one matrix product."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.gradcheck.museum.exhibit import windows
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.kernels.numpy import im2col as engine

im2col = Exercise(
    "02.1",
    "windows as columns",
    "im2col(x, kh, kw, stride, pad) -> (N, C*kh*kw, Ho*Wo)",
    minutes=12,
    difficulty=2,
    hints=(
        "Pad x first. Column i*Wo + j is the window of output (i, j), flattened. Which slice of x is that window?",
        (
            "Loop over i and j. The window starts at row i*stride, column j*stride of the padded image xp and is "
            "kh x kw; reshape makes it (N, C*kh*kw), in the right order. (With fewer iterations: loop over the kernel "
            "positions. Position (u, v) reads every stride-th pixel, starting at (u, v).)"
        ),
        "`cols[:, :, i*Wo + j] = xp[:, :, i*stride : i*stride + kh, ____ : ____ + kw].reshape(N, -1)`",
    ),
)


@im2col.cases
def im2col_cases(rng):
    yield np.arange(1.0, 25).reshape(1, 2, 3, 4), 2, 2, 1, 0  # small to read
    yield integers(rng, (2, 3, 5, 7), 1, 100), 3, 2, 2, 1
    yield integers(rng, (1, 2, 4, 6), 1, 100), 2, 3, 1, 0
    yield integers(rng, (1, 2, 3, 4), 1, 100) / 8, 3, 4, 1, 2  # fractions


def both_sides(pad):
    """Return the padding of both axes, before and after."""
    return ((pad, pad), (pad, pad))


@im2col.reference
def im2col_reference(x, kh, kw, stride, pad):
    return engine.im2col(x, (kh, kw), stride, both_sides(pad))


im2col.engine(engine.im2col)


def _windows(x, kh, kw, stride, pad):
    """Return (N, C, Ho, Wo, kh, kw)."""
    return windows(x, (kh, kw), (stride, stride), both_sides(pad))


def _columns(patches):
    images, channels, rows, columns, kh, kw = patches.shape
    return patches.transpose(0, 1, 4, 5, 2, 3).reshape(images, channels * kh * kw, rows * columns)


@im2col.right
def im2col_by_windows(x, kh, kw, stride, pad):
    return _columns(_windows(x, kh, kw, stride, pad))


@im2col.right
def im2col_column_by_column(x, kh, kw, stride, pad):
    patches = _windows(x, kh, kw, stride, pad)
    cols = np.empty((len(x), x.shape[1] * kh * kw, patches.shape[2] * patches.shape[3]))
    for n, i, j in np.ndindex(len(x), *patches.shape[2:4]):
        cols[n, :, i * patches.shape[3] + j] = patches[n, :, i, j].ravel()
    return cols


@im2col.wrong
def rows_by_kernel_position_first(x, kh, kw, stride, pad):
    """Your row 1 belongs to channel 1. It must be the next kernel position (u, v) of channel 0."""
    patches = _windows(x, kh, kw, stride, pad)
    return patches.transpose(0, 4, 5, 1, 2, 3).reshape(len(x), -1, patches.shape[2] * patches.shape[3])


@im2col.wrong
def columns_from_top_to_bottom(x, kh, kw, stride, pad):
    """Your column 1 is the window below the first. It must be the window to the right."""
    patches = _windows(x, kh, kw, stride, pad)
    return patches.transpose(0, 1, 4, 5, 3, 2).reshape(len(x), -1, patches.shape[2] * patches.shape[3])


@im2col.wrong
def window_index_with_Ho(x, kh, kw, stride, pad):
    """Window (i, j) is column i*Wo + j, because a row has Wo windows. You multiplied by Ho."""
    patches = _windows(x, kh, kw, stride, pad)
    _, _, rows, columns, _, _ = patches.shape
    cols = np.zeros((len(x), x.shape[1] * kh * kw, rows * columns))
    for i, j in np.ndindex(rows, columns):
        index = i * rows + j
        if index < rows * columns:
            cols[:, :, index] = patches[:, :, i, j].reshape(len(x), -1)
    return cols


@im2col.wrong
def reshaped_instead_of_transposed(x, kh, kw, stride, pad):
    """The right values in the wrong order: reshape does not move axes, transpose does."""
    patches = _windows(x, kh, kw, stride, pad)
    return patches.reshape(len(x), -1, patches.shape[2] * patches.shape[3])


@im2col.wrong
def one_window_per_row(x, kh, kw, stride, pad):
    """Each window is a row of your result. It must be a column: exchange the last two axes."""
    return _columns(_windows(x, kh, kw, stride, pad)).transpose(0, 2, 1)


@im2col.wrong
def padding_at_the_end_only(x, kh, kw, stride, pad):
    """You padded only below and to the right. Pad all four sides: the first column then starts with zeros."""
    return _columns(_windows(np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad))), kh, kw, stride, 0))


@im2col.wrong
def edge_padding(x, kh, kw, stride, pad):
    """Pad with zeros, not with the edge value."""
    return _columns(_windows(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge"), kh, kw, stride, 0))


@im2col.wrong
def stride_inside_the_window(x, kh, kw, stride, pad):
    """The pixels of a window are neighbours. Only the windows are stride pixels apart."""
    _, _, rows, columns, _, _ = _windows(x, kh, kw, stride, pad).shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad + stride * kh), (pad, pad + stride * kw)))
    wide = windows(xp, (stride * (kh - 1) + 1, stride * (kw - 1) + 1), (1, 1), ((0, 0), (0, 0)))
    return _columns(wide[:, :, :rows, :columns, ::stride, ::stride])


@im2col.wrong
def images_side_by_side(x, kh, kw, stride, pad):
    """You joined the columns of all images. Keep the images as the first axis."""
    return np.concatenate(list(_columns(_windows(x, kh, kw, stride, pad))), axis=1)


@im2col.wrong
def kernel_rows_and_columns_exchanged(x, kh, kw, stride, pad):
    """Within a channel, the rows are ordered (u, v), by kernel row first, not (v, u)."""
    patches = _windows(x, kh, kw, stride, pad)
    return patches.transpose(0, 1, 5, 4, 2, 3).reshape(len(x), -1, patches.shape[2] * patches.shape[3])


conv_gemm = Exercise(
    "02.2",
    "a convolution by one product",
    "conv_gemm(x, w, b, stride, pad) -> (N, K, Ho, Wo)",
    minutes=8,
    difficulty=2,
    hints=(
        "What are the shapes of w as a matrix, of the im2col matrix, and of their product?",
        (
            "(K, C*R*S) @ (N, C*R*S, Ho*Wo) gives (N, K, Ho*Wo): NumPy multiplies each image. The bias has one "
            "value per row of the product."
        ),
        "`return (w.reshape(K, -1) @ cols + b[:, None]).reshape(N, K, Ho, ____)`",
    ),
)


@conv_gemm.cases
def conv_gemm_cases(rng):
    yield integers(rng, (1, 1, 3, 4), 1, 10), integers(rng, (2, 1, 2, 2)), integers(rng, 2), 1, 0  # small to read
    yield integers(rng, (3, 3, 5, 7)), integers(rng, (3, 3, 3, 3)), integers(rng, 3), 2, 1
    yield integers(rng, (2, 2, 6, 5)), integers(rng, (4, 2, 3, 2)), integers(rng, 4), 1, 0
    yield integers(rng, (1, 2, 3, 4)) / 4, integers(rng, (2, 2, 3, 4)) / 8, integers(rng, 2) / 16, 1, 2  # fractions


@conv_gemm.reference
def conv_gemm_reference(x, w, b, stride, pad):
    return by_columns.forward(x, w, b, (stride, stride), both_sides(pad), 1)


conv_gemm.engine(by_columns.forward)


def _product(x, w, b, stride, pad, columns_of=_columns):
    """Return (N, K, P) and (Ho, Wo)."""
    patches = _windows(x, *w.shape[2:], stride, pad)
    return w.reshape(len(w), -1) @ columns_of(patches) + b[:, None], patches.shape[2:4]


@conv_gemm.right
def conv_gemm_by_einsum(x, w, b, stride, pad):
    return np.einsum("ncpqrs,kcrs->nkpq", _windows(x, *w.shape[2:], stride, pad), w) + b[:, None, None]


@conv_gemm.right
def conv_gemm_image_by_image(x, w, b, stride, pad):
    y, size = _product(x, w, b, stride, pad)
    return np.stack([image.reshape(len(w), *size) for image in y])


@conv_gemm.wrong
def Ho_Wo_K_read_as_K_Ho_Wo(x, w, b, stride, pad):
    """The values of different filters are mixed: transpose before you reshape."""
    y, size = _product(x, w, b, stride, pad)
    return y.transpose(0, 2, 1).reshape(len(x), len(w), *size)


@conv_gemm.wrong
def images_mixed(x, w, b, stride, pad):
    """Image 0 contains rows of image 1: you joined the images along one axis and split them along another."""
    y, size = _product(x, w, b, stride, pad)
    return np.concatenate(list(y), axis=1).reshape(len(x), len(w), *size)


@conv_gemm.wrong
def weights_flattened_u_v_c(x, w, b, stride, pad):
    """Right only if C = 1: the rows of the im2col matrix are ordered by channel first, then by kernel position."""
    y, size = _product(x, w.transpose(0, 2, 3, 1).reshape(w.shape), b, stride, pad)
    return y.reshape(len(x), len(w), *size)


@conv_gemm.wrong
def height_and_width_exchanged(x, w, b, stride, pad):
    """Height and width are exchanged: reshape to (Ho, Wo), not to (Wo, Ho)."""
    y, (rows, columns) = _product(x, w, b, stride, pad)
    return y.reshape(len(x), len(w), columns, rows)


@conv_gemm.wrong
def reshaped_to_Wo_Ho_then_transposed(x, w, b, stride, pad):
    """You reshaped to (Wo, Ho) and then transposed. Reshape to (Ho, Wo) without transposing."""
    y, (rows, columns) = _product(x, w, b, stride, pad)
    return y.reshape(len(x), len(w), columns, rows).swapaxes(2, 3)


@conv_gemm.wrong
def bias_along_the_width(x, w, b, stride, pad):
    """Your bias changes along the width. Add b[k] to all outputs of filter k: b[:, None]."""
    y, size = _product(x, w, 0 * b, stride, pad)
    return y.reshape(len(x), len(w), *size) + np.resize(b, size[1])


@conv_gemm.wrong
def bias_forgotten(x, w, b, stride, pad):
    """Every output channel is too small by b[k]: add the bias."""
    y, size = _product(x, w, 0 * b, stride, pad)
    return y.reshape(len(x), len(w), *size)


@conv_gemm.wrong
def kernel_flipped(x, w, b, stride, pad):
    """You computed a true convolution. This course computes a correlation: don't rotate the kernel."""
    y, size = _product(x, w[:, :, ::-1, ::-1], b, stride, pad)
    return y.reshape(len(x), len(w), *size)
