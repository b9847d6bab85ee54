"""Exercises: local response normalisation and dropout."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels.loops import dropout as dropout_loops
from minigooglenet.kernels.loops import local_response_norm

lrn_backward = Exercise(
    "05.6",
    "the backward pass of local response normalisation",
    "lrn_backward(dout, x, n, alpha, beta, k) -> (N, C, H, W)",
    minutes=20,
    difficulty=3,
    hints=(
        "Which outputs depend on x[c]?",
        (
            "With three channels and n = 3, output 1 is proportional to x[1], and the scales S[0], S[1] and S[2] "
            "contain its square. The derivative of each S[j] is 2 * alpha / n * x[1]. The derivative of output j with "
            "respect to S[j] is -beta * S[j]**(-beta - 1) * x[j]. So sum dout * x / S**(beta + 1) over the same window."
        ),
        "`dx = dout * S**-beta - 2 * alpha * beta / n * x * window_sum(____)`",
    ),
    core=False,
)


@lrn_backward.cases
def lrn_backward_cases(rng):
    # alpha is near 1, so that mistakes show; GoogLeNet's is 1e-4. All four hyperparameters vary.
    yield rng.standard_normal((1, 7, 1, 2)), rng.standard_normal((1, 7, 1, 2)), 5, 1.5, 0.75, 2.0
    yield rng.standard_normal((2, 8, 2, 3)), 2 * rng.standard_normal((2, 8, 2, 3)), 5, 0.75, 0.5, 1.0
    yield rng.standard_normal((1, 6, 2, 2)), rng.standard_normal((1, 6, 2, 2)), 3, 1.25, 0.75, 1.5


@lrn_backward.reference
def lrn_backward_reference(dout, x, n, alpha, beta, k):
    _, scale = local_response_norm.forward(x, n, alpha, beta, k)
    return local_response_norm.backward(dout, x, scale, n, alpha, beta)


lrn_backward.engine(local_response_norm.backward)


@lrn_backward.right
def lrn_backward_by_window_sums(dout, x, n, alpha, beta, k):
    return _lrn(dout, x, n, alpha, beta, k)


@lrn_backward.right
def lrn_backward_by_loops(dout, x, n, alpha, beta, k):
    dx, half = np.zeros_like(x), n // 2
    for c in range(x.shape[1]):
        scale = k + alpha / n * (x[:, max(0, c - half) : c + half + 1] ** 2).sum(axis=1)
        dx[:, c] += dout[:, c] * scale**-beta
        for j in range(max(0, c - half), min(x.shape[1], c + half + 1)):
            dx[:, j] -= 2 * alpha * beta / n * x[:, j] * dout[:, c] * x[:, c] * scale ** (-beta - 1)
    return dx


@lrn_backward.wrong
def dout_returned(dout, x, n, alpha, beta, k):
    """You returned dout. With GoogLeNet's alpha of 1e-4 its relative error is only 1e-4; here alpha is near 1."""
    return dout.copy()


@lrn_backward.wrong
def no_cross_term(dout, x, n, alpha, beta, k):
    """The scale depends on x too: the second term of the product rule is missing."""
    return _lrn(dout, x, n, alpha, beta, k, factor=0)


@lrn_backward.wrong
def neighbours_left_out(dout, x, n, alpha, beta, k):
    """The scales of the neighbours depend on x[c] too: sum over the window."""
    scale = k + alpha / n * _window_sum(x * x, n)
    return dout * scale**-beta - 2 * alpha * beta / n * x * dout * x * scale ** (-beta - 1)


@lrn_backward.wrong
def alpha_not_divided_by_n(dout, x, n, alpha, beta, k):
    """alpha is divided by n, in the scale and in its derivative."""
    return _lrn(dout, x, n, alpha * n, beta, k)


@lrn_backward.wrong
def alpha_not_divided_by_n_in_the_derivative(dout, x, n, alpha, beta, k):
    """The scale is right, but in its derivative you must divide alpha by n too."""
    return _lrn(dout, x, n, alpha, beta, k, factor=2 * alpha)


@lrn_backward.wrong
def factor_2_forgotten(dout, x, n, alpha, beta, k):
    """The second term is half as large as it must be: the derivative of x**2 is 2x."""
    return _lrn(dout, x, n, alpha, beta, k, factor=alpha / n)


@lrn_backward.wrong
def one_sided_window(dout, x, n, alpha, beta, k):
    """You used only the channels after c: the window has n // 2 channels on each side."""
    return _lrn(dout, x, n, alpha, beta, k, back=0)


@lrn_backward.wrong
def sign_of_the_cross_term(dout, x, n, alpha, beta, k):
    """The second term has the wrong sign: subtract it."""
    return _lrn(dout, x, n, alpha, beta, k, factor=-2 * alpha / n)


