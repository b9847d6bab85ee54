"""Wrong answers that a newcomer wrote in lessons 03 to 05: each gets a message that helps."""

import numpy as np
import pytest

from minigooglenet.exercises import check


def conv_dw_padded_on_all_axes(x, dout, w_shape, stride, pad):
    dw, xp = np.zeros(w_shape), np.pad(x, pad)
    for n, k, i, j in np.ndindex(*dout.shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            dw[k, c, u, v] += dout[n, k, i, j] * xp[n, c, i * stride + u, j * stride + v]
    return dw


def conv_dw_assigned(x, dout, w_shape, stride, pad):
    dw, xp = np.zeros(w_shape), np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for n, k, i, j in np.ndindex(*dout.shape):
        for c, u, v in np.ndindex(*w_shape[1:]):
            dw[k, c, u, v] = dout[n, k, i, j] * xp[n, c, i * stride + u, j * stride + v]
    return dw


def _dx_assigned(by_filter):
    def conv_dx(dout, w, x_shape, stride, pad):
        (N, C, H, W), (K, _, R, S), (high, across) = x_shape, w.shape, dout.shape[2:]
        dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
        for u in range(R):
            for v in range(S):
                read = np.s_[:, :, u : u + stride * high : stride, v : v + stride * across : stride]
                if by_filter:
                    for k in range(K):
                        dxp[read] = dout[:, k, None] * w[k, :, u, v, None, None]
                else:
                    dxp[read] = np.tensordot(dout, w[:, :, u, v], (1, 0)).transpose(0, 3, 1, 2)
        return dxp[:, :, pad : pad + H, pad : pad + W]

    return conv_dx


def conv_dx_assigned_in_plain_loops(dout, w, x_shape, stride, pad):
    N, C, H, W = x_shape
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for n, k, i, j in np.ndindex(*dout.shape):
        for c, u, v in np.ndindex(*w.shape[1:]):
            dxp[n, c, i * stride + u, j * stride + v] = dout[n, k, i, j] * w[k, c, u, v]
    return dxp[:, :, pad : pad + H, pad : pad + W]


def numeric_grad_modifying_x(f, x, dout, h=1e-4):
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += h
        up = f(x)
        x[i] -= 2 * h
        down = f(x)
        x[i] += h
        grad[i] = ((up - down) * dout).sum() / (2 * h)
    return grad


def numeric_grad_of_sums_modifying_x(f, x, dout, h=1e-4):
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += h
        up = (f(x) * dout).sum()
        x[i] -= 2 * h
        down = (f(x) * dout).sum()
        x[i] += h
        grad[i] = (up - down) / (2 * h)
    return grad


def directional_check_not_divided(f, params, grads, rng, h):
    along = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    up = f({name: value + h * along[name] for name, value in params.items()})
    down = f({name: value - h * along[name] for name, value in params.items()})
    return abs((up - down) / (2 * h) - sum((grads[name] * along[name]).sum() for name in params))


def maxpool_backward_by_indices(dout, arg, x_shape, k, s, p):
    N, C, H, W = x_shape
    dxp = np.zeros((N, C, H + 2 * p, W + 2 * p))
    n, c, i, j = np.indices(dout.shape)
    dxp[n, c, i * s + arg // k, j * s + arg % k] += dout
    return dxp[:, :, p : p + H, p : p + W]


def maxpool_backward_in_the_image(dout, arg, x_shape, k, s, p):
    dx = np.zeros(x_shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        u, v = divmod(arg[n, c, i, j], x_shape[3])
        dx[n, c, u, v] += dout[n, c, i, j]
    return dx


def _softmax_ce(largest, pick):
    def softmax_ce(z, labels, weight):
        N = len(z)
        p = np.exp(z - largest(z))
        p = p / p.sum(axis=1, keepdims=True)
        loss = -np.log(p[pick(N), labels]).mean() * weight
        dz = p.copy()
        dz[pick(N), labels] -= 1
        return loss, dz * weight / N

    return softmax_ce


def _of_each_row(z):
    return z.max(axis=1, keepdims=True)


def concat_backward_cut_at_widths(dout, widths):
    return np.split(dout, widths, axis=1)


MISTAKES = {
    "np.pad with one number": ("03.2", conv_dw_padded_on_all_axes, "a pair for each of the four axes"),
    "dw, = instead of +=": ("03.2", conv_dw_assigned, "Use += instead of ="),
    "dx, = instead of +=, by filters": ("03.3", _dx_assigned(True), "Use += instead of ="),
    "dx, = instead of +=, all filters": ("03.3", _dx_assigned(False), "Use += instead of ="),
    "dx, = instead of +=, plain loops": ("03.3", conv_dx_assigned_in_plain_loops, "Use += instead of ="),
    "integers changed by x[i] += h": ("04.1", numeric_grad_modifying_x, "copy it as floats"),
    "integers changed by x[i] += h, sums": ("04.1", numeric_grad_of_sums_modifying_x, "copy it as floats"),
    "a difference that is not divided": ("04.4", directional_check_not_divided, "Divide the difference by the larger"),
    "+= with indices": ("05.2", maxpool_backward_by_indices, "np.add.at"),
    "arg as a pixel of the image": ("05.2", maxpool_backward_in_the_image, "arg is the position in the window"),
    "one maximum for all rows": ("05.5", _softmax_ce(np.max, np.arange), "each row's own"),
    "every label of every row": ("05.5", _softmax_ce(_of_each_row, lambda N: slice(None)), "[np.arange(N), labels]"),
    "split at the widths": ("05.4", concat_backward_cut_at_widths, "running sums"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_check_explains_newcomers_mistake(name):
    number, answer, words = MISTAKES[name]
    with np.errstate(all="ignore"):
        result = check(number, answer)
    assert not result.passed
    assert words in str(result), str(result)


def test_long_gradients_show_the_entry_that_differs():
    result = check("04.2", lambda a, n: np.mean(abs(a - n) / (abs(a) + abs(n) + 1e-12)))
    assert "a = 100 times 1, but 1.000003 at index 37, n = 100 times 1." in str(result)
