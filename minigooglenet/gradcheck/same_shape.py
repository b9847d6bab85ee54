"""Suspects of operations whose output has the shape of their input, and of the classification loss.

Each function yields (key, hint), as in `structure`. Softmax, batch norm, LRN, dropout and ReLU each have typical
mistakes that show in the Jacobian: whether it is diagonal, constant, or couples different elements.
"""

import numpy as np

# {whether the function is log-softmax: the hint}
FULL_JACOBIAN = {
    False: "every output depends on every logit, so the gradient is y * (g - sum(g * y))",
    True: "every output depends on every logit, so the gradient is g - exp(y) * sum(g)",
}


def classifier(e):
    """The mistakes of softmax and cross-entropy."""
    if np.ndim(e.grad_y) != 0 or e.numerical.ndim != 2:
        return
    rows = len(e.numerical)
    probabilities = _softmax(e.array, axis=1)
    one = None
    for divisor in (rows, 1):  # the loss is a mean, or a sum
        one_hot = probabilities - e.numerical * divisor / e.grad_y  # if this is a cross-entropy
        if np.allclose(one_hot, np.eye(one_hot.shape[1])[one_hot.argmax(axis=1)], atol=1e-5):
            one = one_hot
    if one is not None:
        for scale, also in (
            (e.grad_y / rows, ""),
            (e.grad_y, ". 1/N is missing too"),
            (1.0, ". grad_y is not used either"),
        ):
            if e.explains(probabilities * scale):
                yield "label's one not subtracted", f"subtract 1 at the label of each row before dividing by N{also}"
            if e.explains((probabilities + one) * scale):
                yield "label's one not subtracted", f"1 is added at the label of each row instead of subtracted{also}"
            if e.explains((_softmax(e.array, axis=0) - one) * scale):
                yield "axes swapped", f"the softmax runs over the batch instead of the classes{also}"
    for factor, advice in (
        (rows, "Divide it by N."),
        (1 / rows, "The loss is a sum in forward but a mean in backward."),
    ):
        if e.explains(e.numerical * factor):
            yield "1/N missing", f"the gradient is {factor:.4g} times the right one, with N = {rows} rows. {advice}"