dropout = Exercise(
    "05.7",
    "dropout, forward and backward",
    "dropout(x, ratio, u, train, dout) -> (N, C), (N, C)",
    minutes=10,
    difficulty=1,
    hints=(
        "Dropout must not change the mean of the values. How do you scale those that are kept?",
        (
            "With ratio 0.4, four of ten ones become 0 and six become 1 / 0.6, so the sum is still ten. Keep a value "
            "if u >= ratio. In inference, return x and dout unchanged."
        ),
        "`mask = (u >= ratio) / ____`",
    ),
    core=False,
)


@dropout.cases
def dropout_cases(rng):
    for train, ratio in ((True, 0.4), (True, 0.7), (False, 0.4)):
        u = rng.random((4, 6))
        u[1, 2] = ratio  # this value is kept
        yield integers(rng, (4, 6)), ratio, u, train, integers(rng, (4, 6))


@dropout.reference
def dropout_reference(x, ratio, u, train, dout):
    kept, p = (u >= ratio, ratio) if train else (np.ones(x.shape, bool), 0)
    return dropout_loops.forward(x, kept, p), dropout_loops.backward(dout, kept, p)


dropout.engine(dropout_loops.forward)


@dropout.right
def dropout_by_a_mask(x, ratio, u, train, dout):
    if not train:
        return x, dout
    mask = (u >= ratio) / (1 - ratio)
    return x * mask, dout * mask


@dropout.right
def dropout_by_where(x, ratio, u, train, dout):
    factor = np.where(u < ratio, 0.0, 1 / (1 - ratio)) if train else np.ones_like(x)
    return factor * x, factor * dout


@dropout.wrong
def ratio_used_as_fraction_kept(x, ratio, u, train, dout):
    """The ratio is the fraction that is dropped: 0.4 keeps six values in ten."""
    mask = (u < ratio) / ratio if train else 1
    return x * mask, dout * mask


@dropout.wrong
def not_scaled(x, ratio, u, train, dout):
    """The mean is too small by a factor of 1 - ratio: divide the kept values by 1 - ratio."""
    mask = (u >= ratio) * 1.0 if train else 1
    return x * mask, dout * mask


@dropout.wrong
def scaled_in_inference(x, ratio, u, train, dout):
    """In inference the output must equal x: scale only in training."""
    mask = (u >= ratio) / (1 - ratio) if train else 1 - ratio
    return x * mask, dout * mask


@dropout.wrong
def old_convention(x, ratio, u, train, dout):
    """You dropped in training and scaled in inference. This engine divides by 1 - ratio in training instead."""
    mask = (u >= ratio) * 1.0 if train else 1 - ratio
    return x * mask, dout * mask


@dropout.wrong
def drops_in_inference(x, ratio, u, train, dout):
    """Nothing is dropped in inference: use the argument train."""
    mask = (u >= ratio) / (1 - ratio)
    return x * mask, dout * mask


@dropout.wrong
def fresh_mask_in_backward(x, ratio, u, train, dout):
    """Dropped values get a gradient: use the same mask for y and for dx."""
    mask, other = ((u >= ratio) / (1 - ratio), (u[::-1] >= ratio) / (1 - ratio)) if train else (1, 1)
    return x * mask, dout * other


@dropout.wrong
def no_mask_in_backward(x, ratio, u, train, dout):
    """Dropped values get a gradient: multiply dout by the mask too."""
    return (x * (u >= ratio) if train else x) / (1 - ratio if train else 1), dout


@dropout.wrong
def backward_not_scaled(x, ratio, u, train, dout):
    """The gradient is not scaled: divide it by 1 - ratio too."""
    kept = u >= ratio if train else np.ones(x.shape)
    return x * kept / (1 - ratio if train else 1), dout * kept


def _window_sum(values, n, back=None):
    """Return, per channel, the sum over the n nearest channels; `back` of them before it (default: n // 2)."""
    back = n // 2 if back is None else back
    sums = [values[:, max(0, c - back) : c + n // 2 + 1].sum(axis=1) for c in range(values.shape[1])]
    return np.stack(sums, axis=1)


def _lrn(dout, x, n, alpha, beta, k, factor=None, back=None):
    """Return dx; d scale / dx is `factor` * x (default: 2 alpha / n); `back` is an argument of `_window_sum`."""
    scale = k + alpha / n * _window_sum(x * x, n)
    factor = 2 * alpha / n if factor is None else factor
    return dout * scale**-beta - beta * factor * x * _window_sum(dout * x * scale ** (-beta - 1), n, back)
