"""Wrong answers as students write them, made without a look at the known mistakes: what checks are measured with.

`FRESH` is a list of (exercise ID, what is wrong, function). None of these functions is in an exercise's own list.
"""

import math

import numpy as np

FRESH = []


def wrong(number, what):
    """Register a wrong answer to an exercise."""

    def register(function):
        FRESH.append((number, what, function))
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


@wrong("00.1", "the window ends one early")
def _(x, i, j, k):
    return x[i : i + k - 1, j : j + k - 1].mean()


@wrong("00.1", "integer division")
def _(x, i, j, k):
    return x[i : i + k, j : j + k].sum() // (k * k)


@wrong("00.1", "the window is centred")
def _(x, i, j, k):
    h = k // 2
    return x[max(i - h, 0) : i + h + 1, max(j - h, 0) : j + h + 1].mean()


@wrong("00.1", "the row is used twice")
def _(x, i, j, k):
    return x[i : i + k, i : i + k].mean()


@wrong("00.1", "always 3 x 3")
def _(x, i, j, k):
    return x[i : i + 3, j : j + 3].sum() / 9


@wrong("00.1", "the maximum")
def _(x, i, j, k):
    return x[i : i + k, j : j + k].max()


@wrong("00.1", "only the diagonal")
def _(x, i, j, k):
    return sum(x[i + u, j + u] for u in range(k)) / k


@wrong("00.1", "i counts columns")
def _(x, i, j, k):
    return x.T[i : i + k, j : j + k].mean()


@wrong("00.1", "the window ends at k")
def _(x, i, j, k):
    return x[i:k, j:k].sum() / k**2


# 01.1


@wrong("01.1", "the bias of image n")
def _(x, w, b, n, k, i, j, stride, pad):
    return _conv(x, w, 0 * b, stride, pad)[n, k, i, j] + b[n]


