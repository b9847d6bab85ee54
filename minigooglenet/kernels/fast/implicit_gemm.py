"""Implicit GEMM: convolution as one matrix product, compiled, without ever writing the im2col matrix.

It is faster than im2col because the product reads the rows of the im2col matrix as slices of padded planes, keeps its
sums in registers (`gemm`), and adds the bias and applies the ReLU before it writes. Images and bands of rows are
computed on all cores. A 1x1 convolution with stride 1 reads the image directly.
Gain: one image of GoogLeNet takes 9.5 ms, instead of 26 ms with im2col and NumPy's product.

Hyperparameters are in full form and are not checked here.
"""

import numpy as np

from minigooglenet import parallel, shapes
from minigooglenet.kernels.fast import flat, padded_planes
from minigooglenet.kernels.fast.bias_gradient import row_sums
from minigooglenet.kernels.fast.gemm import (
    NO_BIAS,
    WHOLE_ROWS,
    gemm_rows,
    no_limits,
    padded_columns,
    row_table,
    transpose_matrix,
)
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import MR, NR, VECTOR_BYTES
from minigooglenet.kernels.fast.simd import fill

BAND = 1 << 17  # output values per band of rows: 512 kB in float32, which fits into the L2 cache of most cores
# For a smaller output, split the filters: bands of rows would leave vectors half empty, and each thread would read all
# weights.
SMALL_MAP = 16 * 16
UNEVEN = 1.1  # times the average: more bands would be more even, but smaller and so slower
NO_LIMITS = -np.inf, np.inf
# Rows and columns of the products that are added to the input gradient at a time: they fit into the L1 or L2 cache.
GRADIENT_ROWS, GRADIENT_COLUMNS = 256, NR * VECTOR_BYTES // 4
# Images whose transposed upstream gradients are in memory at the same time: as many as have so many values, but some.
GRADIENTS, LEAST_IMAGES = 1 << 20, 8


def forward(x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, R, S) and bias (K,) or None."""
    size = padded_planes.window(x.shape, weight.shape, stride, padding, dilation).output
    y = np.empty((len(x), len(weight), *size), x.dtype)
    _into(y, x, weight, bias, stride, padding, groups, dilation=dilation)
    return y


def _into(y, x, *arguments, dilation):
    for task, count in bind(x, *arguments, NO_LIMITS, y, dilation):
        parallel.parallel_for(task, count)


def bind(x, weight, bias, stride, padding, groups, limits, y, dilation=(1, 1)):
    """Return [(task, count)] for `parallel_for`; every run computes y from x.

    limits : (lowest, highest) output, (0, infinity) for a ReLU
    """
    window = padded_planes.window(x.shape, weight.shape, stride, padding, dilation)
    (values, step), (target, target_step) = flat.flat(x), flat.flat(y)
    matrices = _matrices(weight, groups)
    starts = np.empty(0, x.dtype) if bias is None else flat.typed(np.ascontiguousarray(bias))
    band, chunks = _split(window, matrices.shape[1], len(x) * groups, parallel.num_workers())
    bands = -(-window.output[0] // band)
    offsets = padded_planes.offsets(window, band) * x.itemsize
    limits = x.dtype.type(limits[0]), x.dtype.type(limits[1])
    settings = tuple(window), window.is_plain, offsets, band, chunks

    def task(start, stop):
        _convolve_parts(values, step, target, target_step, matrices, starts, limits, *settings, (start, stop))

    return [(task, len(x) * groups * bands * chunks)]


def backward(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_x, grad_weight, grad_bias)."""
    grad_x = np.empty(x.shape, x.dtype)
    return grad_x, *_gradients(grad_x, grad_y, x, weight, bias, stride, padding, groups, dilation)


