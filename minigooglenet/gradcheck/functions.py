"""Suspects of elementwise functions, attention and losses: common formulas that are not the derivative."""

from math import erf

import numpy as np

JACOBIAN, ANOTHER = "attention's softmax Jacobian wrong", "wrong derivative formula"


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _cumulative(x):
    return 0.5 * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2)))


def _tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


# name: (function, {hint: wrong derivative, a function of x and y})
FUNCTIONS = {
    "the sigmoid": (
        _sigmoid,
        {
            "the formula is y * (1 - y), not x * (1 - x)": lambda x, y: x * (1 - x),
            "the sigmoid is applied to y again": lambda x, y: _sigmoid(y) * (1 - _sigmoid(y)),
            "the factor 1 - y is missing": lambda x, y: y,
            "the factor y is missing": lambda x, y: 1 - y,
            "1 - y^2 belongs to tanh": lambda x, y: 1 - y * y,
        },
    ),
    "tanh": (
        np.tanh,
        {
            "y is not squared": lambda x, y: 1 - y,
            "the formula is 1 - y^2, not 1 - x^2": lambda x, y: 1 - x * x,
            "tanh is applied to y again": lambda x, y: 1 - np.tanh(y) ** 2,
            "y * (1 - y) belongs to the sigmoid": lambda x, y: y * (1 - y),
        },
    ),
    "SiLU": (
        lambda x: x * _sigmoid(x),
        {
            "the sigmoid is treated as a constant": lambda x, y: _sigmoid(x),
            "only the sigmoid is differentiated": lambda x, y: x * _sigmoid(x) * (1 - _sigmoid(x)),
            "x is missing in the second term": lambda x, y: _sigmoid(x) + _sigmoid(x) * (1 - _sigmoid(x)),
        },
    ),
    "hard swish": (
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        {
            "the gate is treated as a constant": lambda x, y: np.clip(x + 3, 0, 6) / 6,
            "below -3 the derivative is 0, and above 3 it is 1": lambda x, y: (2 * x + 3) / 6,
            "this is the derivative of SiLU": lambda x, y: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))),
            "this is the derivative of ReLU": lambda x, y: x > 0,
        },
    ),
    "GELU": (
        lambda x: x * _cumulative(x),
        {
            "the normal distribution is treated as a constant": lambda x, y: _cumulative(x),
            "x is missing in the second term": lambda x, y: _cumulative(x) + _density(x),
            "only the normal distribution is differentiated": lambda x, y: x * _density(x),
            "this is the gradient of the tanh approximation": lambda x, y: _derivative(_tanh_gelu, x),
        },
    ),
    "GELU by tanh": (
        _tanh_gelu,
        {
            "the tanh is treated as a constant": lambda x, y: y / x,
            "this is the gradient of the exact form": lambda x, y: _cumulative(x) + x * _density(x),
        },
    ),
    "softplus": (
        lambda x: np.log1p(np.exp(x)),
        {
            "this is its value, but its derivative is the sigmoid": lambda x, y: y,
            "this is 1 minus the sigmoid, but its derivative is the sigmoid": lambda x, y: 1 - _sigmoid(x),
            "this is the derivative of ReLU": lambda x, y: x > 0,
        },
    ),
    "ELU": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        {
            "below 0 the derivative is y + 1, not y": lambda x, y: np.where(x > 0, 1, y),
            "this is 1 everywhere": lambda x, y: 1 + 0 * x,
            "this is the derivative of ReLU": lambda x, y: x > 0,
        },
    ),
    "exp": (np.exp, {"the derivative is y, not x": lambda x, y: x, "this is 1": lambda x, y: 1 + 0 * x}),
    "the square root": (np.sqrt, {"1/2 is missing": lambda x, y: 1 / y, "this is y / 2": lambda x, y: y / 2}),
    "the square": (np.square, {"the 2 is missing": lambda x, y: x, "this is the value": lambda x, y: y}),
}


def _derivative(function, x, step=1e-6):
    return (function(x + step) - function(x - step)) / (2 * step)


