"""Operations with the right derivative for the random pairs: elementwise, reductions, norms, layers with weights.

Each is an Operation: forward(x, *params) -> y and vjp(grad_y, x, y, *params) -> (grad_x, *grad_params). They follow
their formulas and use no code of the package, except for convolution and pooling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import erf, pi

import numpy as np

from minigooglenet.kernels import avg_pool2d, conv2d, max_pool2d


@dataclass
class Operation:
    """A `forward` with its vector-Jacobian product; `kinks` counts the values without a derivative."""

    name: str
    forward: Callable
    vjp: Callable
    params: tuple = ()
    kinks: Callable = lambda x: 0


def elementwise(rng, x):
    """Return an elementwise operation that is defined at the values of x."""
    largest, least = np.abs(x).max(initial=0), x.min(initial=np.inf)
    a, b = float(rng.uniform(0.3, 2)), float(rng.choice([0, 1, 100, 1e4]) * rng.standard_normal())
    choices = [
        ("affine", lambda x: a * x + b, lambda x: a + 0 * x, True),
        ("square", lambda x: x * x, lambda x: 2 * x, largest < 1e7),
        ("cube", lambda x: x**3, lambda x: 3 * x * x, largest < 1e4),
        ("sine", lambda x: np.sin(a * x), lambda x: a * np.cos(a * x), largest < 1e3),
        ("tanh", np.tanh, lambda x: 1 - np.tanh(x) ** 2, largest < 8),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2, largest < 20),
        ("exp", lambda x: np.exp(a * x), lambda x: a * np.exp(a * x), largest < 12),
        ("log", np.log, lambda x: 1 / x, least > 0),
        ("sqrt", np.sqrt, lambda x: 0.5 / np.sqrt(x), least > 0),
        ("power", lambda x: x**1.5, lambda x: 1.5 * np.sqrt(x), least > 0),
        ("reciprocal", lambda x: 1 / x, lambda x: -1 / x**2, least > 0),
        ("softplus", lambda x: np.log1p(np.exp(x)), lambda x: 1 / (1 + np.exp(-x)), largest < 20),
        ("silu", lambda x: x / (1 + np.exp(-x)), _silu, largest < 20),
        (
            "gelu",
            lambda x: x * _normal(x),
            lambda x: _normal(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * pi),
            largest < 6,
        ),
        ("log1p of square", lambda x: np.log1p(x * x), lambda x: 2 * x / (1 + x * x), largest < 1e6),
        ("relu", lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, True),
        ("leaky", lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, 1, 0.1), True),
        ("abs", np.abs, np.sign, True),
        ("huber", lambda x: np.where(abs(x) < a, x * x / 2, a * (abs(x) - a / 2)), lambda x: np.clip(x, -a, a), True),
    ]
    suitable = [choice for choice in choices if choice[3]]
    name, function, derivative, _ = suitable[rng.integers(len(suitable))]
    kinks = (lambda x: int((x == 0).sum())) if name in ("relu", "leaky", "abs") else (lambda x: 0)
    return Operation(name, function, lambda g, x, y: (g * derivative(x),), kinks=kinks)


def _silu(x):
    s = 1 / (1 + np.exp(-x))
    return s + x * s * (1 - s)


def _normal(x):
    return 0.5 * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2)))


def reduction(rng, x):
    """Return a reduction over one axis or all of them."""
    axis = None if x.ndim < 2 or rng.random() < 0.3 else int(rng.integers(x.ndim))
    keep = bool(rng.random() < 0.5)
    n = x.size if axis is None else x.shape[axis]

    def wide(g):
        return g if keep or axis is None else np.expand_dims(g, axis)

    def variance(g, x, y):
        return (wide(g) * 2 * (x - x.mean(axis=axis, keepdims=True)) / (n - 1),)

    def deviation(g, x, y):
        return (wide(g / y) * (x - x.mean(axis=axis, keepdims=True)) / n,)

    def largest(g, x, y):
        one = np.zeros(x.shape)
        if axis is None:
            one.reshape(-1)[x.argmax()] = 1
        else:
            np.put_along_axis(one, np.expand_dims(x.argmax(axis), axis), 1, axis)
        return (one * wide(g),)

    def log_sum(x):
        m = x.max(axis=axis, keepdims=True)
        y = m + np.log(np.exp(x - m).sum(axis=axis, keepdims=True))
        return y if keep else (y.reshape(()) if axis is None else np.squeeze(y, axis))

    def ties(x):
        top = x.max(axis=axis, keepdims=True)
        return int(((x == top).sum(axis=axis) > 1).sum())

    def root(x):
        return np.sqrt((x * x).sum(axis=axis, keepdims=keep))

    def zeros(x):
        return int((root(x) == 0).sum())

    choices = [
        Operation("sum", lambda x: x.sum(axis=axis, keepdims=keep), lambda g, x, y: (wide(g) + 0 * x,)),
        Operation("mean", lambda x: x.mean(axis=axis, keepdims=keep), lambda g, x, y: (wide(g) / n + 0 * x,)),
        Operation("max", lambda x: x.max(axis=axis, keepdims=keep), largest, kinks=ties),
        Operation("log-sum-exp", log_sum, lambda g, x, y: (wide(g) * np.exp(x - wide(y)),)),
        Operation("l1", lambda x: abs(x).sum(axis=axis, keepdims=keep), lambda g, x, y: (wide(g) * np.sign(x),),
                  kinks=lambda x: int((x == 0).sum())),
        Operation("l2", root, lambda g, x, y: (wide(g / np.where(y == 0, 1, y)) * x,), kinks=zeros),
    ]  # fmt: skip
    if n > 2 and np.all(x.std(axis=axis) > 1e-6 * np.abs(x).max()):
        choices += [
            Operation("variance", lambda x: x.var(axis=axis, ddof=1, keepdims=keep), variance),
            Operation("std", lambda x: x.std(axis=axis, keepdims=keep), deviation),
        ]
    return choices[rng.integers(len(choices))]


def norm(rng, x):
    """Return layer norm, RMS norm, softmax or log-softmax over one axis, or None if the values do not allow it."""
    axis = int(rng.integers(x.ndim)) if x.ndim else None
    if axis is None or x.shape[axis] < 3:
        return None
    eps = float(rng.choice([1e-5, 1e-12])) * float(np.mean(x * x) + 1e-300)

    def layer(x):
        c = x - x.mean(axis=axis, keepdims=True)
        return c / np.sqrt((c * c).mean(axis=axis, keepdims=True) + eps)

    def layer_back(g, x, y):
        c = x - x.mean(axis=axis, keepdims=True)
        s = np.sqrt((c * c).mean(axis=axis, keepdims=True) + eps)
        return ((g - g.mean(axis=axis, keepdims=True) - y * (g * y).mean(axis=axis, keepdims=True)) / s,)

    def rms(x):
        return x / np.sqrt((x * x).mean(axis=axis, keepdims=True) + eps)

    def rms_back(g, x, y):
        return (
            (g - y * (g * y).mean(axis=axis, keepdims=True)) / np.sqrt((x * x).mean(axis=axis, keepdims=True) + eps),
        )

    def soft(x):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)

    def log_soft(x):
        z = x - x.max(axis=axis, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))

    choices = [
        Operation("rms norm", rms, rms_back),
        Operation("softmax", soft, lambda g, x, y: (y * (g - (g * y).sum(axis=axis, keepdims=True)),)),
        Operation("log-softmax", log_soft, lambda g, x, y: (g - np.exp(y) * g.sum(axis=axis, keepdims=True),)),
    ]
    if np.all(x.std(axis=axis) > 1e-4 * np.abs(x).max()):
        choices += [Operation("layer norm", layer, layer_back)] * 2
    return choices[rng.integers(len(choices))]


def weighted(rng, x):
    """Return an operation with parameters: a product, a bias, a gain, a division, a convolution."""
    scale = float(10.0 ** rng.uniform(-3, 3))
    kinds = ["bias", "gain", "quotient"] + ["product"] * 2 * (x.ndim > 1) + ["convolution"] * 3 * (x.ndim == 4)
    kind = kinds[rng.integers(len(kinds))]
    if kind == "product":
        w = scale * rng.standard_normal((x.shape[-1], int(rng.integers(1, 5))))
        return Operation(
            kind,
            lambda x, w: x @ w,
            lambda g, x, y, w: (g @ w.T, np.tensordot(x, g, (tuple(range(x.ndim - 1)),) * 2)),
            (w,),
        )
    if kind == "convolution":
        w = scale * rng.standard_normal((int(rng.integers(1, 4)), x.shape[1], 2, 1))
        settings = ((1, int(rng.integers(1, 3))), ((1, 0), (0, 1)), 1)
        return Operation(
            kind,
            lambda x, w: conv2d.forward(x, w, None, *settings, "im2col"),
            lambda g, x, y, w: conv2d.backward(g, x, w, None, *settings)[:2],
            (w,),
        )
    shape = [n if rng.random() < 0.5 else 1 for n in x.shape][int(rng.integers(x.ndim + 1)) :]
    p = scale * (rng.standard_normal(shape) if kind != "quotient" else rng.uniform(0.5, 2, shape))

    def fold(g):
        g = g.sum(axis=tuple(range(g.ndim - len(shape))))
        return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)

    if kind == "bias":
        return Operation(kind, lambda x, p: x + p, lambda g, x, y, p: (g + 0 * x, fold(g)), (p,))
    if kind == "gain":
        return Operation(kind, lambda x, p: x * p, lambda g, x, y, p: (g * p, fold(g * x)), (p,))
    return Operation(kind, lambda x, p: x / p, lambda g, x, y, p: (g / p, fold(-g * x / (p * p))), (p,))


def moving(rng, x):
    """Return a pool, a transpose, a reshape, a running sum, a stack, or a product with the reversed array."""
    if x.ndim == 4 and min(x.shape[2:]) > 1 and rng.random() < 0.7:
        settings = ((2, 2), (1, 1), ((0, 0), (0, 0)), False)
        if rng.random() < 0.5:
            return Operation(
                "average pool",
                lambda x: avg_pool2d.forward(x, *settings, True),
                lambda g, x, y: (avg_pool2d.backward(g, x.shape[2:], *settings[:3]),),
            )
        return Operation("max pool", lambda x: max_pool2d.forward(x, *settings)[0], _max_pool_back, kinks=_pool_ties)

    def reversed_(a):
        return a.reshape(-1)[::-1].reshape(a.shape)

    def running_back(g, x, y):
        return (np.cumsum(g[::-1])[::-1].reshape(x.shape).copy(),)

    choices = [
        Operation("transpose", lambda x: x.T.copy(), lambda g, x, y: (g.T.copy(),)),
        Operation("flatten", lambda x: x.reshape(-1).copy(), lambda g, x, y: (g.reshape(x.shape).copy(),)),
        Operation("running sum", lambda x: np.cumsum(x), running_back),
        Operation("twice", lambda x: np.stack([x, 2 * x]), lambda g, x, y: (g[0] + 2 * g[1],)),
        Operation("reversed", lambda x: x * reversed_(x), lambda g, x, y: (g * reversed_(x) + reversed_(g * x),)),
    ]
    return choices[rng.integers(len(choices) - (np.abs(x).max(initial=0) > 1e7))]


def _max_pool_back(g, x, y):
    grad = np.zeros(x.shape)
    for n, c, p, q in np.ndindex(g.shape):
        r, s = divmod(int(x[n, c, p : p + 2, q : q + 2].argmax()), 2)
        grad[n, c, p + r, q + s] += g[n, c, p, q]
    return (grad,)


def _pool_ties(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3)).reshape(-1, 4)
    return int(((windows == windows.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
