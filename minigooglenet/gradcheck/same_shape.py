"""Suspects of operations whose output has the shape of their input, and of the classifier's loss.

Each function yields (key, hint), as in `structure`: softmax, batch norm, LRN, dropout and ReLU each have a mistake of
their own, which shows in the Jacobian: what is diagonal, what is constant, what couples.
"""

import numpy as np


def classifier(e):
    """The mistakes of softmax and cross-entropy."""
    if np.ndim(e.grad_y) != 0 or e.numeric.ndim != 2:
        return
    rows = len(e.numeric)
    probabilities = _softmax(e.array, axis=1)
    one = None
    for share in (rows, 1):  # the loss is a mean, or a sum
        left = probabilities - e.numeric * share / e.grad_y  # 1 at the label, if this is a cross-entropy
        if np.allclose(left, np.eye(left.shape[1])[left.argmax(axis=1)], atol=1e-5):
            one = left
    if one is not None:
        for scale, also in (
            (e.grad_y / rows, ""),
            (e.grad_y, ", and 1/N is missing too"),
            (1.0, " (nor is grad_y used)"),
        ):
            if e.explains(probabilities * scale):
                yield "label's one not subtracted", f"subtract 1 at each row's label before dividing by N{also}"
            if e.explains((probabilities + one) * scale):
                yield "label's one not subtracted", f"1 is added at each row's label instead of subtracted{also}"
            if e.explains((_softmax(e.array, axis=0) - one) * scale):
                yield "axes swapped", f"the softmax runs over the batch instead of the classes{also}"
    for factor, who in (
        (rows, "divide the gradient by N too"),
        (1 / rows, "the forward adds where the backward averages"),
    ):
        if e.explains(e.numeric * factor):
            yield "1/N missing", f"with N = {rows} rows the gradient is {factor:.4g} times too large; {who}"


