"""Direct convolution for groups of few channels, such as depthwise convolution, without a matrix product.

A group with few channels has too few products for GEMM: packing its channels costs as much as the convolution. Here
the blocks of `direct_block` read the image itself. Only the channels at both ends of an array are copied first, because
vectors also load values next to a channel, which are then masked.
Gain: a 5x5 convolution of 480 channels of 14 x 14 takes 0.1 ms instead of 203 ms with a GEMM for each channel.

The input gradient is the same convolution with rotated kernels, or with stride 2 a block of its own. A weight is used
for all images, and its gradient is summed by one thread, in order. So no result depends on the number of threads.
"""

import functools
from typing import NamedTuple

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast import flat
from minigooglenet.kernels.fast.direct_block import (
    LARGE,
    PAIRS,
    SMALL,
    add_products,
    outputs,
    reach_of,
    start_products,
    store_products,
    strided_gradients,
)
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import REGISTERS, VECTOR_BYTES
from minigooglenet.kernels.fast.simd import copy
from minigooglenet.kernels.fast.threads import parallel_for, pieces

# Each combination is compiled separately, so only those that networks use.
KERNELS, STRIDES, DILATIONS = ((3, 3), (5, 5), (7, 7)), ((1, 1), (2, 2)), ((1, 1), (2, 2))
MOST_CHANNELS = 32  # of a group; more channels are worth packing
FEW = 1 << 21  # products that one thread computes while the others would wake up
NO_LIMITS = -np.inf, np.inf


