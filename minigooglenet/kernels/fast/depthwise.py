"""Depthwise convolution: every filter reads one channel, which is convolved directly, without a matrix product.

A filter with one channel has too few products for GEMM: packing a channel would cost as much as the convolution. Here
the blocks of `depthwise_block` read the image itself. Only the channels at both ends of an array are copied first,
because vectors also load values next to a channel, which are then masked.
Gain: a 5x5 convolution of 480 channels of 14 x 14 takes 0.1 ms instead of 203 ms with a GEMM for each channel.

The input gradient is the same convolution with rotated kernels, of the upstream gradient with zeros between its values
if there is a stride. The weight gradient of a channel is summed over all images by one thread, in order. So no result
depends on the number of threads.
"""

import functools
from typing import NamedTuple

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast import flat
from minigooglenet.kernels.fast.depthwise_block import (
    LARGE,
    SMALL,
    no_products,
    outputs,
    products,
    store_products,
)
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES
from minigooglenet.kernels.fast.simd import copy
from minigooglenet.kernels.fast.threads import parallel_for, pieces

KERNELS, STRIDES = ((3, 3), (5, 5), (7, 7)), ((1, 1), (2, 2))  # compiled separately, so only those in use
FEW = 1 << 20  # products that one thread computes while the others would wake up
NO_LIMITS = -np.inf, np.inf


def applies(x_shape, weight_shape, stride):
    """Return whether this file is to compute x (N, C, H, W) with weight (K, C/groups, R, S)."""
    return weight_shape[1] == 1 < x_shape[1] and tuple(weight_shape[2:]) in KERNELS and tuple(stride) in STRIDES


class Geometry(NamedTuple):
    """The sizes of a convolution of single channels, in the order in which compiled code unpacks them."""

    size: tuple[int, int]  # (H, W)
    output: tuple[int, int]  # (P, Q)
    corner: tuple[int, int]  # the start of the first window: -padding
    slack: tuple[int, int]  # values before and after a channel that vectors load
    spread: tuple[int, int]  # distance between values in (H, W): 1, or the stride that an input gradient reverses


def forward(x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, 1, R, S) and bias (K,) or None."""
    extent = _extent(weight.shape[2:], dilation)
    y = np.empty((len(x), len(weight), *shapes.output_size(x.shape[2:], extent, stride, padding)), x.dtype)
    _into(y, bind(x, weight, bias, stride, padding, groups, NO_LIMITS, y, dilation), weight)
    return y


def bind(x, weight, bias, stride, padding, groups, limits, y, dilation=(1, 1)):
    """Return [(task, count)] for `parallel_for`; every run computes y from x.

    limits : (lowest, highest) value that is written
    """
    return _bind(x, weight, bias, stride, dilation, (-padding[0][0], -padding[1][0]), limits, y)


def backward(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_x, grad_weight, grad_bias)."""
    extent = _extent(weight.shape[2:], dilation)
    corner = tuple(before - length + 1 for (before, _), length in zip(padding, extent, strict=True))
    rotated = weight[:, :, ::-1, ::-1]
    grads = np.empty((len(x), len(weight), *x.shape[2:]), x.dtype)  # of each filter
    _into(grads, _bind(grad_y, rotated, None, (1, 1), dilation, corner, NO_LIMITS, grads, spread=stride), weight)
    if len(weight) > groups:
        grads = grads.reshape(len(x), groups, -1, *x.shape[2:]).sum(axis=2)
    return grads, *backward_params(grad_y, x, weight, bias, stride, padding, groups, dilation)


