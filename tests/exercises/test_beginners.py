"""Mistakes as beginners wrote them in lessons 00 to 02: each message names what to change."""

import numpy as np
import pytest

from minigooglenet.exercises import check


def _size(n, k, stride, pad):
    return (n + 2 * pad - k) // stride + 1


def _every_weight(w, x, t, rate, steps):
    visited = [w]
    for _ in range(steps):
        visited.append(visited[-1] - rate * np.mean(2 * (visited[-1] * x - t) * x))
    return visited


def _no_gradient_of_b(w, b, x, t):
    dh = 2 * (w * x + b - t)
    return dh * x, 0, dh * w


def _width_from_the_height(x, w, b, stride, pad):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad + 9)))  # reads zeros past the edge
    height, width = w.shape[2:]
    y = np.zeros((len(x), len(w), _size(x.shape[2], height, stride, pad), _size(x.shape[3], height, stride, pad)))
    for n, k, i, j in np.ndindex(*y.shape):
        window = padded[n, :, i * stride : i * stride + height, j * stride : j * stride + width]
        y[n, k, i, j] = b[k] + (window * w[k]).sum()
    return y


def _windows(x_shape, kh, kw, stride, pad):
    """Yield i, j, Ho, Wo and the slices of each window."""
    rows, columns = _size(x_shape[2], kh, stride, pad), _size(x_shape[3], kw, stride, pad)
    for i, j in np.ndindex(rows, columns):
        yield i, j, rows, columns, np.s_[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]


def _counted_with_the_rows(x, kh, kw, stride, pad):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    cols = None
    for i, j, rows, columns, window in _windows(x.shape, kh, kw, stride, pad):
        cols = np.zeros((len(x), x.shape[1] * kh * kw, rows * columns)) if cols is None else cols
        cols[:, :, i * rows + j] = padded[window].reshape(len(x), -1)
    return cols


def _assigned(cols, x_shape, kh, kw, stride, pad):
    images, channels, height, width = x_shape
    xp = np.zeros((images, channels, height + 2 * pad, width + 2 * pad))
    for i, j, _, columns, window in _windows(x_shape, kh, kw, stride, pad):
        xp[window] = cols[:, :, i * columns + j].reshape(images, channels, kh, kw)
    return xp[:, :, pad : pad + height, pad : pad + width]


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("00.3", _every_weight, "Return only the last one."),
        ("00.4", _no_gradient_of_b, "You returned db = 0."),
        ("01.3", _width_from_the_height, "Wo depends on W and S"),
        ("02.1", _counted_with_the_rows, "You multiplied by Ho."),
        ("02.3", _assigned, "Use += instead of ="),
    ],
)
def test_check_explains_beginners_mistake(number, answer, words):
    result = check(number, answer)
    assert result.status == "wrong"
    assert words in str(result)