def _softmax(x, axis):
    shifted = np.exp(x - x.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def diagonal(e):
    """Only an entry's own output is looked at, or the scale is taken for a constant."""
    if e.jacobian is None or e.y_shape != e.numeric.shape:
        return
    y, x = np.asarray(e.subject.forward(*e.subject.arrays)), e.array
    if y.ndim > 1 and (np.allclose(y.sum(axis=1), 1) or np.allclose(np.exp(y).sum(axis=1), 1)):
        sums = np.exp(y) if y.min() < 0 else y
        own = np.diagonal(e.jacobian).reshape(y.shape) * e.grad_y
        for prediction in (own, sums * (1 - sums) * e.grad_y, sums * e.grad_y):
            if e.explains(prediction):
                yield "softmax Jacobian taken as diagonal", "every output depends on every score: y * (g - sum(g * y))"
        for prediction in (
            y * (e.grad_y - (e.grad_y * y).sum(axis=0, keepdims=True)),
            e.grad_y - sums * e.grad_y.sum(axis=0, keepdims=True),
        ):
            if e.explains(prediction):
                yield "axes swapped", "the sum runs over the batch; it belongs over the classes of each row"
        return
    yield from _batch_norm(e, x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        constant_scale = e.grad_y * y / x
    cross = "a value also moves its neighbours' outputs: add what reaches it through them (in LRN, through their scale)"
    coupled = np.any(np.abs(e.jacobian - np.diag(np.diagonal(e.jacobian))) > 1e-9)
    if coupled and np.isfinite(constant_scale).all() and e.explains(constant_scale):
        yield "cross-channel term missing", cross
    if coupled and e.explains(np.diagonal(e.jacobian).reshape(y.shape) * e.grad_y):
        yield "cross-channel term missing", f"only a value's own output is counted; {cross}"
    if coupled and e.explains(e.grad_y):
        yield "cross-channel term missing", "the gradient is passed on as it came, as if the layer did nothing"
    if coupled and x.ndim == 4:
        yield from _weaker("cross-channel term missing", e, cross)


def _weaker(key, e, hint):
    """The cross term is there, but with another factor: the error is a multiple of it."""
    own = np.diagonal(e.jacobian).reshape(e.y_shape) * e.grad_y
    for direct in (
        own,
        e.grad_y * np.asarray(e.subject.forward(*e.subject.arrays)) / np.where(e.array == 0, 1, e.array),
    ):
        cross, found = (e.numeric - direct).reshape(-1), (e.analytic - direct).reshape(-1)
        if np.any(cross):
            factor = float(found @ cross / (cross @ cross))
            if e.explains(direct + factor * (e.numeric - direct)):
                yield key, f"the cross-channel term is there {factor:.4g} times; {hint}"


def _batch_norm(e, x, y):
    """Statistics of the batch taken for constants, wholly or in part."""
    axes = tuple(a for a in range(x.ndim) if a != 1)
    if x.ndim not in (2, 4) or np.prod([x.shape[a] for a in axes]) < 3:
        return
    centred = x - x.mean(axis=axes, keepdims=True)
    spread = (centred * centred).mean(axis=axes, keepdims=True)
    slope = (centred * y).mean(axis=axes, keepdims=True) / spread
    if not np.allclose(y, y.mean(axis=axes, keepdims=True) + slope * centred):
        return  # not the same line for all values of a channel
    g = e.grad_y
    without_variance = slope * (g - g.mean(axis=axes, keepdims=True))
    variance_term = without_variance - e.numeric
    for prediction, what in (
        (slope * g, "the mean and the variance depend on x too, and both of their terms are missing"),
        (without_variance, "the variance depends on x too, and its term is missing"),
        (slope * g - variance_term, "the mean depends on x too, and its term is missing"),
        (without_variance + variance_term, "the term of the variance has the wrong sign"),
        (slope * (g + g.mean(axis=axes, keepdims=True)) - variance_term, "the term of the mean has the wrong sign"),
    ):
        if e.explains(prediction):
            yield "batch norm terms missing", what


def mask(e):
    """A gradient that passes at the wrong places, or unscaled."""
    if e.jacobian is None or e.y_shape != e.numeric.shape:
        return
    own = np.diagonal(e.jacobian).reshape(e.y_shape)
    if np.any(np.abs(e.jacobian - np.diag(np.diagonal(e.jacobian))) > 1e-9):
        return
    values = np.unique(np.round(own[~e.kinks], 6))
    if len(values) != 2 or values[0] != 0:
        return
    scale = values[1]
    passes = np.abs(e.analytic) > 1e-12
    by_sign = any(np.array_equal(own != 0, sign * e.array > 0) for sign in (1, -1))
    if not by_sign and np.array_equal(passes, own != 0):
        ratio = float((e.analytic[passes] / (own * e.grad_y)[passes]).mean())
        if e.explains(ratio * e.numeric):
            hint = (
                f"forward and backward scale what stays by {scale:.4g} and {ratio * scale:.4g}; both need 1 / (1 - p)"
            )
            yield "dropout not rescaled", hint
    if abs(scale - 1) > 1e-6 and e.explains(np.where(own != 0, e.grad_y, 0)):
        yield (
            "dropout not rescaled",
            f"what stays was scaled by {scale:.4g} in the forward, and so must its gradient be",
        )
    for factor in (scale, 1.0, scale * scale):
        if e.explains(np.where(passes, factor * e.grad_y, 0)):
            which = "every entry passes" if passes.all() else "the wrong entries pass"
            if np.array_equal(passes[~e.kinks], (e.grad_y > 0)[~e.kinks]):
                which = "the sign of the upstream gradient decides what passes"
            elif np.array_equal(passes[~e.kinks], (own == 0)[~e.kinks]):
                which = "exactly the wrong half passes"
            if not np.array_equal(passes[~e.kinks], (own != 0)[~e.kinks]):
                yield "mask from the wrong array", f"{which}; the forward's own mask decides"