def backward_params(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_weight, grad_bias) without computing grad_x."""
    (values, step), (grads, grads_step) = flat.flat(x), flat.flat(grad_y)
    grad_weight, grad_bias = np.zeros(weight.shape, x.dtype), np.zeros(len(weight), x.dtype)
    if len(x):
        settings = _settings(weight.shape[2:], stride, dilation, grad_y.shape[3], x.itemsize)
        geometry = _geometry(x.shape[2:], grad_y.shape[2:], (-padding[0][0], -padding[1][0]), settings, x.itemsize)
        compute, multiplier, zeros = _weight_gradient(settings), len(weight) // groups, _zeros(geometry, x.dtype)

        def task(start, stop):
            room = np.zeros(_room(geometry), x.dtype)
            grad_room = np.zeros(grad_y[0, 0].size + VECTOR_BYTES, x.dtype)
            arrays = values, grads, grad_weight.reshape(-1), grad_bias, zeros, room, grad_room
            compute(*arrays, (step, grads_step), len(x), (start, stop), multiplier, tuple(geometry))

        parallel_for(task, len(weight), grad_y.size * weight[0].size, FEW)
    return grad_weight, None if bias is None else grad_bias


def workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize, dilation=(1, 1)):
    """Return (0, the most bytes that `forward` on so many threads allocates next to its arrays)."""
    output = shapes.output_size(x_shape[2:], _extent(weight_shape[2:], dilation), stride, padding)
    settings = _settings(weight_shape[2:], stride, dilation, output[1], itemsize)
    geometry = _geometry(x_shape[2:], output, (-padding[0][0], -padding[1][0]), settings, itemsize)
    tasks = min(threads, x_shape[0] * weight_shape[0])
    results = output[0] * output[1] + VECTOR_BYTES
    return 0, (tasks * (_room(geometry) + results) + len(_zeros(geometry, np.float32))) * itemsize


def _extent(kernel, dilation):
    return tuple(step * (size - 1) + 1 for size, step in zip(kernel, dilation, strict=True))


def _settings(kernel, stride, dilation, columns, itemsize):
    """Return the settings of `depthwise_block.outputs`; narrow outputs use half vectors."""
    return (*kernel, *stride, *dilation, 2 if 2 * columns * itemsize <= VECTOR_BYTES else 1)


def _geometry(size, output, corner, settings, itemsize, spread=(1, 1)):
    _, width, _, along, _, dilation, parts = settings
    lanes = VECTOR_BYTES // itemsize // parts
    end = corner[1] + (-(-output[1] // lanes) * lanes) * along + (width - 1) * dilation
    return Geometry(tuple(size), tuple(output), corner, (max(0, -corner[1]), max(0, end - size[1])), spread)


def _zeros(geometry, dtype):
    """Return the row of zeros that is read instead of rows outside the image."""
    return np.zeros(sum(geometry.slack) + geometry.size[1], dtype)


def _room(geometry):
    """Return the number of values of a channel with the values next to it."""
    return geometry.slack[0] + geometry.size[0] * geometry.size[1] + geometry.slack[1]


def _into(y, bound, weight):
    for task, count in bound:
        parallel_for(task, count, y.size * weight[0].size, FEW)


def _bind(x, weight, bias, stride, dilation, corner, limits, y, spread=(1, 1)):
    """Return [(task, count)]; x has `spread` - 1 zeros between its values if that is not (1, 1)."""
    (values, step), (target, target_step) = flat.flat(x), flat.flat(y)
    settings = _settings(weight.shape[2:], stride, dilation, y.shape[3], x.itemsize)
    size = [(length - 1) * distance + 1 for length, distance in zip(x.shape[2:], spread, strict=True)]
    geometry = _geometry(size, y.shape[2:], corner, settings, x.itemsize, spread)
    weight = flat.typed(np.ascontiguousarray(weight)).reshape(-1)
    bias = np.zeros(y.shape[1], x.dtype) if bias is None else flat.typed(np.ascontiguousarray(bias))
    compute, filters, zeros = _convolution(settings), y.shape[1], _zeros(geometry, x.dtype)
    limits = x.dtype.type(limits[0]), x.dtype.type(limits[1])

    def task(start, stop):
        room, results = np.zeros(_room(geometry), x.dtype), np.empty(y[0, 0].size + VECTOR_BYTES, x.dtype)
        arrays = values, target, weight, bias, zeros, room, results
        for n, first, end in pieces(start, stop, filters):
            steps = n * step, n * target_step
            compute(*arrays, steps, limits, (first, end), filters // x.shape[1], tuple(geometry))

    return [(task, len(y) * filters)]


@functools.cache
def _convolution(settings):
    """Return the compiled convolution of some filters of an image, for settings of `depthwise_block.outputs`."""
    height, width, down, along, _, _, parts = settings

    @compiled
    def convolve(x, y, weight, bias, zeros, room, results, bases, limits, filters, multiplier, geometry):
        size, output, corner, slack, spread = geometry
        zero, itemsize, lanes = x.dtype.type(0), x.itemsize, VECTOR_BYTES // x.itemsize // parts
        area, windows, last = _area(size, spread), output[0] * output[1], max(0, output[1] - lanes)
        beyond = area + slack[1]
        nowhere = np.int64(zeros.ctypes.data) + slack[0] * itemsize
        for k in range(filters[0], filters[1]):
            at = bases[0] + k // multiplier * area
            source = np.int64(x.ctypes.data) + at * itemsize
            if spread != (1, 1) or at < slack[0] or at + beyond > len(x):
                source = _copied(x, at, size, slack, spread, room)
            # The last vector of a row may also write to the next row, which is computed later.
            inside = k + 1 < filters[1] or output[1] >= lanes
            to = bases[1] + k * windows
            target = np.int64(y.ctypes.data) + to * itemsize if inside else np.int64(results.ctypes.data)
            weights = np.int64(weight.ctypes.data) + k * height * width * itemsize, bias[k], limits[0], limits[1]
            p = 0
            while p < output[0]:
                # The last rows are computed together with some that are done already, and get the same values again.
                rows = LARGE if output[0] - p > SMALL and output[0] >= LARGE else min(SMALL, output[0])
                rows = rows if rows >= SMALL else 1
                p = min(p, output[0] - rows)
                q = 0
                while q < output[1]:
                    q = min(q, last)
                    image = source, size[1] * itemsize, size[0], size[1], nowhere, *_first(p, q, down, along, corner)
                    at = target + (p * output[1] + q) * itemsize, output[1] * itemsize
                    if rows == LARGE:
                        outputs(zero, LARGE, settings, image, weights, at)
                    elif rows == SMALL:
                        outputs(zero, SMALL, settings, image, weights, at)
                    else:
                        outputs(zero, 1, settings, image, weights, at)
                    q += lanes
                p += rows
            if not inside:
                copy(results, 0, y, to, windows)

    return convolve


@functools.cache
def _weight_gradient(settings):
    """Return the compiled weight and bias gradient of some filters, for settings of `depthwise_block.products`."""
    height, width, down, along, _, _, parts = settings

    @compiled
    def correlate(x, grads, grad_weight, grad_bias, zeros, room, grad_room, steps, images, filters, multiplier, geometry):
        size, output, corner, slack, spread = geometry
        zero, itemsize, lanes = x.dtype.type(0), x.itemsize, VECTOR_BYTES // x.itemsize // parts
        positions, area, windows = height * width, size[0] * size[1], output[0] * output[1]
        nowhere = np.int64(zeros.ctypes.data) + slack[0] * itemsize
        partial = np.empty((positions + 1) * lanes, x.dtype)
        for k in range(filters[0], filters[1]):
            sums = no_products(zero, settings)
            for n in range(images):
                at = n * steps[0] + k // multiplier * area
                source = np.int64(x.ctypes.data) + at * itemsize
                if at < slack[0] or at + area + slack[1] > len(x):
                    source = _copied(x, at, size, slack, (1, 1), room)
                at = n * steps[1] + k * windows
                grad = np.int64(grads.ctypes.data) + at * itemsize
                if at + windows + lanes > len(grads):
                    grad = _copied(grads, at, output, (0, lanes), (1, 1), grad_room)
                p = 0
                while p < output[0]:
                    rows = LARGE if output[0] - p >= LARGE else SMALL if output[0] - p >= SMALL else 1
                    for q in range(0, output[1], lanes):
                        image = source, size[1] * itemsize, size[0], size[1], nowhere, *_first(p, q, down, along, corner)
                        at = grad + (p * output[1] + q) * itemsize, output[1] * itemsize, output[1] - q
                        if rows == LARGE:
                            sums = products(sums, zero, LARGE, settings, image, at)
                        elif rows == SMALL:
                            sums = products(sums, zero, SMALL, settings, image, at)
                        else:
                            sums = products(sums, zero, 1, settings, image, at)
                    p += rows
            store_products(partial, sums)
            for i in range(positions + 1):
                total = zero
                for lane in range(lanes):
                    total += partial[i * lanes + lane]
                if i < positions:
                    grad_weight[k * positions + i] = total
                else:
                    grad_bias[k] = total

    return correlate


@compiled
def _first(p, q, down, along, corner):
    return p * down + corner[0], q * along + corner[1]


@compiled
def _area(size, spread):
    """Return the number of values of a channel without the zeros between them."""
    return ((size[0] - 1) // spread[0] + 1) * ((size[1] - 1) // spread[1] + 1)


@compiled
def _copied(x, at, size, slack, spread, room):
    """Copy a channel to `room`, where the values next to it can be read too, and return its address there.

    With a spread, the copy has zeros between the values; `room` must be filled with zeros before its first use.
    """
    if spread == (1, 1):
        copy(x, at, room, slack[0], size[0] * size[1])
    else:
        columns = (size[1] - 1) // spread[1] + 1
        for i in range((size[0] - 1) // spread[0] + 1):
            for j in range(columns):
                room[slack[0] + i * spread[0] * size[1] + j * spread[1]] = x[at + i * columns + j]
    return np.int64(room.ctypes.data) + slack[0] * x.itemsize
