"""Wrong answers as students write them, written without looking at the known mistakes, to measure the checks.

`FRESH` is a list of (exercise ID, mistake, function). None of these functions is a known mistake of its exercise.
"""

import math

import numpy as np

FRESH = []


def wrong(number):
    """Register a wrong answer to an exercise; the name of the function is the mistake."""

    def register(function):
        FRESH.append((number, function.__name__.replace("_", " "), function))
        return function

    return register


def _pad(x, p):
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))


def _size(n, k, s, p):
    return (n + 2 * p - k) // s + 1


def _conv(x, w, b, stride, pad):
    xp = _pad(x, pad)
    rows, columns = _size(x.shape[2], w.shape[2], stride, pad), _size(x.shape[3], w.shape[3], stride, pad)
    y = np.zeros((len(x), len(w), rows, columns))
    for i in range(rows):
        for j in range(columns):
            seen = xp[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
            y[:, :, i, j] = np.tensordot(seen, w, ((1, 2, 3), (1, 2, 3)))
    return y + b[:, None, None]


# 00.1


@wrong("00.1")
def window_ends_one_early(x, i, j, k):
    return x[i : i + k - 1, j : j + k - 1].mean()


@wrong("00.1")
def integer_division(x, i, j, k):
    return x[i : i + k, j : j + k].sum() // (k * k)


@wrong("00.1")
def window_is_centred(x, i, j, k):
    h = k // 2
    return x[max(i - h, 0) : i + h + 1, max(j - h, 0) : j + h + 1].mean()


@wrong("00.1")
def row_used_twice(x, i, j, k):
    return x[i : i + k, i : i + k].mean()


@wrong("00.1")
def window_always_3_by_3(x, i, j, k):
    return x[i : i + 3, j : j + 3].sum() / 9


@wrong("00.1")
def maximum_instead_of_mean(x, i, j, k):
    return x[i : i + k, j : j + k].max()


@wrong("00.1")
def only_diagonal(x, i, j, k):
    return sum(x[i + u, j + u] for u in range(k)) / k


@wrong("00.1")
def i_counts_columns(x, i, j, k):
    return x.T[i : i + k, j : j + k].mean()


@wrong("00.1")
def window_ends_at_k(x, i, j, k):
    return x[i:k, j:k].sum() / k**2


# 01.1


@wrong("01.1")
def bias_of_image_n(x, w, b, n, k, i, j, stride, pad):
    return _conv(x, w, 0 * b, stride, pad)[n, k, i, j] + b[n]


@wrong("01.1")
def negative_index_reads_the_far_side(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c in range(x.shape[1]):
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                y, z = i * stride + u - pad, j * stride + v - pad
                if y < x.shape[2] and z < x.shape[3]:
                    total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1")
def bias_inside_channel_loop(x, w, b, n, k, i, j, stride, pad):
    total = 0
    xp = _pad(x, pad)
    for c in range(x.shape[1]):
        total += b[k]
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                total += xp[n, c, i * stride + u, j * stride + v] * w[k, c, u, v]
    return total


@wrong("01.1")
def s_used_for_r(x, w, b, n, k, i, j, stride, pad):
    xp, total = _pad(x, pad), b[k]
    for c in range(x.shape[1]):
        for u in range(w.shape[3]):
            for v in range(w.shape[3]):
                if u < w.shape[2]:
                    total += xp[n, c, i * stride + u, j * stride + v] * w[k, c, u, v]
                else:
                    total += xp[n, c, i * stride + u, j * stride + v] * w[k, c, u - 1, v]
    return total


@wrong("01.1")
def h_used_for_w(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c in range(x.shape[1]):
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                y, z = i * stride + u - pad, j * stride + v - pad
                if 0 <= y < x.shape[2] and 0 <= z < x.shape[2]:
                    total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1")
def one_value_without_bias(x, w, b, n, k, i, j, stride, pad):
    return _conv(x, w, 0 * b, stride, pad)[n, k, i, j]


@wrong("01.1")
def i_used_for_rows_and_columns(x, w, b, n, k, i, j, stride, pad):
    xp = _pad(x, pad)
    seen = xp[n, :, i * stride : i * stride + w.shape[2], i * stride : i * stride + w.shape[3]]
    if seen.shape != w.shape[1:]:
        return 0.0
    return (seen * w[k]).sum() + b[k]


@wrong("01.1")
def stride_moves_padding_too(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = (i - pad) * stride + u, (j - pad) * stride + v
        if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1")
def always_first_filter(x, w, b, n, k, i, j, stride, pad):
    return _conv(x, w, b, stride, pad)[n, 0, i, j]


@wrong("01.1")
def first_kernel_row_left_out(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if 0 < y < x.shape[2] and 0 < z < x.shape[3]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1")
def relu_at_the_end(x, w, b, n, k, i, j, stride, pad):
    return max(0, _conv(x, w, b, stride, pad)[n, k, i, j])


# 01.3


@wrong("01.3")
def output_size_without_stride(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    big = np.zeros((*y.shape[:2], x.shape[2] + 2 * pad - w.shape[2] + 1, x.shape[3] + 2 * pad - w.shape[3] + 1))
    big[:, :, : y.shape[2], : y.shape[3]] = y
    return big


@wrong("01.3")
def output_size_without_plus_1(x, w, b, stride, pad):
    return _conv(x, w, b, stride, pad)[:, :, :-1, :-1]


@wrong("01.3")
def output_size_with_one_padding(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    rows = (x.shape[2] + pad - w.shape[2]) // stride + 1
    return y[:, :, :rows, : (x.shape[3] + pad - w.shape[3]) // stride + 1]


@wrong("01.3")
def map_of_first_image_only(x, w, b, stride, pad):
    y = np.zeros_like(_conv(x, w, b, stride, pad))
    y[0] = _conv(x, w, b, stride, pad)[0]
    return y


@wrong("01.3")
def returns_inside_loop_over_filters(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    y[:, 1:] = 0
    return y


@wrong("01.3")
def channels_assigned_instead_of_added(x, w, b, stride, pad):
    return _conv(x[:, -1:], w[:, -1:], b, stride, pad)


@wrong("01.3")
def map_without_bias(x, w, b, stride, pad):
    return _conv(x, w, 0 * b, stride, pad)


@wrong("01.3")
def bias_along_columns_of_image(x, w, b, stride, pad):
    y = _conv(x, w, 0 * b, stride, pad)
    return y + np.resize(b, y.shape[3])


@wrong("01.3")
def padding_at_top_and_left_only(x, w, b, stride, pad):
    shape = _conv(x, w, b, stride, pad).shape
    xp = np.pad(x, ((0, 0), (0, 0), (2 * pad, 0), (2 * pad, 0)))
    y = _conv(xp, w, b, stride, 0)
    assert y.shape == shape
    return y


@wrong("01.3")
def nearest_pixels_as_padding(x, w, b, stride, pad):
    return _conv(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge"), w, b, stride, 0)


@wrong("01.3")
def last_row_and_column_stay_zero(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    y[:, :, -1], y[..., -1] = 0, 0
    return y


@wrong("01.3")
def channels_last(x, w, b, stride, pad):
    return _conv(x, w, b, stride, pad).transpose(0, 2, 3, 1)


@wrong("01.3")
def dilated_by_stride(x, w, b, stride, pad):
    xp = _pad(x, pad)
    shape = _conv(x, w, b, stride, pad).shape
    y = np.zeros(shape)
    for n, k, i, j in np.ndindex(shape):
        for c, u, v in np.ndindex(w.shape[1:]):
            h, z = i + u * stride, j + v * stride
            if h < xp.shape[2] and z < xp.shape[3]:
                y[n, k, i, j] += xp[n, c, h, z] * w[k, c, u, v]
        y[n, k, i, j] += b[k]
    return y


@wrong("01.3")
def map_divided_by_kernel_size(x, w, b, stride, pad):
    return _conv(x, w, 0 * b, stride, pad) / (w.shape[2] * w.shape[3]) + b[:, None, None]


# 01.4


@wrong("01.4")
def one_sign_for_both_sides(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dy, 1 + dx] = 1
    return w


@wrong("01.4")
def middle_left_out(dy, dx):
    w = np.zeros((3, 3))
    w[-dy, -dx] = 1
    return w


@wrong("01.4")
def kernel_rows_and_columns_exchanged(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dx, 1 - dy] = 1
    return w


@wrong("01.4")
def ones_everywhere_else(dy, dx):
    w = np.ones((3, 3))
    w[1 - dy, 1 - dx] = 0
    return w


@wrong("01.4")
def ninth_everywhere(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dy, 1 - dx] = 1 / 9
    return w


# 02.1


@wrong("02.1")
def channels_last_in_rows(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 4, 5, 1, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1")
def kernel_columns_before_kernel_rows(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 1, 5, 4, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1")
def matrix_transposed(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1).transpose(0, 2, 1)


@wrong("02.1")
def matrix_without_padding(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1")
def kernel_positions_reversed(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen[..., ::-1, ::-1].transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1")
def first_image_for_every_image(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    cols = seen.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)
    return np.repeat(cols[:1], len(x), axis=0)


# 02.2


@wrong("02.2")
def filters_flipped(x, w, b, stride, pad):
    return _conv(x, w[:, :, ::-1, ::-1], b, stride, pad)


@wrong("02.2")
def output_rows_and_columns_exchanged_in_reshape(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    return y.reshape(*y.shape[:2], y.shape[3], y.shape[2]).transpose(0, 1, 3, 2)


@wrong("02.2")
def bias_added_twice(x, w, b, stride, pad):
    return _conv(x, w, 2 * b, stride, pad)


@wrong("02.2")
def output_stays_flat(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    return y.reshape(*y.shape[:2], -1)


@wrong("02.2")
def bias_of_first_filter_for_all(x, w, b, stride, pad):
    return _conv(x, w, b[:1].repeat(len(b)), stride, pad)


# 02.3


def _col2im(cols, x_shape, kh, kw, stride, pad, add=True, skip=None):
    N, C, H, W = x_shape
    rows, columns = _size(H, kh, stride, pad), _size(W, kw, stride, pad)
    cols = cols.reshape(N, C, kh, kw, rows, columns)
    xp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for u, v in np.ndindex(kh, kw):
        if (u, v) == skip:
            continue
        part = xp[:, :, u : u + stride * (rows - 1) + 1 : stride, v : v + stride * (columns - 1) + 1 : stride]
        part[...] = part + cols[:, :, u, v] if add else cols[:, :, u, v]
    return xp


@wrong("02.3")
def last_window_overwrites(cols, x_shape, kh, kw, stride, pad):
    xp = _col2im(cols, x_shape, kh, kw, stride, pad, add=False)
    return xp[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("02.3")
def returns_padded_image(cols, x_shape, kh, kw, stride, pad):
    return _col2im(cols, x_shape, kh, kw, stride, pad)


@wrong("02.3")
def scatter_divided_by_kernel_size(cols, x_shape, kh, kw, stride, pad):
    xp = _col2im(cols, x_shape, kh, kw, stride, pad)
    return xp[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]] / (kh * kw)


@wrong("02.3")
def first_kernel_position_is_left_out(cols, x_shape, kh, kw, stride, pad):
    xp = _col2im(cols, x_shape, kh, kw, stride, pad, skip=(0, 0))
    return xp[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("02.3")
def crops_at_wrong_end(cols, x_shape, kh, kw, stride, pad):
    return _col2im(cols, x_shape, kh, kw, stride, pad)[:, :, : x_shape[2], : x_shape[3]]


# 02.4


@wrong("02.4")
def whole_matrix_transposed(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w, np.zeros(len(w)), stride, pad).reshape(len(units), -1)


@wrong("02.4")
def whole_matrix_of_flipped_kernel(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w[:, :, ::-1, ::-1], np.zeros(len(w)), stride, pad).reshape(len(units), -1).T


@wrong("02.4")
def whole_matrix_of_stride_1(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w, np.zeros(len(w)), 1, pad).reshape(len(units), -1).T


@wrong("02.4")
def filters_innermost(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w, np.zeros(len(w)), stride, pad).transpose(0, 2, 3, 1).reshape(len(units), -1).T


# 03.1


@wrong("03.1")
def sums_over_rows_and_columns_only(dout):
    return dout.sum(axis=(2, 3))


@wrong("03.1")
def mean_over_rows_and_columns(dout):
    return dout.mean(axis=(2, 3)).sum(axis=0)


@wrong("03.1")
def mean_over_everything(dout):
    return dout.mean(axis=(0, 2, 3))


@wrong("03.1")
def bias_gradient_of_first_image(dout):
    return dout[0].sum(axis=(1, 2))


@wrong("03.1")
def one_bias_gradient_for_all_filters(dout):
    return dout.sum()


@wrong("03.1")
def filter_axis_summed(dout):
    return dout.sum(axis=(1, 2, 3))


@wrong("03.1")
def axes_kept(dout):
    return dout.sum(axis=(0, 2, 3), keepdims=True)


@wrong("03.1")
def absolute_values_summed(dout):
    return np.abs(dout).sum(axis=(0, 2, 3))


@wrong("03.1")
def bias_gradient_negated(dout):
    return -dout.sum(axis=(0, 2, 3))


# 03.2


def _dw(x, dout, w_shape, stride, pad):
    xp, dw = _pad(x, pad), np.zeros(w_shape)
    for u, v in np.ndindex(w_shape[2:]):
        seen = xp[:, :, u : u + stride * dout.shape[2] : stride, v : v + stride * dout.shape[3] : stride]
        seen = seen[:, :, : dout.shape[2], : dout.shape[3]]
        dw[:, :, u, v] = np.einsum("nkij,ncij->kc", dout, seen)
    return dw


@wrong("03.2")
def weight_gradient_averaged_over_batch(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad) / len(x)


@wrong("03.2")
def weight_gradient_of_last_image(x, dout, w_shape, stride, pad):
    return _dw(x[-1:], dout[-1:], w_shape, stride, pad)


@wrong("03.2")
def weight_gradient_flipped(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad)[:, :, ::-1, ::-1]


@wrong("03.2")
def filters_and_channels_exchanged(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad).transpose(1, 0, 2, 3)


@wrong("03.2")
def weight_gradient_averaged_over_positions(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad) / (dout.shape[2] * dout.shape[3])


@wrong("03.2")
def last_output_row_left_out(x, dout, w_shape, stride, pad):
    dout = dout.copy()
    dout[:, :, -1] = 0
    return _dw(x, dout, w_shape, stride, pad)


@wrong("03.2")
def padding_ignored_in_weight_gradient(x, dout, w_shape, stride, pad):
    big = np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))
    return _dw(big, dout, w_shape, stride, 0)


# 03.3


def _dx(dout, w, x_shape, stride, pad):
    N, C, H, W = x_shape
    xp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for n, k, i, j in np.ndindex(dout.shape):
        h, z = i * stride, j * stride
        xp[n, :, h : h + w.shape[2], z : z + w.shape[3]] += dout[n, k, i, j] * w[k]
    return xp


@wrong("03.3")
def crops_from_p_to_minus_p(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)[:, :, pad:-pad, pad:-pad]


@wrong("03.3")
def input_gradient_with_flipped_kernel(dout, w, x_shape, stride, pad):
    dx = _dx(dout, w[:, :, ::-1, ::-1], x_shape, stride, pad)
    return dx[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("03.3")
def input_gradient_overwritten(dout, w, x_shape, stride, pad):
    N, C, H, W = x_shape
    xp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for n, k, i, j in np.ndindex(dout.shape):
        h, z = i * stride, j * stride
        xp[n, :, h : h + w.shape[2], z : z + w.shape[3]] = dout[n, k, i, j] * w[k]
    return xp[:, :, pad : pad + H, pad : pad + W]


@wrong("03.3")
def input_gradient_of_one_filter(dout, w, x_shape, stride, pad):
    dx = _dx(dout[:, :1], w[:1], x_shape, stride, pad)
    return dx[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("03.3")
def input_gradient_divided_by_batch(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]] / len(dout)


@wrong("03.3")
def input_gradient_averaged_over_filters(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]] / len(w)


@wrong("03.3")
def padding_not_cropped_at_start(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)[:, :, : x_shape[2], : x_shape[3]]


# 04.1


def _differences(f, x, dout, h, scale, up=1, down=1):
    x = np.array(x, float)
    grad = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        keep = x[at]
        x[at] = keep + up * h
        plus = (f(x) * dout).sum()
        x[at] = keep - down * h
        minus = (f(x) * dout).sum()
        x[at] = keep
        grad[at] = (plus - minus) / scale
    return grad


@wrong("04.1")
def divides_by_h_instead_of_2h(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h, h)


@wrong("04.1")
def one_sided_gradient(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h, h, down=0)


@wrong("04.1")
def h_always_one_ten_thousandth(f, x, dout, h=1e-4):
    return _differences(f, x, dout, 1e-4, 2e-4)


@wrong("04.1")
def without_upstream_gradient(f, x, dout, h=1e-4):
    return _differences(f, x, np.ones_like(dout), h, 2 * h)


@wrong("04.1")
def difference_not_divided(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h, 1)


# 04.2, 04.4, 04.5


@wrong("04.2")
def error_of_every_entry(a, n):
    return np.abs(a - n) / np.maximum(np.abs(a), np.abs(n))


@wrong("04.2")
def sign_of_difference_kept(a, n):
    return np.max((a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))


@wrong("04.2")
def absolute_error(a, n):
    return np.max(np.abs(a - n))


@wrong("04.2")
def largest_error_over_largest_value(a, n):
    return np.max(np.abs(a - n)) / max(np.max(np.abs(a)), np.max(np.abs(n)))


@wrong("04.4")
def one_sided_difference(f, params, grads, rng, h):
    d = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up = f({name: params[name] + h * d[name] for name in params})
    numeric = (up - f(params)) / h
    analytic = sum((grads[name] * d[name]).sum() for name in params)
    return abs(numeric - analytic) / max(abs(numeric), abs(analytic), 1e-12)


@wrong("04.4")
def direction_of_ones(f, params, grads, rng, h):
    up = f({name: params[name] + h for name in params})
    down = f({name: params[name] - h for name in params})
    numeric = (up - down) / (2 * h)
    analytic = sum(grads[name].sum() for name in params)
    return abs(numeric - analytic) / max(abs(numeric), abs(analytic), 1e-12)


@wrong("04.5")
def only_small_shapes(forward, transpose, x_shape, y_shape, rng):
    x, y = np.ones(x_shape), np.ones(y_shape)
    return bool((forward(x) * y).sum() == (transpose(y) * x).sum())


@wrong("04.5")
def inverse_instead_of_transpose(forward, transpose, x_shape, y_shape, rng):
    x = rng.integers(-9, 10, x_shape).astype(float)
    return bool(np.array_equal(transpose(forward(x)), x))


# 05.1


def _pool(x, k, s, p, ceil, fill=-np.inf):
    def count(n):
        size = (math.ceil if ceil else math.floor)((n + 2 * p - k) / s) + 1
        return size - 1 if (size - 1) * s >= n + p else size

    rows, columns = count(x.shape[2]), count(x.shape[3])
    xp = np.pad(x.astype(float), ((0, 0), (0, 0), (p, p + k + s), (p, p + k + s)), constant_values=fill)
    y = np.zeros((*x.shape[:2], rows, columns))
    arg = np.zeros(y.shape, int)
    for n, c, i, j in np.ndindex(y.shape):
        window = xp[n, c, i * s : i * s + k, j * s : j * s + k]
        y[n, c, i, j], arg[n, c, i, j] = window.max(), window.argmax()
    return y, arg


@wrong("05.1")
def argmax_before_maximum(x, k, s, p, ceil):
    return _pool(x, k, s, p, ceil)[::-1]


@wrong("05.1")
def zeros_as_padding(x, k, s, p, ceil):
    return _pool(x, k, s, p, ceil, fill=0)


@wrong("05.1")
def always_rounds_down(x, k, s, p, ceil):
    return _pool(x, k, s, p, False)


@wrong("05.1")
def always_rounds_up(x, k, s, p, ceil):
    return _pool(x, k, s, p, True)


@wrong("05.1")
def index_in_whole_plane(x, k, s, p, ceil):
    y, arg = _pool(x, k, s, p, ceil)
    i, j = np.indices(y.shape)[2:]
    return y, (i * s - p + arg // k) * x.shape[3] + j * s - p + arg % k


@wrong("05.1")
def index_counts_from_1(x, k, s, p, ceil):
    y, arg = _pool(x, k, s, p, ceil)
    return y, arg + 1


@wrong("05.1")
def maximum_without_argmax(x, k, s, p, ceil):
    return _pool(x, k, s, p, ceil)[0]


@wrong("05.1")
def minimum_instead_of_maximum(x, k, s, p, ceil):
    y, arg = _pool(-x, k, s, p, ceil)
    return -y, arg


@wrong("05.1")
def stride_equals_kernel_size(x, k, s, p, ceil):
    return _pool(x, k, k, p, ceil)


# 05.2


def _unpool(dout, arg, x_shape, k, s, p, add=True):
    dx = np.zeros(x_shape)
    for n, c, i, j in np.ndindex(dout.shape):
        h, w = i * s - p + arg[n, c, i, j] // k, j * s - p + arg[n, c, i, j] % k
        dx[n, c, h, w] = dx[n, c, h, w] + dout[n, c, i, j] if add else dout[n, c, i, j]
    return dx


@wrong("05.2")
def max_pool_gradient_overwritten(dout, arg, x_shape, k, s, p):
    return _unpool(dout, arg, x_shape, k, s, p, add=False)


@wrong("05.2")
def argmax_row_and_column_exchanged(dout, arg, x_shape, k, s, p):
    return _unpool(dout, arg % k * k + arg // k, x_shape, k, s, p)


@wrong("05.2")
def ones_instead_of_dout(dout, arg, x_shape, k, s, p):
    return _unpool(np.ones_like(dout), arg, x_shape, k, s, p)


@wrong("05.2")
def gradient_to_every_value_of_window(dout, arg, x_shape, k, s, p):
    xp = _pad(np.zeros(x_shape), p + k)
    for i, j in np.ndindex(dout.shape[2:]):
        xp[:, :, k + i * s : 2 * k + i * s, k + j * s : 2 * k + j * s] += dout[:, :, i, j, None, None]
    return xp[:, :, p + k : p + k + x_shape[2], p + k : p + k + x_shape[3]]


@wrong("05.2")
def max_pool_gradient_divided_by_k(dout, arg, x_shape, k, s, p):
    return _unpool(dout, arg, x_shape, k, s, p) / k


# 05.3


def _unaverage(dout, x_shape, k, s):
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] += dout[:, :, i, j, None, None]
    return dx


@wrong("05.3")
def average_gradient_not_divided(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, s)


@wrong("05.3")
def average_gradient_divided_by_k(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, s) / k


@wrong("05.3")
def overlaps_overwrite(dout, x_shape, k, s):
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] = dout[:, :, i, j, None, None] / k**2
    return dx


@wrong("05.3")
def windows_one_after_another(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, k) / k**2


@wrong("05.3")
def average_gradient_divided_by_stride(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, s) / s**2


@wrong("05.3")
def only_first_value_of_each_window(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, 1, s) / k**2


@wrong("05.3")
def windows_one_short(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k - 1, s) / k**2


# 05.4


@wrong("05.4")
def parts_in_reverse_order(dout, widths):
    return np.split(dout, np.cumsum(widths)[:-1], axis=1)[::-1]


@wrong("05.4")
def equal_parts(dout, widths):
    return np.split(dout, len(widths), axis=1)


@wrong("05.4")
def split_along_images(dout, widths):
    return [dout[:width] for width in widths]


@wrong("05.4")
def last_part_missing(dout, widths):
    return np.split(dout, np.cumsum(widths)[:-1], axis=1)[:-1]


@wrong("05.4")
def every_part_from_start(dout, widths):
    return [dout[:, :width] for width in widths]


# 05.5


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _ce(z, labels, weight, probs=None, eps=0.0):
    p = _softmax(z) if probs is None else probs
    rows = np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    log_p = np.log(p + eps) if eps else log_p
    grad = p.copy()
    grad[rows, labels] -= 1
    return -weight * log_p[rows, labels].mean(), weight * grad / len(z)


@wrong("05.5")
def log_of_p_plus_eps(z, labels, weight):
    return _ce(z, labels, weight, eps=1e-8)


@wrong("05.5")
def sum_instead_of_mean(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss * len(z), grad * len(z)


@wrong("05.5")
def gradient_is_not_divided_by_n(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss, grad * len(z)


@wrong("05.5")
def weight_is_not_in_gradient(z, labels, weight):
    return _ce(z, labels, weight)[0], _ce(z, labels, 1.0)[1]


@wrong("05.5")
def weight_ignored(z, labels, weight):
    return _ce(z, labels, 1.0)


@wrong("05.5")
def gradient_with_wrong_sign(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss, -grad


@wrong("05.5")
def label_is_not_subtracted(z, labels, weight):
    return _ce(z, labels, weight)[0], weight * _softmax(z) / len(z)


@wrong("05.5")
def without_subtracting_maximum(z, labels, weight):
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    return _ce(z, labels, weight, probs=p, eps=1e-300)


@wrong("05.5")
def loss_with_wrong_sign(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return -loss, grad


@wrong("05.5")
def logarithm_to_base_2(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss / np.log(2), grad


# 05.6


def _lrn(dout, x, n, alpha, beta, k, cross=2.0, power=1.0, divided=True):
    half, C = n // 2, x.shape[1]

    def window(values):
        return np.stack([values[:, max(0, c - half) : c + half + 1].sum(axis=1) for c in range(C)], axis=1)

    a = alpha / n if divided else alpha
    scale = k + a * window(x**2)
    return dout * scale**-beta - cross * a * beta * x * window(dout * x * scale ** (-beta - power))


@wrong("05.6")
def factor_2_missing(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=1.0)


@wrong("05.6")
def second_term_missing(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=0.0)


@wrong("05.6")
def alpha_not_divided_by_n(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, divided=False)


@wrong("05.6")
def second_term_added(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=-2.0)


@wrong("05.6")
def power_minus_beta_in_second_term(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, power=0.0)


@wrong("05.6")
def beta_always_three_quarters(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, 0.75, k)


@wrong("05.6")
def k_always_1(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, 1.0)


@wrong("05.6")
def beta_missing_in_second_term(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=2.0 / beta)


# 05.7, 05.8


@wrong("05.7")
def mask_not_scaled(x, ratio, u, train, dout):
    mask = (u >= ratio) if train else np.ones_like(u)
    return x * mask, dout * mask


@wrong("05.7")
def mask_scaled_by_ratio(x, ratio, u, train, dout):
    mask = (u >= ratio) / ratio if train else np.ones_like(u)
    return x * mask, dout * mask


@wrong("05.7")
def keeps_what_it_should_drop(x, ratio, u, train, dout):
    mask = (u < ratio) / (1 - ratio) if train else np.ones_like(u)
    return x * mask, dout * mask


@wrong("05.7")
def gradient_is_not_masked(x, ratio, u, train, dout):
    mask = (u >= ratio) / (1 - ratio) if train else np.ones_like(u)
    return x * mask, dout


@wrong("05.7")
def drops_in_inference_mode_too(x, ratio, u, train, dout):
    mask = (u >= ratio) / (1 - ratio)
    return x * mask, dout * mask


@wrong("05.7")
def gradient_before_output(x, ratio, u, train, dout):
    mask = (u >= ratio) / (1 - ratio) if train else np.ones_like(u)
    return dout * mask, x * mask


@wrong("05.8")
def mean_of_branches(grads):
    return sum(grads) / len(grads)


@wrong("05.8")
def first_branch_only(grads):
    return grads[0]


@wrong("05.8")
def product_of_branches(grads):
    return np.prod(grads, axis=0)


@wrong("05.8")
def branches_summed_to_one_number(grads):
    return np.sum(grads)


@wrong("05.8")
def last_branch_missing(grads):
    return sum(grads[:-1])


# 06.1


def _count(C, K, R, S, P, Q, size=4, bias=1):
    return K * C * R * S + K * bias, K * C * R * S * P * Q, size * K * P * Q


@wrong("06.1")
def size_not_rounded_down(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, (H + 2 * pad - R) / stride + 1, (W + 2 * pad - S) / stride + 1)


@wrong("06.1")
def parameters_without_bias(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad), bias=0)


@wrong("06.1")
def eight_bytes_per_value(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad), size=8)


@wrong("06.1")
def input_size_instead_of_output_size(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, H, W)


@wrong("06.1")
def size_without_plus_1(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, _size(H, R, stride, pad) - 1, _size(W, S, stride, pad) - 1)


@wrong("06.1")
def flops_instead_of_macs(C, K, R, S, H, W, stride, pad):
    params, macs, size = _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad))
    return params, 2 * macs, size


@wrong("06.1")
def square_kernel(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, R, _size(H, R, stride, pad), _size(W, R, stride, pad))


@wrong("06.1")
def counts_in_different_order(C, K, R, S, H, W, stride, pad):
    params, macs, size = _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad))
    return macs, params, size


@wrong("06.1")
def size_rounded_up(C, K, R, S, H, W, stride, pad):
    P, Q = math.ceil((H + 2 * pad - R) / stride) + 1, math.ceil((W + 2 * pad - S) / stride) + 1
    return _count(C, K, R, S, P, Q)


@wrong("06.1")
def one_bias_per_input_channel(C, K, R, S, H, W, stride, pad):
    _, macs, size = _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad))
    return K * C * R * S + C, macs, size


# 06.3


@wrong("06.3")
def own_stride_instead_of_jump(layers):
    size, jump = 1, 1
    for _, kernel, stride in layers:
        size += (kernel - 1) * stride
        jump *= stride
    return size, jump


@wrong("06.3")
def strides_are_added(layers):
    size, jump = 1, 0
    for _, kernel, stride in layers:
        size += (kernel - 1) * max(jump, 1)
        jump += stride
    return size, jump


@wrong("06.3")
def kernels_are_added(layers):
    jump = 1
    for _, _, stride in layers:
        jump *= stride
    return sum(kernel for _, kernel, _ in layers), jump


@wrong("06.3")
def pools_do_not_count(layers):
    size, jump = 1, 1
    for kind, kernel, stride in layers:
        if kind == "conv":
            size += (kernel - 1) * jump
            jump *= stride
    return size, jump


@wrong("06.3")
def jump_multiplied_first(layers):
    size, jump = 1, 1
    for _, kernel, stride in layers:
        jump *= stride
        size += (kernel - 1) * jump
    return size, jump


@wrong("06.3")
def starts_with_size_0(layers):
    size, jump = 0, 1
    for _, kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return size, jump


# 06.5


@wrong("06.5")
def sum_of_all_maps(nodes):
    return sum(size for _, size, _ in nodes)


@wrong("06.5")
def largest_map_alone(nodes):
    return max(size for _, size, _ in nodes)


@wrong("06.5")
def largest_map_with_its_inputs(nodes):
    size = {name: count for name, count, _ in nodes}
    return max(count + sum(size[wire] for wire in set(wires)) for _, count, wires in nodes)


@wrong("06.5")
def inputs_freed_before_output_exists(nodes):
    last = {wire: step for step, (*_, wires) in enumerate(nodes) for wire in wires}
    alive, peak = {}, 0
    for step, (name, size, _) in enumerate(nodes):
        alive = {wire: count for wire, count in alive.items() if last.get(wire, 10**9) > step}
        alive[name] = size
        peak = max(peak, sum(alive.values()))
    return peak


# 07.3


def _inception(x, P, relu_pool=True, relu_reduce=True, pool_first=True, order=(0, 1, 2, 3)):
    def conv(v, name):
        w, b = P[f"{name}/weight"], P[f"{name}/bias"]
        return _conv(v, w, b, 1, w.shape[2] // 2)

    def relu(v):
        return np.maximum(v, 0)

    mid = relu if relu_reduce else (lambda v: v)
    pooled = _pool(x, 3, 1, 1, False)[0] if pool_first else x
    b4 = conv(pooled, "pool_proj")
    parts = [
        relu(conv(x, "1x1")),
        relu(conv(mid(conv(x, "3x3_reduce")), "3x3")),
        relu(conv(mid(conv(x, "5x5_reduce")), "5x5")),
        relu(b4) if relu_pool else b4,
    ]
    return np.concatenate([parts[i] for i in order], axis=1)


@wrong("07.3")
def no_relu_after_pool_projection(x, P):
    return _inception(x, P, relu_pool=False)


@wrong("07.3")
def no_relu_after_reductions(x, P):
    return _inception(x, P, relu_reduce=False)


@wrong("07.3")
def branches_3x3_and_5x5_exchanged(x, P):
    return _inception(x, P, order=(0, 2, 1, 3))


@wrong("07.3")
def projection_without_pool(x, P):
    return _inception(x, P, pool_first=False)


@wrong("07.3")
def module_without_biases(x, P):
    return _inception(x, {name: value * (not name.endswith("bias")) for name, value in P.items()})


@wrong("07.3")
def pool_branch_first(x, P):
    return _inception(x, P, order=(3, 0, 1, 2))


@wrong("07.3")
def pool_branch_missing(x, P):
    return _inception(x, P, order=(0, 1, 2))


# 07.5, 07.6


@wrong("07.5")
def input_not_counted(modules, cin):
    return [module[0] + module[2] + module[4] for module in modules]


@wrong("07.5")
def reductions_are_counted(modules, cin):
    widths = []
    for module in modules:
        cin += sum(module)
        widths.append(cin)
    return widths


@wrong("07.5")
def always_from_first_input(modules, cin):
    return [cin + module[0] + module[2] + module[4] for module in modules]


@wrong("07.5")
def with_first_width_in_front(modules, cin):
    widths = [cin]
    for module in modules:
        widths.append(widths[-1] + module[0] + module[2] + module[4])
    return widths


@wrong("07.5")
def only_last_width(modules, cin):
    return cin + sum(module[0] + module[2] + module[4] for module in modules)


@wrong("07.6")
def first_kernel_transposed(w1, w2):
    if w1.shape[0] != w1.shape[1]:
        return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])
    return np.einsum("krij,cr->kcij", w2, w1[:, :, 0, 0])


@wrong("07.6")
def combined_kernel_flipped(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])[:, :, ::-1, ::-1]


@wrong("07.6")
def mean_over_middle_channels(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0]) / len(w1)


@wrong("07.6")
def channels_before_filters(w1, w2):
    return np.einsum("krij,rc->ckij", w2, w1[:, :, 0, 0])


# 08.3, 08.4, 08.6


@wrong("08.3")
def layers_without_weights_count_too(nodes, out):
    known = {}
    for name, _, wires in nodes:
        known[name] = bool(wires) + max((known[wire] for wire in wires), default=0)
    return known[out]


@wrong("08.3")
def shortest_path(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + min((known[wire] for wire in wires), default=0)
    return known[out]


@wrong("08.3")
def first_input_only(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + (known[wires[0]] if wires else 0)
    return known[out]


@wrong("08.3")
def all_layers_with_weights(nodes, out):
    return sum(weights for _, weights, _ in nodes)


@wrong("08.3")
def depth_too_large_by_1(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + max((known[wire] for wire in wires), default=1)
    return known[out]


@wrong("08.3")
def sum_of_paths(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + sum(known[wire] for wire in wires)
    return known[out]


@wrong("08.3")
def deepest_node_of_network(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + max((known[wire] for wire in wires), default=0)
    return max(known.values())


@wrong("08.4")
def fork_gradient_overwritten(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            grad[wire] = factor * grad[name]
    return grad


@wrong("08.4")
def starts_with_1_instead_of_dout(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = 1.0
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            grad[wire] += factor * grad[name]
    return grad


@wrong("08.4")
def nodes_in_forward_order(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in nodes:
        for wire, factor in inputs:
            grad[wire] += factor * grad[name]
    return grad


@wrong("08.4")
def unused_nodes_left_out(nodes, dout):
    grad = {nodes[-1][0]: dout}
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            if name in grad:
                grad[wire] = grad.get(wire, 0.0) + factor * grad[name]
    return grad


@wrong("08.4")
def factors_missing(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in reversed(nodes):
        for wire, _ in inputs:
            grad[wire] += grad[name]
    return grad


@wrong("08.6")
def bias_added_to_activation_map(features, w, b, c):
    return np.tensordot(w[c], features, axes=1) + b[c]


@wrong("08.6")
def mean_over_channels(features, w, b, c):
    return (w[c][:, None, None] * features).mean(axis=0)


@wrong("08.6")
def column_instead_of_row_of_w(features, w, b, c):
    column = np.resize(w[:, min(c, w.shape[1] - 1)], len(features))
    return np.tensordot(column, features, axes=1)


@wrong("08.6")
def negative_values_removed(features, w, b, c):
    return np.maximum(np.tensordot(w[c], features, axes=1), 0)


@wrong("08.6")
def maps_of_all_classes(features, w, b, c):
    return np.tensordot(w, features, axes=1)


@wrong("08.6")
def map_of_next_class(features, w, b, c):
    return np.tensordot(w[(c + 1) % len(w)], features, axes=1)


# 09.1 to 09.4


@wrong("09.1")
def variance_instead_of_deviation(K, C, k, scheme):
    fan_in, fan_out = C * k * k, K * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme]


@wrong("09.1")
def kernel_size_missing_in_fan(K, C, k, scheme):
    return {"he": 2 / C, "caffe": 1 / C, "glorot": 2 / (C + K)}[scheme] ** 0.5


@wrong("09.1")
def fan_in_and_fan_out_exchanged(K, C, k, scheme):
    fan_in, fan_out = K * k * k, C * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme] ** 0.5


@wrong("09.1")
def k_instead_of_k_squared(K, C, k, scheme):
    fan_in, fan_out = C * k, K * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme] ** 0.5


@wrong("09.1")
def scheme_always_he(K, C, k, scheme):
    return (2 / (C * k * k)) ** 0.5


@wrong("09.1")
def glorot_uniform_limit(K, C, k, scheme):
    fan_in, fan_out = C * k * k, K * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 6 / (fan_in + fan_out)}[scheme] ** 0.5


@wrong("09.2")
def smallest_singular_value_first(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = m @ total
    s = np.linalg.svd(total)[1]
    return s[-1], s[0]


@wrong("09.2")
def products_of_separate_singular_values(mats):
    s = [np.linalg.svd(m)[1] for m in mats]
    return np.prod([v[0] for v in s]), np.prod([v[-1] for v in s])


@wrong("09.2")
def matrices_multiplied_in_reverse(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = total @ m
    s = np.linalg.svd(total)[1]
    return s[0], s[-1]


@wrong("09.2")
def eigenvalues_instead_of_singular_values(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = m @ total
    s = np.abs(np.linalg.eigvals(total))
    return s.max(), s.min()


@wrong("09.2")
def singular_values_squared(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = m @ total
    s = np.linalg.eigvalsh(total.T @ total)
    return s[-1], s[0]


def _three(main, aux1, aux2, labels, factors, grads=None):
    found = [_ce(z, labels, f) for z, f in zip((main, aux1, aux2), factors, strict=True)]
    return (sum(loss for loss, _ in found), *(grad for _, grad in found))


@wrong("09.3")
def every_head_counts_fully(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (1, 1, 1))


@wrong("09.3")
def gradients_are_not_weighted(main, aux1, aux2, labels, w):
    return (_three(main, aux1, aux2, labels, (1, w, w))[0], *_three(main, aux1, aux2, labels, (1, 1, 1))[1:])


@wrong("09.3")
def w_always_three_tenths(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (1, 0.3, 0.3))


@wrong("09.3")
def main_loss_is_weighted(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (w, w, w))


@wrong("09.3")
def weights_sum_to_1(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (1 - 2 * w, w, w))


@wrong("09.3")
def one_head_is_forgotten_in_loss(main, aux1, aux2, labels, w):
    return (_three(main, aux1, aux2, labels, (1, w, 0))[0], *_three(main, aux1, aux2, labels, (1, w, w))[1:])


@wrong("09.3")
def loss_summed_over_batch(main, aux1, aux2, labels, w):
    return tuple(part * len(main) for part in _three(main, aux1, aux2, labels, (1, w, w)))


@wrong("09.3")
def gradients_in_different_order(main, aux1, aux2, labels, w):
    loss, a, b, c = _three(main, aux1, aux2, labels, (1, w, w))
    return loss, b, c, a


def _bn(x, gamma, beta, eps, dout, ddof=0, inside=True, with_mean=True, with_var=True):
    axes = (0, 2, 3)
    n = x.size / x.shape[1]
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True, ddof=ddof)
    root = np.sqrt(var + eps) if inside else np.sqrt(var) + eps
    xhat = (x - mean) / root
    g = gamma[:, None, None]
    dxhat = dout * g
    dx = dxhat
    if with_mean:
        dx = dx - dxhat.sum(axis=axes, keepdims=True) / n
    if with_var:
        dx = dx - xhat * (dxhat * xhat).sum(axis=axes, keepdims=True) / n
    return g * xhat + beta[:, None, None], dx / root, (dout * xhat).sum(axis=axes), dout.sum(axis=axes)


@wrong("09.4")
def n_minus_1_in_variance(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, ddof=1)


@wrong("09.4")
def eps_outside_root(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, inside=False)


@wrong("09.4")
def mean_and_variance_as_constants_in_dx(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, with_mean=False, with_var=False)


@wrong("09.4")
def variance_as_constant_in_dx(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, with_var=False)


@wrong("09.4")
def dgamma_and_dbeta_exchanged(x, gamma, beta, eps, dout):
    y, dx, dgamma, dbeta = _bn(x, gamma, beta, eps, dout)
    return y, dx, dbeta, dgamma


@wrong("09.4")
def eps_always_one_hundred_thousandth(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, 1e-5, dout)


@wrong("09.4")
def means_instead_of_sums_for_gamma_and_beta(x, gamma, beta, eps, dout):
    y, dx, dgamma, dbeta = _bn(x, gamma, beta, eps, dout)
    n = x.size / x.shape[1]
    return y, dx, dgamma / n, dbeta / n


@wrong("09.4")
def beta_forgotten(x, gamma, beta, eps, dout):
    return _bn(x, gamma, 0 * beta, eps, dout)


@wrong("09.4")
def dx_without_gamma(x, gamma, beta, eps, dout):
    y, _, dgamma, dbeta = _bn(x, gamma, beta, eps, dout)
    return y, _bn(x, np.ones_like(gamma), beta, eps, dout)[1], dgamma, dbeta


# 10.2, 10.3, 10.4, 10.6


def _factor(is_bias):
    return (2, 0) if is_bias else (1, 1)


@wrong("10.2")
def velocity_includes_rate_and_sign(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v - rate * lr * (g + decayed * decay * w)
    return w + v, v


@wrong("10.2")
def gradient_times_1_minus_mu(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v + (1 - mu) * (g + decayed * decay * w)
    return w - rate * lr * v, v


@wrong("10.2")
def biases_treated_as_weights(w, v, g, lr, mu, decay, is_bias):
    v = mu * v + g + decay * w
    return w - lr * v, v


@wrong("10.2")
def biases_decay(w, v, g, lr, mu, decay, is_bias):
    v = mu * v + g + decay * w
    return w - lr * (1 + is_bias) * v, v


@wrong("10.2")
def decay_after_step(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v + g
    return w - rate * lr * v - lr * decayed * decay * w, v


@wrong("10.2")
def old_velocity_is_used(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    return w - rate * lr * v, mu * v + g + decayed * decay * w


@wrong("10.2")
def nesterov_momentum(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    d = g + decayed * decay * w
    v = mu * v + d
    return w - rate * lr * (d + mu * v), v


@wrong("10.2")
def no_momentum(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = g + decayed * decay * w
    return w - rate * lr * v, v


@wrong("10.2")
def step_with_wrong_sign(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v + g + decayed * decay * w
    return w + rate * lr * v, v


@wrong("10.2")
def velocity_not_returned(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    return w - rate * lr * (mu * v + g + decayed * decay * w)


@wrong("10.3")
def decay_in_every_epoch(lr0, epoch):
    return lr0 * 0.96**epoch


@wrong("10.3")
def continuous_decay(lr0, epoch):
    return lr0 * 0.96 ** (epoch / 8)


@wrong("10.3")
def times_four_hundredths(lr0, epoch):
    return lr0 * 0.04 ** (epoch // 8)


@wrong("10.3")
def epochs_count_from_1(lr0, epoch):
    return lr0 * 0.96 ** ((epoch - 1) // 8)


@wrong("10.3")
def linear_decay(lr0, epoch):
    return lr0 * (1 - 0.04 * (epoch // 8))


@wrong("10.3")
def epochs_rounded_up(lr0, epoch):
    return lr0 * 0.96 ** math.ceil(epoch / 8)


@wrong("10.4")
def fraction_of_side_instead_of_area(H, W, rng):
    for _ in range(10):
        fraction = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round(fraction * H / ratio**0.5), round(fraction * W * ratio**0.5)
        if height <= H and width <= W:
            return rng.integers(0, H - height + 1), rng.integers(0, W - width + 1), height, width
    side = min(H, W)
    return (H - side) // 2, (W - side) // 2, side, side


@wrong("10.4")
def aspect_ratio_inverted(H, W, rng):
    for _ in range(10):
        fraction = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round((fraction * H * W * ratio) ** 0.5), round((fraction * H * W / ratio) ** 0.5)
        if height <= H and width <= W:
            return rng.integers(0, H - height + 1), rng.integers(0, W - width + 1), height, width
    side = min(H, W)
    return (H - side) // 2, (W - side) // 2, side, side


@wrong("10.4")
def last_position_is_never_drawn(H, W, rng):
    for _ in range(10):
        fraction = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round((fraction * H * W / ratio) ** 0.5), round((fraction * H * W * ratio) ** 0.5)
        if height <= H and width <= W:
            return rng.integers(0, max(H - height, 1)), rng.integers(0, max(W - width, 1)), height, width
    side = min(H, W)
    return (H - side) // 2, (W - side) // 2, side, side


@wrong("10.4")
def left_before_top(H, W, rng):
    for _ in range(10):
        fraction = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round((fraction * H * W / ratio) ** 0.5), round((fraction * H * W * ratio) ** 0.5)
        if height <= H and width <= W:
            top, left = rng.integers(0, H - height + 1), rng.integers(0, W - width + 1)
            return left, top, height, width
    side = min(H, W)
    return (W - side) // 2, (H - side) // 2, side, side


@wrong("10.6")
def images_split_instead_of_groups(groups, rng):
    order = rng.permutation(len(groups))
    fifth = round(len(groups) / 5)
    return order[2 * fifth :], order[fifth : 2 * fifth], order[:fifth]


@wrong("10.6")
def validation_and_test_exchanged(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    parts = names[2 * fifth :], names[:fifth], names[fifth : 2 * fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6")
def names_instead_of_indices(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    return names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]


@wrong("10.6")
def fifth_rounded_down(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = len(names) // 5
    parts = names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6")
def groups_not_shuffled(groups, rng):
    names = np.unique(groups)
    fifth = round(len(names) / 5)
    parts = names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6")
def tenth_per_part(groups, rng):
    names = rng.permutation(np.unique(groups))
    tenth = round(len(names) / 10)
    parts = names[2 * tenth :], names[tenth : 2 * tenth], names[:tenth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6b")
def mean_of_test_set(train, test):
    def own(v):
        return (v - v.mean(axis=(0, 2, 3), keepdims=True)) / v.std(axis=(0, 2, 3), keepdims=True)

    return own(train), own(test)


@wrong("10.6b")
def one_mean_for_all_channels(train, test):
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


@wrong("10.6b")
def divided_by_variance(train, test):
    mean, var = train.mean(axis=(0, 2, 3), keepdims=True), train.var(axis=(0, 2, 3), keepdims=True)
    return (train - mean) / var, (test - mean) / var


@wrong("10.6b")
def deviation_with_n_minus_1(train, test):
    mean, std = train.mean(axis=(0, 2, 3), keepdims=True), train.std(axis=(0, 2, 3), keepdims=True, ddof=1)
    return (train - mean) / std, (test - mean) / std


@wrong("10.6b")
def mean_per_pixel(train, test):
    mean, std = train.mean(axis=0, keepdims=True), train.std(axis=0, keepdims=True) + 1e-8
    return (train - mean) / std, (test - mean) / std


@wrong("10.6b")
def only_mean_subtracted(train, test):
    mean = train.mean(axis=(0, 2, 3), keepdims=True)
    return train - mean, test - mean


@wrong("10.6c")
def epoch_chosen_on_test_set(valid, test):
    epoch = int(np.argmax(test))
    return epoch, test[epoch]


@wrong("10.6c")
def validation_accuracy_reported(valid, test):
    epoch = int(np.argmax(valid))
    return epoch, valid[epoch]


@wrong("10.6c")
def chosen_epoch_counts_from_1(valid, test):
    epoch = int(np.argmax(valid))
    return epoch + 1, test[epoch]


@wrong("10.6c")
def last_epoch(valid, test):
    return len(valid) - 1, test[-1]


@wrong("10.6c")
def last_of_equal_epochs(valid, test):
    epoch = len(valid) - 1 - int(np.argmax(valid[::-1]))
    return epoch, test[epoch]


# 11.1 to 11.3


@wrong("11.2")
def product_of_answers(probs):
    p = np.exp(np.log(probs + 1e-12).mean(axis=(0, 1)))
    return p / p.sum(axis=1, keepdims=True)


@wrong("11.2")
def mean_over_crops_only(probs):
    return probs.mean(axis=1)


@wrong("11.2")
def sum_of_answers(probs):
    return probs.sum(axis=(0, 1))


@wrong("11.2")
def maximum_of_answers(probs):
    return probs.max(axis=(0, 1))


@wrong("11.2")
def votes_of_crops(probs):
    best = probs.argmax(axis=-1)
    return np.eye(probs.shape[-1])[best].mean(axis=(0, 1))


@wrong("11.2")
def softmax_of_mean(probs):
    return _softmax(probs.mean(axis=(0, 1)))


@wrong("11.3")
def accuracy_instead_of_error(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :k]
    return (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3")
def k_least_likely_classes(probs, labels, k):
    best = np.argsort(probs, axis=1)[:, :k]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3")
def error_in_percent(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :k]
    return 100 * (1 - (best == labels[:, None]).any(axis=1).mean())


@wrong("11.3")
def number_of_errors(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :k]
    return int((~(best == labels[:, None]).any(axis=1)).sum())


@wrong("11.3")
def k_always_5(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :5]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3")
def only_first_class(probs, labels, k):
    return (probs.argmax(axis=1) != labels).mean()


@wrong("11.3")
def k_plus_1_classes(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, : k + 1]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3")
def divided_by_classes(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :k]
    return (~(best == labels[:, None]).any(axis=1)).sum() / probs.shape[1]


# 12.3 to 12.5


def _overlap(a, b):
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return w * h


def _area(a):
    return (a[2] - a[0]) * (a[3] - a[1])


def _iou(a, b):
    both = _overlap(a, b)
    return both / (_area(a) + _area(b) - both)


@wrong("12.3")
def overlap_is_counted_twice(a, b):
    return _overlap(a, b) / (_area(a) + _area(b))


@wrong("12.3")
def negative_overlap_allowed(a, b):
    both = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return both / (_area(a) + _area(b) - both)


@wrong("12.3")
def sides_plus_1(a, b):
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    one, two = (a[2] - a[0] + 1) * (a[3] - a[1] + 1), (b[2] - b[0] + 1) * (b[3] - b[1] + 1)
    return w * h / (one + two - w * h)


@wrong("12.3")
def relative_to_smaller_box(a, b):
    return _overlap(a, b) / min(_area(a), _area(b))


@wrong("12.3")
def boxes_as_width_and_height(a, b):
    def corners(v):
        return v[0], v[1], v[0] + v[2], v[1] + v[3]

    return _iou(corners(a), corners(b))


@wrong("12.3")
def union_is_box_around_both(a, b):
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return _overlap(a, b) / around


def _kept(boxes, scores, t, order=None, keep=lambda v, t: v <= t):
    order = list(np.argsort(-scores)) if order is None else order
    kept = []
    for i in order:
        if all(keep(_iou(boxes[i], boxes[j]), t) for j in kept):
            kept.append(int(i))
    return kept


@wrong("12.4")
def box_at_threshold_removed(boxes, scores, t):
    return _kept(boxes, scores, t, keep=lambda v, t: v < t)


@wrong("12.4")
def worst_box_first(boxes, scores, t):
    return _kept(boxes, scores, t, order=list(np.argsort(scores)))


@wrong("12.4")
def boxes_not_sorted(boxes, scores, t):
    return _kept(boxes, scores, t, order=list(range(len(boxes))))


@wrong("12.4")
def result_sorted_by_index(boxes, scores, t):
    return sorted(_kept(boxes, scores, t))


@wrong("12.4")
def compares_with_removed_boxes_too(boxes, scores, t):
    order = list(np.argsort(-scores))
    return [int(i) for at, i in enumerate(order) if all(_iou(boxes[i], boxes[j]) <= t for j in order[:at])]


@wrong("12.4")
def mask_instead_of_indices(boxes, scores, t):
    kept = _kept(boxes, scores, t)
    return [i in kept for i in range(len(boxes))]


@wrong("12.4")
def boxes_instead_of_indices(boxes, scores, t):
    return boxes[_kept(boxes, scores, t)]


@wrong("12.4")
def t_always_half(boxes, scores, t):
    return _kept(boxes, scores, 0.5)


def _ap(found, truths, threshold=0.5, again=True, smooth=True, images=True, total=None):
    hit, used, points = 0, set(), []
    for rank, (image, _, box) in enumerate(sorted(found, key=lambda f: -f[1]), 1):
        mine = [i for i, (at, _) in enumerate(truths) if at == image or not images]
        best = max(mine, key=lambda i: _iou(truths[i][1], box), default=None)
        if best is not None and _iou(truths[best][1], box) >= threshold and (best not in used or not again):
            used.add(best)
            hit += 1
        points.append((hit / (total or len(truths)), hit / rank))
    area, before = 0.0, 0.0
    for at, (recall, precision) in enumerate(points):
        value = max(p for _, p in points[at:]) if smooth else precision
        area += (recall - before) * value
        before = recall
    return area


@wrong("12.5")
def duplicate_hits_count(found, truths):
    return _ap(found, truths, again=False)


@wrong("12.5")
def precision_without_envelope(found, truths):
    return _ap(found, truths, smooth=False)


@wrong("12.5")
def image_ignored(found, truths):
    return _ap(found, truths, images=False)


@wrong("12.5")
def overlap_above_threshold_only(found, truths):
    return _ap(found, truths, threshold=0.5 + 1e-9)


@wrong("12.5")
def overlap_of_seven_tenths(found, truths):
    return _ap(found, truths, threshold=0.7)


@wrong("12.5")
def recall_over_detections(found, truths):
    return _ap(found, truths, total=len(found))


@wrong("12.5")
def detections_not_sorted(found, truths):
    return _ap([(image, -at, box) for at, (image, _, box) in enumerate(found)], truths)


# 13.1, 13.2, 13.4, 13.7


@wrong("13.1")
def outermost_axis(order, layout, sizes):
    step = 1
    for axis in layout[layout.index(order[0]) + 1 :]:
        step *= sizes[axis]
    return step


@wrong("13.1")
def sizes_of_axes_before(order, layout, sizes):
    step = 1
    for axis in layout[: layout.index(order[-1])]:
        step *= sizes[axis]
    return step


@wrong("13.1")
def own_size_included(order, layout, sizes):
    step = 1
    for axis in layout[layout.index(order[-1]) :]:
        step *= sizes[axis]
    return step


@wrong("13.1")
def sizes_added(order, layout, sizes):
    return sum(sizes[axis] for axis in layout[layout.index(order[-1]) + 1 :])


@wrong("13.1")
def stride_in_bytes(order, layout, sizes):
    step = 4
    for axis in layout[layout.index(order[-1]) + 1 :]:
        step *= sizes[axis]
    return step


@wrong("13.1")
def order_and_layout_exchanged(order, layout, sizes):
    step = 1
    for axis in order[order.index(layout[-1]) + 1 :]:
        step *= sizes[axis]
    return step


@wrong("13.1")
def stride_always_1(order, layout, sizes):
    return 1


def _slices(x, w, b, stride, pad, add=True, crop=0):
    xp = _pad(x, pad)
    rows, columns = _size(x.shape[2], w.shape[2], stride, pad), _size(x.shape[3], w.shape[3], stride, pad)
    y = np.zeros((len(x), len(w), rows, columns))
    for u, v in np.ndindex(w.shape[2:]):
        seen = xp[:, :, u : u + stride * (rows - 1) + 1 : stride, v : v + stride * (columns - 1) + 1 : stride]
        part = np.tensordot(seen, w[:, :, u, v], ((1,), (1,))).transpose(0, 3, 1, 2)
        y = y + part if add else part
    return y + b[:, None, None]


@wrong("13.2")
def kernel_positions_overwritten(x, w, b, stride, pad):
    return _slices(x, w, b, stride, pad, add=False)


@wrong("13.2")
def bias_added_in_loop(x, w, b, stride, pad):
    return _slices(x, w, b * w.shape[2] * w.shape[3], stride, pad)


@wrong("13.2")
def slices_with_stride_1(x, w, b, stride, pad):
    return _slices(x, w, b, 1, pad)


@wrong("13.2")
def slices_without_bias(x, w, b, stride, pad):
    return _slices(x, w, 0 * b, stride, pad)


@wrong("13.2")
def slices_with_transposed_kernel(x, w, b, stride, pad):
    return _slices(x, w.transpose(0, 1, 3, 2), b, stride, pad)


@wrong("13.2")
def slices_of_first_image(x, w, b, stride, pad):
    y = _slices(x, w, b, stride, pad)
    y[1:] = 0
    return y


def _f23(d, g, m4=-1):
    n, y = len(d) - 2, []
    d = np.concatenate([d, [0.0]])
    for i in range(0, n, 2):
        a, b, c, e = d[i : i + 4]
        m1 = (a - c) * g[0]
        m2 = (b + c) * (g[0] + g[1] + g[2]) / 2
        m3 = (c - b) * (g[0] - g[1] + g[2]) / 2
        y += [m1 + m2 + m3, m2 - m3 + m4 * (b - e) * g[2]]
    return np.array(y)[:n]


@wrong("13.4")
def sign_of_last_product(d, g):
    return _f23(d, g, m4=1)


@wrong("13.4")
def filter_reversed(d, g):
    return _f23(d, g[::-1])


@wrong("13.4")
def one_output_too_many(d, g):
    return np.concatenate([_f23(d, g), [0.0]])


@wrong("13.4")
def last_product_missing(d, g):
    return _f23(d, g, m4=0)


@wrong("13.4")
def filter_sums_not_halved(d, g):
    return 2 * _f23(d, g)


@wrong("13.7")
def filter_transposed(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    return sum(g.T[u, v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3))


@wrong("13.7")
def filter_flipped(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    return sum(g[2 - u, 2 - v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3))


@wrong("13.7")
def last_odd_row_stays_zero(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    y = sum(g[u, v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3))
    y[rows // 2 * 2 :] = 0
    y[:, columns // 2 * 2 :] = 0
    return y


@wrong("13.7")
def output_transposed(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    return sum(g[u, v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3)).T


# 14.1, 14.3 to 14.6


@wrong("14.1")
def kernels_added_at_the_corner(first, second):
    both = np.zeros((first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1))
    both[: first.shape[0], : first.shape[1]] += first
    both[: second.shape[0], : second.shape[1]] += second
    return both


@wrong("14.1")
def rows_and_columns_exchanged(first, second):
    both = np.zeros((first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1))
    for i, j in np.ndindex(second.shape):
        for u, v in np.ndindex(first.shape):
            both[min(i + v, both.shape[0] - 1), min(j + u, both.shape[1] - 1)] += second[i, j] * first[u, v]
    return both


def _smoothed(z, q):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -(q * np.log(p)).sum() / len(z), (p - q) / len(z)


@wrong("14.3")
def smoothing_divided_by_images(z, labels, smoothing):
    q = np.full(z.shape, smoothing / len(z))
    q[np.arange(len(z)), labels] += 1 - smoothing
    return _smoothed(z, q)


@wrong("14.3")
def labels_of_all_images_smoothed(z, labels, smoothing):
    q = np.full(z.shape, smoothing / z.shape[1])
    q[:, labels] += 1 - smoothing
    return _smoothed(z, q)


@wrong("14.4")
def first_tower_repeated(w1, w2, w3):
    return np.concatenate([w1[0]] * len(w1)), np.concatenate(w2), np.concatenate(w3, axis=1)


@wrong("14.4")
def middle_rotated(w1, w2, w3):
    return np.concatenate(w1), np.concatenate(w2)[..., ::-1, ::-1], np.concatenate(w3, axis=1)


@wrong("14.5")
def kernel_transposed_to_channels(x, depthwise, pointwise):
    padding = tuple(size // 2 for size in depthwise.shape[2:])
    padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    y = np.zeros(x.shape)
    for r, s in np.ndindex(depthwise.shape[2:]):
        y += depthwise[::-1, 0, r, s][:, None, None] * padded[:, :, r : r + x.shape[2], s : s + x.shape[3]]
    return np.einsum("kc,nchw->nkhw", pointwise[:, :, 0, 0], y)


@wrong("14.5")
def pointwise_of_the_input(x, depthwise, pointwise):
    return np.einsum("kc,nchw->nkhw", pointwise[:, :, 0, 0], x)


@wrong("14.6")
def threshold_at_the_mean(w, macs, positions):
    return np.where(abs(w) > abs(w).mean(), w, 0)


@wrong("14.6")
def largest_filters_kept(w, macs, positions):
    size = abs(w).sum(axis=(1, 2, 3))
    keep = max(1, macs // positions // w[0].size)
    return np.where(np.isin(np.arange(len(w)), np.argsort(size)[-keep:])[:, None, None, None], w, 0)


# 15.1 to 15.7


@wrong("15.1")
def only_the_first_x_is_moved(pixels, centres):
    half = centres[:, 2:] / 2
    return pixels - [1, 0, 0, 0], np.hstack([centres[:, :2] - half, centres[:, :2] + half])


@wrong("15.1")
def corners_rounded_to_pixels(pixels, centres):
    half = centres[:, 2:] / 2
    return pixels - [1, 1, 0, 0], np.round(np.hstack([centres[:, :2] - half, centres[:, :2] + half]))


def _bins(pixels):
    counts = np.concatenate([np.histogram(channel, 25, (0, 1))[0] for channel in pixels])
    return counts / counts.sum()


@wrong("15.2")
def histogram_of_the_first_region(a, b, c):
    return _bins(a), np.minimum(_bins(a), _bins(c)).sum()


@wrong("15.2")
def range_of_the_data(a, b, c):
    both = np.hstack([a, b])
    first, second = (np.concatenate([np.histogram(v, 25)[0] for v in pixels]) for pixels in (both, c))
    return first / first.sum(), np.minimum(first / first.sum(), second / second.sum()).sum()


@wrong("15.2")
def similarity_of_the_mean_colour(a, b, c):
    merged = _bins(np.hstack([a, b]))
    return merged, 1 - abs(np.hstack([a, b]).mean(axis=1) - c.mean(axis=1)).mean()


@wrong("15.3")
def consecutive_labels_only(labels):
    return [(i, i + 1) for i in range(labels.max())]


@wrong("15.3")
def pairs_of_every_label(labels):
    return [(i, j) for i in range(labels.max() + 1) for j in range(i + 1, labels.max() + 1)]


def _ious(a, b):
    sides = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    both = np.clip(sides, 0, None).prod(axis=2)
    return both / ((a[:, 2:] - a[:, :2]).prod(axis=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(axis=1) - both)


@wrong("15.4")
def boxes_of_the_same_score_dropped(boxes, scores, labels, t):
    ious, kept = _ious(boxes, boxes), []
    for i in np.argsort(-scores, kind="stable"):
        if all(labels[i] != labels[j] or (ious[i, j] <= t and scores[i] != scores[j]) for j in kept):
            kept.append(i)
    return boxes[kept], scores[kept], labels[kept]


@wrong("15.4")
def nothing_suppressed(boxes, scores, labels, t):
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order], labels[order]


@wrong("15.5")
def truths_look_for_detections(boxes, truths, rule):
    result = np.full(len(boxes), -1)
    for j, row in enumerate(_ious(truths, boxes)):
        if row.max() >= 0.5:
            result[row.argmax()] = j
    return result


@wrong("15.5")
def threshold_of_the_largest_truth(boxes, truths, rule):
    w, h = (truths[:, 2:] - truths[:, :2]).max(axis=0)
    least, taken = min(0.5, w * h / ((w + 10) * (h + 10))) if rule == "ilsvrc" else 0.5, []
    for row in _ious(boxes, truths):
        if rule != "voc":
            row = np.where(np.isin(np.arange(len(truths)), taken), -1, row)
        best = row.argmax()
        taken.append(best if row[best] >= least and best not in taken else -1)
    return taken


@wrong("15.6")
def precision_of_hits_only(hits, count, points):
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return precision[hits == 1].mean() if hits.any() else 0.0


@wrong("15.6")
def points_sampled_from_the_list(hits, count, points):
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    if not points:
        return (highest * hits).sum() / count
    return highest[np.linspace(0, len(hits) - 1, points).astype(int)].mean()


@wrong("15.7")
def log_of_base_2(boxes, priors, offsets):
    sides, units = boxes[:, 2:] - boxes[:, :2], priors[:, 2:] - priors[:, :2]
    middles = (priors[:, :2] + priors[:, 2:]) / 2
    moved = ((boxes[:, :2] + boxes[:, 2:]) / 2 - middles) / units
    centres, half = middles + offsets[:, :2] * units, units * 2.0 ** offsets[:, 2:] / 2
    return np.hstack([moved, np.log2(sides / units)]), np.hstack([centres - half, centres + half])


@wrong("15.7")
def offsets_of_both_corners(boxes, priors, offsets):
    units = np.tile(priors[:, 2:] - priors[:, :2], 2)
    return (boxes - priors) / units, priors + offsets * units
