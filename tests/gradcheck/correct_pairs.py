"""Random pairs of `forward` and the right `backward`, and wrong pairs made from them, to test the checker.

A pair is a chain of one to four operations with inputs of very different scales, with offsets, zeros and 0 to 4 axes;
or attention; or a loss with labels. `wrong(pair, rng, kind)` makes one gradient wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from correct_operations import elementwise, moving, norm, reduction, weighted


@dataclass
class Pair:
    """A `forward` and `backward` with inputs; `kinks` and `coarse` are reasons for the verdict INCONCLUSIVE."""

    name: str
    forward: Callable
    backward: Callable
    inputs: tuple
    kinks: bool = False
    coarse: bool = False


def inputs(rng):
    """Return an array with 0 to 4 axes: one scale or a mixture, sometimes with an offset, zeros or only one sign."""
    shape = [(), (5,), (3, 4), (2, 1, 5), (2, 3, 4), (2, 2, 3, 4), (1,), (1, 1)][rng.integers(8)]
    x = rng.standard_normal(shape) * 10.0 ** rng.uniform(-8, 6)
    kind = rng.random()
    if kind < 0.15:
        x = rng.standard_normal(shape) * 10.0 ** rng.uniform(-8, 6, shape)
    elif kind < 0.3:
        x = x + np.abs(x).max() * 10.0 ** rng.uniform(0, 5)
    elif kind < 0.5:
        x = np.abs(x)
    elif kind < 0.6:
        x = np.where(rng.random(shape) < 0.3, 0.0, x)
    elif kind < 0.8:
        x = rng.standard_normal(shape)
    return np.asarray(x)


def draw(rng) -> Pair:
    """Return a right pair; drawn again until its outputs and its gradients are finite numbers of usable size."""
    while True:
        with np.errstate(all="ignore"):
            pair = _attention(rng) if rng.random() < 0.07 else _loss(rng) if rng.random() < 0.1 else _chain(rng)
            if pair is not None and _usable(pair):
                return pair


def _usable(pair):
    y = np.asarray(pair.forward(*pair.inputs))
    gradients = [g for g in pair.backward(np.ones(y.shape), *pair.inputs) if g is not None]
    if not all(np.isfinite(v).all() and 0 < np.abs(v).max(initial=0) < 1e30 for v in (y, *gradients)):
        return False
    # An input that changes the outputs only below their last digits has a gradient that no difference can detect.
    floats = [x for x in pair.inputs if x.dtype.kind == "f"]
    moves = [np.abs(g).max() * np.abs(x).max() for g, x in zip(gradients, floats, strict=True)]
    return min(moves) > 1e-8 * np.abs(y).max()


def _chain(rng):
    x = inputs(rng)
    operations, y, kinks = [], x, 0
    for _ in range(int(rng.integers(1, 5))):
        family = rng.choice([elementwise, reduction, norm, weighted, moving], p=[0.35, 0.15, 0.15, 0.2, 0.15])
        operation = family(rng, y)
        if operation is None:
            continue
        kinks += operation.kinks(y)
        operations.append(operation)
        y = np.asarray(operation.forward(y, *operation.params))
        if not np.isfinite(y).all():
            return None
    if not operations:
        return None
    coarse = bool(rng.random() < 0.05) and 1e-4 < np.abs(y).max() < 1e30
    counts = [len(operation.params) for operation in operations]

    def run(arrays):
        values, given, rest = [np.asarray(arrays[0])], [], list(arrays[1:])
        for operation, count in zip(operations, counts, strict=True):
            given.append(rest[:count])
            rest = rest[count:]
            values.append(np.asarray(operation.forward(values[-1], *given[-1])))
        return values, given

    def forward(*arrays):
        y = run(arrays)[0][-1]
        return y.astype(np.float32).astype(np.float64) if coarse else np.array(y)

    def backward(grad, *arrays):
        values, given = run(arrays)
        gradients = []
        for k in reversed(range(len(operations))):
            grad, *grad_params = operations[k].vjp(np.asarray(grad), values[k], values[k + 1], *given[k])
            gradients = [*grad_params, *gradients]
        return (grad, *gradients)

    name = " > ".join(operation.name for operation in operations) + (" > float32" if coarse else "")
    arrays = (x, *(p for operation in operations for p in operation.params))
    return Pair(f"{name} of {x.shape}", forward, backward, arrays, kinks > 0, coarse)


def _attention(rng):
    t, d = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    scale = 10.0 ** rng.uniform(-2, 1)
    q, k, v = (s * rng.standard_normal((2, t, d)) for s in (scale, 1.0, 10.0 ** rng.uniform(-6, 4)))

    def weights(q, k):
        s = q @ k.swapaxes(1, 2) / np.sqrt(d)
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def forward(q, k, v):
        return weights(q, k) @ v

    def backward(g, q, k, v):
        p = weights(q, k)
        dp = g @ v.swapaxes(1, 2)
        ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(d)
        return ds @ k, ds.swapaxes(1, 2) @ q, p.swapaxes(1, 2) @ g

    return Pair("attention", forward, backward, (q, k, v))


def _loss(rng):
    n, c = int(rng.integers(1, 5)), int(rng.integers(2, 5))
    logits = rng.standard_normal((n, c)) * 10.0 ** rng.uniform(-6, 1.5)
    labels = rng.integers(0, c, n)

    def log_p(logits):
        z = logits - logits.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    def forward(logits, labels):
        return -log_p(logits)[np.arange(n), labels].mean()

    def backward(g, logits, labels):
        grad = np.exp(log_p(logits))
        grad[np.arange(n), labels] -= 1
        return (g * grad / n,)

    return Pair("cross-entropy", forward, backward, (logits, labels))


WRONG = ("scaled by 1.001", "zero", "negative", "shifted", "transposed", "one entry", "constant added")


def wrong(pair, rng, kind) -> Pair | None:
    """Return the pair with one wrong gradient, or None if that makes no clear difference."""
    y = np.asarray(pair.forward(*pair.inputs))
    right = pair.backward(rng.uniform(0.5, 1.5, y.shape), *pair.inputs)
    which = int(rng.integers(len(right)))
    entry = int(rng.integers(max(1, right[which].size)))

    def spoil(gradient):
        if kind == "scaled by 1.001":
            return gradient * 1.001
        if kind == "zero":
            return 0 * gradient
        if kind == "negative":
            return -gradient
        if kind == "shifted":
            return np.roll(gradient, 1)
        if kind == "transposed":
            return gradient.swapaxes(-1, -2).reshape(gradient.shape) if gradient.ndim > 1 else gradient
        if kind == "one entry":
            spoilt = np.array(gradient)
            spoilt.reshape(-1)[entry] *= 1.001
            return spoilt
        return gradient + 1e-3 * np.abs(gradient).max()

    change = np.abs(spoil(right[which]) - right[which])
    if not change.max(initial=0) > 5e-4 * np.abs(right[which]).max(initial=0):
        return None

    def backward(grad_y, *arrays):
        gradients = list(pair.backward(grad_y, *arrays))
        gradients[which] = spoil(np.asarray(gradients[which]))
        return tuple(gradients)

    return Pair(f"{pair.name}, gradient {which} {kind}", pair.forward, backward, pair.inputs)