@wrong("01.1", "no padding: negative indices read the far side")
def _(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c in range(x.shape[1]):
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                y, z = i * stride + u - pad, j * stride + v - pad
                if y < x.shape[2] and z < x.shape[3]:
                    total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1", "bias inside the channel loop")
def _(x, w, b, n, k, i, j, stride, pad):
    total = 0
    xp = _pad(x, pad)
    for c in range(x.shape[1]):
        total += b[k]
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                total += xp[n, c, i * stride + u, j * stride + v] * w[k, c, u, v]
    return total


@wrong("01.1", "S used for R")
def _(x, w, b, n, k, i, j, stride, pad):
    xp, total = _pad(x, pad), b[k]
    for c in range(x.shape[1]):
        for u in range(w.shape[3]):
            for v in range(w.shape[3]):
                if u < w.shape[2]:
                    total += xp[n, c, i * stride + u, j * stride + v] * w[k, c, u, v]
                else:
                    total += xp[n, c, i * stride + u, j * stride + v] * w[k, c, u - 1, v]
    return total


@wrong("01.1", "H used for W")
def _(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c in range(x.shape[1]):
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                y, z = i * stride + u - pad, j * stride + v - pad
                if 0 <= y < x.shape[2] and 0 <= z < x.shape[2]:
                    total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1", "no bias")
def _(x, w, b, n, k, i, j, stride, pad):
    return _conv(x, w, 0 * b, stride, pad)[n, k, i, j]


@wrong("01.1", "i for rows and columns")
def _(x, w, b, n, k, i, j, stride, pad):
    xp = _pad(x, pad)
    seen = xp[n, :, i * stride : i * stride + w.shape[2], i * stride : i * stride + w.shape[3]]
    if seen.shape != w.shape[1:]:
        return 0.0
    return (seen * w[k]).sum() + b[k]


@wrong("01.1", "the stride moves the padding too")
def _(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = (i - pad) * stride + u, (j - pad) * stride + v
        if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1", "always the first filter")
def _(x, w, b, n, k, i, j, stride, pad):
    return _conv(x, w, b, stride, pad)[n, 0, i, j]


@wrong("01.1", "the first row is left out")
def _(x, w, b, n, k, i, j, stride, pad):
    total = b[k]
    for c, u, v in np.ndindex(w.shape[1:]):
        y, z = i * stride + u - pad, j * stride + v - pad
        if 0 < y < x.shape[2] and 0 < z < x.shape[3]:
            total += x[n, c, y, z] * w[k, c, u, v]
    return total


@wrong("01.1", "ReLU at the end")
def _(x, w, b, n, k, i, j, stride, pad):
    return max(0, _conv(x, w, b, stride, pad)[n, k, i, j])


# 01.3


@wrong("01.3", "output size without the stride")
def _(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    big = np.zeros((*y.shape[:2], x.shape[2] + 2 * pad - w.shape[2] + 1, x.shape[3] + 2 * pad - w.shape[3] + 1))
    big[:, :, : y.shape[2], : y.shape[3]] = y
    return big


@wrong("01.3", "output size without + 1")
def _(x, w, b, stride, pad):
    return _conv(x, w, b, stride, pad)[:, :, :-1, :-1]


@wrong("01.3", "output size with one padding")
def _(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    rows = (x.shape[2] + pad - w.shape[2]) // stride + 1
    return y[:, :, :rows, : (x.shape[3] + pad - w.shape[3]) // stride + 1]


@wrong("01.3", "only the first image")
def _(x, w, b, stride, pad):
    y = np.zeros_like(_conv(x, w, b, stride, pad))
    y[0] = _conv(x, w, b, stride, pad)[0]
    return y


@wrong("01.3", "returns inside the loop over filters")
def _(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    y[:, 1:] = 0
    return y


@wrong("01.3", "= instead of += over the channels")
def _(x, w, b, stride, pad):
    return _conv(x[:, -1:], w[:, -1:], b, stride, pad)


@wrong("01.3", "no bias")
def _(x, w, b, stride, pad):
    return _conv(x, w, 0 * b, stride, pad)


@wrong("01.3", "bias along the columns of the image")
def _(x, w, b, stride, pad):
    y = _conv(x, w, 0 * b, stride, pad)
    return y + np.resize(b, y.shape[3])


@wrong("01.3", "padding at the top and left only")
def _(x, w, b, stride, pad):
    shape = _conv(x, w, b, stride, pad).shape
    xp = np.pad(x, ((0, 0), (0, 0), (2 * pad, 0), (2 * pad, 0)))
    y = _conv(xp, w, b, stride, 0)
    assert y.shape == shape
    return y


@wrong("01.3", "nearest pixels as padding")
def _(x, w, b, stride, pad):
    return _conv(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge"), w, b, stride, 0)


@wrong("01.3", "the last row and column stay zero")
def _(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    y[:, :, -1], y[..., -1] = 0, 0
    return y


@wrong("01.3", "channels last")
def _(x, w, b, stride, pad):
    return _conv(x, w, b, stride, pad).transpose(0, 2, 3, 1)


@wrong("01.3", "dilated by the stride")
def _(x, w, b, stride, pad):
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


@wrong("01.3", "divides by the kernel's size")
def _(x, w, b, stride, pad):
    return _conv(x, w, 0 * b, stride, pad) / (w.shape[2] * w.shape[3]) + b[:, None, None]


# 01.4


@wrong("01.4", "one sign")
def _(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dy, 1 + dx] = 1
    return w


@wrong("01.4", "without the middle")
def _(dy, dx):
    w = np.zeros((3, 3))
    w[-dy, -dx] = 1
    return w


@wrong("01.4", "rows and columns exchanged")
def _(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dx, 1 - dy] = 1
    return w


@wrong("01.4", "ones everywhere else")
def _(dy, dx):
    w = np.ones((3, 3))
    w[1 - dy, 1 - dx] = 0
    return w


@wrong("01.4", "a ninth")
def _(dy, dx):
    w = np.zeros((3, 3))
    w[1 - dy, 1 - dx] = 1 / 9
    return w


# 02.1


@wrong("02.1", "channels last in the rows")
def _(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 4, 5, 1, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1", "kernel columns before kernel rows")
def _(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 1, 5, 4, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1", "rows and columns exchanged")
def _(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1).transpose(0, 2, 1)


@wrong("02.1", "no padding")
def _(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1", "the kernel flipped")
def _(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    return seen[..., ::-1, ::-1].transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)


@wrong("02.1", "the first image in every place")
def _(x, kh, kw, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_pad(x, pad), (kh, kw), (2, 3))[:, :, ::stride, ::stride]
    cols = seen.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kh * kw, -1)
    return np.repeat(cols[:1], len(x), axis=0)


# 02.2


@wrong("02.2", "kernel flipped")
def _(x, w, b, stride, pad):
    return _conv(x, w[:, :, ::-1, ::-1], b, stride, pad)


@wrong("02.2", "output rows and columns exchanged in the reshape")
def _(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    return y.reshape(*y.shape[:2], y.shape[3], y.shape[2]).transpose(0, 1, 3, 2)


@wrong("02.2", "bias doubled")
def _(x, w, b, stride, pad):
    return _conv(x, w, 2 * b, stride, pad)


@wrong("02.2", "stays flat")
def _(x, w, b, stride, pad):
    y = _conv(x, w, b, stride, pad)
    return y.reshape(*y.shape[:2], -1)


@wrong("02.2", "bias of the first filter for all")
def _(x, w, b, stride, pad):
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


@wrong("02.3", "the last window wins")
def _(cols, x_shape, kh, kw, stride, pad):
    xp = _col2im(cols, x_shape, kh, kw, stride, pad, add=False)
    return xp[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("02.3", "returns the padded image")
def _(cols, x_shape, kh, kw, stride, pad):
    return _col2im(cols, x_shape, kh, kw, stride, pad)


@wrong("02.3", "divides by the kernel's size")
def _(cols, x_shape, kh, kw, stride, pad):
    xp = _col2im(cols, x_shape, kh, kw, stride, pad)
    return xp[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]] / (kh * kw)


@wrong("02.3", "the first kernel position is left out")
def _(cols, x_shape, kh, kw, stride, pad):
    xp = _col2im(cols, x_shape, kh, kw, stride, pad, skip=(0, 0))
    return xp[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("02.3", "crops at the wrong end")
def _(cols, x_shape, kh, kw, stride, pad):
    return _col2im(cols, x_shape, kh, kw, stride, pad)[:, :, : x_shape[2], : x_shape[3]]


# 02.4


@wrong("02.4", "transposed")
def _(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w, np.zeros(len(w)), stride, pad).reshape(len(units), -1)


@wrong("02.4", "kernel flipped")
def _(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w[:, :, ::-1, ::-1], np.zeros(len(w)), stride, pad).reshape(len(units), -1).T


@wrong("02.4", "stride 1")
def _(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w, np.zeros(len(w)), 1, pad).reshape(len(units), -1).T


@wrong("02.4", "filters innermost")
def _(w, in_shape, stride, pad):
    units = np.eye(int(np.prod(in_shape))).reshape(-1, *in_shape)
    return _conv(units, w, np.zeros(len(w)), stride, pad).transpose(0, 2, 3, 1).reshape(len(units), -1).T


# 03.1


@wrong("03.1", "sums over rows and columns only")
def _(dout):
    return dout.sum(axis=(2, 3))


@wrong("03.1", "mean over rows and columns")
def _(dout):
    return dout.mean(axis=(2, 3)).sum(axis=0)


@wrong("03.1", "mean over everything")
def _(dout):
    return dout.mean(axis=(0, 2, 3))


@wrong("03.1", "the first image")
def _(dout):
    return dout[0].sum(axis=(1, 2))


@wrong("03.1", "one number")
def _(dout):
    return dout.sum()


@wrong("03.1", "the filters' axis is summed")
def _(dout):
    return dout.sum(axis=(1, 2, 3))


@wrong("03.1", "keepdims")
def _(dout):
    return dout.sum(axis=(0, 2, 3), keepdims=True)


@wrong("03.1", "absolute values")
def _(dout):
    return np.abs(dout).sum(axis=(0, 2, 3))


@wrong("03.1", "negative")
def _(dout):
    return -dout.sum(axis=(0, 2, 3))


# 03.2


def _dw(x, dout, w_shape, stride, pad):
    xp, dw = _pad(x, pad), np.zeros(w_shape)
    for u, v in np.ndindex(w_shape[2:]):
        seen = xp[:, :, u : u + stride * dout.shape[2] : stride, v : v + stride * dout.shape[3] : stride]
        seen = seen[:, :, : dout.shape[2], : dout.shape[3]]
        dw[:, :, u, v] = np.einsum("nkij,ncij->kc", dout, seen)
    return dw


@wrong("03.2", "mean over the batch")
def _(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad) / len(x)


@wrong("03.2", "the last image only")
def _(x, dout, w_shape, stride, pad):
    return _dw(x[-1:], dout[-1:], w_shape, stride, pad)


@wrong("03.2", "flipped")
def _(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad)[:, :, ::-1, ::-1]


@wrong("03.2", "filters and channels exchanged")
def _(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad).transpose(1, 0, 2, 3)


@wrong("03.2", "mean over the positions")
def _(x, dout, w_shape, stride, pad):
    return _dw(x, dout, w_shape, stride, pad) / (dout.shape[2] * dout.shape[3])


@wrong("03.2", "the last output row is left out")
def _(x, dout, w_shape, stride, pad):
    dout = dout.copy()
    dout[:, :, -1] = 0
    return _dw(x, dout, w_shape, stride, pad)


@wrong("03.2", "padding ignored")
def _(x, dout, w_shape, stride, pad):
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


@wrong("03.3", "crops with [p:-p]")
def _(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)[:, :, pad:-pad, pad:-pad]


@wrong("03.3", "kernel flipped")
def _(dout, w, x_shape, stride, pad):
    dx = _dx(dout, w[:, :, ::-1, ::-1], x_shape, stride, pad)
    return dx[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("03.3", "= instead of +=")
def _(dout, w, x_shape, stride, pad):
    N, C, H, W = x_shape
    xp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for n, k, i, j in np.ndindex(dout.shape):
        h, z = i * stride, j * stride
        xp[n, :, h : h + w.shape[2], z : z + w.shape[3]] = dout[n, k, i, j] * w[k]
    return xp[:, :, pad : pad + H, pad : pad + W]


@wrong("03.3", "only one filter")
def _(dout, w, x_shape, stride, pad):
    dx = _dx(dout[:, :1], w[:1], x_shape, stride, pad)
    return dx[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


@wrong("03.3", "divided by the batch")
def _(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]] / len(dout)


@wrong("03.3", "the mean of the filters")
def _(dout, w, x_shape, stride, pad):
    return _dx(dout, w, x_shape, stride, pad)[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]] / len(w)


@wrong("03.3", "not cropped at the start")
def _(dout, w, x_shape, stride, pad):
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


@wrong("04.1", "divides by h")
def _(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h, h)


@wrong("04.1", "one-sided")
def _(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h, h, down=0)


@wrong("04.1", "h is always 1e-4")
def _(f, x, dout, h=1e-4):
    return _differences(f, x, dout, 1e-4, 2e-4)


@wrong("04.1", "without dout")
def _(f, x, dout, h=1e-4):
    return _differences(f, x, np.ones_like(dout), h, 2 * h)


@wrong("04.1", "does not divide")
def _(f, x, dout, h=1e-4):
    return _differences(f, x, dout, h, 1)


# 04.2, 04.4, 04.5


@wrong("04.2", "an array")
def _(a, n):
    return np.abs(a - n) / np.maximum(np.abs(a), np.abs(n))


@wrong("04.2", "not the absolute difference")
def _(a, n):
    return np.max((a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-12))


@wrong("04.2", "the absolute error")
def _(a, n):
    return np.max(np.abs(a - n))


@wrong("04.2", "the largest of both over the largest")
def _(a, n):
    return np.max(np.abs(a - n)) / max(np.max(np.abs(a)), np.max(np.abs(n)))


@wrong("04.4", "one-sided difference")
def _(f, params, grads, rng, h):
    d = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up = f({name: params[name] + h * d[name] for name in params})
    numeric = (up - f(params)) / h
    analytic = sum((grads[name] * d[name]).sum() for name in params)
    return abs(numeric - analytic) / max(abs(numeric), abs(analytic), 1e-12)


@wrong("04.4", "the same direction of ones")
def _(f, params, grads, rng, h):
    up = f({name: params[name] + h for name in params})
    down = f({name: params[name] - h for name in params})
    numeric = (up - down) / (2 * h)
    analytic = sum(grads[name].sum() for name in params)
    return abs(numeric - analytic) / max(abs(numeric), abs(analytic), 1e-12)


@wrong("04.5", "only small shapes")
def _(forward, transpose, x_shape, y_shape, rng):
    x, y = np.ones(x_shape), np.ones(y_shape)
    return bool((forward(x) * y).sum() == (transpose(y) * x).sum())


@wrong("04.5", "an inverse")
def _(forward, transpose, x_shape, y_shape, rng):
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


@wrong("05.1", "outputs in the other order")
def _(x, k, s, p, ceil):
    return _pool(x, k, s, p, ceil)[::-1]


@wrong("05.1", "zeros as padding")
def _(x, k, s, p, ceil):
    return _pool(x, k, s, p, ceil, fill=0)


@wrong("05.1", "always rounds down")
def _(x, k, s, p, ceil):
    return _pool(x, k, s, p, False)


@wrong("05.1", "always rounds up")
def _(x, k, s, p, ceil):
    return _pool(x, k, s, p, True)


@wrong("05.1", "the index in the whole plane")
def _(x, k, s, p, ceil):
    y, arg = _pool(x, k, s, p, ceil)
    i, j = np.indices(y.shape)[2:]
    return y, (i * s - p + arg // k) * x.shape[3] + j * s - p + arg % k


@wrong("05.1", "the index counts from 1")
def _(x, k, s, p, ceil):
    y, arg = _pool(x, k, s, p, ceil)
    return y, arg + 1


@wrong("05.1", "the maximum only")
def _(x, k, s, p, ceil):
    return _pool(x, k, s, p, ceil)[0]


@wrong("05.1", "the minimum")
def _(x, k, s, p, ceil):
    y, arg = _pool(-x, k, s, p, ceil)
    return -y, arg


@wrong("05.1", "the stride is the kernel's size")
def _(x, k, s, p, ceil):
    return _pool(x, k, k, p, ceil)


# 05.2


def _unpool(dout, arg, x_shape, k, s, p, add=True):
    dx = np.zeros(x_shape)
    for n, c, i, j in np.ndindex(dout.shape):
        h, w = i * s - p + arg[n, c, i, j] // k, j * s - p + arg[n, c, i, j] % k
        dx[n, c, h, w] = dx[n, c, h, w] + dout[n, c, i, j] if add else dout[n, c, i, j]
    return dx


@wrong("05.2", "= instead of +=")
def _(dout, arg, x_shape, k, s, p):
    return _unpool(dout, arg, x_shape, k, s, p, add=False)


@wrong("05.2", "row and column of the winner exchanged")
def _(dout, arg, x_shape, k, s, p):
    return _unpool(dout, arg % k * k + arg // k, x_shape, k, s, p)


@wrong("05.2", "ones instead of dout")
def _(dout, arg, x_shape, k, s, p):
    return _unpool(np.ones_like(dout), arg, x_shape, k, s, p)


@wrong("05.2", "every value of the window")
def _(dout, arg, x_shape, k, s, p):
    xp = _pad(np.zeros(x_shape), p + k)
    for i, j in np.ndindex(dout.shape[2:]):
        xp[:, :, k + i * s : 2 * k + i * s, k + j * s : 2 * k + j * s] += dout[:, :, i, j, None, None]
    return xp[:, :, p + k : p + k + x_shape[2], p + k : p + k + x_shape[3]]


@wrong("05.2", "divides by k")
def _(dout, arg, x_shape, k, s, p):
    return _unpool(dout, arg, x_shape, k, s, p) / k


# 05.3


def _unaverage(dout, x_shape, k, s):
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] += dout[:, :, i, j, None, None]
    return dx


@wrong("05.3", "not divided")
def _(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, s)


@wrong("05.3", "divided by k")
def _(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, s) / k


@wrong("05.3", "overlaps overwrite")
def _(dout, x_shape, k, s):
    dx = np.zeros(x_shape)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * s : i * s + k, j * s : j * s + k] = dout[:, :, i, j, None, None] / k**2
    return dx


@wrong("05.3", "windows one after another")
def _(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, k) / k**2


@wrong("05.3", "divided by the stride")
def _(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k, s) / s**2


@wrong("05.3", "only the first value of each window")
def _(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, 1, s) / k**2


@wrong("05.3", "windows one short")
def _(dout, x_shape, k, s):
    return _unaverage(dout, x_shape, k - 1, s) / k**2


# 05.4


@wrong("05.4", "in the opposite order")
def _(dout, widths):
    return np.split(dout, np.cumsum(widths)[:-1], axis=1)[::-1]


@wrong("05.4", "equal parts")
def _(dout, widths):
    return np.split(dout, len(widths), axis=1)


@wrong("05.4", "cut along the images")
def _(dout, widths):
    return [dout[:width] for width in widths]


@wrong("05.4", "without the last part")
def _(dout, widths):
    return np.split(dout, np.cumsum(widths)[:-1], axis=1)[:-1]


@wrong("05.4", "every part from the start")
def _(dout, widths):
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


@wrong("05.5", "log(p + eps)")
def _(z, labels, weight):
    return _ce(z, labels, weight, eps=1e-8)


@wrong("05.5", "the sum instead of the mean")
def _(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss * len(z), grad * len(z)


@wrong("05.5", "the gradient is not divided by N")
def _(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss, grad * len(z)


@wrong("05.5", "the weight is not in the gradient")
def _(z, labels, weight):
    return _ce(z, labels, weight)[0], _ce(z, labels, 1.0)[1]


@wrong("05.5", "no weight at all")
def _(z, labels, weight):
    return _ce(z, labels, 1.0)


@wrong("05.5", "the gradient's sign")
def _(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss, -grad


@wrong("05.5", "the label is not subtracted")
def _(z, labels, weight):
    return _ce(z, labels, weight)[0], weight * _softmax(z) / len(z)


@wrong("05.5", "without subtracting the maximum")
def _(z, labels, weight):
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    return _ce(z, labels, weight, probs=p, eps=1e-300)


@wrong("05.5", "the loss is negative")
def _(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return -loss, grad


@wrong("05.5", "log base 2")
def _(z, labels, weight):
    loss, grad = _ce(z, labels, weight)
    return loss / np.log(2), grad


# 05.6


def _lrn(dout, x, n, alpha, beta, k, cross=2.0, power=1.0, share=True):
    half, C = n // 2, x.shape[1]

    def window(values):
        return np.stack([values[:, max(0, c - half) : c + half + 1].sum(axis=1) for c in range(C)], axis=1)

    a = alpha / n if share else alpha
    scale = k + a * window(x**2)
    return dout * scale**-beta - cross * a * beta * x * window(dout * x * scale ** (-beta - power))


@wrong("05.6", "without the factor 2")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=1.0)


@wrong("05.6", "only the first term")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=0.0)


@wrong("05.6", "alpha not divided by n")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, share=False)


@wrong("05.6", "plus instead of minus")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=-2.0)


@wrong("05.6", "the power is -beta in the second term")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, power=0.0)


@wrong("05.6", "beta is always 0.75")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, 0.75, k)


@wrong("05.6", "k is always 1")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, 1.0)


@wrong("05.6", "beta left out of the second term")
def _(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k, cross=2.0 / beta)


# 05.7, 05.8


@wrong("05.7", "not scaled")
def _(x, ratio, u, train, dout):
    mask = (u >= ratio) if train else np.ones_like(u)
    return x * mask, dout * mask


@wrong("05.7", "scaled by the ratio")
def _(x, ratio, u, train, dout):
    mask = (u >= ratio) / ratio if train else np.ones_like(u)
    return x * mask, dout * mask


@wrong("05.7", "keeps what it should drop")
def _(x, ratio, u, train, dout):
    mask = (u < ratio) / (1 - ratio) if train else np.ones_like(u)
    return x * mask, dout * mask


@wrong("05.7", "the gradient is not masked")
def _(x, ratio, u, train, dout):
    mask = (u >= ratio) / (1 - ratio) if train else np.ones_like(u)
    return x * mask, dout


@wrong("05.7", "drops in test mode too")
def _(x, ratio, u, train, dout):
    mask = (u >= ratio) / (1 - ratio)
    return x * mask, dout * mask


@wrong("05.7", "outputs in the other order")
def _(x, ratio, u, train, dout):
    mask = (u >= ratio) / (1 - ratio) if train else np.ones_like(u)
    return dout * mask, x * mask


@wrong("05.8", "the mean")
def _(grads):
    return sum(grads) / len(grads)


@wrong("05.8", "the first")
def _(grads):
    return grads[0]


@wrong("05.8", "the product")
def _(grads):
    return np.prod(grads, axis=0)


@wrong("05.8", "one number")
def _(grads):
    return np.sum(grads)


@wrong("05.8", "without the last")
def _(grads):
    return sum(grads[:-1])


# 06.1


def _count(C, K, R, S, P, Q, size=4, bias=1):
    return K * C * R * S + K * bias, K * C * R * S * P * Q, size * K * P * Q


@wrong("06.1", "/ instead of // in the size")
def _(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, (H + 2 * pad - R) / stride + 1, (W + 2 * pad - S) / stride + 1)


@wrong("06.1", "no bias")
def _(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad), bias=0)


@wrong("06.1", "eight bytes")
def _(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad), size=8)


@wrong("06.1", "the input's size")
def _(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, H, W)


@wrong("06.1", "no + 1 in the size")
def _(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, S, _size(H, R, stride, pad) - 1, _size(W, S, stride, pad) - 1)


@wrong("06.1", "FLOP")
def _(C, K, R, S, H, W, stride, pad):
    params, macs, size = _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad))
    return params, 2 * macs, size


@wrong("06.1", "a square kernel")
def _(C, K, R, S, H, W, stride, pad):
    return _count(C, K, R, R, _size(H, R, stride, pad), _size(W, R, stride, pad))


@wrong("06.1", "outputs in another order")
def _(C, K, R, S, H, W, stride, pad):
    params, macs, size = _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad))
    return macs, params, size


@wrong("06.1", "rounds up")
def _(C, K, R, S, H, W, stride, pad):
    P, Q = math.ceil((H + 2 * pad - R) / stride) + 1, math.ceil((W + 2 * pad - S) / stride) + 1
    return _count(C, K, R, S, P, Q)


@wrong("06.1", "a bias for each weight channel")
def _(C, K, R, S, H, W, stride, pad):
    _, macs, size = _count(C, K, R, S, _size(H, R, stride, pad), _size(W, S, stride, pad))
    return K * C * R * S + C, macs, size


# 06.3


@wrong("06.3", "the layer's own stride instead of the jump")
def _(layers):
    size, jump = 1, 1
    for _, kernel, stride in layers:
        size += (kernel - 1) * stride
        jump *= stride
    return size, jump


@wrong("06.3", "strides are added")
def _(layers):
    size, jump = 1, 0
    for _, kernel, stride in layers:
        size += (kernel - 1) * max(jump, 1)
        jump += stride
    return size, jump


@wrong("06.3", "kernels are added")
def _(layers):
    jump = 1
    for _, _, stride in layers:
        jump *= stride
    return sum(kernel for _, kernel, _ in layers), jump


@wrong("06.3", "pools do not count")
def _(layers):
    size, jump = 1, 1
    for kind, kernel, stride in layers:
        if kind == "conv":
            size += (kernel - 1) * jump
            jump *= stride
    return size, jump


@wrong("06.3", "the jump is multiplied first")
def _(layers):
    size, jump = 1, 1
    for _, kernel, stride in layers:
        jump *= stride
        size += (kernel - 1) * jump
    return size, jump


@wrong("06.3", "starts with size 0")
def _(layers):
    size, jump = 0, 1
    for _, kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return size, jump


# 06.5


@wrong("06.5", "the sum of everything")
def _(nodes):
    return sum(size for _, size, _ in nodes)


@wrong("06.5", "the largest alone")
def _(nodes):
    return max(size for _, size, _ in nodes)


@wrong("06.5", "the largest with its inputs")
def _(nodes):
    size = {name: count for name, count, _ in nodes}
    return max(count + sum(size[wire] for wire in set(wires)) for _, count, wires in nodes)


@wrong("06.5", "inputs are freed before the output is made")
def _(nodes):
    last = {wire: place for place, (*_, wires) in enumerate(nodes) for wire in wires}
    alive, peak = {}, 0
    for place, (name, size, _) in enumerate(nodes):
        alive = {wire: count for wire, count in alive.items() if last.get(wire, 10**9) > place}
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


@wrong("07.3", "no ReLU after the pool's projection")
def _(x, P):
    return _inception(x, P, relu_pool=False)


@wrong("07.3", "no ReLU after the reductions")
def _(x, P):
    return _inception(x, P, relu_reduce=False)


@wrong("07.3", "3x3 and 5x5 exchanged")
def _(x, P):
    return _inception(x, P, order=(0, 2, 1, 3))


@wrong("07.3", "no pool")
def _(x, P):
    return _inception(x, P, pool_first=False)


@wrong("07.3", "no biases")
def _(x, P):
    return _inception(x, {name: value * (not name.endswith("bias")) for name, value in P.items()})


@wrong("07.3", "the pool's branch first")
def _(x, P):
    return _inception(x, P, order=(3, 0, 1, 2))


@wrong("07.3", "without the pool's branch")
def _(x, P):
    return _inception(x, P, order=(0, 1, 2))


# 07.5, 07.6


@wrong("07.5", "the input is not counted")
def _(modules, cin):
    return [module[0] + module[2] + module[4] for module in modules]


@wrong("07.5", "reductions are counted")
def _(modules, cin):
    widths = []
    for module in modules:
        cin += sum(module)
        widths.append(cin)
    return widths


@wrong("07.5", "always from the first input")
def _(modules, cin):
    return [cin + module[0] + module[2] + module[4] for module in modules]


@wrong("07.5", "with the first width in front")
def _(modules, cin):
    widths = [cin]
    for module in modules:
        widths.append(widths[-1] + module[0] + module[2] + module[4])
    return widths


@wrong("07.5", "only the last")
def _(modules, cin):
    return cin + sum(module[0] + module[2] + module[4] for module in modules)


@wrong("07.6", "transposed w1")
def _(w1, w2):
    if w1.shape[0] != w1.shape[1]:
        return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])
    return np.einsum("krij,cr->kcij", w2, w1[:, :, 0, 0])


@wrong("07.6", "flipped")
def _(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])[:, :, ::-1, ::-1]


@wrong("07.6", "the mean over the middle")
def _(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0]) / len(w1)


