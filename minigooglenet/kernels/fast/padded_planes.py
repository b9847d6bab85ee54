"""Padded planes: an image layout in which every row of the im2col matrix is a contiguous slice.

`im2col` copies each pixel into every window that reads it: 25 times for a 5x5 kernel. `pack` copies it once, with the
padding, into rows of length `pitch`. The inputs that kernel position (r, s) reads for all outputs, row by row, are then
one slice of the plane, which starts at element (r, s). After each output row, that slice has pitch - Q extra values
that belong to no output; the product leaves them out when it packs its panels.

With stride 2, the inputs of one kernel position are two elements apart, so the image is split into one plane per
phase: even and odd rows, even and odd columns.
"""

import functools
from typing import NamedTuple

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.simd import copy, fill


class Window(NamedTuple):
    """The sizes of one group of a convolution."""

    channels: int
    size: tuple[int, int]  # of the input
    kernel: tuple[int, int]
    stride: tuple[int, int]
    corner: tuple[int, int]  # the start of the first window: -padding
    output: tuple[int, int]
    phases: tuple[int, int]
    extra: tuple[int, int]  # rows and columns of a plane beyond those of the output
    pitch: int
    dilation: tuple[int, int]

    @property
    def is_plain(self):
        """Whether the image itself already has the layout of its planes: 1x1, stride 1, no padding."""
        return self.kernel == self.stride == (1, 1) and self.corner == (0, 0) and self.size == self.output

    def stretch(self, rows):
        """Return the number of columns for `rows` output rows, including the dropped values between rows."""
        return (rows - 1) * self.pitch + self.output[1]

    def plane_rows(self, rows):
        """Return the number of plane rows that `rows` output rows read."""
        return rows + self.extra[0]

    def plane_values(self, rows):
        """Return the number of values in the planes of one channel."""
        return self.phases[0] * self.phases[1] * self.plane_rows(rows) * self.pitch


@functools.lru_cache(maxsize=256)  # a training step of GoogLeNet has 114 of them, each time the same
def offsets(window: Window, rows: int):
    """Return (C * R * S,), the start of each row of the im2col matrix in the planes for `rows` output rows."""
    channel = np.arange(window.channels)[:, None, None] * window.plane_values(rows)
    h, w = (np.arange(size) * step for size, step in zip(window.kernel, window.dilation, strict=True))
    phase = h[:, None] % window.stride[0] * window.phases[1] + w % window.stride[1]
    row, column = h[:, None] // window.stride[0], w // window.stride[1]
    position = (phase * window.plane_rows(rows) + row) * window.pitch + column
    starts = (channel + position).reshape(-1)
    starts.flags.writeable = False
    return starts


@functools.lru_cache(maxsize=1024)
def window(x_shape, weight_shape, stride, padding, dilation=(1, 1)):
    """Return the Window of x (N, C, H, W) and weight (K, C/groups, R, S)."""
    kernel, (height, width) = weight_shape[2:], shapes.dilated(weight_shape[2:], dilation)
    output = shapes.output_size(x_shape[2:], kernel, stride, padding, dilation)
    corner = -padding[0][0], -padding[1][0]
    phases = min(stride[0], height), min(stride[1], width)
    extra = (height - 1) // stride[0], (width - 1) // stride[1]
    pitch = output[1] + extra[1]
    return Window(weight_shape[1], x_shape[2:], kernel, stride, corner, output, phases, extra, pitch, dilation)


@compiled
def pack(image, base, window, first, rows, channels, planes):
    """Fill planes, flat, with the inputs of `rows` output rows from row `first` for the channels in a range."""
    _, size, _, stride, corner, _, phases, extra, pitch, _ = window
    height, zero = rows + extra[0], planes.dtype.type(0)
    at = 0
    for c in range(channels[0], channels[1]):
        for a in range(phases[0]):
            for b in range(phases[1]):
                offset = corner[1] + b
                begin, end = _inside(offset, stride[1], size[1], pitch)
                for p in range(first, first + height):
                    h = p * stride[0] + corner[0] + a
                    if 0 <= h < size[0]:
                        source = base + (c * size[0] + h) * size[1] + offset
                        fill(planes, at, begin, zero)
                        if stride[1] == 1:
                            copy(image, source + begin, planes, at + begin, end - begin)
                        else:
                            for q in range(begin, end):
                                planes[at + q] = image[source + q * stride[1]]
                        fill(planes, at + end, pitch - end, zero)
                    else:
                        fill(planes, at, pitch, zero)
                    at += pitch


@compiled
def unpack(planes, image, base, window):
    """Unpack padded planes into an image, the inverse of `pack`; pixels that no window reads become zero."""
    channels, size, _, stride, corner, output, phases, extra, pitch, _ = window
    height = output[0] + extra[0]
    fill(image, base, channels * size[0] * size[1], image.dtype.type(0))
    at = 0
    for c in range(channels):
        for a in range(phases[0]):
            for b in range(phases[1]):
                offset = corner[1] + b
                begin, end = _inside(offset, stride[1], size[1], pitch)
                for p in range(height):
                    h = p * stride[0] + corner[0] + a
                    if 0 <= h < size[0]:
                        target = base + (c * size[0] + h) * size[1] + offset
                        if stride[1] == 1:
                            copy(planes, at + begin, image, target + begin, end - begin)
                        else:
                            for q in range(begin, end):
                                image[target + q * stride[1]] = planes[at + q]
                    at += pitch


@compiled
def pad_rows(values, base, channels, area, width, first, rows, pitch, out):
    """Copy rows of `width` values (channels, rows, width) to rows of length `pitch`, padded with zeros."""
    for c in range(channels):
        for p in range(rows):
            source, at = base + c * area + (first + p) * width, (c * rows + p) * pitch
            copy(values, source, out, at, width)
            fill(out, at + width, pitch - width, out.dtype.type(0))


@compiled
def _inside(offset, stride, size, count):
    """Return the range of q in 0 .. count for which q * stride + offset is in 0 .. size."""
    begin = min(count, max(0, (-offset + stride - 1) // stride))
    end = max(begin, min(count, (size - offset + stride - 1) // stride))
    return begin, end
