"""What a wrong array looks like next to the right one: axes in another order, a flip, a shift, only the first image."""

import itertools
import math

import numpy as np

from minigooglenet.exercises.outputs import close

NEAR = 1e-6
ROUNDED, HALF = 2e-6, 2e-3  # of the largest value: float32 or a rounding in between, and float16
MOST_AXES = 6  # of which all orders are tried
MOST_SLICES = 64  # along an axis, whose order is looked for


def _real(*arrays):
    return all(array.dtype.kind in "biuf" for array in arrays)


def rounded(expected, got) -> str:
    """Say to how many digits values agree that were rounded on the way, or that some are not finite."""
    expected, got = np.asarray(expected), np.asarray(got)
    if not _real(expected, got) or expected.shape != got.shape or expected.dtype.kind != "f":
        return ""
    half = got.dtype == np.float16
    with np.errstate(all="ignore"):  # values may be as large as floats go
        expected, got = expected.astype(np.float64), got.astype(np.float64)
        if not np.isfinite(got).all() and np.isfinite(expected).all():
            return f"{int((~np.isfinite(got)).sum())} of {got.size} values are not finite"
        return _digits(expected, got, HALF if half else ROUNDED)


def exact(expected, got) -> str:
    """Say how all of `got` follows from `expected`: a place, an order or a shape that differs, or an empty string."""
    if np.asarray(got).dtype.kind == "b" != np.asarray(expected).dtype.kind and np.size(got) > 1:
        return "True and False where numbers are asked for: is this a mask?"
    return _first_of(
        expected, got, (_zeros, _axes, _mirrored, _rolled), (_sizes_exchanged, _not_summed, _summed, _part)
    )


def symptom(expected, got) -> str:
    """Say what `got` looks like next to `expected`: where it is right and where it is not, or an empty string."""
    kinds = (_shifted, _slices, _ordered, _filled, _border, _affine, _along, _scrambled)
    return _first_of(expected, got, kinds, (_of_shape,))


def likeness(expected, got) -> str:
    """Return all that one wrong array shows next to the right one, for exercises with a judge of their own."""
    return rounded(expected, got) or exact(expected, got) or symptom(expected, got) or vague(expected, got)