def backward_params(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_weight, grad_bias) without computing grad_x."""
    return _gradients(None, grad_y, x, weight, bias, stride, padding, groups, dilation)


def rotated(weight, groups):
    """Return the weight whose convolution of grad_y is grad_x: kernels rotated by 180 degrees, channels exchanged."""
    filters, channels, *kernel = weight.shape
    per_group = weight.reshape(groups, filters // groups, channels, *kernel)[..., ::-1, ::-1].swapaxes(1, 2)
    return per_group.reshape(groups * channels, -1, *kernel)


def _gradients(grad_x, grad_y, x, weight, bias, stride, padding, groups, dilation):
    """Write grad_x, unless it is None, and return (grad_weight, grad_bias)."""
    window = padded_planes.window(x.shape, weight.shape, stride, padding, dilation)
    lengths = shapes.dilated(weight.shape[2:], dilation)
    around = tuple((length - 1 - a, length - 1 - b) for length, (a, b) in zip(lengths, padding, strict=True))
    mirrored = stride == (1, 1) and not window.is_plain and min(min(sides) for sides in around) >= 0
    if grad_x is not None and mirrored:  # then the input gradient is a convolution too, computed in one pass
        _into(grad_x, grad_y, rotated(weight, groups), None, stride, around, groups, dilation=dilation)
        grad_x = None
    matrices, grad_bias = _backward(grad_y, x, grad_x, _matrices(weight, groups), window)
    grad_weight = np.ascontiguousarray(matrices.swapaxes(1, 2)).reshape(weight.shape)
    return grad_weight, None if bias is None else grad_bias


def _matrices(weight, groups):
    """Return the weight matrix of each group: (groups, K/groups, C/groups * R * S)."""
    return flat.typed(np.ascontiguousarray(weight)).reshape(groups, len(weight) // groups, -1)


def workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize, dilation=(1, 1)):
    """Return (0, the most bytes that `forward` on so many threads allocates next to its arrays)."""
    window, filters = padded_planes.window(x_shape, weight_shape, stride, padding, dilation), weight_shape[0] // groups
    band, chunks = _split(window, filters, x_shape[0] * groups, threads)
    packed = 0 if window.is_plain else window.channels * window.plane_values(band)
    parts = x_shape[0] * groups * -(-window.output[0] // band) * chunks
    return 0, min(threads, parts) * packed * itemsize


def _split(window, filters, images, threads):
    """Return (rows of a band, number of chunks of the filters): how the work is split over threads.

    images : number of images, or of groups of their channels
    """
    height, width = window.output
    per_image = threads // images
    if height * width <= SMALL_MAP and 1 < per_image <= filters // (2 * MR):
        return height, per_image
    least = min(height, -(-height * filters * window.pitch // BAND))  # number of bands that each fit into the cache

    def most_rows(band):
        """Return how many rows the busiest thread computes, but at least a little more than the average."""
        return max(band * -(-images * -(-height // band) // threads), UNEVEN * images * height / threads)

    bands = range(least, min(height, least + threads - 1) + 1)
    return min((-(-height // count) for count in bands), key=most_rows), 1  # the first of equals: the fewest bands


@compiled
def _convolve_parts(x, x_step, y, y_step, matrices, bias, limits, window, is_plain, offsets, band, chunks, items):
    channels, size, _, _, _, output, phases, extra, pitch, _ = window
    groups, filters, _ = matrices.shape
    area, plane_rows = output[0] * output[1], band + extra[0]
    bands, tiles = (output[0] + band - 1) // band, (filters + MR - 1) // MR
    most = (tiles + chunks - 1) // chunks * MR  # filters of a chunk
    values = 0 if is_plain else channels * phases[0] * phases[1] * plane_rows * pitch
    packed = np.empty(values + VECTOR_BYTES // x.itemsize, x.dtype)
    a_rows, a_columns = row_table(most, matrices.strides[1]), row_table(matrices.shape[2], matrices.itemsize)
    image_rows = row_table(channels, size[0] * size[1] * x.itemsize)
    for item in range(items[0], items[1]):
        image, part = item // (bands * chunks), item % (bands * chunks)
        n, g = image // groups, image % groups
        first, chunk = part // chunks * band, part % chunks
        begin, end = tiles * chunk // chunks * MR, min(tiles * (chunk + 1) // chunks * MR, filters)
        rows = min(band, output[0] - first)
        matrix = np.int64(matrices.ctypes.data) + g * matrices.strides[0] + begin * matrices.strides[1]
        a = matrix, a_rows[: end - begin], a_columns
        start = np.int64(bias.ctypes.data) + (g * filters + begin) * bias.itemsize if len(bias) else NO_BIAS
        source = n * x_step + g * channels * size[0] * size[1]
        target = n * y_step + (g * filters + begin) * area
        if is_plain:
            b = np.int64(x.ctypes.data) + (source + first * output[1]) * x.itemsize, image_rows, WHOLE_ROWS
        else:
            padded_planes.pack(x, source, window, first, band, (0, channels), packed)
            b = np.int64(packed.ctypes.data), offsets, WHOLE_ROWS if pitch == output[1] else (output[1], pitch)
        c = np.int64(y.ctypes.data) + (target + first * output[1]) * y.itemsize, area * y.itemsize, rows * output[1]
        gemm_rows(x.dtype.type(0), a, b, c, x.itemsize, start, limits, False)


def _backward(grad_y, x, grad_x, matrices, window):
    """Fill grad_x unless it is None; return each group's transposed weight gradient (C*R*S, K), and grad_bias (K,)."""
    groups, filters, inner = matrices.shape
    (grads, grads_step), (values, step) = flat.flat(grad_y), flat.flat(x)
    target, target_step = (np.empty(0, x.dtype), 0) if grad_x is None else flat.flat(grad_x)
    height, columns = window.output[0], padded_columns(filters, x.dtype)
    stretch = height * window.pitch
    together = min(len(x), max(LEAST_IMAGES, GRADIENTS // (groups * stretch * columns)))
    transposed = np.empty((together * groups, stretch, columns), x.dtype)
    transposed[:, :, filters:] = 0
    grad_matrices = np.zeros((groups, inner, columns), x.dtype)
    sums = np.zeros((len(x), groups, filters), x.dtype)
    offsets = padded_planes.offsets(window, height) * x.itemsize
    # The input gradient is computed for one kernel position at a time, from the weights (C, K) of that position.
    by_position = np.ascontiguousarray(matrices.reshape(groups, filters, window.channels, -1).transpose(0, 3, 2, 1))
    settings = tuple(window), window.is_plain
    tiles = groups * -(-inner // MR)

    for begin in range(0, len(x), together):
        end = min(len(x), begin + together)

        def of_images(start, stop, begin=begin):
            arrays = grads, grads_step, target, target_step, by_position, offsets, transposed, sums
            _images_backward(*arrays, *settings, begin, (start, stop))

        def of_weights(start, stop, span=(begin, end)):
            _weights_backward(values, step, transposed, grad_matrices, offsets, *settings, span, (start, stop))

        parallel.parallel_for(of_images, (end - begin) * groups)
        parallel.parallel_for(of_weights, tiles)
    return grad_matrices[:, :, :filters], sums.sum(axis=0).reshape(-1)


@compiled
def _images_backward(
    grads, grads_step, grad_x, x_step, by_position, offsets, transposed, sums, window, is_plain, begin, items
):
    """For each image and group, transpose and sum its upstream gradient, and compute grad_x if needed."""
    channels, size, kernel, _, _, output, phases, extra, pitch, _ = window
    groups, _, _, filters = by_position.shape
    area, stretch = output[0] * output[1], output[0] * pitch
    plane_rows = output[0] + extra[0]
    values = channels * phases[0] * phases[1] * plane_rows * pitch
    strided = not is_plain and len(grad_x) > 0
    packed = np.empty(values if strided else 0, grads.dtype)
    padded_rows = np.empty(0 if pitch == output[1] else filters * stretch, grads.dtype)
    zero, b_rows = grads.dtype.type(0), row_table(filters, stretch * grads.itemsize)
    together = min(kernel[0] * kernel[1], max(1, GRADIENT_ROWS // channels))
    products = np.empty(together * channels * GRADIENT_COLUMNS if strided else 0, grads.dtype)
    a_rows = row_table(kernel[0] * kernel[1] * channels, filters * by_position.itemsize)
    a_columns = row_table(filters, by_position.itemsize)
    for item in range(items[0], items[1]):
        n, g = begin + item // groups, item % groups
        at, to = n * grads_step + g * filters * area, n * x_step + g * channels * size[0] * size[1]
        grad = grads[at : at + filters * area].reshape(filters, area)
        row_sums(grad, sums[n, g])
        if pitch != output[1]:
            padded_planes.pad_rows(grads, at, filters, area, output[1], 0, output[0], pitch, padded_rows)
            grad = padded_rows.reshape(filters, stretch)
        transpose_matrix(grad, transposed[item])
        if len(grad_x) == 0:
            continue
        b = np.int64(grad.ctypes.data), b_rows, WHOLE_ROWS
        weights = np.int64(by_position.ctypes.data) + g * by_position.strides[0]
        if is_plain:
            a = weights, a_rows, a_columns
            c = np.int64(grad_x.ctypes.data) + to * grads.itemsize, area * grads.itemsize, area
            gemm_rows(zero, a, b, c, grads.itemsize, NO_BIAS, no_limits(zero), False)
            continue
        fill(packed, 0, values, zero)
        _add_products(zero, (weights, a_rows, a_columns), b, products, offsets, window, packed)
        padded_planes.unpack(packed, grad_x, to, window)


@compiled
def _add_products(zero, a, b, products, offsets, window, packed):
    """Add the products of all kernel positions to the planes, each from the element of its position on.

    The positions of a few columns are one product, whose panel of the gradient is packed once.

    a : the weights (R * S * C, K) as `gemm_rows` takes them
    products : buffer for (rows of the weights, columns)
    """
    channels, _, _, _, _, output, phases, extra, pitch, _ = window
    size, columns, positions = packed.itemsize, GRADIENT_COLUMNS, len(a[1]) // channels
    plane, row = phases[0] * phases[1] * (output[0] + extra[0]) * pitch, columns * size
    stretch = (output[0] - 1) * pitch + output[1]
    together = len(products) // (channels * columns)
    for first in range(0, positions, together):
        end = min(positions, first + together)
        rows = a[0], a[1][first * channels : end * channels], a[2]
        for j in range(0, stretch, columns):
            across = min(columns, stretch - j)
            c = np.int64(products.ctypes.data), row, across
            gemm_rows(zero, rows, (b[0] + j * size, b[1], b[2]), c, size, NO_BIAS, no_limits(zero), False)
            for position in range(first, end):
                for channel in range(channels):
                    to = offsets[position] // size + channel * plane + j
                    at = ((position - first) * channels + channel) * columns
                    for i in range(across):
                        packed[np.uintp(to + i)] += products[np.uintp(at + i)]


@compiled
def _weights_backward(x, x_step, transposed, grad_matrices, offsets, window, is_plain, span, tiles):
    """Add the contributions of the images in `span` to some tiles of MR rows of the groups' weight gradients."""
    groups, rows, _ = grad_matrices.shape
    per_group = (rows + MR - 1) // MR
    tile = tiles[0]
    while tile < tiles[1]:
        g, first = tile // per_group, tile % per_group
        end = min(per_group, first + tiles[1] - tile)
        inner = first * MR, min(end * MR, rows)
        base = g * window[0] * window[1][0] * window[1][1]
        part = x, base, x_step, transposed, g, groups
        _group_weights_backward(*part, grad_matrices[g], offsets, window, is_plain, span, inner)
        tile += end - first


@compiled
def _group_weights_backward(
    x, base, x_step, transposed, g, groups, grad_matrix, offsets, window, is_plain, span, inner
):
    _, size, kernel, _, _, output, phases, extra, pitch, _ = window
    positions = kernel[0] * kernel[1]
    reads = inner[0] // positions, (inner[1] + positions - 1) // positions
    plane_rows = output[0] + extra[0]
    plane = phases[0] * phases[1] * plane_rows * pitch
    packed = np.empty(0 if is_plain else (reads[1] - reads[0]) * plane, x.dtype)
    rows = offsets[inner[0] : inner[1]] - reads[0] * plane * x.itemsize
    if is_plain:
        rows = row_table(inner[1] - inner[0], size[0] * size[1] * x.itemsize)
    stretch = (output[0] - 1) * pitch + output[1]
    a_columns, b_rows = row_table(stretch, x.itemsize), row_table(stretch, transposed.strides[1])
    c = (
        np.int64(grad_matrix.ctypes.data) + inner[0] * grad_matrix.strides[0],
        grad_matrix.strides[0],
        grad_matrix.shape[1],
    )
    for n in range(span[0], span[1]):
        source = base + n * x_step
        if is_plain:
            at = np.int64(x.ctypes.data) + (source + inner[0] * size[0] * size[1]) * x.itemsize
        else:
            padded_planes.pack(x, source, window, 0, output[0], reads, packed)
            at = np.int64(packed.ctypes.data)
        b = np.int64(transposed.ctypes.data) + ((n - span[0]) * groups + g) * transposed.strides[0], b_rows, WHOLE_ROWS
        gemm_rows(x.dtype.type(0), (at, rows, a_columns), b, c, x.itemsize, NO_BIAS, no_limits(x.dtype.type(0)), True)
