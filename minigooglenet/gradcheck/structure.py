"""Suspects that show in the numbers alone, whatever the operation is.

Each function yields (key, hint) for every suspect that predicts the wrong gradient exactly. The predictions use the
slope of every single output, so that sums, overwritten and restricted ones, can be formed as a faulty backward would.
"""

from itertools import combinations, permutations

import numpy as np

from minigooglenet.gradcheck.differences import slopes
from minigooglenet.gradcheck.evidence import SAME, axis_name, matches
from minigooglenet.gradcheck.subject import Subject


def all_zero(e):
    """A gradient of zeros where there should be one."""
    if not np.any(e.analytic) and np.any(e.numeric):
        yield "gradient missing", f"the gradient of {e.name} is zero everywhere; is it ever computed?"


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


def _same_maps(e):
    """Return whether each map of a pooling's gradient has the right sum, so that its entries only lie elsewhere."""
    if e.numeric.ndim != 4 or e.y_shape[:2] != e.numeric.shape[:2]:
        return False
    return np.allclose(e.analytic.sum(axis=(2, 3)), e.numeric.sum(axis=(2, 3)), atol=1e-8)


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
    sorted_numbers = (np.sort(array.reshape(-1)) for array in (e.analytic, e.numeric))
    elsewhere = np.abs(e.analytic - e.numeric).max() > 1e-2 * np.abs(e.numeric).max() and not _same_maps(e)
    if ndim > 1 and elsewhere and matches(*sorted_numbers):
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
            if there.size * 3 > e.numeric.size and np.any(here) and matches(there, here):
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
                prediction = _take(shares, axes, place).reshape(len(shares), -1).sum(axis=1)
                if all(e.y_shape[axis] == 1 for axis in axes) or not e.explains(prediction):
                    continue
                names = [axis_name(axis, ndim) for axis in axes]
                if axes == (0,):
                    yield "only one image counts", f"the gradient is that of the {which} image of the batch alone"
                else:
                    yield "not summed over", f"{' and '.join(names)}: only the {which} of each is counted"
                return


def summed_elsewhere(e):
    """A sum over the wrong axes, which only a square upstream gradient lets pass."""
    ndim = len(e.y_shape)
    if e.numeric.ndim != 1 or ndim < 2:
        return
    for axis in range(ndim):
        if axis != 1 and e.explains(e.grad_y.sum(axis=tuple(a for a in range(ndim) if a != axis))):
            yield "not summed over", f"{axis_name(1, ndim)} should be left; {axis_name(axis, ndim)} is left instead"


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
        if np.ptp(weights) < 1e-6:
            return  # a plain factor, which has a name of its own
        if np.all(np.isclose(weights, 0, atol=1e-6) | np.isclose(weights, 1, atol=1e-6)):
            yield _left_out(what, np.flatnonzero(np.isclose(weights, 0, atol=1e-6)), len(weights))
        elif what == "positions" and weights.min() > 0 and e.jacobian.min() >= -1e-12:
            yield "divided by the wrong count", "windows at the border count fewer values; divide as the forward did"
        elif what == "channels":
            yield "wrong by a constant factor", f"another one for each channel: {np.round(weights, 4).tolist()}"
        return


def _left_out(what, missing, count):
    if what == "images" and len(missing) == count - 1:
        return "only one image counts", f"images {missing.tolist()} give nothing"
    kept = np.setdiff1d(np.arange(count), missing)
    outermost = len(kept) > 0 and (kept[-1] == count - 1 or kept[0] == 0) and len(kept) == kept[-1] - kept[0] + 1
    if what == "channels" and outermost and len(missing) > len(kept):
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
    if maps and _same_maps(e):
        yield "mask from the wrong array", "each map's sum is right, but the gradient lies at other places"
    first = e.position == e.subject.floats[0]  # the others are parameters: their first axis is no batch
    if first and e.y_shape[:1] == e.numeric.shape[:1] and e.numeric.ndim > 1 and len(wrong) > 1:
        images, moving = (np.flatnonzero(np.any(a.reshape(len(wrong), -1), axis=1)) for a in (wrong, e.numeric))
        if len(moving) == 1:
            yield "only one image counts", f"the forward looks at image {moving[0]} only"
        if len(images) < len(wrong) and wrong[images].all():
            yield "only one image counts", f"the gradient is wrong for images {images.tolist()} alone"
    if maps and first:
        for width in (1, 2):
            inner = wrong[:, :, width:-width, width:-width]
            if inner.size and not inner.any():
                yield "wrong at the border only", "the padding, or the first and last windows"
                break
    if not np.any(np.abs(e.analytic[wrong]) > 1e-12):
        yield "gradient missing", f"{int(wrong.sum())} entries are zero that should not be; the others are right"
