"""Suspects that show in the numbers alone, whatever the operation is.

Each function yields (key, hint) for every suspect that predicts the wrong gradient exactly. The predictions use the slope
of every single output, so that sums, overwritten sums and restricted sums can be formed as a faulty backward would.
"""

from itertools import combinations, permutations

import numpy as np

from minigooglenet.gradcheck.differences import slopes
from minigooglenet.gradcheck.evidence import SAME, axis_name
from minigooglenet.gradcheck.subject import Subject


def all_zero(e):
    """A gradient of zeros where there should be one."""
    if not np.any(e.analytic) and np.any(e.numeric):
        yield "gradient missing", f"the gradient of {e.name} is zero everywhere; is it ever computed?"


def classifier(e):
    """The mistakes of softmax and cross-entropy."""
    if np.ndim(e.grad_y) != 0 or e.numeric.ndim != 2:
        return
    rows = len(e.numeric)
    probabilities = _softmax(e.array, axis=1)
    one = probabilities - e.numeric * rows / e.grad_y  # 1 at the label, if this is the mean cross-entropy
    if not np.allclose(one, np.eye(one.shape[1])[one.argmax(axis=1)], atol=1e-5):
        one = None
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
    cross = "a value also stands in its neighbours' scale: subtract 2 alpha beta / size * x * sum(g * y / scale)"
    coupled = np.any(np.abs(e.jacobian - np.diag(np.diagonal(e.jacobian))) > 1e-9)
    if coupled and np.isfinite(constant_scale).all() and e.explains(constant_scale):
        yield "cross-channel term missing", cross
    if coupled and e.explains(np.diagonal(e.jacobian).reshape(y.shape) * e.grad_y):
        yield "cross-channel term missing", f"only a value's own output is counted; {cross}"
    if coupled and e.explains(e.grad_y):
        yield "cross-channel term missing", "the gradient is passed on as it came, as if the layer did nothing"
    if coupled and x.ndim == 4 and _couples_channels_only(e):
        yield from _weaker("cross-channel term missing", e, cross)


def _couples_channels_only(e):
    n, c, h, w = e.y_shape
    places = np.abs(e.jacobian).reshape(n, c, h * w, n, c, h * w)
    reach = places.max(axis=(1, 4)).transpose(0, 2, 1, 3)  # n, n', hw, hw'
    return (
        all(
            np.all(reach[i, :, j, k] < 1e-12) if j != k else True
            for i in range(n)
            for j in range(h * w)
            for k in range(h * w)
        )
        if (n * h * w) ** 2 < 40_000
        else False
    )


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
    if x.ndim != 4:
        return
    axes = (0, 2, 3)
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


def factor(e):
    """The right gradient times a number."""
    squared = float((e.numeric * e.numeric).sum())
    if not squared or not np.any(e.analytic):
        return
    c = float((e.analytic * e.numeric).sum()) / squared
    if e.explains(c * e.numeric):
        yield "wrong by a constant factor", f"{_named(c, e)}"


def _named(c, e):
    names = {"-1 (the sign)": -1.0, "2": 2.0, "1/2": 0.5}
    shape = e.y_shape
    if shape:
        names |= {f"N = {shape[0]}": shape[0]}
    elif e.numeric.ndim:
        names |= {f"N = {e.numeric.shape[0]}": e.numeric.shape[0]}
    if len(shape) == 4:
        names |= {
            f"P*Q = {shape[2] * shape[3]}": shape[2] * shape[3],
            f"N*P*Q = {shape[0] * shape[2] * shape[3]}": shape[0] * shape[2] * shape[3],
        }
        names |= {f"K = {shape[1]}": shape[1]}
    if e.numeric.ndim == 4:
        names |= {f"H*W = {np.prod(e.numeric.shape[2:])}": float(np.prod(e.numeric.shape[2:]))}
    names |= {
        f"1/({name})" if "*" in name else f"1/{name}": 1 / value for name, value in list(names.items()) if value > 2
    }
    fits = [name for name, value in names.items() if abs(c - value) < 1e-6 * abs(value)]
    return f"{c:.6g}" + (f", which is {' or '.join(fits)}" if fits else "")


def upstream(e):
    """The upstream gradient taken for ones."""
    if e.jacobian is None:
        return
    for prediction in (e.jacobian.sum(axis=1), e.jacobian.mean(axis=1)):
        if e.explains(prediction):
            yield "upstream gradient ignored", "the result is the gradient of a plain sum of the outputs; use grad_y"


def upstream_rearranged(e):
    """The upstream gradient reshaped where it should be transposed, or the other way round."""
    ndim = len(e.y_shape)
    if e.jacobian is None or ndim < 2:
        return
    for order in permutations(range(ndim)):
        if order == tuple(range(ndim)):
            continue
        back = np.argsort(order)
        as_reshaped = e.grad_y.transpose(order).reshape(e.y_shape)
        as_transposed = e.grad_y.reshape([e.y_shape[i] for i in order]).transpose(back)
        for other in (as_reshaped, as_transposed):
            if e.explains(e.jacobian @ other.reshape(-1)):
                yield "axes swapped", "the upstream gradient is reshaped where its axes must be transposed first"
                return


