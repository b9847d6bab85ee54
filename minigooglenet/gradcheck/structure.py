"""Suspects that can be recognised from the values alone, whatever the operation is.

Each function yields (key, hint) for every suspect that predicts the wrong gradient exactly. The predictions use the
derivatives of each single output, so they can form overwritten or incomplete sums, as a faulty backward does.
"""

from itertools import combinations, permutations

import numpy as np

from minigooglenet.gradcheck.differences import central_differences
from minigooglenet.gradcheck.evidence import SAME, axis_name, matches
from minigooglenet.gradcheck.subject import Subject


def all_zero(e):
    """A gradient that is zero everywhere by mistake."""
    if not np.any(e.analytic) and np.any(e.numerical):
        yield "gradient missing", f"the gradient of {e.name} is zero everywhere. Is it ever computed?"


def factor(e):
    """The right gradient times a constant."""
    squared = float((e.numerical * e.numerical).sum())
    if not squared or not np.any(e.analytic):
        return
    c = float((e.analytic * e.numerical).sum()) / squared
    if e.explains(c * e.numerical):
        yield "wrong by a constant factor", _named(c, e)


def _named(c, e):
    """Return a factor in words: its direction, its size, and the sizes of the arrays that are equal to it."""
    if abs(c + 1) < 1e-6:
        return "-1 (the sign is wrong)"
    size, direction, did = (abs(c), "large", "multiplied") if abs(c) > 1 else (1 / abs(c), "small", "divided")
    text = f"{size:.6g} times too {direction}"
    if equal := [f"{name} = {n}" for name, n in _sizes(e).items() if n > 1 and abs(size - n) < 1e-6 * n]:
        text += f", as if {did} by {' or '.join(equal)}"
    elif direction == "small" and abs(size - round(size)) > 1e-6:
        text += f", {abs(c):.6g} of the right gradient"
    return f"the sign is wrong, and it is {text}" if c < 0 else text


def _sizes(e):
    """Return {name: size} of what people divide by: images, positions, channels and pixels."""
    shape = e.y_shape
    sizes = {}
    if shape:
        sizes["N"] = shape[0]
    elif e.numerical.ndim:
        sizes["N"] = e.numerical.shape[0]
    if len(shape) == 4:
        sizes |= {"P*Q": shape[2] * shape[3], "N*P*Q": shape[0] * shape[2] * shape[3], "K": shape[1]}
    if e.numerical.ndim == 4:
        sizes["H*W"] = int(np.prod(e.numerical.shape[2:]))
    return sizes


def upstream(e):
    """The upstream gradient replaced by ones."""
    if e.jacobian is None:
        return
    for prediction in (e.jacobian.sum(axis=1), e.jacobian.mean(axis=1)):
        if e.explains(prediction):
            yield "upstream gradient ignored", "this is the gradient of a plain sum of the outputs. Multiply by grad_y."


def _same_sums(e):
    """Return whether each channel of a pool's gradient has the right sum, so that only the positions are wrong."""
    if e.numerical.ndim != 4 or e.y_shape[:2] != e.numerical.shape[:2]:
        return False
    return np.allclose(e.analytic.sum(axis=(2, 3)), e.numerical.sum(axis=(2, 3)), atol=1e-8)


def upstream_rearranged(e):
    """The upstream gradient reshaped instead of transposed, or the other way round."""
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
                yield "axes swapped", "the upstream gradient is reshaped without transposing its axes first"
                return


def other_arguments_gradient(e):
    """The gradient of a different argument."""
    for name, numerical in e.others.items():
        if e.explains(numerical) and numerical.shape == e.numerical.shape:
            yield (
                "axes swapped",
                f"this is the gradient of {name}. Slices or results are in the wrong order.",
            )
    if e.y_shape == e.numerical.shape and e.explains(e.numerical - e.grad_y):
        yield "gradient missing", "the gradient of the shortcut, which passes the input on unchanged, is missing"


def _axes(axes):
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {' and '.join(map(str, axes))}"


def rearranged(e):
    """The right values at the wrong positions."""
    ndim = e.numerical.ndim
    for order in permutations(range(ndim)):
        if order != tuple(range(ndim)) and e.explains(e.numerical.transpose(order)):
            swapped = ", ".join(str(axis) for axis, other in enumerate(order) if axis != other)
            yield "axes swapped", f"axes {swapped} of the gradient of {e.name} are exchanged"
    for count in range(1, ndim + 1):
        for axes in combinations(range(ndim), count):
            if e.explains(np.flip(e.numerical, axes)):
                yield (
                    "kernel not flipped",
                    f"the gradient of {e.name} is right except that it is flipped along {_axes(axes)}",
                )
    sorted_values = (np.sort(array.reshape(-1)) for array in (e.analytic, e.numerical))
    elsewhere = np.abs(e.analytic - e.numerical).max() > 1e-2 * np.abs(e.numerical).max() and not _same_sums(e)
    if ndim > 1 and elsewhere and matches(*sorted_values):
        yield (
            "axes swapped",
            f"the gradient of {e.name} has the right values at the wrong positions. Check reshapes and transposes.",
        )