def applies(weight_shape, groups, stride, dilation=(1, 1)):
    """Return whether this file is to compute a convolution with weight (K, C/groups, R, S)."""
    few = groups > 1 and max(weight_shape[1], weight_shape[0] // groups) <= MOST_CHANNELS
    return few and tuple(weight_shape[2:]) in KERNELS and stride in STRIDES and dilation in DILATIONS


class Geometry(NamedTuple):
    """The sizes of a convolution of single channels, in the order in which compiled code unpacks them."""

    size: tuple[int, int]  # (H, W)
    output: tuple[int, int]  # (P, Q)
    corner: tuple[int, int]  # the start of the first window: -padding
    slack: tuple[int, int]  # values before and after a channel that vectors load


class Layout(NamedTuple):
    """Where the weights of each output channel are: distances in values."""

    outputs: int  # output channels of a group
    inputs: int  # input channels of a group
    group: int  # from one group to the next
    output: int  # from one output channel of a group to the next
    input: int  # from one input channel of a group to the next


def forward(x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, R, S) and bias (K,) or None."""
    size = shapes.output_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = np.empty((len(x), len(weight), *size), x.dtype)
    _run(bind(x, weight, bias, stride, padding, groups, NO_LIMITS, y, dilation), y, weight)
    return y


def bind(x, weight, bias, stride, padding, groups, limits, y, dilation=(1, 1)):
    """Return [(task, count)] for `parallel_for`; every run computes y from x.

    limits : (lowest, highest) output
    """
    layout = _layout(weight, groups)
    return [_bind(x, weight, layout, bias, stride, dilation, _corner(padding), limits, y)]


def backward(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_x, grad_weight, grad_bias)."""
    grad_x, layout = np.empty(x.shape, x.dtype), _layout(weight, groups)
    layout = Layout(layout.inputs, layout.outputs, layout.group, layout.input, layout.output)
    if stride == (1, 1):
        lengths = shapes.dilated(weight.shape[2:], dilation)
        corner = padding[0][0] - lengths[0] + 1, padding[1][0] - lengths[1] + 1
        bound = _bind(grad_y, weight, layout, None, stride, dilation, corner, NO_LIMITS, grad_x, rotated=1)
    else:
        bound = _bind_strided(grad_y, weight, layout, dilation, _corner(padding), grad_x)
    _run([bound], grad_x, weight)
    return grad_x, *backward_params(grad_y, x, weight, bias, stride, padding, groups, dilation)


def backward_params(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_weight, grad_bias) without computing grad_x."""
    (values, step), (grads, grads_step) = flat.flat(x), flat.flat(grad_y)
    channels, filters = weight.shape[1], len(weight) // groups
    pairs = 1 if REGISTERS < 32 or filters % 2 else 2  # the sums of two filters need more than 16 registers
    settings = _settings(weight.shape[2:], stride, dilation, grad_y.shape[3], x.itemsize, pairs)
    geometry = _geometry(x.shape[2:], grad_y.shape[2:], _corner(padding), settings, x.itemsize)
    grad_weight, grad_bias = np.empty(weight.shape, x.dtype), np.empty(len(weight), x.dtype)
    compute, zeros, together = _weight_gradient(settings), _zeros(geometry, x.dtype), settings[7]

    def task(start, stop):
        room = np.empty(_room(geometry) + together * grad_y[0, 0].size + VECTOR_BYTES, x.dtype)
        arrays = values, grads, grad_weight.reshape(len(weight), channels, -1), grad_bias, zeros, room
        span = start * together, stop * together
        compute(*arrays, (step, grads_step, len(x)), span, filters, tuple(geometry))

    if len(x):
        parallel_for(task, len(weight) // together, grad_y.size * weight[0].size, FEW)
    else:
        grad_weight[:], grad_bias[:] = 0, 0
    return grad_weight, None if bias is None else grad_bias


def workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize, dilation=(1, 1)):
    """Return (0, the most bytes that `forward` on so many threads allocates next to its arrays)."""
    output = shapes.output_size(x_shape[2:], weight_shape[2:], stride, padding, dilation)
    settings = _settings(weight_shape[2:], stride, dilation, output[1], itemsize, weight_shape[0] // groups)
    geometry, together = _geometry(x_shape[2:], output, _corner(padding), settings, itemsize), settings[7]
    room = weight_shape[1] * _room(geometry) + together * (output[0] * output[1] + VECTOR_BYTES)
    parts = x_shape[0] * weight_shape[0] // together
    return 0, (min(threads, parts) * room + len(_zeros(geometry, np.float32))) * itemsize


def _corner(padding):
    return -padding[0][0], -padding[1][0]


def _layout(weight, groups):
    """Return the Layout of weight (K, C/groups, R, S)."""
    filters, (channels, *kernel) = len(weight) // groups, weight.shape[1:]
    positions = kernel[0] * kernel[1]
    return Layout(filters, channels, filters * channels * positions, channels * positions, positions)


def _settings(kernel, stride, dilation, columns, itemsize, filters=1, rotated=0):
    """Return the settings of `direct_block.outputs`; narrow outputs use half vectors."""
    parts = 2 if 2 * columns * itemsize <= VECTOR_BYTES else 1
    # Several filters share an input, but their sums and weights need registers. It pays most if an input is selected
    # from two vectors, or is half a vector.
    most = 4 if REGISTERS == 32 and (stride[1] == 2 or parts == 2) else 2
    together = next(count for count in (4, 2, 1) if count <= most and filters % count == 0)
    return (*kernel, *stride, *dilation, parts, together, rotated)


def _geometry(size, output, corner, settings, itemsize):
    _, width, _, along, _, dilation, parts, *_ = settings
    lanes = VECTOR_BYTES // itemsize // parts
    end = corner[1] + -(-output[1] // lanes) * lanes * along + (width - 1) * dilation
    return Geometry(tuple(size), tuple(output), corner, (max(0, -corner[1]), max(0, end - size[1])))


def _zeros(geometry, dtype):
    """Return the row of zeros that is read instead of rows outside the image."""
    return np.zeros(sum(geometry.slack) + geometry.size[1], dtype)


def _room(geometry):
    """Return the number of values of a channel with the values next to it."""
    return geometry.slack[0] + geometry.size[0] * geometry.size[1] + geometry.slack[1]


def _run(bound, y, weight):
    for task, count in bound:
        parallel_for(task, count, y.size * weight[0].size, FEW)


def _bind(x, weight, layout, bias, stride, dilation, corner, limits, y, rotated=0):
    """Return (task, count)."""
    (values, step), (target, target_step) = flat.flat(x), flat.flat(y)
    settings = _settings(weight.shape[2:], stride, dilation, y.shape[3], x.itemsize, layout.outputs, rotated)
    geometry = _geometry(x.shape[2:], y.shape[2:], corner, settings, x.itemsize)
    filters = y.shape[1]
    weight = flat.typed(np.ascontiguousarray(weight)).reshape(-1)
    bias = np.zeros(filters, x.dtype) if bias is None else flat.typed(np.ascontiguousarray(bias))
    compute, zeros = _convolution(settings), _zeros(geometry, x.dtype)
    limits = x.dtype.type(limits[0]), x.dtype.type(limits[1])

    def task(start, stop):
        room = np.empty(layout.inputs * _room(geometry), x.dtype)
        results = np.empty(settings[7] * (y.shape[2] * y.shape[3] + VECTOR_BYTES), x.dtype)
        arrays = values, target, weight, bias, zeros, room, results
        for n, *span in pieces(start * settings[7], stop * settings[7], filters):
            compute(*arrays, (n * step, n * target_step), limits, tuple(span), tuple(layout), tuple(geometry))

    return task, len(y) * filters // settings[7]


def _bind_strided(grad_y, weight, layout, dilation, corner, grad_x):
    """Return (task, count) for the input gradient with stride 2."""
    (grads, step), (target, target_step) = flat.flat(grad_y), flat.flat(grad_x)
    halves = [-((corner[i] - grad_x.shape[2 + i]) // 2) for i in range(2)]  # pairs of rows and of columns, rounded up
    settings = _settings(weight.shape[2:], (2, 2), dilation, halves[1], grad_y.itemsize)
    reach = reach_of(weight.shape[2:], dilation)
    reads = _settings(reach, (1, 1), (1, 1), halves[1], grad_y.itemsize)
    geometry = _geometry(grad_y.shape[2:], halves, (1 - reach[0], 1 - reach[1]), reads, grad_y.itemsize)
    weight = flat.typed(np.ascontiguousarray(weight)).reshape(-1)
    compute, zeros = _strided_gradient(settings), _zeros(geometry, grad_y.dtype)
    pitch = 2 * (halves[1] + VECTOR_BYTES // grad_y.itemsize)

    def task(start, stop):
        room = np.empty(layout.inputs * _room(geometry), grad_y.dtype)
        results = np.empty((2 * halves[0], pitch), grad_y.dtype)
        arrays = grads, target, weight, zeros, room, results
        for n, *span in pieces(start, stop, grad_x.shape[1]):
            sizes = grad_x.shape[2:], corner
            compute(*arrays, (n * step, n * target_step), tuple(span), tuple(layout), tuple(geometry), sizes)

    return task, len(grad_x) * grad_x.shape[1]


@functools.cache
def _convolution(settings):
    """Return the compiled convolution of some filters of an image, for settings of `direct_block.outputs`."""
    _, _, down, along, _, _, parts, together, _ = settings

    @compiled
    def convolve(x, y, weight, bias, zeros, room, results, bases, limits, span, layout, geometry):
        """Compute the filters in a range.

        room : for copies of the channels of a group;  results : for outputs of narrow images
        """
        size, output, corner, _ = geometry
        zero, itemsize, lanes = x.dtype.type(0), x.itemsize, VECTOR_BYTES // x.itemsize // parts
        windows, last = output[0] * output[1], max(0, output[1] - lanes)
        nowhere = _nowhere(zeros, geometry)
        source, distance = np.int64(0), np.int64(0)
        for k in range(span[0], span[1], together):
            if k == span[0] or k % layout[0] == 0:
                source, distance = _channels(x, bases[0], k // layout[0], layout, geometry, room)
            # The vector of a narrow row also writes to what follows: right if that is computed later, and wrong at the
            # end and between two filters that are computed together.
            excess = lanes - output[1]
            inside = excess <= 0 or (together == 1 and (span[1] - k - 1) * windows >= excess)
            apart = windows if inside else windows + lanes
            to = bases[1] + k * windows
            target = np.int64(y.ctypes.data) + to * itemsize if inside else np.int64(results.ctypes.data)
            weights = _weights(weight, k, layout)
            if together == 1:
                biases = (bias[k],)
            elif together == 2:
                biases = (bias[k], bias[k + 1])
            else:
                biases = (bias[k], bias[k + 1], bias[k + 2], bias[k + 3])
            p = 0
            while p < output[0]:
                # The last rows are computed together with some that are done already, and get the same values again.
                rows = LARGE if output[0] - p > SMALL and output[0] >= LARGE else SMALL if output[0] >= SMALL else 1
                p = min(p, output[0] - rows)
                q = 0
                while q < output[1]:
                    q = min(q, last)
                    at_p, at_q = p * down + corner[0], q * along + corner[1]
                    row = source, size[1] * itemsize, size[0], size[1], nowhere
                    image = (*row, at_p, at_q, layout[1], distance)
                    line = target + (p * output[1] + q) * itemsize, output[1] * itemsize, apart * itemsize
                    if rows == LARGE:
                        outputs(zero, LARGE, settings, image, weights, biases, limits, line)
                    elif rows == SMALL:
                        outputs(zero, SMALL, settings, image, weights, biases, limits, line)
                    else:
                        outputs(zero, 1, settings, image, weights, biases, limits, line)
                    q += lanes
                p += rows
            if not inside:
                for i in range(together):
                    copy(results, i * apart, y, to + i * windows, windows)

    return convolve


@functools.cache
def _strided_gradient(settings):
    """Return the compiled input gradient of some channels, for settings of `direct_block.strided_gradients`."""
    parts = settings[6]

    @compiled
    def compute(grads, grad_x, weight, zeros, room, results, bases, span, layout, geometry, sizes):
        """Compute the channels in a range.

        results : for a channel that starts at the corner of the first window
        sizes : ((H, W), corner)
        """
        size, halves, corner, _ = geometry
        (height, width), (top, left) = sizes
        zero, itemsize, lanes = grads.dtype.type(0), grads.itemsize, VECTOR_BYTES // grads.itemsize // parts
        pitch, rows = results.shape[1], PAIRS if halves[0] >= PAIRS else 1
        nowhere, whole = _nowhere(zeros, geometry), results.reshape(-1)
        source, distance = np.int64(0), np.int64(0)
        for c in range(span[0], span[1]):
            if c == span[0] or c % layout[0] == 0:
                source, distance = _channels(grads, bases[0], c // layout[0], layout, geometry, room)
            weights = _weights(weight, c, layout)
            u = 0
            while u < halves[0]:
                u = min(u, halves[0] - rows)  # the last rows may be computed again
                for v in range(0, halves[1], lanes):
                    row = source, size[1] * itemsize, size[0], size[1], nowhere
                    image = (*row, u + corner[0], v + corner[1], layout[1], distance)
                    line = np.int64(results.ctypes.data) + 2 * (u * pitch + v) * itemsize, pitch * itemsize, 0
                    if rows == PAIRS:
                        strided_gradients(zero, PAIRS, settings, image, weights, line)
                    else:
                        strided_gradients(zero, 1, settings, image, weights, line)
                u += rows
            for i in range(height):
                to = bases[1] + (c * height + i) * width
                copy(whole, (i - top) * pitch - left, grad_x, to, width)

    return compute


@compiled
def _nowhere(zeros, geometry):
    return np.int64(zeros.ctypes.data) + geometry[3][0] * zeros.itemsize


@compiled
def _weights(weight, k, layout):
    """Return (address of the weights of output channel k, bytes between output channels, bytes between inputs)."""
    outputs, _, group, output, step = layout
    at = k // outputs * group + k % outputs * output
    return np.int64(weight.ctypes.data) + at * weight.itemsize, output * weight.itemsize, step * weight.itemsize


@compiled
def _channels(x, base, group, layout, geometry, room):
    """Return (address, bytes between channels) of the inputs of a group; those at an end of x are copied to room."""
    size, _, _, slack = geometry
    channels, area = layout[1], size[0] * size[1]
    at, distance = base + group * channels * area, area
    source = np.int64(x.ctypes.data) + at * x.itemsize
    if at < slack[0] or at + channels * area + slack[1] > len(x):
        distance = slack[0] + area + slack[1]
        for c in range(channels):
            copy(x, at + c * area, room, c * distance + slack[0], area)
        source = np.int64(room.ctypes.data) + slack[0] * x.itemsize
    return source, distance * x.itemsize


@functools.cache
def _weight_gradient(settings):
    """Return the compiled weight and bias gradient of some filters, for settings of `direct_block.add_products`."""
    height, width, down, along, _, _, parts, together, _ = settings

    @compiled
    def correlate(x, grads, grad_weight, grad_bias, zeros, room, images, filters, per_group, geometry):
        """Compute grad_weight (K, C/groups, R * S) and grad_bias (K,) of the filters in a range.

        room : for a copy of a channel and of its upstream gradients
        images : (values from one image of x to the next, the same for grads, number of images)
        """
        size, output, corner, slack = geometry
        zero, itemsize, lanes = x.dtype.type(0), x.itemsize, VECTOR_BYTES // x.itemsize // parts
        positions, area, windows = height * width, size[0] * size[1], output[0] * output[1]
        channels = grad_weight.shape[1]
        nowhere, copies = _nowhere(zeros, geometry), np.int64(room.ctypes.data)
        totals = np.empty(together * (positions + 1), x.dtype)
        for k in range(filters[0], filters[1], together):
            for c in range(channels):
                sums = start_products(zero, settings)
                for n in range(images[2]):
                    at = n * images[0] + (k // per_group * channels + c) * area
                    source = np.int64(x.ctypes.data) + at * itemsize
                    if at < slack[0] or at + area + slack[1] > len(x):
                        copy(x, at, room, slack[0], area)
                        source = copies + slack[0] * itemsize
                    at = n * images[1] + k * windows
                    grad = np.int64(grads.ctypes.data) + at * itemsize
                    if at + together * windows + lanes > len(grads):
                        beyond = slack[0] + area + slack[1]
                        copy(grads, at, room, beyond, together * windows)
                        grad = copies + beyond * itemsize
                    p = 0
                    while p < output[0]:
                        rows = LARGE if output[0] - p >= LARGE else SMALL if output[0] - p >= SMALL else 1
                        for q in range(0, output[1], lanes):
                            at_p, at_q = p * down + corner[0], q * along + corner[1]
                            image = source, size[1] * itemsize, size[0], size[1], nowhere, at_p, at_q
                            start = grad + (p * output[1] + q) * itemsize
                            line = start, output[1] * itemsize, windows * itemsize, output[1] - q
                            if rows == LARGE:
                                sums = add_products(sums, LARGE, settings, image, line)
                            elif rows == SMALL:
                                sums = add_products(sums, SMALL, settings, image, line)
                            else:
                                sums = add_products(sums, 1, settings, image, line)
                        p += rows
                store_products(totals, sums)
                for f in range(together):
                    for i in range(positions):
                        grad_weight[k + f, c, i] = totals[f * (positions + 1) + i]
                    grad_bias[k + f] = totals[f * (positions + 1) + positions]

    return correlate