def other_arguments_gradient(e):
    """The gradient that belongs to another argument."""
    for name, numeric in e.others.items():
        if e.explains(numeric) and numeric.shape == e.numeric.shape:
            yield (
                "axes swapped",
                f"this is the gradient of {name}: the slices or the order of the results are exchanged",
            )
    if e.y_shape == e.numeric.shape and e.explains(e.numeric - e.grad_y):
        yield "gradient missing", "the part that reaches the input directly, past the operation, is left out"


def rearranged(e):
    """The right numbers at the wrong places."""
    ndim = e.numeric.ndim
    for order in permutations(range(ndim)):
        if order != tuple(range(ndim)) and e.explains(e.numeric.transpose(order)):
            swapped = ", ".join(str(axis) for axis, other in enumerate(order) if axis != other)
            yield "axes swapped", f"axes {swapped} of the gradient of {e.name} are exchanged"
    for count in range(1, ndim + 1):
        for axes in combinations(range(ndim), count):
            if e.explains(np.flip(e.numeric, axes)):
                yield "kernel not flipped", f"the gradient of {e.name} is the right one, flipped along axes {axes}"
    if ndim > 1 and np.allclose(
        np.sort(e.analytic.reshape(-1)), np.sort(e.numeric.reshape(-1)), atol=SAME * np.abs(e.numeric).max()
    ):
        yield (
            "axes swapped",
            f"the gradient of {e.name} holds the right numbers at other places: a reshape or transpose",
        )