@wrong("07.6", "channels before filters")
def _(w1, w2):
    return np.einsum("krij,rc->ckij", w2, w1[:, :, 0, 0])


# 08.3, 08.4, 08.6


@wrong("08.3", "layers without weights count too")
def _(nodes, out):
    known = {}
    for name, _, wires in nodes:
        known[name] = bool(wires) + max((known[wire] for wire in wires), default=0)
    return known[out]


@wrong("08.3", "the shortest path")
def _(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + min((known[wire] for wire in wires), default=0)
    return known[out]


@wrong("08.3", "the first input only")
def _(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + (known[wires[0]] if wires else 0)
    return known[out]


@wrong("08.3", "all layers with weights")
def _(nodes, out):
    return sum(weights for _, weights, _ in nodes)


@wrong("08.3", "one too many")
def _(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + max((known[wire] for wire in wires), default=1)
    return known[out]


@wrong("08.3", "the sum of the paths")
def _(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + sum(known[wire] for wire in wires)
    return known[out]


@wrong("08.3", "the deepest node of all")
def _(nodes, out):
    known = {}
    for name, weights, wires in nodes:
        known[name] = weights + max((known[wire] for wire in wires), default=0)
    return max(known.values())


@wrong("08.4", "= instead of +=")
def _(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            grad[wire] = factor * grad[name]
    return grad


@wrong("08.4", "starts with 1")
def _(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = 1.0
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            grad[wire] += factor * grad[name]
    return grad


@wrong("08.4", "forwards")
def _(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in nodes:
        for wire, factor in inputs:
            grad[wire] += factor * grad[name]
    return grad


@wrong("08.4", "only nodes that matter")
def _(nodes, dout):
    grad = {nodes[-1][0]: dout}
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            if name in grad:
                grad[wire] = grad.get(wire, 0.0) + factor * grad[name]
    return grad


@wrong("08.4", "without the factors")
def _(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in reversed(nodes):
        for wire, _ in inputs:
            grad[wire] += grad[name]
    return grad


@wrong("08.6", "with the bias")
def _(features, w, b, c):
    return np.tensordot(w[c], features, axes=1) + b[c]


@wrong("08.6", "the mean over the channels")
def _(features, w, b, c):
    return (w[c][:, None, None] * features).mean(axis=0)


@wrong("08.6", "a column of w")
def _(features, w, b, c):
    column = np.resize(w[:, min(c, w.shape[1] - 1)], len(features))
    return np.tensordot(column, features, axes=1)


@wrong("08.6", "ReLU")
def _(features, w, b, c):
    return np.maximum(np.tensordot(w[c], features, axes=1), 0)


@wrong("08.6", "all classes")
def _(features, w, b, c):
    return np.tensordot(w, features, axes=1)


@wrong("08.6", "the next class")
def _(features, w, b, c):
    return np.tensordot(w[(c + 1) % len(w)], features, axes=1)


# 09.1 to 09.4


@wrong("09.1", "the variance")
def _(K, C, k, scheme):
    fan_in, fan_out = C * k * k, K * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme]


@wrong("09.1", "without the kernel")
def _(K, C, k, scheme):
    return {"he": 2 / C, "caffe": 1 / C, "glorot": 2 / (C + K)}[scheme] ** 0.5


@wrong("09.1", "fans exchanged")
def _(K, C, k, scheme):
    fan_in, fan_out = K * k * k, C * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme] ** 0.5


@wrong("09.1", "k instead of k squared")
def _(K, C, k, scheme):
    fan_in, fan_out = C * k, K * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme] ** 0.5


@wrong("09.1", "always he")
def _(K, C, k, scheme):
    return (2 / (C * k * k)) ** 0.5


@wrong("09.1", "glorot with 6: the uniform limit")
def _(K, C, k, scheme):
    fan_in, fan_out = C * k * k, K * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 6 / (fan_in + fan_out)}[scheme] ** 0.5


@wrong("09.2", "smallest first")
def _(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = m @ total
    s = np.linalg.svd(total)[1]
    return s[-1], s[0]


@wrong("09.2", "products of the single values")
def _(mats):
    s = [np.linalg.svd(m)[1] for m in mats]
    return np.prod([v[0] for v in s]), np.prod([v[-1] for v in s])


@wrong("09.2", "multiplied in the other order")
def _(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = total @ m
    s = np.linalg.svd(total)[1]
    return s[0], s[-1]


@wrong("09.2", "eigenvalues")
def _(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = m @ total
    s = np.abs(np.linalg.eigvals(total))
    return s.max(), s.min()


@wrong("09.2", "squared")
def _(mats):
    total = np.eye(len(mats[0]))
    for m in mats:
        total = m @ total
    s = np.linalg.eigvalsh(total.T @ total)
    return s[-1], s[0]


def _three(main, aux1, aux2, labels, factors, grads=None):
    found = [_ce(z, labels, f) for z, f in zip((main, aux1, aux2), factors, strict=True)]
    return (sum(loss for loss, _ in found), *(grad for _, grad in found))


@wrong("09.3", "every head counts fully")
def _(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (1, 1, 1))


@wrong("09.3", "the gradients are not weighted")
def _(main, aux1, aux2, labels, w):
    return (_three(main, aux1, aux2, labels, (1, w, w))[0], *_three(main, aux1, aux2, labels, (1, 1, 1))[1:])


@wrong("09.3", "w is always 0.3")
def _(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (1, 0.3, 0.3))


@wrong("09.3", "the main loss is weighted")
def _(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (w, w, w))


@wrong("09.3", "weights sum to 1")
def _(main, aux1, aux2, labels, w):
    return _three(main, aux1, aux2, labels, (1 - 2 * w, w, w))


@wrong("09.3", "one head is forgotten in the loss")
def _(main, aux1, aux2, labels, w):
    return (_three(main, aux1, aux2, labels, (1, w, 0))[0], *_three(main, aux1, aux2, labels, (1, w, w))[1:])


@wrong("09.3", "the sum over the batch")
def _(main, aux1, aux2, labels, w):
    return tuple(part * len(main) for part in _three(main, aux1, aux2, labels, (1, w, w)))


@wrong("09.3", "gradients in another order")
def _(main, aux1, aux2, labels, w):
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


@wrong("09.4", "n - 1 in the variance")
def _(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, ddof=1)


@wrong("09.4", "eps outside the root")
def _(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, inside=False)


@wrong("09.4", "mean and variance as constants in dx")
def _(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, with_mean=False, with_var=False)


@wrong("09.4", "the variance as a constant in dx")
def _(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, eps, dout, with_var=False)


@wrong("09.4", "dgamma and dbeta exchanged")
def _(x, gamma, beta, eps, dout):
    y, dx, dgamma, dbeta = _bn(x, gamma, beta, eps, dout)
    return y, dx, dbeta, dgamma


@wrong("09.4", "eps is always 1e-5")
def _(x, gamma, beta, eps, dout):
    return _bn(x, gamma, beta, 1e-5, dout)


@wrong("09.4", "means instead of sums for gamma and beta")
def _(x, gamma, beta, eps, dout):
    y, dx, dgamma, dbeta = _bn(x, gamma, beta, eps, dout)
    n = x.size / x.shape[1]
    return y, dx, dgamma / n, dbeta / n


@wrong("09.4", "beta forgotten")
def _(x, gamma, beta, eps, dout):
    return _bn(x, gamma, 0 * beta, eps, dout)


@wrong("09.4", "dx without gamma")
def _(x, gamma, beta, eps, dout):
    y, _, dgamma, dbeta = _bn(x, gamma, beta, eps, dout)
    return y, _bn(x, np.ones_like(gamma), beta, eps, dout)[1], dgamma, dbeta


# 10.2, 10.3, 10.4, 10.6


def _factor(is_bias):
    return (2, 0) if is_bias else (1, 1)


@wrong("10.2", "the velocity includes rate and sign")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v - rate * lr * (g + decayed * decay * w)
    return w + v, v


@wrong("10.2", "1 - mu")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v + (1 - mu) * (g + decayed * decay * w)
    return w - rate * lr * v, v


@wrong("10.2", "biases as weights")
def _(w, v, g, lr, mu, decay, is_bias):
    v = mu * v + g + decay * w
    return w - lr * v, v


@wrong("10.2", "biases decay")
def _(w, v, g, lr, mu, decay, is_bias):
    v = mu * v + g + decay * w
    return w - lr * (1 + is_bias) * v, v


@wrong("10.2", "decay after the step")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v + g
    return w - rate * lr * v - lr * decayed * decay * w, v


@wrong("10.2", "the old velocity is used")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    return w - rate * lr * v, mu * v + g + decayed * decay * w


@wrong("10.2", "Nesterov")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    d = g + decayed * decay * w
    v = mu * v + d
    return w - rate * lr * (d + mu * v), v


@wrong("10.2", "no momentum")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = g + decayed * decay * w
    return w - rate * lr * v, v


@wrong("10.2", "upwards")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    v = mu * v + g + decayed * decay * w
    return w + rate * lr * v, v


@wrong("10.2", "returns only w")
def _(w, v, g, lr, mu, decay, is_bias):
    rate, decayed = _factor(is_bias)
    return w - rate * lr * (mu * v + g + decayed * decay * w)


@wrong("10.3", "by 4% every epoch")
def _(lr0, epoch):
    return lr0 * 0.96**epoch


@wrong("10.3", "not in steps")
def _(lr0, epoch):
    return lr0 * 0.96 ** (epoch / 8)


@wrong("10.3", "times 0.04")
def _(lr0, epoch):
    return lr0 * 0.04 ** (epoch // 8)


@wrong("10.3", "counts from 1")
def _(lr0, epoch):
    return lr0 * 0.96 ** ((epoch - 1) // 8)


@wrong("10.3", "linear")
def _(lr0, epoch):
    return lr0 * (1 - 0.04 * (epoch // 8))


@wrong("10.3", "rounds up")
def _(lr0, epoch):
    return lr0 * 0.96 ** math.ceil(epoch / 8)


@wrong("10.4", "share of the side")
def _(H, W, rng):
    for _ in range(10):
        share = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round(share * H / ratio**0.5), round(share * W * ratio**0.5)
        if height <= H and width <= W:
            return rng.integers(0, H - height + 1), rng.integers(0, W - width + 1), height, width
    side = min(H, W)
    return (H - side) // 2, (W - side) // 2, side, side


@wrong("10.4", "the ratio upside down")
def _(H, W, rng):
    for _ in range(10):
        share = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round((share * H * W * ratio) ** 0.5), round((share * H * W / ratio) ** 0.5)
        if height <= H and width <= W:
            return rng.integers(0, H - height + 1), rng.integers(0, W - width + 1), height, width
    side = min(H, W)
    return (H - side) // 2, (W - side) // 2, side, side


@wrong("10.4", "the last position is never drawn")
def _(H, W, rng):
    for _ in range(10):
        share = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round((share * H * W / ratio) ** 0.5), round((share * H * W * ratio) ** 0.5)
        if height <= H and width <= W:
            return rng.integers(0, max(H - height, 1)), rng.integers(0, max(W - width, 1)), height, width
    side = min(H, W)
    return (H - side) // 2, (W - side) // 2, side, side


@wrong("10.4", "left before top")
def _(H, W, rng):
    for _ in range(10):
        share = 0.08 + 0.92 * rng.random()
        ratio = (4 / 3) ** (2 * rng.random() - 1)
        height, width = round((share * H * W / ratio) ** 0.5), round((share * H * W * ratio) ** 0.5)
        if height <= H and width <= W:
            top, left = rng.integers(0, H - height + 1), rng.integers(0, W - width + 1)
            return left, top, height, width
    side = min(H, W)
    return (W - side) // 2, (H - side) // 2, side, side


@wrong("10.6", "images are split, not groups")
def _(groups, rng):
    order = rng.permutation(len(groups))
    fifth = round(len(groups) / 5)
    return order[2 * fifth :], order[fifth : 2 * fifth], order[:fifth]


@wrong("10.6", "validation and test exchanged")
def _(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    parts = names[2 * fifth :], names[:fifth], names[fifth : 2 * fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6", "names instead of positions")
def _(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    return names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]


@wrong("10.6", "a fifth rounded down")
def _(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = len(names) // 5
    parts = names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6", "not shuffled")
def _(groups, rng):
    names = np.unique(groups)
    fifth = round(len(names) / 5)
    parts = names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6", "a tenth for each")
def _(groups, rng):
    names = rng.permutation(np.unique(groups))
    tenth = round(len(names) / 10)
    parts = names[2 * tenth :], names[tenth : 2 * tenth], names[:tenth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@wrong("10.6b", "the test set's own mean")
def _(train, test):
    def own(v):
        return (v - v.mean(axis=(0, 2, 3), keepdims=True)) / v.std(axis=(0, 2, 3), keepdims=True)

    return own(train), own(test)


@wrong("10.6b", "one mean for all channels")
def _(train, test):
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


@wrong("10.6b", "variance instead of deviation")
def _(train, test):
    mean, var = train.mean(axis=(0, 2, 3), keepdims=True), train.var(axis=(0, 2, 3), keepdims=True)
    return (train - mean) / var, (test - mean) / var


@wrong("10.6b", "n - 1")
def _(train, test):
    mean, std = train.mean(axis=(0, 2, 3), keepdims=True), train.std(axis=(0, 2, 3), keepdims=True, ddof=1)
    return (train - mean) / std, (test - mean) / std


@wrong("10.6b", "per pixel")
def _(train, test):
    mean, std = train.mean(axis=0, keepdims=True), train.std(axis=0, keepdims=True) + 1e-8
    return (train - mean) / std, (test - mean) / std


@wrong("10.6b", "the mean only")
def _(train, test):
    mean = train.mean(axis=(0, 2, 3), keepdims=True)
    return train - mean, test - mean


@wrong("10.6c", "chosen on the test set")
def _(valid, test):
    epoch = int(np.argmax(test))
    return epoch, test[epoch]


@wrong("10.6c", "the validation accuracy")
def _(valid, test):
    epoch = int(np.argmax(valid))
    return epoch, valid[epoch]


@wrong("10.6c", "counts from 1")
def _(valid, test):
    epoch = int(np.argmax(valid))
    return epoch + 1, test[epoch]


@wrong("10.6c", "the last epoch")
def _(valid, test):
    return len(valid) - 1, test[-1]


@wrong("10.6c", "the last of equals")
def _(valid, test):
    epoch = len(valid) - 1 - int(np.argmax(valid[::-1]))
    return epoch, test[epoch]


# 11.1 to 11.3


@wrong("11.2", "the product of the answers")
def _(probs):
    p = np.exp(np.log(probs + 1e-12).mean(axis=(0, 1)))
    return p / p.sum(axis=1, keepdims=True)


@wrong("11.2", "the mean over the crops only")
def _(probs):
    return probs.mean(axis=1)


@wrong("11.2", "the sum")
def _(probs):
    return probs.sum(axis=(0, 1))


@wrong("11.2", "the maximum")
def _(probs):
    return probs.max(axis=(0, 1))


@wrong("11.2", "votes")
def _(probs):
    best = probs.argmax(axis=-1)
    return np.eye(probs.shape[-1])[best].mean(axis=(0, 1))


@wrong("11.2", "softmax over the mean")
def _(probs):
    return _softmax(probs.mean(axis=(0, 1)))


@wrong("11.3", "the accuracy")
def _(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :k]
    return (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3", "the k smallest")
def _(probs, labels, k):
    best = np.argsort(probs, axis=1)[:, :k]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3", "in per cent")
def _(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :k]
    return 100 * (1 - (best == labels[:, None]).any(axis=1).mean())


@wrong("11.3", "the number of errors")
def _(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :k]
    return int((~(best == labels[:, None]).any(axis=1)).sum())


@wrong("11.3", "k is always 5")
def _(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, :5]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3", "only the first")
def _(probs, labels, k):
    return (probs.argmax(axis=1) != labels).mean()


@wrong("11.3", "one more than k")
def _(probs, labels, k):
    best = np.argsort(-probs, axis=1)[:, : k + 1]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


@wrong("11.3", "divided by the classes")
def _(probs, labels, k):
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


@wrong("12.3", "the overlap is counted twice")
def _(a, b):
    return _overlap(a, b) / (_area(a) + _area(b))


@wrong("12.3", "no lower limit of 0")
def _(a, b):
    both = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return both / (_area(a) + _area(b) - both)


@wrong("12.3", "plus 1 on each side")
def _(a, b):
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    one, two = (a[2] - a[0] + 1) * (a[3] - a[1] + 1), (b[2] - b[0] + 1) * (b[3] - b[1] + 1)
    return w * h / (one + two - w * h)


@wrong("12.3", "relative to the smaller box")
def _(a, b):
    return _overlap(a, b) / min(_area(a), _area(b))


@wrong("12.3", "boxes as width and height")
def _(a, b):
    def corners(v):
        return v[0], v[1], v[0] + v[2], v[1] + v[3]

    return _iou(corners(a), corners(b))


@wrong("12.3", "the union is the box around both")
def _(a, b):
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return _overlap(a, b) / around


def _kept(boxes, scores, t, order=None, keep=lambda v, t: v <= t):
    order = list(np.argsort(-scores)) if order is None else order
    kept = []
    for i in order:
        if all(keep(_iou(boxes[i], boxes[j]), t) for j in kept):
            kept.append(int(i))
    return kept


@wrong("12.4", "strictly less")
def _(boxes, scores, t):
    return _kept(boxes, scores, t, keep=lambda v, t: v < t)


@wrong("12.4", "worst first")
def _(boxes, scores, t):
    return _kept(boxes, scores, t, order=list(np.argsort(scores)))


@wrong("12.4", "not sorted")
def _(boxes, scores, t):
    return _kept(boxes, scores, t, order=list(range(len(boxes))))


@wrong("12.4", "sorted by place at the end")
def _(boxes, scores, t):
    return sorted(_kept(boxes, scores, t))


@wrong("12.4", "compares with removed boxes too")
def _(boxes, scores, t):
    order = list(np.argsort(-scores))
    return [int(i) for at, i in enumerate(order) if all(_iou(boxes[i], boxes[j]) <= t for j in order[:at])]


@wrong("12.4", "a mask")
def _(boxes, scores, t):
    kept = _kept(boxes, scores, t)
    return [i in kept for i in range(len(boxes))]


@wrong("12.4", "the boxes")
def _(boxes, scores, t):
    return boxes[_kept(boxes, scores, t)]


@wrong("12.4", "t is always 0.5")
def _(boxes, scores, t):
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


@wrong("12.5", "duplicates count")
def _(found, truths):
    return _ap(found, truths, again=False)


@wrong("12.5", "no envelope")
def _(found, truths):
    return _ap(found, truths, smooth=False)


@wrong("12.5", "the image does not matter")
def _(found, truths):
    return _ap(found, truths, images=False)


@wrong("12.5", "more than, not at least")
def _(found, truths):
    return _ap(found, truths, threshold=0.5 + 1e-9)


@wrong("12.5", "an overlap of 0.7")
def _(found, truths):
    return _ap(found, truths, threshold=0.7)


@wrong("12.5", "recall of what was found")
def _(found, truths):
    return _ap(found, truths, total=len(found))


@wrong("12.5", "unsorted")
def _(found, truths):
    return _ap([(image, -at, box) for at, (image, _, box) in enumerate(found)], truths)


# 13.1, 13.2, 13.4, 13.7


@wrong("13.1", "the outermost axis")
def _(order, layout, sizes):
    step = 1
    for axis in layout[layout.index(order[0]) + 1 :]:
        step *= sizes[axis]
    return step


@wrong("13.1", "the axes before it")
def _(order, layout, sizes):
    step = 1
    for axis in layout[: layout.index(order[-1])]:
        step *= sizes[axis]
    return step


@wrong("13.1", "itself included")
def _(order, layout, sizes):
    step = 1
    for axis in layout[layout.index(order[-1]) :]:
        step *= sizes[axis]
    return step


@wrong("13.1", "added")
def _(order, layout, sizes):
    return sum(sizes[axis] for axis in layout[layout.index(order[-1]) + 1 :])


@wrong("13.1", "in bytes")
def _(order, layout, sizes):
    step = 4
    for axis in layout[layout.index(order[-1]) + 1 :]:
        step *= sizes[axis]
    return step


@wrong("13.1", "order and layout exchanged")
def _(order, layout, sizes):
    step = 1
    for axis in order[order.index(layout[-1]) + 1 :]:
        step *= sizes[axis]
    return step


@wrong("13.1", "always 1")
def _(order, layout, sizes):
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


@wrong("13.2", "= instead of +=")
def _(x, w, b, stride, pad):
    return _slices(x, w, b, stride, pad, add=False)


@wrong("13.2", "the bias in the loop")
def _(x, w, b, stride, pad):
    return _slices(x, w, b * w.shape[2] * w.shape[3], stride, pad)


@wrong("13.2", "stride 1")
def _(x, w, b, stride, pad):
    return _slices(x, w, b, 1, pad)


@wrong("13.2", "no bias")
def _(x, w, b, stride, pad):
    return _slices(x, w, 0 * b, stride, pad)


@wrong("13.2", "kernel rows and columns exchanged")
def _(x, w, b, stride, pad):
    return _slices(x, w.transpose(0, 1, 3, 2), b, stride, pad)


@wrong("13.2", "only the first image")
def _(x, w, b, stride, pad):
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


@wrong("13.4", "the sign of the last product")
def _(d, g):
    return _f23(d, g, m4=1)


@wrong("13.4", "kernel flipped")
def _(d, g):
    return _f23(d, g[::-1])


@wrong("13.4", "one output too many")
def _(d, g):
    return np.concatenate([_f23(d, g), [0.0]])


@wrong("13.4", "the last product is missing")
def _(d, g):
    return _f23(d, g, m4=0)


@wrong("13.4", "not halved")
def _(d, g):
    return 2 * _f23(d, g)


@wrong("13.7", "kernel transposed")
def _(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    return sum(g.T[u, v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3))


@wrong("13.7", "kernel flipped")
def _(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    return sum(g[2 - u, 2 - v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3))


@wrong("13.7", "the last odd row stays zero")
def _(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    y = sum(g[u, v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3))
    y[rows // 2 * 2 :] = 0
    y[:, columns // 2 * 2 :] = 0
    return y


@wrong("13.7", "transposed output")
def _(d, g):
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    return sum(g[u, v] * d[u : u + rows, v : v + columns] for u in range(3) for v in range(3)).T
