"""Convolution as matrix products on packed columns: Numba packs, BLAS multiplies, images are spread over cores.

The idea that makes it faster than `im2col`: columns are packed for a band of output rows at a time, so that they are
still in the cache when the product reads them, and the products run on all cores at once, one thread each. A 1x1
convolution with stride 1 is a product with the image as it lies in memory: nothing is packed.

Settings come in full and are not checked here: `conv2d` does that.
"""

import numpy as np

from minigooglenet import parallel, shapes
from minigooglenet.kernels.compiled import compiled

BAND = 1 << 18  # column values packed at a time: 1 MB in float32, which the second-level cache of most cores holds


def forward(x, weight, bias, stride, padding, groups):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, R, S) and bias (K,) or None."""
    x = np.ascontiguousarray(x)
    geometry = _Geometry(x.shape, weight.shape, stride, padding, groups)
    matrices = np.ascontiguousarray(weight).reshape(groups, geometry.filters, geometry.depth)
    y = np.empty((len(x), groups, geometry.filters, geometry.columns), x.dtype)
    bands = geometry.bands()

    def task(start, stop):
        buffer = geometry.buffer(x.dtype)
        for item in range(start, stop):
            n, band = divmod(item, len(bands))
            rows, part = bands[band]
            columns = geometry.pack(x[n], buffer, rows)
            for g in range(groups):
                np.matmul(matrices[g], columns[g], out=y[n, g, :, part])
            if bias is not None:
                y[n, :, :, part] += bias.reshape(groups, -1, 1)

    parallel.spread(task, len(x) * len(bands))
    return y.reshape(len(x), len(weight), *geometry.output_size)


def backward(grad_y, x, weight, bias, stride, padding, groups):
    """Return (grad_x, grad_weight, grad_bias). The columns are packed again rather than kept since the forward."""
    x = np.ascontiguousarray(x)
    geometry = _Geometry(x.shape, weight.shape, stride, padding, groups)
    matrices = np.ascontiguousarray(weight).reshape(groups, geometry.filters, geometry.depth)
    grad_products = np.ascontiguousarray(grad_y).reshape(len(x), groups, geometry.filters, geometry.columns)
    grad_x = np.zeros(x.shape, x.dtype)
    bands = geometry.bands()
    parts = parallel.fixed_parts(len(x))
    grad_weight = np.zeros((len(parts), *matrices.shape), x.dtype)

    def task(index):
        start, stop = parts[index]
        buffer, grad_buffer = geometry.buffer(x.dtype), geometry.buffer(x.dtype)
        for n in range(start, stop):
            for rows, part in bands:
                columns = geometry.pack(x[n], buffer, rows)
                # For a product the image is its own columns, and their gradient is the image's.
                grad_columns = geometry.own(grad_x[n]) if geometry.is_product else geometry.view(grad_buffer, rows)
                for g in range(groups):
                    grad_product = grad_products[n, g, :, part]
                    grad_weight[index, g] += grad_product @ columns[g].T
                    np.matmul(matrices[g].T, grad_product, out=grad_columns[g])
                if not geometry.is_product:
                    geometry.unpack(grad_columns, grad_x[n], rows)

    parallel.run([lambda index=index: task(index) for index in range(len(parts))])
    grad_bias = None if bias is None else grad_y.sum(axis=(0, 2, 3))
    return grad_x, grad_weight.sum(axis=0).reshape(weight.shape), grad_bias


class _Geometry:
    """The integers of one convolution, and its columns band by band."""

    def __init__(self, x_shape, weight_shape, stride, padding, groups):
        self.output_size = shapes.output_size(x_shape[2:], weight_shape[2:], stride, padding)
        self.kernel_size, self.stride, self.padding, self.groups = weight_shape[2:], stride, padding, groups
        self.filters = weight_shape[0] // groups
        self.depth = weight_shape[1] * weight_shape[2] * weight_shape[3]  # values in one column of one group
        self.columns = self.output_size[0] * self.output_size[1]
        unpadded = padding == ((0, 0), (0, 0))
        self.is_product = self.kernel_size == (1, 1) and stride == (1, 1) and unpadded
        self.band_rows = self.output_size[0]
        if not self.is_product:
            self.band_rows = max(1, min(self.band_rows, BAND // (self.depth * groups * self.output_size[1])))

    def bands(self):
        """Return ((first row, end row), their slice of the P * Q columns) for each band."""
        height, width = self.output_size
        starts = range(0, height, self.band_rows)
        bands = [(start, min(start + self.band_rows, height)) for start in starts]
        return [((first, end), slice(first * width, end * width)) for first, end in bands]

    def buffer(self, dtype):
        """Return memory for the columns of one band."""
        return np.empty(
            0 if self.is_product else self.depth * self.groups * self.band_rows * self.output_size[1], dtype
        )

    def view(self, buffer, rows):
        """Return the part of `buffer` that the columns of `rows` take, as (groups, depth, columns)."""
        columns = (rows[1] - rows[0]) * self.output_size[1]
        return buffer[: self.groups * self.depth * columns].reshape(self.groups, self.depth, columns)

    def own(self, image):
        """Return an image (C, H, W) as the columns that it is for a 1x1 convolution."""
        return image.reshape(self.groups, self.depth, -1)

    def pack(self, image, buffer, rows):
        """Return the columns of output `rows` of one image (C, H, W), as (groups, depth, columns)."""
        if self.is_product:
            return self.own(image)
        columns = self.view(buffer, rows)
        _pack(image, columns.reshape(len(image), *self.kernel_size, rows[1] - rows[0], -1), rows[0], *self._steps())
        return columns

    def unpack(self, grad_columns, grad_image, rows):
        """Add the columns of output `rows` into one image's gradient (C, H, W)."""
        columns = grad_columns.reshape(len(grad_image), *self.kernel_size, rows[1] - rows[0], -1)
        _unpack(columns, grad_image, rows[0], *self._steps())

    def _steps(self):
        return *self.stride, self.padding[0][0], self.padding[1][0]