def shifted(e):
    """The right gradient moved by some pixels, as when padding is not taken off."""
    if e.numeric.ndim != 4:
        return
    height, width = e.numeric.shape[2:]
    for dy in range(-3, 4):
        for dx in range(-3, 4):
            if (dy, dx) == (0, 0) or abs(dy) >= height or abs(dx) >= width:
                continue
            there = e.analytic[:, :, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
            here = e.numeric[:, :, max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
            if there.size * 3 > e.numeric.size and np.any(here) and e.matches(there, here):
                yield "padding ignored", f"shifted by ({dy}, {dx}): the padding is not taken off the position"


def overwritten(e):
    """Sums in which each term replaces the one before."""
    if e.jacobian is None or not e.y_shape:
        return
    shares, touched = e.shares, np.abs(e.jacobian).reshape(-1, *e.y_shape) > 1e-12
    axes = range(1, shares.ndim)
    for count in range(1, shares.ndim):
        for order in permutations(axes, count):
            rest = tuple(axis for axis in axes if axis not in order)
            terms = (
                shares.transpose(0, *order, *rest)
                .reshape(len(shares), *(shares.shape[a] for a in order), -1)
                .sum(axis=-1)
            )
            hits = touched.transpose(0, *order, *rest).reshape(*terms.shape, -1).any(axis=-1)
            terms, hits = terms.reshape(len(shares), -1), hits.reshape(len(shares), -1)
            last = hits.shape[1] - 1 - hits[:, ::-1].argmax(axis=1)
            for which, pick in (("last", last), ("first", hits.argmax(axis=1))):
                prediction = np.where(hits.any(axis=1), terms[np.arange(len(terms)), pick], 0)
                if e.explains(prediction):
                    yield "= where += belongs", f"only the {which} of several contributions is left; each must be added"
                    return


def restricted(e):
    """Sums over a part of the outputs only."""
    if e.jacobian is None or not e.y_shape:
        return
    shares = e.shares
    ndim = len(e.y_shape)
    for count in range(1, ndim + 1):
        for axes in combinations(range(ndim), count):
            for which, place in (("last", -1), ("first", 0)):
                chosen = tuple(slice(None) if axis not in axes else [place % e.y_shape[axis]] for axis in range(ndim))
                part = shares[(slice(None), *chosen)] if count == 1 else _take(shares, axes, place)
                if all(e.y_shape[axis] == 1 for axis in axes) or not e.explains(
                    part.reshape(len(shares), -1).sum(axis=1)
                ):
                    continue
                names = [axis_name(axis, ndim) for axis in axes]
                if axes == (0,):
                    yield "only one image counts", f"the gradient is that of the {which} image of the batch alone"
                else:
                    yield "not summed over", f"{' and '.join(names)}: only the {which} of each is counted"
                return


def _take(shares, axes, place):
    for axis in axes:
        shares = np.take(shares, [place], axis=axis + 1)
    return shares


def weighted(e):
    """Outputs that count with a weight of their own: missing branches, means over the wrong number."""
    ndim = len(e.y_shape)
    if e.jacobian is None or ndim not in (2, 4):
        return
    shares = e.shares
    for axes, what in (((2, 3), "positions"), ((1,), "channels"), ((0,), "images"))[0 if ndim == 4 else 1 :]:
        rest = tuple(a + 1 for a in range(ndim) if a not in axes)
        columns = shares.sum(axis=rest).reshape(len(shares), -1)
        if columns.shape[1] < 2 or len(columns) < 2 * columns.shape[1]:
            continue
        weights, _, rank, _ = np.linalg.lstsq(columns, e.analytic.reshape(-1), rcond=1e-10)
        if rank < columns.shape[1] or not e.explains(columns @ weights):
            continue
        if np.all(np.isclose(weights, 0, atol=1e-6) | np.isclose(weights, 1, atol=1e-6)):
            yield _left_out(what, np.flatnonzero(np.isclose(weights, 0, atol=1e-6)), len(weights))
        elif what == "positions" and np.ptp(weights) > 1e-6 and weights.min() > 0 and e.jacobian.min() >= -1e-12:
            yield "divided by the wrong count", "windows at the border count fewer values; divide as the forward did"
        elif what == "channels":
            yield "wrong by a constant factor", f"another one for each channel: {np.round(weights, 4).tolist()}"
        return


def _left_out(what, missing, count):
    if what == "images" and len(missing) == count - 1:
        return "only one image counts", f"images {missing.tolist()} give nothing"
    kept = np.setdiff1d(np.arange(count), missing)
    if len(kept) and what == "channels" and len(missing) > len(kept) and (kept[-1] == count - 1 or kept[0] == 0):
        if len(kept) == kept[-1] - kept[0] + 1:
            which = "last" if kept[-1] == count - 1 else "first"
            return "= where += belongs", f"of several branches only the {which} (outputs {kept.tolist()}) is left"
    return "gradient missing", f"the share of {what} {missing.tolist()} of the output is left out"


def other_argument(e):
    """A factor used in another orientation: flipped, transposed."""
    if e.jacobian is None or e.numeric.size > 2000:
        return
    for position in e.subject.floats:
        other = e.subject.arrays[position]
        if position == e.position or other.ndim < 2:
            continue
        for key, change, turned in _turns(other):
            if turned.shape != other.shape or np.array_equal(turned, other):
                continue
            arrays = list(e.subject.arrays)
            arrays[position] = turned
            twin = Subject(e.subject.title, e.subject.names, arrays, e.subject.forward, e.subject.backward)
            if e.explains(slopes(twin, e.position, e.grad_y).gradient):
                yield key, f"{e.subject.names[position]} is used {change} for the gradient of {e.name}"


def _turns(array):
    if array.ndim == 4:
        yield "kernel not flipped", "flipped (or not) the wrong way round", array[:, :, ::-1, ::-1]
        yield "kernel not flipped", "flipped in height only", array[:, :, ::-1]
        yield "kernel not flipped", "flipped in width only", array[:, :, :, ::-1]
        yield "axes swapped", "with input and output channels exchanged", array.swapaxes(0, 1)
        yield "axes swapped", "with height and width exchanged", array.swapaxes(2, 3)
        yield "axes swapped", "with channels exchanged, and flipped", array.swapaxes(0, 1)[:, :, ::-1, ::-1]
    else:
        yield "axes swapped", "transposed (or not) the wrong way round", array.swapaxes(0, 1)


def places(e):
    """Where the error is, when nothing explains it: one image, the border, some entries that are zero."""
    wrong = np.abs(e.analytic - e.numeric) > SAME * np.abs(e.numeric).max(initial=1e-300)
    wrong &= ~e.kinks
    if not wrong.any():
        return
    maps = e.numeric.ndim == 4 and min(e.numeric.shape[2:]) > 2
    if maps and e.y_shape[:2] == e.numeric.shape[:2]:
        if np.allclose(e.analytic.sum(axis=(2, 3)), e.numeric.sum(axis=(2, 3)), atol=1e-8):
            yield "mask from the wrong array", "each map's sum is right, but the gradient lies at other places"
    if e.y_shape[:1] == e.numeric.shape[:1] and e.numeric.ndim > 1 and len(wrong) > 1:
        images, moving = (np.flatnonzero(np.any(a.reshape(len(wrong), -1), axis=1)) for a in (wrong, e.numeric))
        if len(moving) == 1:
            yield "only one image counts", f"the forward looks at image {moving[0]} only"
        if len(images) < len(wrong):
            yield "only one image counts", f"the gradient is wrong for images {images.tolist()} alone"
    if maps:
        for width in (1, 2):
            inner = wrong[:, :, width:-width, width:-width]
            if inner.size and not inner.any():
                yield "wrong at the border only", "the padding, or the first and last windows"
                break
    if not np.any(np.abs(e.analytic[wrong]) > 1e-12):
        yield "gradient missing", f"{int(wrong.sum())} entries are zero that should not be; the others are right"


GENERAL = (
    all_zero,
    classifier,
    diagonal,
    mask,
    upstream,
    factor,
    restricted,
    overwritten,
    other_argument,
    other_arguments_gradient,
    rearranged,
    upstream_rearranged,
    shifted,
    weighted,
)
