"""Lesson 02, continued: the transpose of im2col, the whole matrix, and what columns cost in memory."""

import numpy as np

from minigooglenet import shapes
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.kernels import conv2d
from minigooglenet.kernels import im2col as engine

col2im = Exercise(
    "02.3",
    "the transpose of im2col",
    "col2im(cols, x_shape, kh, kw, stride, pad) -> x_shape",
    minutes=12,
    difficulty=3,
    hints=(
        "Run im2col backwards. What happens to a pixel that stood in two windows?",
        (
            "Start from a padded image of zeros, (N, C, H + 2*pad, W + 2*pad). Where im2col read a slice, add the same "
            "values of cols to it. A line of 3 pixels, k = 2: the middle one gets two numbers. At the end cut the "
            "padding off; with pad = 0, [pad:-pad] is empty."
        ),
        "`xp[:, :, u : u + stride*(Ho-1) + 1 : stride, v : v + stride*(Wo-1) + 1 : stride] ____ cols[:, :, u, v]`",
    ),
)


@col2im.cases
def col2im_cases(rng):
    yield integers(rng, (1, 4, 6), 1, 10), (1, 1, 3, 4), 2, 2, 1, 0  # small to read
    yield integers(rng, (2, 18, 12)), (2, 3, 5, 7), 3, 2, 2, 1
    yield integers(rng, (1, 12, 12)), (1, 2, 4, 6), 2, 3, 1, 0
    yield integers(rng, (2, 18, 20)), (2, 2, 4, 5), 3, 3, 1, 1
    yield integers(rng, (1, 12, 25)), (1, 1, 3, 4), 3, 4, 1, 2


def _padding(pad):
    return ((pad, pad), (pad, pad))


@col2im.reference
def col2im_reference(cols, x_shape, kh, kw, stride, pad):
    return engine.col2im(cols, x_shape[2:], (kh, kw), stride, _padding(pad))


col2im.engine(engine.col2im)


def _in_padded(cols, x_shape, kh, kw, stride, pad, put):
    """Return the padded image after put(image, rows, columns, values) for every cell of the kernel."""
    images, channels, height, width = x_shape
    size = shapes.output_size((height, width), (kh, kw), (stride, stride), _padding(pad))
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
    read = engine.im2col(pixels, (kh, kw), stride, _padding(pad))[0]  # which pixel each place shows, 0 is padding
    x = np.stack([np.bincount(read.ravel(), image.ravel(), pixels.size + 1)[1:] for image in cols])
    return x.reshape(x_shape)


@col2im.wrong
def assigned_instead_of_added(cols, x_shape, kh, kw, stride, pad):
    """Where windows overlap you kept only the last; what they hold must be added."""
    return _cropped(_in_padded(cols, x_shape, kh, kw, stride, pad, _set), x_shape, pad)


@col2im.wrong
def padding_not_cut_off(cols, x_shape, kh, kw, stride, pad):
    """Your array is ours, moved down and right by pad: the padding was never cut off."""
    return _in_padded(cols, x_shape, kh, kw, stride, pad, _add)[:, :, : x_shape[2], : x_shape[3]]


@col2im.wrong
def cut_off_twice(cols, x_shape, kh, kw, stride, pad):
    """The first pad rows of the image are gone: you cut 2*pad off in front."""
    xp = np.pad(_in_padded(cols, x_shape, kh, kw, stride, pad, _add), ((0, 0), (0, 0), (0, pad), (0, pad)))
    return _cropped(xp[:, :, pad:, pad:], x_shape, pad)


@col2im.wrong
def empty_slice_at_padding_0(cols, x_shape, kh, kw, stride, pad):
    """x[p:-p] is empty when p is 0: cut with [p : p + H]."""
    return _in_padded(cols, x_shape, kh, kw, stride, pad, _add)[:, :, pad:-pad, pad:-pad]


@col2im.wrong
def divided_by_the_count(cols, x_shape, kh, kw, stride, pad):
    """You wrote an inverse, which divides by the readers; the transpose only adds."""
    added = _in_padded(cols, x_shape, kh, kw, stride, pad, _add)
    count = _in_padded(np.ones_like(cols), x_shape, kh, kw, stride, pad, _add)
    return _cropped(added / np.maximum(count, 1), x_shape, pad)


