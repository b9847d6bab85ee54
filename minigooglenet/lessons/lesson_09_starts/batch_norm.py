"""Batch norm, forward and backward."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.kernels import batch_norm2d
from minigooglenet.kernels.loops import batch_norm2d as loops

batch_norm = Exercise(
    "09.4",
    "batch norm, forward and backward",
    "batchnorm(x, gamma, beta, eps, dout) -> (y, dx, dgamma, dbeta)",
    minutes=20,
    difficulty=3,
    core=False,
    tolerance=1e-8,
    hints=(
        "Along which paths does one x reach the outputs? Directly, and through two statistics of its channel.",
        "In a channel 1, 2, 3, increase the first value. All y change, the others through the mean and the variance.",
        "with d = gamma * dout and means over N, H and W: `dx = (d - mean of d - xhat * mean of (____)) / std`",
    ),
)


@batch_norm.cases
def batch_norm_cases(rng):
    for shape, mean, deviation, eps in (
        ((3, 2, 2, 1), 2.0, 3.0, 1e-5),
        ((2, 3, 2, 3), 0.0, 1e-3, 1e-5),
        ((4, 1, 1, 2), -1.0, 0.5, 0.125),
    ):
        x = mean + deviation * rng.standard_normal(shape)
        gamma, beta = rng.integers(2, 6, shape[1]).astype(float), rng.integers(-3, 4, shape[1]).astype(float)
        yield x, gamma, beta, eps, rng.standard_normal(shape)


def _forward_of(kernel):
    def both(x, gamma, beta, eps, dout):
        y, mean, var = kernel.forward(x, gamma, beta, eps=eps)
        return (y, *kernel.backward(dout, x, gamma, mean, var, eps))

    return both


batch_norm.reference(lambda x, gamma, beta, eps, dout: _forward_of(batch_norm2d)(x, gamma, beta, eps, dout))
batch_norm.engine(batch_norm2d.backward)
batch_norm.right(_forward_of(loops))


def _by_formula(
    x,
    gamma,
    beta,
    eps,
    dout,
    axes=(0, 2, 3),
    ddof=0,
    root=lambda var, eps: np.sqrt(var + eps),
    in_dx=True,
    mean_term=1,
    variance_term=1,
):
    """Return the usual answer; each argument can make one known mistake."""
    along = {"axis": axes, "keepdims": True}
    gamma, beta = gamma[:, None, None], beta[:, None, None]
    xhat = (x - x.mean(**along)) / root(x.var(ddof=ddof, **along), eps)
    d = gamma * dout if in_dx else dout
    less = mean_term * d.mean(**along) + variance_term * xhat * (d * xhat).mean(**along)
    dx = (d - less) / root(x.var(ddof=ddof, **along), eps)
    return gamma * xhat + beta, dx, (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


@batch_norm.right
def batch_norm_by_the_short_formula(x, gamma, beta, eps, dout):
    return _by_formula(x, gamma, beta, eps, dout)


@batch_norm.right
def batch_norm_the_long_way(x, gamma, beta, eps, dout):
    """Return the gradients through the variance and the mean."""
    n = x.size / x.shape[1]
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    inverse = (var + eps) ** -0.5
    xhat = (x - mean) * inverse
    dxhat = dout * gamma[None, :, None, None]
    dvar = (dxhat * (x - mean)).sum(axis=(0, 2, 3), keepdims=True) * -0.5 * inverse**3
    dmean = -(dxhat * inverse).sum(axis=(0, 2, 3), keepdims=True)
    dx = dxhat * inverse + dvar * 2 * (x - mean) / n + dmean / n
    y = gamma[None, :, None, None] * xhat + beta[None, :, None, None]
    return y, dx, np.einsum("nchw,nchw->c", dout, xhat), np.einsum("nchw->c", dout)


@batch_norm.wrong
def statistics_over_N_only(x, gamma, beta, eps, dout):
    """You computed a mean for each pixel. A channel has one mean, over N, H and W."""
    return _by_formula(x, gamma, beta, eps, dout, axes=(0,))


@batch_norm.wrong
def divided_by_n_minus_1(x, gamma, beta, eps, dout):
    """Your variance is m / (m - 1) times the correct one for m values. In training, divide by m."""
    return _by_formula(x, gamma, beta, eps, dout, ddof=1)


@batch_norm.wrong
def eps_outside_the_root(x, gamma, beta, eps, dout):
    """You added eps to the standard deviation. It belongs under the square root, next to the variance."""
    return _by_formula(x, gamma, beta, eps, dout, root=lambda var, eps: np.sqrt(var) + eps)


@batch_norm.wrong
def divided_by_the_variance(x, gamma, beta, eps, dout):
    """You divided by the variance. Divide by the standard deviation, its square root."""
    return _by_formula(x, gamma, beta, eps, dout, root=lambda var, eps: var + eps)


@batch_norm.wrong
def gamma_missing_in_dx(x, gamma, beta, eps, dout):
    """Your dx does not use gamma. The backward pass multiplies dout by gamma first."""
    return _by_formula(x, gamma, beta, eps, dout, in_dx=False)


@batch_norm.wrong
def dgamma_without_xhat(x, gamma, beta, eps, dout):
    """Your dgamma uses x. gamma multiplies xhat, so dgamma is the sum of dout * xhat."""
    y, dx, _, dbeta = _by_formula(x, gamma, beta, eps, dout)
    return y, dx, (dout * x).sum(axis=(0, 2, 3)), dbeta


@batch_norm.wrong
def statistics_taken_as_constants(x, gamma, beta, eps, dout):
    """You treated mean and variance as constants. They depend on x, so two terms of dx are missing."""
    return _by_formula(x, gamma, beta, eps, dout, mean_term=0, variance_term=0)


@batch_norm.wrong
def mean_term_missing(x, gamma, beta, eps, dout):
    """In every channel dx should sum to 0, but yours does not. The path through the mean is missing."""
    return _by_formula(x, gamma, beta, eps, dout, mean_term=0)


@batch_norm.wrong
def variance_term_missing(x, gamma, beta, eps, dout):
    """In every channel dx * xhat should sum to almost 0, but yours does not. The variance path is missing."""
    return _by_formula(x, gamma, beta, eps, dout, variance_term=0)
