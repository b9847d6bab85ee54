"""Suspects of normalisation: layer, group, instance and RMS norm, and local response norm.

`forward` is recognised by its values: n = k * (x - mean), or n = k * x, with one k for each group of values. The
right gradient is then k * (g - mean(g)) minus the term of the variance. A wrong gradient is a sum of the same terms
with different factors, or with means over different axes.
"""

from itertools import combinations

import numpy as np

EPSILONS = (0.0, 1e-5, 1e-3, 1e-6, 1e-8, 1e-12)
KEY, MIXED = "norm terms missing", "biased and unbiased variance mixed"


def normalisation(e):
    """Layer, group, instance, batch or RMS norm with missing terms, or with two kinds of variance."""
    if e.position != e.subject.floats[0] or e.y_shape != e.numerical.shape or e.numerical.ndim < 2:
        return
    normal, gain = _without_parameters(e)
    if normal is None:
        return
    groups = list(_groupings(e.array.shape))
    for name, mean, count in groups:
        centred = e.array - mean(e.array)
        for base, is_rms in ((centred, False), (e.array, True)):
            square = mean(base * base)
            if not np.all(square > 0):
                continue
            k = mean(normal * base) / square
            if np.allclose(normal, k * base, rtol=1e-7, atol=1e-9 * np.abs(normal).max()):
                kind = _kind(name, is_rms)
                yield from _terms(e, kind, mean, count, base, k, e.grad_y * gain, is_rms)
                yield from _other_axes(e, kind, groups, base, k, e.grad_y * gain, is_rms)
                return


def _without_parameters(e):
    """Return (the normalised values, the gain of each) with y = normal * gain + shift."""
    arrays, floats = e.subject.arrays, e.subject.floats
    y = np.asarray(e.subject.forward(*arrays), np.float64)
    if len(floats) == 1:
        return y, np.ones(y.shape)
    first = floats[1]
    if len(floats) > 3 or np.shape(arrays[first]) == np.shape(e.array):
        return None, None
    zero = e.subject.at(first, 0 * arrays[first])
    normal = e.subject.at(first, np.ones_like(arrays[first])) - zero
    with np.errstate(all="ignore"):
        gain = (y - zero) / normal
    if not np.isfinite(gain).all() or not np.any(normal):
        return None, None
    return normal, gain


def _groupings(shape):
    """Yield (name, function for the mean over each group, size of a group): over axes, and over groups of channels."""
    for count in range(1, len(shape) + 1):
        for axes in combinations(range(len(shape)), count):
            size = int(np.prod([shape[a] for a in axes]))
            if size > 1:
                yield axes, lambda a, axes=axes: a.mean(axis=axes, keepdims=True) + 0 * a, size
    if len(shape) > 2:
        for number in range(2, shape[1]):
            if shape[1] % number == 0:
                parts = (shape[0], number, -1)

                def mean(a, parts=parts):
                    return (a.reshape(parts).mean(axis=2, keepdims=True) + 0 * a.reshape(parts)).reshape(a.shape)

                yield "groups", mean, int(np.prod(shape[1:])) // number


def _kind(name, is_rms):
    if is_rms:
        return "RMS norm"
    if name == "groups":
        return "group norm"
    if 0 in name and 1 not in name:
        return "batch norm"
    return "instance norm" if name == (2, 3) else "layer norm"


def _terms(e, kind, mean, count, base, k, g, is_rms):
    direct, of_mean = k * g, (0 if is_rms else 1) * k * mean(g)
    of_variance = direct - of_mean - e.numerical
    columns = [direct, k * mean(g), of_variance]
    matrix = np.stack([column.reshape(-1) for column in columns], axis=1)
    (a, b, t), *_ = np.linalg.lstsq(matrix, e.analytic.reshape(-1), rcond=1e-12)
    right = 0.0 if is_rms else -1.0
    moment = "the mean square" if is_rms else "the variance"
    for ddof in (0, 1):
        other = _with_variance(e, count, base, k, g, mean, ddof, is_rms)
        if other is not None and e.explains(other):
            yield (
                MIXED,
                f"forward divides by {_divisor(1 - ddof)}, backward by {_divisor(ddof)}, with N = {count}",
            )
            return
    if not e.explains(matrix @ [a, b, t]) or abs(a - 1) > 1e-5:
        return
    ratios = (count - 1) / count, count / (count - 1)
    if abs(b - right) < 1e-5 and any(abs(-t - ratio) < 1e-5 for ratio in ratios):
        yield MIXED, f"the variance term is {-t:.4g} times the right one: it mixes N and N - 1, with N = {count}"
    elif kind == "batch norm":
        return  # `same_shape` reports batch norm
    elif is_rms and abs(b) > 1e-5:
        yield KEY, "RMS norm does not subtract the mean, so its backward must not either"
    elif abs(b - right) < 1e-5 and abs(t) < 1e-5:
        yield KEY, f"{kind}: {moment} depends on x too, but its term is missing"
    elif abs(b) < 1e-5 and abs(t) < 1e-5:
        yield KEY, f"{kind}: the mean and the variance depend on x too, but both terms are missing"
    elif abs(b) < 1e-5 and abs(t + 1) < 1e-5:
        yield KEY, f"{kind}: the mean depends on x too, but its term is missing"
    elif abs(b - right) < 1e-5:
        yield KEY, f"{kind}: the term of {moment} must have the factor 1, not {-t:.4g}"
    else:
        yield KEY, f"{kind}: the terms of the mean and the variance must have the factor 1, not {-b:.4g} and {-t:.4g}"


