"""Direct convolution for groups of few channels, such as depthwise convolution, without a matrix product.

A group with few channels has too few products for GEMM: packing its channels costs as much as the convolution. Here
the blocks of `direct_block` read the image itself. Only the channels at both ends of an array are copied first, because
vectors also load values next to a channel, which are then masked.
Gain: a 5x5 convolution of 480 channels of 14 x 14 takes 0.1 ms instead of 203 ms with a GEMM for each channel.

The input gradient is the same convolution with rotated kernels, of the upstream gradient with zeros between its values
if there is a stride. A weight is used for all images, and its gradient is summed by one thread, in order. So no result
depends on the number of threads.
"""

import functools
from typing import NamedTuple

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast import flat
from minigooglenet.kernels.fast.direct_block import (
    LARGE,
    SMALL,
    add_products,
    outputs,
    start_products,
    store_products,
)
from minigooglenet.kernels.fast.implicit_gemm import rotated
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES
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
    spread: tuple[int, int]  # distance between values in (H, W): 1, or the stride that an input gradient reverses


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
    return _bind(x, weight, bias, stride, groups, dilation, _corner(padding), limits, y)


def backward(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_x, grad_weight, grad_bias)."""
    lengths = shapes.dilated(weight.shape[2:], dilation)
    corner = padding[0][0] - lengths[0] + 1, padding[1][0] - lengths[1] + 1
    turned, grad_x = rotated(weight, groups), np.empty(x.shape, x.dtype)
    bound = _bind(grad_y, turned, None, (1, 1), groups, dilation, corner, NO_LIMITS, grad_x, spread=stride)
    _run(bound, grad_x, turned)
    return grad_x, *backward_params(grad_y, x, weight, bias, stride, padding, groups, dilation)


def backward_params(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_weight, grad_bias) without computing grad_x."""
    (values, step), (grads, grads_step) = flat.flat(x), flat.flat(grad_y)
    settings = _settings(weight.shape[2:], stride, dilation, grad_y.shape[3], x.itemsize)
    geometry = _geometry(x.shape[2:], grad_y.shape[2:], _corner(padding), settings, x.itemsize)
    grad_weight, grad_bias = np.empty(weight.shape, x.dtype), np.empty(len(weight), x.dtype)
    compute, zeros = _weight_gradient(settings), _zeros(geometry, x.dtype)
    channels, filters = weight.shape[1], len(weight) // groups

    def task(start, stop):
        room = np.empty(_room(geometry) + grad_y[0, 0].size + VECTOR_BYTES, x.dtype)
        arrays = values, grads, grad_weight.reshape(len(weight), channels, -1), grad_bias, zeros, room
        compute(*arrays, (step, grads_step, len(x)), (start, stop), filters, tuple(geometry))

    if len(x):
        parallel_for(task, len(weight), grad_y.size * weight[0].size, FEW)
    else:
        grad_weight[:], grad_bias[:] = 0, 0
    return grad_weight, None if bias is None else grad_bias


def workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize, dilation=(1, 1)):
    """Return (0, the most bytes that `forward` on so many threads allocates next to its arrays)."""
    output = shapes.output_size(x_shape[2:], weight_shape[2:], stride, padding, dilation)
    settings = _settings(weight_shape[2:], stride, dilation, output[1], itemsize)
    geometry = _geometry(x_shape[2:], output, _corner(padding), settings, itemsize)
    room = weight_shape[1] * _room(geometry) + output[0] * output[1] + VECTOR_BYTES
    return 0, (min(threads, x_shape[0] * weight_shape[0]) * room + len(_zeros(geometry, np.float32))) * itemsize


def _corner(padding):
    return -padding[0][0], -padding[1][0]


def _settings(kernel, stride, dilation, columns, itemsize, filters=1):
    """Return the settings of `direct_block.outputs`; narrow outputs use half vectors."""
    parts = 2 if 2 * columns * itemsize <= VECTOR_BYTES else 1
    return (*kernel, *stride, *dilation, parts, 1 if filters % 2 else 2)