def activation(e):
    """The derivative of a different elementwise function, or a wrong formula for the right one."""
    if e.y_shape != e.numerical.shape or len(e.subject.floats) > 1:
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
        ratios = y[below] / x[below]
        if ratios.size and np.ptp(ratios) < 1e-9 and abs(ratios[0]) > 1e-6 and np.allclose(y[~below], x[~below]):
            a = float(ratios[0])
            mistakes = {"1": 1.0, "0 as for ReLU": 0.0, "1 / slope": 1 / a, "-slope": -a}
            for hint, wrong in mistakes.items():
                if e.explains(np.where(below, wrong, 1.0) * e.grad_y) and abs(a - 1) > 1e-9:
                    yield ANOTHER, f"leaky ReLU with slope {a:.4g}: below 0 the derivative is the slope, not {hint}"
                    return


def attention(e):
    """softmax(q k^T * scale) v: the Jacobian of the softmax, and transposes."""
    floats = e.subject.floats
    if len(floats) != 3 or e.position not in floats:
        return
    q, k, v = (np.asarray(e.subject.arrays[i]) for i in floats)
    if not (q.ndim == k.ndim == v.ndim >= 2 and q.shape[-1] == k.shape[-1] and k.shape[:-1] == v.shape[:-1]):
        return
    if e.y_shape != (*q.shape[:-1], v.shape[-1]):
        return
    recognised = _recognise_attention(e, q, k, v)
    if recognised is None:
        return
    p, scale = recognised
    g, which = e.grad_y, floats.index(e.position)
    dp = g @ v.swapaxes(-1, -2)
    along = (dp * p).sum(axis=-1, keepdims=True)
    jacobians = {
        "": p * (dp - along),
        "it is treated as diagonal, p * (1 - p)": p * (1 - p) * dp,
        "the sum of the exponentials is treated as a constant": p * dp,
        "the softmax is skipped, as if it were the identity": dp,
        "the sum runs over the queries instead of the keys": p * (dp - (dp * p).sum(axis=-2, keepdims=True)),
        "the factor p is missing inside the sum": p * (dp - dp.sum(axis=-1, keepdims=True)),
        "the factor p is missing in front of the parentheses": dp - along,
    }
    for hint, ds in jacobians.items():
        for factor, also in ((scale, ""), (1.0, ", and the scale is missing")):
            right = _gradient(which, ds * factor, p, g, q, k)
            if hint and e.explains(right):
                yield JACOBIAN, f"{hint}{also}. Each attention weight depends on all the logits of its row."
                return
            transposed = _gradient(which, ds.swapaxes(-1, -2) * factor, p.swapaxes(-1, -2), g, q, k)
            if transposed is not None and e.explains(transposed):
                array = "gradient of the logits" if which < 2 else "array of attention weights"
                yield "axes swapped", f"the {array} has its last two axes exchanged"
                return


def _gradient(which, ds, p, g, q, k):
    try:
        return (ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ g)[which]
    except ValueError:
        return None


def _recognise_attention(e, q, k, v):
    """Return (attention weights, scale) if `forward` is attention, causal or not."""
    y = np.asarray(e.subject.forward(*e.subject.arrays), np.float64)
    for scale in (q.shape[-1] ** -0.5, 1.0, 1 / q.shape[-1]):
        logits = q @ k.swapaxes(-1, -2) * scale
        for causal in (False, True):
            s = np.where(np.tri(*logits.shape[-2:]) > 0, logits, -np.inf) if causal else logits
            p = np.exp(s - s.max(axis=-1, keepdims=True))
            p /= p.sum(axis=-1, keepdims=True)
            if np.allclose(p @ v, y, rtol=1e-9):
                return p, scale
    return None


