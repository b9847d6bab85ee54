"""Suspects of elementwise functions, of attention, and of losses: what people write in place of the derivative."""

from math import erf

import numpy as np

JACOBIAN, ANOTHER = "attention's softmax Jacobian wrong", "derivative of another function"


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _cumulative(x):
    return 0.5 * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2)))


def _tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


# name: (function, {hint: derivative that is not its own, of x and y})
FUNCTIONS = {
    "the sigmoid": (
        _sigmoid,
        {
            "x * (1 - x) is used where y * (1 - y) belongs": lambda x, y: x * (1 - x),
            "the sigmoid is applied to y once more": lambda x, y: _sigmoid(y) * (1 - _sigmoid(y)),
            "the factor 1 - y is missing": lambda x, y: y,
            "the factor y is missing": lambda x, y: 1 - y,
            "1 - y^2 belongs to tanh": lambda x, y: 1 - y * y,
        },
    ),
    "tanh": (
        np.tanh,
        {
            "y is not squared": lambda x, y: 1 - y,
            "1 - x^2 is used where 1 - y^2 belongs": lambda x, y: 1 - x * x,
            "tanh is applied to y once more": lambda x, y: 1 - np.tanh(y) ** 2,
            "y * (1 - y) belongs to the sigmoid": lambda x, y: y * (1 - y),
        },
    ),
    "SiLU": (
        lambda x: x * _sigmoid(x),
        {
            "the sigmoid is taken for a constant": lambda x, y: _sigmoid(x),
            "only the sigmoid is differentiated": lambda x, y: x * _sigmoid(x) * (1 - _sigmoid(x)),
            "x is missing in the second term": lambda x, y: _sigmoid(x) + _sigmoid(x) * (1 - _sigmoid(x)),
        },
    ),
    "GELU": (
        lambda x: x * _cumulative(x),
        {
            "the normal distribution is taken for a constant": lambda x, y: _cumulative(x),
            "x is missing in the second term": lambda x, y: _cumulative(x) + _density(x),
            "only the normal distribution is differentiated": lambda x, y: x * _density(x),
            "it is the gradient of the tanh approximation": lambda x, y: _slope(_tanh_gelu, x),
        },
    ),
    "GELU by tanh": (
        _tanh_gelu,
        {
            "the tanh is taken for a constant": lambda x, y: y / x,
            "it is the gradient of the exact form": lambda x, y: _cumulative(x) + x * _density(x),
        },
    ),
    "softplus": (
        lambda x: np.log1p(np.exp(x)),
        {
            "it is the value, not the sigmoid": lambda x, y: y,
            "the sigmoid is subtracted from 1": lambda x, y: 1 - _sigmoid(x),
            "it is the derivative of ReLU": lambda x, y: x > 0,
        },
    ),
    "ELU": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        {
            "y is used below 0 where y + 1 belongs": lambda x, y: np.where(x > 0, 1, y),
            "it is 1 everywhere": lambda x, y: 1 + 0 * x,
            "it is the derivative of ReLU": lambda x, y: x > 0,
        },
    ),
    "exp": (np.exp, {"it is x, not y": lambda x, y: x, "it is 1": lambda x, y: 1 + 0 * x}),
    "the square root": (np.sqrt, {"1/2 is missing": lambda x, y: 1 / y, "it is y / 2": lambda x, y: y / 2}),
    "the square": (np.square, {"the 2 is missing": lambda x, y: x, "it is the value": lambda x, y: y}),
}


def _slope(function, x, step=1e-6):
    return (function(x + step) - function(x - step)) / (2 * step)