def _geometry(size, output, corner, settings, itemsize, spread=(1, 1)):
    _, width, _, along, _, dilation, parts, _ = settings
    lanes = VECTOR_BYTES // itemsize // parts
    end = corner[1] + -(-output[1] // lanes) * lanes * along + (width - 1) * dilation
    return Geometry(tuple(size), tuple(output), corner, (max(0, -corner[1]), max(0, end - size[1])), spread)


def _zeros(geometry, dtype):
    """Return the row of zeros that is read instead of rows outside the image."""
    return np.zeros(sum(geometry.slack) + geometry.size[1], dtype)


def _room(geometry):
    """Return the number of values of a channel with the values next to it."""
    return geometry.slack[0] + geometry.size[0] * geometry.size[1] + geometry.slack[1]


def _run(bound, y, weight):
    for task, count in bound:
        parallel_for(task, count, y.size * weight[0].size, FEW)


def _bind(x, weight, bias, stride, groups, dilation, corner, limits, y, spread=(1, 1)):
    """Return [(task, count)]; x has `spread` - 1 zeros between its values if that is not (1, 1)."""
    (values, step), (target, target_step) = flat.flat(x), flat.flat(y)
    settings = _settings(weight.shape[2:], stride, dilation, y.shape[3], x.itemsize, len(weight) // groups)
    size = [(length - 1) * distance + 1 for length, distance in zip(x.shape[2:], spread, strict=True)]
    geometry = _geometry(size, y.shape[2:], corner, settings, x.itemsize, spread)
    channels, filters = weight.shape[1], len(weight)
    weight = flat.typed(np.ascontiguousarray(weight)).reshape(-1)
    bias = np.zeros(filters, x.dtype) if bias is None else flat.typed(np.ascontiguousarray(bias))
    compute, zeros = _convolution(settings), _zeros(geometry, x.dtype)
    limits = x.dtype.type(limits[0]), x.dtype.type(limits[1])

    def task(start, stop):
        room = np.zeros(channels * _room(geometry), x.dtype)
        results = np.empty(settings[7] * (y.shape[2] * y.shape[3] + VECTOR_BYTES), x.dtype)
        arrays = values, target, weight, bias, zeros, room, results
        for n, first, end in pieces(start * settings[7], stop * settings[7], filters):
            group = first, end, channels, filters // groups
            compute(*arrays, (n * step, n * target_step), limits, group, tuple(geometry))

    return [(task, len(y) * filters // settings[7])]


@functools.cache
def _convolution(settings):
    """Return the compiled convolution of some filters of an image, for settings of `direct_block.outputs`."""
    height, width, down, along, _, _, parts, together = settings

    @compiled
    def convolve(x, y, weight, bias, zeros, room, results, bases, limits, group, geometry):
        """Compute filters first .. end.

        room : for copies of the channels of a group;  results : for outputs of narrow images
        group : (first, end, channels and filters of a group)
        """
        size, output, corner, slack, spread = geometry
        first, end, channels, filters = group
        zero, itemsize, lanes = x.dtype.type(0), x.itemsize, VECTOR_BYTES // x.itemsize // parts
        area, windows, last = _area(size, spread), output[0] * output[1], max(0, output[1] - lanes)
        nowhere = np.int64(zeros.ctypes.data) + slack[0] * itemsize
        source, distance = np.int64(0), np.int64(0)
        for k in range(first, end, together):
            if k == first or k % filters == 0:
                at, distance = bases[0] + k // filters * channels * area, area
                source = np.int64(x.ctypes.data) + at * itemsize
                if spread != (1, 1) or at < slack[0] or at + channels * area + slack[1] > len(x):
                    distance = slack[0] + size[0] * size[1] + slack[1]
                    for c in range(channels):
                        _copy(x, at + c * area, size, spread, room, c * distance + slack[0])
                    source = np.int64(room.ctypes.data) + slack[0] * itemsize
            # The vector of a narrow row also writes to what follows: right if that is computed later, and wrong at the
            # end and between two filters that are computed together.
            excess = lanes - output[1]
            inside = excess <= 0 or (together == 1 and (end - k - 1) * windows >= excess)
            apart = windows if inside else windows + lanes
            to = bases[1] + k * windows
            target = np.int64(y.ctypes.data) + to * itemsize if inside else np.int64(results.ctypes.data)
            filter_bytes = channels * height * width * itemsize
            weights = np.int64(weight.ctypes.data) + k * filter_bytes, filter_bytes
            biases = (bias[k],) if together == 1 else (bias[k], bias[k + 1])
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
                    image = (*row, at_p, at_q, channels, distance * itemsize)
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
def _weight_gradient(settings):
    """Return the compiled weight and bias gradient of some filters, for settings of `direct_block.add_products`."""
    height, width, down, along, _, _, parts, _ = settings

    @compiled
    def correlate(x, grads, grad_weight, grad_bias, zeros, room, images, filters, per_group, geometry):
        """Compute grad_weight (K, C/groups, R * S) and grad_bias (K,) of the filters in a range.

        room : for a copy of a channel and of its upstream gradient
        images : (values from one image of x to the next, the same for grads, number of images)
        """
        size, output, corner, slack, _ = geometry
        zero, itemsize, lanes = x.dtype.type(0), x.itemsize, VECTOR_BYTES // x.itemsize // parts
        positions, area, windows = height * width, size[0] * size[1], output[0] * output[1]
        channels = grad_weight.shape[1]
        nowhere = np.int64(zeros.ctypes.data) + slack[0] * itemsize
        copies = np.int64(room.ctypes.data)
        parts_of_sums = np.empty((positions + 1) * lanes, x.dtype)
        for k in range(filters[0], filters[1]):
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
                    if at + windows + lanes > len(grads):
                        beyond = slack[0] + area + slack[1]
                        copy(grads, at, room, beyond, windows)
                        grad = copies + beyond * itemsize
                    p = 0
                    while p < output[0]:
                        rows = LARGE if output[0] - p >= LARGE else SMALL if output[0] - p >= SMALL else 1
                        for q in range(0, output[1], lanes):
                            at_p, at_q = p * down + corner[0], q * along + corner[1]
                            image = source, size[1] * itemsize, size[0], size[1], nowhere, at_p, at_q
                            line = grad + (p * output[1] + q) * itemsize, output[1] * itemsize, output[1] - q
                            if rows == LARGE:
                                sums = add_products(sums, LARGE, settings, image, line)
                            elif rows == SMALL:
                                sums = add_products(sums, SMALL, settings, image, line)
                            else:
                                sums = add_products(sums, 1, settings, image, line)
                        p += rows
                store_products(parts_of_sums, sums)
                for i in range(positions + 1):
                    total = zero
                    for lane in range(lanes):
                        total += parts_of_sums[i * lanes + lane]
                    if i < positions:
                        grad_weight[k, c, i] = total
                    else:
                        grad_bias[k] = total

    return correlate


@compiled
def _area(size, spread):
    """Return the number of values of a channel without the zeros between them."""
    return ((size[0] - 1) // spread[0] + 1) * ((size[1] - 1) // spread[1] + 1)


@compiled
def _copy(x, at, size, spread, room, to):
    """Copy a channel, with zeros between its values if there is a spread; then `room` contains zeros at first."""
    if spread == (1, 1):
        copy(x, at, room, to, size[0] * size[1])
    else:
        columns = (size[1] - 1) // spread[1] + 1
        for i in range((size[0] - 1) // spread[0] + 1):
            for j in range(columns):
                room[to + i * spread[0] * size[1] + j * spread[1]] = x[at + i * columns + j]