def labels(e):
    """Ignored labels that get a gradient anyway, and label smoothing missing in `backward`."""
    if np.ndim(e.grad_y) != 0 or e.numerical.ndim != 2:
        return
    integers = [
        a for a in e.subject.arrays if np.asarray(a).dtype.kind in "iu" and np.shape(a) == e.numerical.shape[:1]
    ]
    rows, classes = e.numerical.shape
    ignored = ~np.any(np.abs(e.numerical) > 1e-9 * np.abs(e.numerical).max(), axis=1)
    if integers and ignored.any() and not ignored.all():
        values = np.unique(np.asarray(integers[0])[ignored])
        if len(values) == 1 and not np.any(integers[0][~ignored] == values[0]):
            kept = int((~ignored).sum())
            scale = _ratio(e, ~ignored)
            if scale is not None:
                counted = bool(np.any(np.abs(e.analytic[ignored]) > 1e-9 * np.abs(e.analytic).max()))
                divided = abs(scale - kept / rows) < 1e-6
                if counted and (abs(scale - 1) < 1e-6 or divided):
                    also = f". The divisor must be {kept}, without them, not {rows}" if divided else ""
                    yield "ignored labels counted", f"rows with label {values[0]} must get a gradient of 0{also}"
                elif divided:
                    yield (
                        "ignored labels counted",
                        f"divide by the {kept} labels that are not ignored, not by all {rows}",
                    )
    p = np.exp(e.array - e.array.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    for divisor in (rows, 1):
        target = p - e.numerical * divisor / e.grad_y
        one = np.eye(classes)[target.argmax(axis=1)]
        rest = target[one == 0]
        if np.ptp(rest) < 1e-6 and rest.min() > 1e-4 and e.explains((p - one) * e.grad_y / divisor):
            hint = f"forward uses targets {target.max():.4g} and {rest.mean():.4g}, backward 1 and 0"
            yield "label smoothing left out", hint
            return


def _ratio(e, rows):
    """Return the ratio of the wrong to the right gradient in these rows if it is constant, else None."""
    wrong, right = e.analytic[rows], e.numerical[rows]
    scale = float((wrong * right).sum() / (right * right).sum())
    return scale if np.abs(wrong - scale * right).max() <= 1e-6 * np.abs(right).max() else None


def clipped(e):
    """Huber's loss with a gradient that is not clipped, or clipped everywhere."""
    if len(e.subject.floats) > 2:
        return
    others = [np.asarray(e.subject.arrays[i]) for i in e.subject.floats if i != e.position]
    if others and others[0].shape != e.array.shape:
        return
    r = e.array - (others[0] if others else 0)
    with np.errstate(all="ignore"):
        ratio = e.numerical / r
    upstream = np.broadcast_to(e.grad_y, r.shape) if np.shape(e.grad_y) in ((), r.shape) else None
    if upstream is None or not np.isfinite(ratio).all():
        return
    ratio = ratio / upstream
    c = ratio.reshape(-1)[np.abs(ratio).argmax()]
    linear = np.abs(ratio - c) > 1e-5 * abs(c)  # beyond delta, where the loss is a straight line
    if not linear.any() or linear.all():
        return
    heights = np.abs(e.numerical / upstream)[linear]
    if np.ptp(heights) > 1e-5 * heights.max() or np.abs(r[linear]).min() < np.abs(r[~linear]).max():
        return
    if e.explains(c * r * upstream):
        yield "loss not clipped", "beyond delta the gradient must stay at delta, but it still grows with the difference"
    elif e.explains(np.sign(r) * heights.max() * np.sign(c) * upstream):
        yield (
            "loss not clipped",
            "this is the gradient of the absolute value everywhere, but below delta the loss is a square",
        )


def deviation(e):
    """The variance or the standard deviation: N in `forward` and N - 1 in `backward`, or the reverse."""
    if len(e.subject.floats) > 1 or e.y_shape == e.numerical.shape or not e.numerical.size:
        return
    y = np.asarray(e.subject.forward(*e.subject.arrays), np.float64)
    for axis in (None, *range(e.numerical.ndim)):
        count = e.numerical.size if axis is None else e.numerical.shape[axis]
        for ddof in (0, 1):
            if count <= 1:
                continue
            for moment in (np.var, np.std):
                value = moment(e.array, axis=axis, ddof=ddof)
                if np.size(value) != y.size or not np.allclose(np.reshape(value, y.shape), y, rtol=1e-9):
                    continue
                ratio = (count - ddof) / (count - 1 + ddof)
                if any(e.explains(e.numerical * factor) for factor in (ratio, np.sqrt(ratio))):
                    divisors = f"forward divides by {_divisor(ddof)}, backward by {_divisor(1 - ddof)}"
                    yield "biased and unbiased variance mixed", f"{divisors}, with N = {count}"
                    return


def _divisor(ddof):
    return "N - 1" if ddof else "N"