def vague(expected, got) -> str:
    """Return how many values differ."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape or expected.size < 2:
        return ""
    wrong = ~close(got, expected, NEAR)
    return f"{int(wrong.sum())} of {wrong.size} values differ, the first at {_first(wrong)}"


def _first_of(expected, got, same_shape, other_shape):
    expected, got = np.asarray(expected), np.asarray(got)
    if not _real(expected, got):
        return ""
    whole = all(array.dtype.kind in "biu" for array in (expected, got))  # of which none may be off by one
    expected, got = (array.astype(np.int64 if whole else np.float64) for array in (expected, got))
    with np.errstate(all="ignore"):
        for describe in same_shape if expected.shape == got.shape else other_shape:
            found = describe(expected, got)
            if found:
                return found
    return ""


def _same(a, b):
    return bool(a.shape == b.shape and close(a, b, NEAR).all())


def _first(wrong):
    return tuple(map(int, np.argwhere(wrong)[0])) if wrong.ndim and wrong.any() else ()


# Of another shape


def _sizes_exchanged(expected, got):
    if expected.size == got.size and expected.size:
        if (found := _axes(expected, got)) or expected.ndim != got.ndim:
            values = "the right values" if _same(expected.ravel(), got.ravel()) else "as many values"
            return found or f"{values} in another shape. Check for a reshape or squeeze that is missing or one too many"
        if _same(expected.ravel(), got.ravel()):
            return "the right values, reshaped to another shape"
    return ""


def _not_summed(expected, got):
    """Say over which axes a sum, a mean or a maximum is still missing."""
    if got.ndim <= expected.ndim or not got.size:
        return ""
    for count in range(1, got.ndim + 1):
        for axes in itertools.combinations(range(got.ndim), count):
            last = tuple(got.shape[axis] - 1 for axis in axes)
            for index in (*np.ndindex(*(min(got.shape[axis], 8) for axis in axes)), last):
                at = dict(zip(axes, index, strict=True))
                if _same(got[tuple(at.get(axis, slice(None)) for axis in range(got.ndim))], expected):
                    place = f"{index}, the last," if index == last else f"{index}"
                    return f"one part of your output is right, at {place} of {_axis(axes)}: return that part alone"
            for word, reduce in (("sum", np.sum), ("mean", np.mean), ("maximum", np.max)):
                if _same(reduce(got, axis=axes), expected):
                    return f"the {word} over {_axis(axes)} of your output is right: it is still missing"
    return ""


def _summed(expected, got):
    """Say over which axes too many were summed."""
    if got.ndim >= expected.ndim or not expected.size:
        return ""
    for axis in range(expected.ndim):
        for place in (0, -1):
            if _same(np.take(expected, place, axis), got):
                end = "end" if place else "start"
                return f"the right values at the {end} of axis {axis} alone; all of them are asked for"
    for count in range(1, expected.ndim + 1):
        for axes in itertools.combinations(range(expected.ndim), count):
            for word, reduce in (("sum", np.sum), ("mean", np.mean), ("maximum", np.max)):
                if _same(reduce(expected, axis=axes), got):
                    return f"the {word} of the right values over {_axis(axes)}, which should stay"
    return ""


def _axis(axes):
    return f"axis {axes[0]}" if len(axes) == 1 else f"the axes {axes}"


def _part(expected, got):
    """Say which rows and columns are missing, or one too many, next to right values."""
    if expected.ndim != got.ndim or not expected.ndim:
        return ""
    for small, large, what in ((got, expected, "missing"), (expected, got, "too many")):
        if small.size < 3 or np.ptp(small) == 0 or any(a > b for a, b in zip(small.shape, large.shape, strict=True)):
            continue
        for starts in itertools.product(
            *(range(min(b - a, 4) + 1) for a, b in zip(small.shape, large.shape, strict=True))
        ):
            where = tuple(slice(s, s + a) for s, a in zip(starts, small.shape, strict=True))
            if _same(large[where], small):
                told = [
                    f"{s} at the start and {b - a - s} at the end of axis {axis}"
                    for axis, (s, a, b) in enumerate(zip(starts, small.shape, large.shape, strict=True))
                    if a != b
                ]
                return f"the right values, but {what}: {', '.join(told)}"
    return ""


def _of_shape(expected, got):
    if sorted(expected.shape) == sorted(got.shape):
        return "the same axes in another order. Check whether two of them are exchanged"
    if expected.size == got.size:
        return "as many values in another shape. Check for a reshape that is missing or one too many"
    if expected.ndim != got.ndim:
        what = "for a sum that is missing" if got.ndim > expected.ndim else "over which axes you sum"
        return f"{got.ndim} {'axis' if got.ndim == 1 else 'axes'} instead of {expected.ndim}. Check {what}"
    pairs = enumerate(zip(expected.shape, got.shape, strict=True))
    told = "; ".join(f"axis {i} has {b}, not {a}" for i, (a, b) in pairs if a != b)
    return f"{told}. Check how sizes are computed{_common(expected, got)}"


def _common(expected, got):
    """Say whether the part that both have is right."""
    where = tuple(slice(min(a, b)) for a, b in zip(expected.shape, got.shape, strict=True))
    return "; the part that both have is right" if expected[where].size and _same(expected[where], got[where]) else ""


# Of the same shape


def _digits(expected, got, largest):
    """Say to how many digits values agree that were rounded on the way."""
    sizes = abs(expected[np.isfinite(expected)])
    with np.errstate(invalid="ignore"):
        error = np.max(np.where(expected == got, 0, abs(got - expected)), initial=0) / (sizes.max(initial=0) or 1)
    if not 0 < error <= largest:
        return ""
    return (
        f"right to about {-math.log10(error):.0f} digits: compute in float64 to the end. "
        "Check for float32, a rounding, or a small number that was added on the way"
    )


def _zeros(expected, got):
    return "zeros everywhere; is it ever filled?" if got.size > 1 and not got.any() and expected.any() else ""


def _axes(expected, got):
    if expected.ndim > MOST_AXES or expected.ndim != got.ndim:
        return ""
    for axes in itertools.permutations(range(expected.ndim)):
        turned = expected.transpose(axes)
        if axes != tuple(range(expected.ndim)) and _same(got, turned):
            return f"the right values with axes exchanged: yours are in the order {axes}"
    return ""


def _mirrored(expected, got):
    for count in range(1, expected.ndim + 1):
        for axes in itertools.combinations(range(expected.ndim), count):
            if _same(got, np.flip(expected, axes)):
                return f"the right values, mirrored along axis {' and '.join(map(str, axes))}"
    return ""


def _rolled(expected, got):
    for axis in range(expected.ndim):
        for by in (1, -1):
            if expected.shape[axis] > 2 and _same(got, np.roll(expected, by, axis)):
                return (
                    f"the right values, one place {'later' if by > 0 else 'earlier'} along axis {axis}, around the end"
                )
    return ""


def _shifted(expected, got):
    if not expected.ndim > 0 or min(expected.shape[-2:]) <= 3:
        return ""
    steps = itertools.product(range(-2, 3), repeat=2) if expected.ndim > 1 else ((0, by) for by in range(-2, 3))
    for down, right in sorted(steps, key=lambda step: abs(step[0]) + abs(step[1])):
        here, there = _window(expected, -down, -right), _window(got, down, right)
        if (down or right) and here.any() and _same(there, here):
            ways = ("down" if down > 0 else "up"), ("right" if right > 0 else "left")
            return f"the right values, {abs(down)} rows {ways[0]} and {abs(right)} columns {ways[1]}"
    return ""


def _window(values, down, right):
    columns = slice(max(0, right), values.shape[-1] + min(0, right))
    if values.ndim < 2:
        return values[columns]
    return values[..., slice(max(0, down), values.shape[-2] + min(0, down)), columns]


def _slices(expected, got):
    """Say along which axis some parts are right, and what the others hold."""
    wrong = ~close(got, expected, NEAR)
    for axis in range(expected.ndim):
        others = tuple(i for i in range(expected.ndim) if i != axis)
        right = np.flatnonzero(~wrong.any(axis=others) & (expected.any(axis=others) | (expected.ndim == 1)))
        if 0 < len(right) < expected.shape[axis]:
            left = np.delete(got, np.flatnonzero(~wrong.any(axis=others)), axis)
            first = np.take(got, [0], axis)
            if not left.any():
                rest = "zeros at the others: are they ever filled?"
            elif right[0] == 0 and _same(left, np.repeat(first, left.shape[axis], axis)):
                rest = "the first again at the others"
            else:
                rest = "wrong at the others"
            return f"right at {_list(right)} along axis {axis}, {rest}"
    return ""


def _ordered(expected, got):
    """Say that the parts along an axis are right, but in another order, or one of them in every place."""
    for axis in range(expected.ndim):
        count = expected.shape[axis]
        if not 1 < count <= MOST_SLICES:
            continue
        parts = np.moveaxis(expected, axis, 0), np.moveaxis(got, axis, 0)
        order = [next((i for i in range(count) if _same(mine, parts[0][i])), None) for mine in parts[1]]
        if None not in order and any(part.any() for part in parts[0]):
            if len(set(order)) == 1:
                return f"every part along axis {axis} is the right one of place {order[0]}"
            return f"the right parts along axis {axis} in another order: yours are {_list(order, 16)}"
    return ""


def _filled(expected, got):
    """Say that what is there is right, and the rest is 0."""
    wrong = ~close(got, expected, NEAR)
    if got.size > 3 and wrong.any() and not got[wrong].any() and got.any():
        return f"{int(wrong.sum())} of {got.size} values are 0 and should not be; the others are right"
    if got.size > 3 and wrong.any() and not expected[wrong].any() and expected.any():
        return f"{int(wrong.sum())} of {got.size} values should be 0; the others are right"
    return ""


def _border(expected, got):
    wrong = ~close(got, expected, NEAR)
    if expected.ndim < 2 or min(expected.shape[-2:]) < 3:
        return ""
    inside, corner = wrong[..., 1:-1, 1:-1], wrong[..., 1:, 1:]
    if not inside.any():
        return "right inside, wrong at the border: check the padding, and where loops begin and end"
    if expected.shape[-1] > 3 < expected.shape[-2] and not wrong[..., :-1, :-1].any():
        return "wrong in the last row and column only: check where loops end"
    return "wrong in the first row and column only" if not corner.any() else ""


def _affine(expected, got):
    """Say that the values are a multiple of the right ones, apart from an offset, for each part along an axis."""
    for axis in range(-1, expected.ndim):
        others = tuple(i for i in range(expected.ndim) if i != axis)
        if not others or np.prod([expected.shape[i] for i in others]) < 4:
            continue
        right, mine = (v - v.mean(axis=others, keepdims=True) for v in (expected, got))
        square = float((right * right).sum())
        factor = float((right * mine).sum()) / square if square > NEAR else 0
        if factor and _same(mine, factor * right):
            where = f", another one at each index of axis {axis}" if axis >= 0 else ""
            times = f"{factor:.6g} times the right values" if abs(factor - 1) > NEAR else "the right values"
            if _same(got, factor * expected):
                return f"{times} in this case"
            return f"{times} plus an offset{where}: check what is added, and where"
    return ""


def _along(expected, got):
    """Say along which axes the error does not change: what is added or multiplied wrongly has only the others."""
    for word, error in (("added", got - expected), ("multiplied", got / np.where(expected == 0, np.nan, expected))):
        finite = np.isfinite(error)
        if word == "multiplied" and not finite.all():
            continue
        axes = [
            axis
            for axis, count in enumerate(error.shape)
            if count > 1 and _same(error, np.repeat(np.take(error, [0], axis), count, axis))
        ]
        if axes and len(axes) < error.ndim:
            kept = [axis for axis in range(error.ndim) if axis not in axes and error.shape[axis] > 1]
            if kept:
                return f"what is {word} wrongly changes along {_axis(tuple(kept))} only"
    return ""


def _scrambled(expected, got):
    if got.size > 3 and _same(np.sort(got, axis=None), np.sort(expected, axis=None)):
        return "the right values at other places: check for a reshape where axes should be exchanged"
    return ""


def _list(places, most=4):
    return ", ".join(str(int(place)) for place in places[:most]) + (", ..." if len(places) > most else "")