def activation(e):
    """The derivative of an elementwise function, confused with another."""
    if e.y_shape != e.numeric.shape or len(e.subject.floats) > 1:
        return
    x, y = e.array, np.asarray(e.subject.forward(*e.subject.arrays), np.float64)
    with np.errstate(all="ignore"):
        for name, (function, mistakes) in FUNCTIONS.items():
            if np.allclose(y, function(x), rtol=1e-9, atol=1e-12):
                for hint, derivative in mistakes.items():
                    if e.explains(e.grad_y * derivative(x, y)):
                        yield ANOTHER, f"{name}: {hint}"
                        return
        below = x < 0
        slopes = y[below] / x[below]
        if slopes.size and np.ptp(slopes) < 1e-9 and abs(slopes[0]) > 1e-6 and np.allclose(y[~below], x[~below]):
            a = float(slopes[0])
            mistakes = {"1 below 0 too": 1.0, "0 below 0, as for ReLU": 0.0, "1 / slope below 0": 1 / a, "-slope": -a}
            for hint, wrong in mistakes.items():
                if e.explains(np.where(below, wrong, 1.0) * e.grad_y) and abs(a - 1) > 1e-9:
                    yield ANOTHER, f"leaky ReLU with slope {a:.4g}: its derivative is taken for {hint}"
                    return


def attention(e):
    """softmax(q k^T * scale) v: the softmax's Jacobian, and transposes."""
    floats = e.subject.floats
    if len(floats) != 3 or e.position not in floats:
        return
    q, k, v = (np.asarray(e.subject.arrays[i]) for i in floats)
    if not (q.ndim == k.ndim == v.ndim >= 2 and q.shape[-1] == k.shape[-1] and k.shape[:-1] == v.shape[:-1]):
        return
    if e.y_shape != (*q.shape[:-1], v.shape[-1]):
        return
    found = _recognised(e, q, k, v)
    if found is None:
        return
    p, scale = found
    g, which = e.grad_y, floats.index(e.position)
    dp = g @ v.swapaxes(-1, -2)
    along = (dp * p).sum(axis=-1, keepdims=True)
    jacobians = {
        "": p * (dp - along),
        "it is taken as diagonal: p * (1 - p)": p * (1 - p) * dp,
        "the sum below the exponentials is taken for a constant": p * dp,
        "the softmax is passed over, as if it did nothing": dp,
        "the sum runs over the queries; it belongs over the keys": p * (dp - (dp * p).sum(axis=-2, keepdims=True)),
        "p is missing in the sum": p * (dp - dp.sum(axis=-1, keepdims=True)),
        "p is missing in front": dp - along,
    }
    for hint, ds in jacobians.items():
        for factor, also in ((scale, ""), (1.0, ", and the scale is missing")):
            right = _gradient(which, ds * factor, p, g, q, k)
            if hint and e.explains(right):
                yield JACOBIAN, f"{hint}{also}; each weight depends on all the scores of its row"
                return
            turned = _gradient(which, ds.swapaxes(-1, -2) * factor, p.swapaxes(-1, -2), g, q, k)
            if turned is not None and e.explains(turned):
                yield "axes swapped", f"the {'scores' if which < 2 else 'weights'} are transposed (or not) by mistake"
                return


def _gradient(which, ds, p, g, q, k):
    try:
        return (ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ g)[which]
    except ValueError:
        return None


def _recognised(e, q, k, v):
    """Return (weights, scale) if the forward is attention, perhaps causal."""
    y = np.asarray(e.subject.forward(*e.subject.arrays), np.float64)
    for scale in (q.shape[-1] ** -0.5, 1.0, 1 / q.shape[-1]):
        scores = q @ k.swapaxes(-1, -2) * scale
        for causal in (False, True):
            s = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf) if causal else scores
            p = np.exp(s - s.max(axis=-1, keepdims=True))
            p /= p.sum(axis=-1, keepdims=True)
            if np.allclose(p @ v, y, rtol=1e-9):
                return p, scale
    return None