def _with_variance(e, count, base, k, g, mean, ddof, is_rms):
    """Return the gradient of a norm that divides by N - ddof if `forward` divides by N - (1 - ddof), else None."""
    if is_rms or count < 2:
        return None
    square = mean(base * base)
    forward = square * count / (count - 1 + ddof)
    for eps in EPSILONS:
        if np.allclose(k, 1 / np.sqrt(forward + eps), rtol=1e-7):
            other = 1 / np.sqrt(square * count / (count - ddof) + eps)
            return other * (g - mean(g) - base * other**2 * mean(g * base) * count / (count - ddof))
    return None


def _other_axes(e, kind, groups, base, k, g, is_rms):
    for name, mean, _ in groups:
        for scale in (mean(g * base * k) * k, mean(g * base) / np.maximum(mean(base * base), 1e-300)):
            if e.explains(k * (g - (0 if is_rms else 1) * mean(g) - base * scale)):
                yield (
                    "axes swapped",
                    f"{kind}: the means in backward run over {_axes(name)}, unlike those in forward",
                )
                return


def local_response(e):
    """LRN with a window of a different size or position in `backward`, or with beta instead of beta + 1."""
    x = e.array
    if x.ndim < 2 or len(e.subject.floats) > 1 or e.y_shape != x.shape or np.any(x == 0) or x.shape[1] < 3:
        return
    y = np.asarray(e.subject.forward(*e.subject.arrays), np.float64)
    if not np.all(y * x > 0):
        return
    parameters = _fit(x, y / x)
    if parameters is None:
        return
    size, beta, alpha, scale = parameters
    g = e.grad_y
    direct = g * scale**-beta

    def cross(power, windows):
        return 2 * alpha * beta * x * windows(g * x * scale ** (-beta - power))

    if e.explains(direct - cross(0, lambda a: _window(a, size))):
        yield "exponent beta instead of beta + 1", "the derivative of scale^-beta is -beta * scale^(-beta - 1)"
        return
    for other in range(2, 2 * size + 2):
        for low, high in {
            (other // 2, (other - 1) // 2),
            ((other - 1) // 2, other // 2),
            (other - 1, 0),
            (0, other - 1),
        }:
            for power, also in ((1, ""), (0, ". Also, the exponent is beta instead of beta + 1")):
                if e.explains(direct - cross(power, lambda a, low=low, high=high: _sums(a, low, high))):
                    hint = (
                        f"forward sums over a window of {size} channels, "
                        f"backward over channels {_channel(-low)} to {_channel(high)}{also}"
                    )
                    yield "window of the wrong size", hint
                    return


def _fit(x, ratio):
    """Return (size, beta, alpha / size, scale) of the window that explains y / x, or None."""
    for size in (5, 3, 4, 2, 6, 7):
        sums = _window(x * x, size)
        matrix = np.stack([np.ones(x.size), sums.reshape(-1)], axis=1)
        for beta in (0.75, 0.5, 1.0, 0.25, 2.0):
            scale = ratio ** (-1 / beta)
            start_and_alpha = np.linalg.lstsq(matrix, scale.reshape(-1), rcond=None)[0]
            fit, alpha = (matrix @ start_and_alpha).reshape(x.shape), float(start_and_alpha[1])
            if alpha > 0 and np.allclose(fit, scale, rtol=1e-9):
                return size, beta, alpha, scale
    return None


def _window(a, size):
    return _sums(a, (size - 1) // 2, size // 2)


def _sums(a, low, high):
    """Return the sums over channels c - low to c + high."""
    return np.stack([a[:, max(0, c - low) : c + high + 1].sum(axis=1) for c in range(a.shape[1])], axis=1)


def _divisor(ddof):
    return "N - 1" if ddof else "N"


def _axes(name):
    return name if isinstance(name, str) else f"axes {name}"


def _channel(offset):
    return f"c {'-' if offset < 0 else '+'} {abs(offset)}" if offset else "c"
