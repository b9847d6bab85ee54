"""What scales values by others or by chance: local response normalisation and dropout."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels.loops import dropout as dropout_loops
from minigooglenet.kernels.loops import local_response_norm

lrn_backward = Exercise(
    "05.6",
    "the backward of local response normalisation",
    "lrn_backward(dout, x, n, alpha, beta, k) -> (N, C, H, W)",
    minutes=20,
    difficulty=3,
    hints=(
        "Which outputs contain x[c]?",
        (
            "With three channels and n = 3, x[1] is in its own output as the numerator, and in the scales S[0], S[1] "
            "and S[2]. Each S[j] moves by 2 * alpha / n * x[1], and each output by -beta * S**(-beta - 1) * x[j] times "
            "that. So add up dout * x / S**(beta + 1) over the same window."
        ),
        "`dx = dout * S**-beta - 2 * alpha * beta / n * x * window_sum(____)`",
    ),
    core=False,
)


@lrn_backward.cases
def lrn_backward_cases(rng):
    # An alpha of about 1, so that mistakes show; GoogLeNet's is 1e-4. Each of the four numbers varies.
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
    """You returned dout. At GoogLeNet's alpha of 1e-4 that is off by only 1e-4."""
    return dout.copy()


@lrn_backward.wrong
def no_cross_term(dout, x, n, alpha, beta, k):
    """The scale depends on x as well: the second term of the product rule is missing."""
    return _lrn(dout, x, n, alpha, beta, k, slope=0)


@lrn_backward.wrong
def neighbours_left_out(dout, x, n, alpha, beta, k):
    """x[c] is in the scales of its neighbours, too: sum over the window."""
    scale = k + alpha / n * _window_sum(x * x, n)
    return dout * scale**-beta - 2 * alpha * beta / n * x * dout * x * scale ** (-beta - 1)


@lrn_backward.wrong
def alpha_not_divided_by_n(dout, x, n, alpha, beta, k):
    """alpha is divided by n here, in the scale and in its slope."""
    return _lrn(dout, x, n, alpha * n, beta, k)


@lrn_backward.wrong
def alpha_undivided_in_the_slope(dout, x, n, alpha, beta, k):
    """The scale is right; its slope forgot that alpha is divided by n."""
    return _lrn(dout, x, n, alpha, beta, k, slope=2 * alpha)


@lrn_backward.wrong
def two_forgotten(dout, x, n, alpha, beta, k):
    """The slope of a square is 2x: the neighbours' share is half of what it should be."""
    return _lrn(dout, x, n, alpha, beta, k, slope=alpha / n)


@lrn_backward.wrong
def one_sided_window(dout, x, n, alpha, beta, k):
    """Only the channels after c count here: the window has two sides."""
    return _lrn(dout, x, n, alpha, beta, k, back=0)


@lrn_backward.wrong
def sign_of_the_cross_term(dout, x, n, alpha, beta, k):
    """Neighbours should push down: the second term is subtracted."""
    return _lrn(dout, x, n, alpha, beta, k, slope=-2 * alpha / n)


dropout = Exercise(
    "05.7",
    "dropout, both ways",
    "dropout(x, ratio, u, train, dout) -> (N, C), (N, C)",
    minutes=10,
    difficulty=1,
    hints=(
        "What must have the same mean with dropout and without?",
        (
            "Ratio 0.4: of ten ones four become 0 and six become 1 / 0.6, which add to ten again. Keep where "
            "u >= ratio. At test time nothing happens at all."
        ),
        "`mask = (u >= ratio) / ____`",
    ),
    core=False,
)


@dropout.cases
def dropout_cases(rng):
    for train, ratio in ((True, 0.4), (True, 0.7), (False, 0.4)):
        u = rng.random((4, 6))
        u[1, 2] = ratio  # which stays
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
def ratio_taken_as_keep(x, ratio, u, train, dout):
    """The ratio says what is dropped: 0.4 keeps six of ten."""
    mask = (u < ratio) / ratio if train else 1
    return x * mask, dout * mask


@dropout.wrong
def not_scaled(x, ratio, u, train, dout):
    """The mean fell to 1 - ratio: divide what stays by that."""
    mask = (u >= ratio) * 1.0 if train else 1
    return x * mask, dout * mask


@dropout.wrong
def scaled_at_test_time(x, ratio, u, train, dout):
    """The test output must equal x: the scaling is done in training."""
    mask = (u >= ratio) / (1 - ratio) if train else 1 - ratio
    return x * mask, dout * mask


@dropout.wrong
def old_convention(x, ratio, u, train, dout):
    """Dropped in training, scaled at test time: this engine divides in training instead."""
    mask = (u >= ratio) * 1.0 if train else 1 - ratio
    return x * mask, dout * mask


@dropout.wrong
def drops_at_test_time(x, ratio, u, train, dout):
    """Nothing is dropped at test time: look at train."""
    mask = (u >= ratio) / (1 - ratio)
    return x * mask, dout * mask


@dropout.wrong
def fresh_mask_in_backward(x, ratio, u, train, dout):
    """What was dropped gets a gradient: the backward must use the forward's mask."""
    mask, other = ((u >= ratio) / (1 - ratio), (u[::-1] >= ratio) / (1 - ratio)) if train else (1, 1)
    return x * mask, dout * other


@dropout.wrong
def no_mask_in_backward(x, ratio, u, train, dout):
    """Dropped values still learn: the gradient passes where the value passed."""
    return (x * (u >= ratio) if train else x) / (1 - ratio if train else 1), dout


@dropout.wrong
def backward_not_scaled(x, ratio, u, train, dout):
    """The backward must use the forward's factor, too."""
    kept = u >= ratio if train else np.ones(x.shape)
    return x * kept / (1 - ratio if train else 1), dout * kept


def _window_sum(values, n, back=None):
    """Return the sums over the n channels around each; `back` channels before it, n // 2 unless given."""
    back = n // 2 if back is None else back
    sums = [values[:, max(0, c - back) : c + n // 2 + 1].sum(axis=1) for c in range(values.shape[1])]
    return np.stack(sums, axis=1)


def _lrn(dout, x, n, alpha, beta, k, slope=None, back=None):
    """Return dx; `slope` of the scale by x, 2 alpha / n unless given; `back` as of the windows."""
    scale = k + alpha / n * _window_sum(x * x, n)
    slope = 2 * alpha / n if slope is None else slope
    return dout * scale**-beta - beta * slope * x * _window_sum(dout * x * scale ** (-beta - 1), n, back)
