"""Exercise: the whole matrix of a convolution."""

import numpy as np

from minigooglenet import shapes
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.lessons.lesson_02_matrix.columns import both_sides

conv_matrix = Exercise(
    "02.4",
    "the whole matrix",
    "conv_matrix(w, in_shape, stride, pad) -> (K*Ho*Wo, C*H*W)",
    minutes=12,
    difficulty=3,
    hints=(
        "A matrix times a unit vector is one of its columns. What is the output for an image with a single 1?",
        (
            "There is one column per input pixel. For column m, make an image with a 1 at pixel m, convolve it, and "
            "flatten the output (K, Ho, Wo). Or loop over outputs and kernel positions, and skip those that read "
            "padding."
        ),
        "`A[:, m] = conv_forward(unit, w, zeros, stride, pad).____()`",
    ),
    core=False,
)


@conv_matrix.cases
def conv_matrix_cases(rng):
    yield integers(rng, (1, 1, 2, 2), 1, 10), (1, 2, 3), 1, 0  # small to read
    yield integers(rng, (3, 2, 3, 3), 1, 10), (2, 4, 5), 1, 1
    yield integers(rng, (2, 2, 2, 3), 1, 10), (2, 5, 6), 2, 1
    yield integers(rng, (2, 1, 2, 3), 1, 10), (1, 4, 5), 1, 0
    yield integers(rng, (1, 1, 3, 2), 1, 10) / 8, (1, 2, 3), 1, 2  # fractions


@conv_matrix.reference
def conv_matrix_reference(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    y = by_columns.forward(units, w, None, (stride, stride), both_sides(pad), 1)
    return y.reshape(len(units), -1).T


def _filled(w, in_shape, stride, pad, column_of):
    """Return the matrix with w[k, c, u, v] in column column_of(c, y, z) of each output; None skips the weight."""
    size = shapes.output_size(in_shape[1:], w.shape[2:], (stride, stride), both_sides(pad))
    matrix = np.zeros((len(w), *size, int(np.prod(in_shape))))
    for k, i, j in np.ndindex(matrix.shape[:3]):
        for c, u, v in np.ndindex(w.shape[1:]):
            column = column_of(c, i * stride + u - pad, j * stride + v - pad)
            if column is not None:
                matrix[k, i, j, column] += w[k, c, u, v]
    return matrix


def _inside(in_shape):
    _, height, width = in_shape

    def column_of(c, y, z):
        return (c * height + y) * width + z if 0 <= y < height and 0 <= z < width else None

    return column_of


@conv_matrix.right
def conv_matrix_filled_in(w, in_shape, stride, pad):
    return _filled(w, in_shape, stride, pad, _inside(in_shape)).reshape(-1, int(np.prod(in_shape)))


@conv_matrix.right
def conv_matrix_by_backward(w, in_shape, stride, pad):
    outputs = shapes.output_size(in_shape[1:], w.shape[2:], (stride, stride), both_sides(pad))
    units = np.eye(len(w) * outputs[0] * outputs[1]).reshape(-1, len(w), *outputs)
    x = np.zeros((len(units), *in_shape))
    return conv2d.backward(units, x, w, None, stride, pad, algorithm="im2col")[0].reshape(len(units), -1)


def _responses(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return by_columns.forward(units, w, None, (stride, stride), both_sides(pad), 1)  # (C*H*W, K, Ho, Wo)


@conv_matrix.wrong
def transposed(w, in_shape, stride, pad):
    """Your matrix has the shape (inputs, outputs): it is the transpose, which lesson 03 uses for the backward pass."""
    responses = _responses(w, in_shape, stride, pad)
    return responses.reshape(len(responses), -1)


@conv_matrix.wrong
def kernel_flipped(w, in_shape, stride, pad):
    """The weights in each row are in reverse order: that is a true convolution. Don't rotate the kernel."""
    responses = _responses(w[:, :, ::-1, ::-1], in_shape, stride, pad)
    return responses.reshape(len(responses), -1).T


@conv_matrix.wrong
def wraps_around_the_border(w, in_shape, stride, pad):
    """Beyond the border, your flat index continues in the next row of the image. Skip pixels outside the image."""
    _, height, width = in_shape
    inputs = int(np.prod(in_shape))

    def column_of(c, y, z):
        flat = (c * height + y) * width + z
        return flat if 0 <= flat < inputs else None

    return _filled(w, in_shape, stride, pad, column_of).reshape(-1, inputs)


@conv_matrix.wrong
def rows_by_pixel_first(w, in_shape, stride, pad):
    """The right rows in the wrong order: the output is (K, Ho, Wo), flattened."""
    responses = _responses(w, in_shape, stride, pad)
    return responses.transpose(0, 2, 3, 1).reshape(len(responses), -1).T


@conv_matrix.wrong
def columns_by_pixel_first(w, in_shape, stride, pad):
    """The right columns in the wrong order: the input is (C, H, W), flattened."""
    channels, height, width = in_shape
    matrix = _filled(w, in_shape, stride, pad, _inside(in_shape)).reshape(-1, channels, height * width)
    return matrix.transpose(0, 2, 1).reshape(len(matrix), -1)


@conv_matrix.wrong
def padding_ignored(w, in_shape, stride, pad):
    """Your matrix is the one for pad = 0."""
    responses = _responses(w, in_shape, stride, 0)
    return responses.reshape(len(responses), -1).T


@conv_matrix.wrong
def stride_ignored(w, in_shape, stride, pad):
    """Your matrix is the one for stride 1: it has rows for outputs that do not exist."""
    responses = _responses(w, in_shape, 1, pad)
    return responses.reshape(len(responses), -1).T