@col2im.wrong
def stride_ignored(cols, x_shape, kh, kw, stride, pad):
    """The patches were put back next to each other: they are stride pixels apart."""

    def put(xp, rows, columns, values):
        high, wide = values.shape[2:]
        xp[:, :, rows.start : rows.start + high, columns.start : columns.start + wide] += values

    return _cropped(_in_padded(cols, x_shape, kh, kw, stride, pad, put), x_shape, pad)


@col2im.wrong
def rows_read_as_u_v_c(cols, x_shape, kh, kw, stride, pad):
    """im2col's rows are channel first, then kernel row, then kernel column."""
    images, channels = x_shape[:2]
    moved = cols.reshape(images, kh, kw, channels, -1).transpose(0, 3, 1, 2, 4).reshape(cols.shape)
    return _cropped(_in_padded(moved, x_shape, kh, kw, stride, pad, _add), x_shape, pad)


conv_matrix = Exercise(
    "02.4",
    "the whole matrix",
    "conv_matrix(w, in_shape, stride, pad) -> (K*Ho*Wo, C*H*W)",
    minutes=12,
    difficulty=3,
    hints=(
        "A matrix times a unit vector is one of its columns. What does the convolution answer to an image of one 1?",
        (
            "One column per input pixel: make the image with a 1 in place m, convolve it, lay the answer (K, Ho, Wo) "
            "out as one long column. Or go through outputs and kernel cells, and skip the cells that meet padding."
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
    yield integers(rng, (1, 1, 3, 2), 1, 10), (1, 2, 3), 1, 2


@conv_matrix.reference
def conv_matrix_reference(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    y = engine.forward(units, w, None, (stride, stride), _padding(pad), 1)
    return y.reshape(len(units), -1).T


def _filled(w, in_shape, stride, pad, place):
    """Return the matrix with w[k, c, u, v] at (output, place(c, y, z)), or nowhere where place is None."""
    size = shapes.output_size(in_shape[1:], w.shape[2:], (stride, stride), _padding(pad))
    matrix = np.zeros((len(w), *size, int(np.prod(in_shape))))
    for k, i, j in np.ndindex(matrix.shape[:3]):
        for c, u, v in np.ndindex(w.shape[1:]):
            column = place(c, i * stride + u - pad, j * stride + v - pad)
            if column is not None:
                matrix[k, i, j, column] += w[k, c, u, v]
    return matrix


def _inside(in_shape):
    _, height, width = in_shape

    def place(c, y, z):
        return (c * height + y) * width + z if 0 <= y < height and 0 <= z < width else None

    return place


@conv_matrix.right
def conv_matrix_filled_in(w, in_shape, stride, pad):
    return _filled(w, in_shape, stride, pad, _inside(in_shape)).reshape(-1, int(np.prod(in_shape)))


@conv_matrix.right
def conv_matrix_by_backward(w, in_shape, stride, pad):
    outputs = shapes.output_size(in_shape[1:], w.shape[2:], (stride, stride), _padding(pad))
    units = np.eye(len(w) * outputs[0] * outputs[1]).reshape(-1, len(w), *outputs)
    x = np.zeros((len(units), *in_shape))
    return conv2d.backward(units, x, w, None, stride, pad, algorithm="im2col")[0].reshape(len(units), -1)


def _answers(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return engine.forward(units, w, None, (stride, stride), _padding(pad), 1)  # (C*H*W, K, Ho, Wo)


@conv_matrix.wrong
def transposed(w, in_shape, stride, pad):
    """Its shape is (inputs, outputs): that is the matrix of lesson 03, which goes back."""
    answers = _answers(w, in_shape, stride, pad)
    return answers.reshape(len(answers), -1)


@conv_matrix.wrong
def kernel_flipped(w, in_shape, stride, pad):
    """The weights in each row are in reverse order: you filled in a true convolution."""
    answers = _answers(w[:, :, ::-1, ::-1], in_shape, stride, pad)
    return answers.reshape(len(answers), -1).T


@conv_matrix.wrong
def wraps_round_the_border(w, in_shape, stride, pad):
    """Row 0 uses the last column of the line above: your flat index ran over."""
    _, height, width = in_shape
    inputs = int(np.prod(in_shape))

    def place(c, y, z):
        flat = (c * height + y) * width + z
        return flat if 0 <= flat < inputs else None

    return _filled(w, in_shape, stride, pad, place).reshape(-1, inputs)


@conv_matrix.wrong
def rows_by_pixel_first(w, in_shape, stride, pad):
    """The right rows in another order: the output is (K, Ho, Wo), flattened."""
    answers = _answers(w, in_shape, stride, pad)
    return answers.transpose(0, 2, 3, 1).reshape(len(answers), -1).T


@conv_matrix.wrong
def columns_by_pixel_first(w, in_shape, stride, pad):
    """The right columns in another order: the input is (C, H, W), flattened."""
    channels, height, width = in_shape
    matrix = _filled(w, in_shape, stride, pad, _inside(in_shape)).reshape(-1, channels, height * width)
    return matrix.transpose(0, 2, 1).reshape(len(matrix), -1)


@conv_matrix.wrong
def padding_ignored(w, in_shape, stride, pad):
    """Your matrix is that of pad = 0."""
    answers = _answers(w, in_shape, stride, 0)
    return answers.reshape(len(answers), -1).T


@conv_matrix.wrong
def stride_ignored(w, in_shape, stride, pad):
    """Your matrix is that of stride 1: it has rows for outputs that are not there."""
    answers = _answers(w, in_shape, 1, pad)
    return answers.reshape(len(answers), -1).T


buffer_bytes = Question(
    "02.5",
    "what columns cost in memory",
    "A convolution with {K} filters of {k} x {k}, stride {s} and padding {p} takes one image of {C} x {n} x {n} "
    "(channels, height, width) in float32. How many bytes does the array of its im2col take?",
    minutes=5,
    difficulty=2,
    hints=(
        "How many columns are there, and how many numbers are in one?",
        (
            "One column per output place, Ho*Wo of them; in it one number for each channel and kernel cell. A float32 "
            "takes 4 bytes. 3 x 3 at stride 1 with padding 1: nine copies of the image."
        ),
        "`4 * C * k * k * Ho * ____`",
    ),
)


@buffer_bytes.draw
def buffer_bytes_draw(rng):
    k = int(rng.choice([3, 5, 7]))
    channels, filters, n = (int(rng.integers(*low_high)) for low_high in ((3, 65), (8, 129), (28, 225)))
    return {"C": channels, "K": filters, "n": n, "k": k, "s": 2, "p": k // 2}


def _outputs(n, k, s, p):
    return shapes.window_count(n, k, s, (p, p)) ** 2


@buffer_bytes.solution
def buffer_bytes_solution(C, K, n, k, s, p):
    return 4 * C * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def numbers_not_bytes(C, K, n, k, s, p):
    """That is how many numbers it holds; a float32 takes 4 bytes."""
    return C * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def input_places(C, K, n, k, s, p):
    """There is one column per output place, not per pixel; at stride 2 these are fewer."""
    return 4 * C * k * k * n * n


@buffer_bytes.wrong
def channels_forgotten(C, K, n, k, s, p):
    """A column holds the window of every channel."""
    return 4 * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def times_the_filters(C, K, n, k, s, p):
    """The columns serve all filters; K is in the weights' matrix alone."""
    return 4 * C * k * k * K * _outputs(n, k, s, p)


@buffer_bytes.wrong
def kernel_not_squared(C, K, n, k, s, p):
    """The window has k rows and k columns: k*k numbers in each channel."""
    return 4 * C * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def bytes_of_float64(C, K, n, k, s, p):
    """That is for float64; a float32 takes 4 bytes."""
    return 8 * C * k * k * _outputs(n, k, s, p)


@buffer_bytes.wrong
def the_output_instead(C, K, n, k, s, p):
    """That is the size of the output map; the columns are what goes into the product."""
    return 4 * K * _outputs(n, k, s, p)


@buffer_bytes.wrong
def MB_not_bytes(C, K, n, k, s, p):
    """That is in MB, of a million bytes; the answer is asked in bytes."""
    return 4 * C * k * k * _outputs(n, k, s, p) / 1e6


@buffer_bytes.wrong
def MiB_not_bytes(C, K, n, k, s, p):
    """That is in MiB, of 1,048,576 bytes; the answer is asked in bytes."""
    return 4 * C * k * k * _outputs(n, k, s, p) / 2**20