def shifted(e):
    """The right gradient shifted by some pixels, which happens if the padding is not subtracted."""
    if e.numerical.ndim != 4:
        return
    height, width = e.numerical.shape[2:]
    for dy in range(-3, 4):
        for dx in range(-3, 4):
            if (dy, dx) == (0, 0) or abs(dy) >= height or abs(dx) >= width:
                continue
            moved = e.analytic[:, :, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
            original = e.numerical[:, :, max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
            if moved.size * 3 > e.numerical.size and np.any(original) and matches(moved, original):
                yield (
                    "padding ignored",
                    f"the gradient is shifted by ({dy}, {dx}). Subtract the padding from positions.",
                )


def overwritten(e):
    """Sums in which each term overwrites the previous one."""
    if e.jacobian is None or not e.y_shape:
        return
    parts, touched = e.contributions, np.abs(e.jacobian).reshape(-1, *e.y_shape) > 1e-12
    axes = range(1, parts.ndim)
    for count in range(1, parts.ndim):
        for order in permutations(axes, count):
            rest = tuple(axis for axis in axes if axis not in order)
            terms = (
                parts.transpose(0, *order, *rest).reshape(len(parts), *(parts.shape[a] for a in order), -1).sum(axis=-1)
            )
            hits = touched.transpose(0, *order, *rest).reshape(*terms.shape, -1).any(axis=-1)
            terms, hits = terms.reshape(len(parts), -1), hits.reshape(len(parts), -1)
            last = hits.shape[1] - 1 - hits[:, ::-1].argmax(axis=1)
            for which, pick in (("last", last), ("first", hits.argmax(axis=1))):
                prediction = np.where(hits.any(axis=1), terms[np.arange(len(terms)), pick], 0)
                if e.explains(prediction):
                    yield (
                        "= where += belongs",
                        f"only the {which} of several contributions remains. Add them all with +=.",
                    )
                    return


def restricted(e):
    """Sums over only a part of the outputs."""
    if e.jacobian is None or not e.y_shape:
        return
    parts = e.contributions
    ndim = len(e.y_shape)
    for count in range(1, ndim + 1):
        for axes in combinations(range(ndim), count):
            for which, index in (("last", -1), ("first", 0)):
                prediction = _take(parts, axes, index).reshape(len(parts), -1).sum(axis=1)
                if all(e.y_shape[axis] == 1 for axis in axes) or not e.explains(prediction):
                    continue
                names = [axis_name(axis, ndim) for axis in axes]
                if axes == (0,):
                    yield "only one image counts", f"the gradient includes only the {which} image of the batch"
                else:
                    yield (
                        "not summed over",
                        f"the sum over {' and '.join(names)} includes only the {which} one. Sum over all of them.",
                    )
                return


def summed_elsewhere(e):
    """A sum over the wrong axes, which has the right shape only if two sizes are equal."""
    ndim = len(e.y_shape)
    if e.numerical.ndim != 1 or ndim < 2:
        return
    for axis in range(ndim):
        if axis != 1 and e.explains(e.grad_y.sum(axis=tuple(a for a in range(ndim) if a != axis))):
            yield (
                "not summed over",
                f"the sum must keep the axis of {axis_name(1, ndim)}, but it keeps {axis_name(axis, ndim)}",
            )


def _take(parts, axes, index):
    for axis in axes:
        parts = np.take(parts, [index], axis=axis + 1)
    return parts


def weighted(e):
    """Outputs whose contributions have wrong weights: missing branches, means with the wrong divisor."""
    ndim = len(e.y_shape)
    if e.jacobian is None or ndim not in (2, 4):
        return
    parts = e.contributions
    for axes, what in (((2, 3), "positions"), ((1,), "channels"), ((0,), "images"))[0 if ndim == 4 else 1 :]:
        rest = tuple(a + 1 for a in range(ndim) if a not in axes)
        columns = parts.sum(axis=rest).reshape(len(parts), -1)
        if columns.shape[1] < 2 or len(columns) < 2 * columns.shape[1]:
            continue
        weights, _, rank, _ = np.linalg.lstsq(columns, e.analytic.reshape(-1), rcond=1e-10)
        if rank < columns.shape[1] or not e.explains(columns @ weights):
            continue
        if np.ptp(weights) < 1e-6:
            return  # a constant factor, which `factor` reports
        if np.all(np.isclose(weights, 0, atol=1e-6) | np.isclose(weights, 1, atol=1e-6)):
            yield _missing(what, np.flatnonzero(np.isclose(weights, 0, atol=1e-6)), len(weights))
        elif what == "positions" and weights.min() > 0 and e.jacobian.min() >= -1e-12:
            yield (
                "divided by the wrong count",
                "windows at the border have fewer values. Divide by the same count as in forward.",
            )
        elif what == "channels":
            yield "wrong by a constant factor", f"a different one per channel: {np.round(weights, 4).tolist()}"
        return


def _missing(what, missing, count):
    if what == "images" and len(missing) == count - 1:
        return "only one image counts", f"images {missing.tolist()} do not contribute"
    kept = np.setdiff1d(np.arange(count), missing)
    outermost = len(kept) > 0 and (kept[-1] == count - 1 or kept[0] == 0) and len(kept) == kept[-1] - kept[0] + 1
    if what == "channels" and outermost and len(missing) > len(kept):
        which = "last" if kept[-1] == count - 1 else "first"
        return "= where += belongs", f"only the {which} of several branches (outputs {kept.tolist()}) contributes"
    return "gradient missing", f"{what} {missing.tolist()} of the output do not contribute"


def other_argument(e):
    """A factor used in the wrong orientation: flipped or transposed."""
    if e.jacobian is None or e.numerical.size > 2000:
        return
    for position in e.subject.floats:
        other = e.subject.arrays[position]
        if position == e.position or other.ndim < 2:
            continue
        for key, change, changed in _orientations(other):
            if changed.shape != other.shape or np.array_equal(changed, other):
                continue
            arrays = list(e.subject.arrays)
            arrays[position] = changed
            twin = Subject(e.subject.title, e.subject.names, arrays, e.subject.forward, e.subject.backward)
            if _agrees_in_part(e, twin) and e.explains(central_differences(twin, e.position, e.grad_y).gradient):
                yield key, f"the gradient of {e.name} uses {e.subject.names[position]} {change}"


def _agrees_in_part(e, twin):
    """Return whether the largest entries may be explained: all the differences take a hundred times as long."""
    analytic = e.analytic.reshape(-1)
    few = np.argsort(np.where(e.kinks, 0, np.abs(e.analytic)).reshape(-1))[-3:]
    differences = central_differences(twin, e.position, e.grad_y, few).gradient
    return bool(np.abs(differences - analytic[few]).max() <= 10 * SAME * np.abs(analytic).max())


def _orientations(array):
    if array.ndim == 4:
        yield "kernel not flipped", "with a missing or an extra flip", array[:, :, ::-1, ::-1]
        yield "kernel not flipped", "flipped in height only", array[:, :, ::-1]
        yield "kernel not flipped", "flipped in width only", array[:, :, :, ::-1]
        yield "axes swapped", "with input and output channels exchanged", array.swapaxes(0, 1)
        yield "axes swapped", "with height and width exchanged", array.swapaxes(2, 3)
        yield "axes swapped", "with channels exchanged, and flipped", array.swapaxes(0, 1)[:, :, ::-1, ::-1]
    else:
        yield "axes swapped", "with a missing or an extra transpose", array.swapaxes(0, 1)


def locations(e):
    """The location of an unexplained error: one image, the border, some entries that are zero."""
    wrong = np.abs(e.analytic - e.numerical) > SAME * np.abs(e.numerical).max(initial=1e-300)
    wrong &= ~e.kinks
    if not wrong.any():
        return
    images_of_pixels = e.numerical.ndim == 4 and min(e.numerical.shape[2:]) > 2
    if images_of_pixels and _same_sums(e):
        yield "mask from the wrong array", "each channel has the right sum, but at the wrong positions"
    first = e.position == e.subject.floats[0]  # the others are parameters, whose first axis is not the batch
    if first and e.y_shape[:1] == e.numerical.shape[:1] and e.numerical.ndim > 1 and len(wrong) > 1:
        images, used = (np.flatnonzero(np.any(a.reshape(len(wrong), -1), axis=1)) for a in (wrong, e.numerical))
        if len(used) == 1:
            yield "only one image counts", f"forward uses only image {used[0]}"
        if len(images) < len(wrong) and wrong[images].all():
            yield "only one image counts", f"the gradient is wrong only for images {images.tolist()}"
    if images_of_pixels and first:
        for width in (1, 2):
            inner = wrong[:, :, width:-width, width:-width]
            if inner.size and not inner.any():
                yield "wrong at the border only", "check the padding, and the first and last windows"
                break
    if not np.any(np.abs(e.analytic[wrong]) > 1e-12):
        yield "gradient missing", f"{int(wrong.sum())} entries are zero but should not be. The others are right."