def labels(e):
    """Ignored labels that get a gradient all the same, and label smoothing left out of the backward."""
    if np.ndim(e.grad_y) != 0 or e.numeric.ndim != 2:
        return
    integers = [a for a in e.subject.arrays if np.asarray(a).dtype.kind in "iu" and np.shape(a) == e.numeric.shape[:1]]
    rows, classes = e.numeric.shape
    silent = ~np.any(np.abs(e.numeric) > 1e-9 * np.abs(e.numeric).max(), axis=1)
    if integers and silent.any() and not silent.all():
        marks = np.unique(np.asarray(integers[0])[silent])
        if len(marks) == 1 and not np.any(integers[0][~silent] == marks[0]):
            kept = int((~silent).sum())
            scale = _ratio(e, ~silent)
            if scale is not None:
                loud = bool(np.any(np.abs(e.analytic[silent]) > 1e-9 * np.abs(e.analytic).max()))
                divided = abs(scale - kept / rows) < 1e-6
                if loud and (abs(scale - 1) < 1e-6 or divided):
                    also = f", and N = {rows} counts them too" if divided else ""
                    yield "ignored labels counted", f"rows with label {marks[0]} must get a gradient of 0{also}"
                elif divided:
                    yield "ignored labels counted", f"divide by the {kept} labels that count, not by all {rows}"
    p = np.exp(e.array - e.array.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    for share in (rows, 1):
        target = p - e.numeric * share / e.grad_y
        one = np.eye(classes)[target.argmax(axis=1)]
        rest = target[one == 0]
        if np.ptp(rest) < 1e-6 and rest.min() > 1e-4 and e.explains((p - one) * e.grad_y / share):
            hint = f"the target is {target.max():.4g} and {rest.mean():.4g} in the forward, 1 and 0 in the backward"
            yield "label smoothing left out", hint
            return


def _ratio(e, rows):
    """Return by what factor the wrong gradient is larger in these rows, if it is one factor."""
    wrong, right = e.analytic[rows], e.numeric[rows]
    scale = float((wrong * right).sum() / (right * right).sum())
    return scale if np.abs(wrong - scale * right).max() <= 1e-6 * np.abs(right).max() else None


def clipped(e):
    """Huber's loss whose gradient is not clipped, or clipped everywhere."""
    if len(e.subject.floats) > 2:
        return
    others = [np.asarray(e.subject.arrays[i]) for i in e.subject.floats if i != e.position]
    if others and others[0].shape != e.array.shape:
        return
    r = e.array - (others[0] if others else 0)
    with np.errstate(all="ignore"):
        ratio = e.numeric / r
    upstream = np.broadcast_to(e.grad_y, r.shape) if np.shape(e.grad_y) in ((), r.shape) else None
    if upstream is None or not np.isfinite(ratio).all():
        return
    slopes = ratio / upstream
    c = slopes[np.abs(slopes).argmax()] if slopes.ndim == 1 else slopes.reshape(-1)[np.abs(slopes).argmax()]
    bent = np.abs(slopes - c) > 1e-5 * abs(c)
    if not bent.any() or bent.all():
        return
    heights = np.abs(e.numeric / upstream)[bent]
    if np.ptp(heights) > 1e-5 * heights.max() or np.abs(r[bent]).min() < np.abs(r[~bent]).max():
        return
    if e.explains(c * r * upstream):
        yield "loss not clipped", "beyond delta the gradient stays delta, and here it still grows with the difference"
    elif e.explains(np.sign(r) * heights.max() * np.sign(c) * upstream):
        yield (
            "loss not clipped",
            "it is the gradient of the absolute value everywhere; below delta the loss is a square",
        )


def spread(e):
    """The variance or the standard deviation: N in one half, N - 1 in the other."""
    if len(e.subject.floats) > 1 or e.y_shape == e.numeric.shape or not e.numeric.size:
        return
    y = np.asarray(e.subject.forward(*e.subject.arrays), np.float64)
    for axis in (None, *range(e.numeric.ndim)):
        count = e.numeric.size if axis is None else e.numeric.shape[axis]
        for ddof in (0, 1):
            if count <= 1:
                continue
            for moment in (np.var, np.std):
                value = moment(e.array, axis=axis, ddof=ddof)
                if np.size(value) != y.size or not np.allclose(np.reshape(value, y.shape), y, rtol=1e-9):
                    continue
                ratio = (count - ddof) / (count - 1 + ddof)
                if any(e.explains(e.numeric * factor) for factor in (ratio, np.sqrt(ratio))):
                    hint = f"forward divides by N - {ddof}, backward by N - {1 - ddof}: N is {count} here"
                    yield "biased and unbiased variance mixed", hint
                    return