def _softmax(x, axis):
    shifted = np.exp(x - x.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def diagonal(e):
    """Only the diagonal of the Jacobian is used, or the scale is treated as a constant."""
    if e.jacobian is None or e.y_shape != e.numerical.shape:
        return
    y, x = np.asarray(e.subject.forward(*e.subject.arrays)), e.array
    if y.ndim > 1 and (np.allclose(y.sum(axis=1), 1) or np.allclose(np.exp(y).sum(axis=1), 1)):
        sums = np.exp(y) if y.min() < 0 else y
        diagonal_only = np.diagonal(e.jacobian).reshape(y.shape) * e.grad_y
        for prediction in (diagonal_only, sums * (1 - sums) * e.grad_y, sums * e.grad_y):
            if e.explains(prediction):
                yield "softmax Jacobian treated as diagonal", FULL_JACOBIAN[bool(y.min() < 0)]
        for prediction in (
            y * (e.grad_y - (e.grad_y * y).sum(axis=0, keepdims=True)),
            e.grad_y - sums * e.grad_y.sum(axis=0, keepdims=True),
        ):
            if e.explains(prediction):
                yield "axes swapped", "the sum runs over the batch instead of the classes"
        return
    yield from _batch_norm(e, x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        constant_scale = e.grad_y * y / x
    cross = "A value also changes its neighbours' outputs. Add those terms (in LRN, the terms through their scale)."
    coupled = np.any(np.abs(e.jacobian - np.diag(np.diagonal(e.jacobian))) > 1e-9)
    if coupled and np.isfinite(constant_scale).all() and e.explains(constant_scale):
        yield "cross-channel term missing", cross[0].lower() + cross[1:]
    if coupled and e.explains(np.diagonal(e.jacobian).reshape(y.shape) * e.grad_y):
        yield "cross-channel term missing", f"only the diagonal of the Jacobian is used. {cross}"
    if coupled and e.explains(e.grad_y):
        yield (
            "cross-channel term missing",
            "the upstream gradient is returned unchanged, as if the layer were the identity",
        )
    if coupled and x.ndim == 4:
        yield from _weaker("cross-channel term missing", e, cross)


def _weaker(key, e, hint):
    """The cross term has a wrong factor: the error is a multiple of the term."""
    diagonal_only = np.diagonal(e.jacobian).reshape(e.y_shape) * e.grad_y
    for direct in (
        diagonal_only,
        e.grad_y * np.asarray(e.subject.forward(*e.subject.arrays)) / np.where(e.array == 0, 1, e.array),
    ):
        cross, returned = (e.numerical - direct).reshape(-1), (e.analytic - direct).reshape(-1)
        if np.any(cross):
            factor = float(returned @ cross / (cross @ cross))
            if e.explains(direct + factor * (e.numerical - direct)):
                yield key, f"the cross-channel term must have the factor 1, not {factor:.4g}. {hint}"


def _batch_norm(e, x, y):
    """Statistics of the batch treated as constants, all of them or some."""
    axes = tuple(a for a in range(x.ndim) if a != 1)
    if x.ndim not in (2, 4) or np.prod([x.shape[a] for a in axes]) < 3:
        return
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    gain = (centred * y).mean(axis=axes, keepdims=True) / variance
    if not np.allclose(y, y.mean(axis=axes, keepdims=True) + gain * centred):
        return  # not the same linear function for all values of a channel
    g = e.grad_y
    without_variance = gain * (g - g.mean(axis=axes, keepdims=True))
    variance_term = without_variance - e.numerical
    for prediction, what in (
        (gain * g, "the mean and the variance depend on x too, but both terms are missing"),
        (without_variance, "the variance depends on x too, but its term is missing"),
        (gain * g - variance_term, "the mean depends on x too, but its term is missing"),
        (without_variance + variance_term, "the term of the variance has the wrong sign"),
        (gain * (g + g.mean(axis=axes, keepdims=True)) - variance_term, "the term of the mean has the wrong sign"),
    ):
        if e.explains(prediction):
            yield "batch norm terms missing", what


def mask(e):
    """A mask that lets the wrong entries through, or lets them through without the factor."""
    if e.jacobian is None or e.y_shape != e.numerical.shape:
        return
    derivative = np.diagonal(e.jacobian).reshape(e.y_shape)
    if np.any(np.abs(e.jacobian - np.diag(np.diagonal(e.jacobian))) > 1e-9):
        return
    values = np.unique(np.round(derivative[~e.kinks], 6))
    if len(values) != 2 or values[0] != 0:
        return
    scale = values[1]
    passes = np.abs(e.analytic) > 1e-12
    by_sign = any(np.array_equal(derivative != 0, sign * e.array > 0) for sign in (1, -1))
    if not by_sign and np.array_equal(passes, derivative != 0):
        ratio = float((e.analytic[passes] / (derivative * e.grad_y)[passes]).mean())
        if e.explains(ratio * e.numerical):
            hint = (
                f"forward scales the kept values by {scale:.4g}, backward by {ratio * scale:.4g}. "
                "Both need the factor 1 / (1 - p)."
            )
            yield "dropout not rescaled", hint
    if abs(scale - 1) > 1e-6 and e.explains(np.where(derivative != 0, e.grad_y, 0)):
        yield (
            "dropout not rescaled",
            f"forward scales the kept values by {scale:.4g}. Scale their gradient in the same way.",
        )
    for factor in (scale, 1.0, scale * scale):
        if e.explains(np.where(passes, factor * e.grad_y, 0)):
            which = "every entry passes" if passes.all() else "the wrong entries pass"
            if np.array_equal(passes[~e.kinks], (e.grad_y > 0)[~e.kinks]):
                which = "the mask is the sign of the upstream gradient"
            elif np.array_equal(passes[~e.kinks], (derivative == 0)[~e.kinks]):
                which = "the mask is inverted"
            if not np.array_equal(passes[~e.kinks], (derivative != 0)[~e.kinks]):
                yield "mask from the wrong array", f"{which}. Use the mask from forward."