@compiled
def _pack(image, columns, first_row, stride_h, stride_w, top, left):
    """Fill columns (C, R, S, rows, Q) from image (C, H, W); what lies outside the image is zero."""
    channels, kernel_h, kernel_w, rows, width = columns.shape
    for c in range(channels):
        for r in range(kernel_h):
            for s in range(kernel_w):
                begin, end = _inside(s - left, stride_w, image.shape[2], width)
                for p in range(rows):
                    h = (first_row + p) * stride_h - top + r
                    row = columns[c, r, s, p]
                    if h < 0 or h >= image.shape[1]:
                        row[:] = 0
                        continue
                    row[:begin] = 0
                    for q in range(begin, end):
                        row[q] = image[c, h, q * stride_w + s - left]
                    row[end:] = 0


@compiled
def _unpack(columns, image, first_row, stride_h, stride_w, top, left):
    """Add columns (C, R, S, rows, Q) into image (C, H, W); what lies outside the image is left out."""
    channels, kernel_h, kernel_w, rows, width = columns.shape
    for c in range(channels):
        for r in range(kernel_h):
            for s in range(kernel_w):
                begin, end = _inside(s - left, stride_w, image.shape[2], width)
                for p in range(rows):
                    h = (first_row + p) * stride_h - top + r
                    if 0 <= h < image.shape[1]:
                        for q in range(begin, end):
                            image[c, h, q * stride_w + s - left] += columns[c, r, s, p, q]


@compiled
def _inside(offset, stride, size, count):
    """Return the range of q in 0 .. count for which q * stride + offset lies in 0 .. size."""
    begin = min(count, max(0, (-offset + stride - 1) // stride))
    end = max(begin, min(count, (size - offset + stride - 1) // stride))
    return begin, end
