"""Lesson 09, second part: batch norm, forward and backward."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.kernels import batch_norm2d
from minigooglenet.kernels.loops import batch_norm2d as loops

batch_norm = Exercise(
    "09.4",
    "batch norm, both ways",
    "batchnorm(x, gamma, beta, eps, dout) -> (y, dx, dgamma, dbeta)",
    minutes=20,
    difficulty=3,
    tolerance=1e-8,
    hints=(
        "By how many ways does one x reach the outputs? Directly, and by two numbers of its whole channel.",
        "Of 1, 2, 3 with dout 1, 0, 0 raise the first: its y changes, and the mean and the deviation of all three.",
        "With d = gamma * dout: `dx = (d - mean of d - xhat * mean of (____)) / std`, means over N, H and W.",
    ),
)


@batch_norm.cases
def _(rng):
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


def _by_hand(
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
    """Return what most people write, with one thing that may be otherwise."""
    along = {"axis": axes, "keepdims": True}
    gamma, beta = gamma[:, None, None], beta[:, None, None]
    xhat = (x - x.mean(**along)) / root(x.var(ddof=ddof, **along), eps)
    d = gamma * dout if in_dx else dout
    less = mean_term * d.mean(**along) + variance_term * xhat * (d * xhat).mean(**along)
    dx = (d - less) / root(x.var(ddof=ddof, **along), eps)
    return gamma * xhat + beta, dx, (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


@batch_norm.right
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout)


@batch_norm.right
def _(x, gamma, beta, eps, dout):
    """The long way, through the variance and the mean."""
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


@batch_norm.wrong("statistics over N only", "One mean for each pixel. A channel has one mean, over N, H and W.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, axes=(0,))


@batch_norm.wrong("divided by n - 1", "Off by n / (n - 1): in training the variance is the mean of the squares.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, ddof=1)


@batch_norm.wrong("eps outside the root", "Only where the variance is tiny does it show: eps belongs under the root.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, root=lambda var, eps: np.sqrt(var) + eps)


@batch_norm.wrong("divided by the variance", "Divide by the standard deviation: a root is missing.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, root=lambda var, eps: var + eps)


@batch_norm.wrong("gamma missing in dx", "dx does not know gamma: on its way back it meets it first.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, in_dx=False)


@batch_norm.wrong("dgamma without xhat", "gamma multiplies the normalised value, so its gradient does, too.")
def _(x, gamma, beta, eps, dout):
    y, dx, _, dbeta = _by_hand(x, gamma, beta, eps, dout)
    return y, dx, (dout * x).sum(axis=(0, 2, 3)), dbeta


@batch_norm.wrong("statistics taken as constants", "Mean and variance depend on x, too: two terms of dx are missing.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, mean_term=0, variance_term=0)


@batch_norm.wrong("mean term missing", "In every channel dx should add up to 0; yours does not.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, mean_term=0)


@batch_norm.wrong("variance term missing", "In every channel the sum of dx * xhat should be almost 0; yours is not.")
def _(x, gamma, beta, eps, dout):
    return _by_hand(x, gamma, beta, eps, dout, variance_term=0)
