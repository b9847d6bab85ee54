"""Symptoms of a wrong array next to the right one: axes in a different order, a flip, a shift, only the first image."""

import itertools
import math

import numpy as np

from minigooglenet.exercises.outputs import close

NEAR = 1e-6
ROUNDED, HALF = 2e-6, 2e-3  # fraction of the largest value: float32 or an intermediate rounding, and float16
MOST_AXES = 6  # largest number of axes for which every order is tried
MOST_SLICES = 64  # largest number of slices along an axis whose order is determined


def _real(*arrays):
    return all(array.dtype.kind in "biuf" for array in arrays)


def rounded(expected, got) -> str:
    """Return to how many digits rounded values agree, or how many values are not finite."""
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
    """Return how all of `got` follows from `expected` by a different position, order or shape, or an empty string."""
    if np.asarray(got).dtype.kind == "b" != np.asarray(expected).dtype.kind and np.size(got) > 1:
        return "True and False instead of numbers: is this a mask?"
    return _first_of(
        expected, got, (_zeros, _axes, _mirrored, _rolled), (_sizes_exchanged, _not_summed, _summed, _part)
    )


def symptom(expected, got) -> str:
    """Return where `got` is right and how it differs elsewhere, or an empty string."""
    kinds = (_shifted, _slices, _ordered, _filled, _border, _affine, _along, _scrambled)
    return _first_of(expected, got, kinds, (_of_shape,))


def likeness(expected, got) -> str:
    """Return the first explanation of a wrong array, for exercises that have a judge."""
    return rounded(expected, got) or exact(expected, got) or symptom(expected, got) or vague(expected, got)


def vague(expected, got) -> str:
    """Return how many values differ, and the position of the first."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape or expected.size < 2:
        return ""
    wrong = ~close(got, expected, NEAR)
    return f"{int(wrong.sum())} of {wrong.size} values differ, the first at {_first(wrong)}"


def _first_of(expected, got, same_shape, other_shape):
    expected, got = np.asarray(expected), np.asarray(got)
    if not _real(expected, got):
        return ""
    integers = all(array.dtype.kind in "biu" for array in (expected, got))  # compared exactly
    expected, got = (array.astype(np.int64 if integers else np.float64) for array in (expected, got))
    with np.errstate(all="ignore"):
        for describe in same_shape if expected.shape == got.shape else other_shape:
            text = describe(expected, got)
            if text:
                return text
    return ""


def _same(a, b):
    return bool(a.shape == b.shape and close(a, b, NEAR).all())


def _first(wrong):
    return tuple(map(int, np.argwhere(wrong)[0])) if wrong.ndim and wrong.any() else ()


# A different shape


def _sizes_exchanged(expected, got):
    if expected.size == got.size and expected.size:
        if (text := _axes(expected, got)) or expected.ndim != got.ndim:
            values = "the right values" if _same(expected.ravel(), got.ravel()) else "the right number of values"
            return text or f"{values} in the wrong shape. Check for a missing or extra reshape or squeeze"
        if _same(expected.ravel(), got.ravel()):
            return "the right values, reshaped to a different shape"
    return ""


def _not_summed(expected, got):
    """Return the axes over which a sum, a mean or a maximum is missing."""
    if got.ndim <= expected.ndim or not got.size:
        return ""
    for count in range(1, got.ndim + 1):
        for axes in itertools.combinations(range(got.ndim), count):
            last = tuple(got.shape[axis] - 1 for axis in axes)
            for index in (*np.ndindex(*(min(got.shape[axis], 8) for axis in axes)), last):
                at = dict(zip(axes, index, strict=True))
                if _same(got[tuple(at.get(axis, slice(None)) for axis in range(got.ndim))], expected):
                    position = index[0] if len(index) == 1 else index
                    which = f"index {position}{' (the last)' if index == last else ''} along {_axis(axes)}"
                    return f"only {which} of your output is right: return that part"
            for word, reduce in (("sum", np.sum), ("mean", np.mean), ("maximum", np.max)):
                if _same(reduce(got, axis=axes), expected):
                    return f"the {word} of your output over {_axis(axes)} is right: take this {word} before you return"
    return ""


def _summed(expected, got):
    """Return the axes over which a sum, a mean or a maximum is one too many."""
    if got.ndim >= expected.ndim or not expected.size:
        return ""
    for axis in range(expected.ndim):
        for index, word in ((0, "first"), (-1, "last")):
            if _same(np.take(expected, index, axis), got):
                return f"the right values, but only the {word} along axis {axis}: return all of them"
    for count in range(1, expected.ndim + 1):
        for axes in itertools.combinations(range(expected.ndim), count):
            for word, reduce in (("sum", np.sum), ("mean", np.mean), ("maximum", np.max)):
                if _same(reduce(expected, axis=axes), got):
                    keep = "this axis" if count == 1 else "these axes"
                    return f"the {word} of the right values over {_axis(axes)}: keep {keep}"
    return ""


def _axis(axes):
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"


def _part(expected, got):
    """Return which rows and columns are missing or extra, if the others are right."""
    if expected.ndim != got.ndim or not expected.ndim:
        return ""
    for small, large, what in ((got, expected, "some are missing"), (expected, got, "there are too many")):
        if small.size < 3 or np.ptp(small) == 0 or any(a > b for a, b in zip(small.shape, large.shape, strict=True)):
            continue
        for starts in itertools.product(
            *(range(min(b - a, 4) + 1) for a, b in zip(small.shape, large.shape, strict=True))
        ):
            region = tuple(slice(s, s + a) for s, a in zip(starts, small.shape, strict=True))
            if _same(large[region], small):
                counts = [
                    _ends(s, b - a - s, axis)
                    for axis, (s, a, b) in enumerate(zip(starts, small.shape, large.shape, strict=True))
                    if a != b
                ]
                return f"the right values, but {what}: {', '.join(counts)}"
    return ""


def _ends(start, end, axis):
    """Return how many values are missing or extra at the two ends of an axis."""
    ends = [f"{count} at the {word}" for count, word in ((start, "start"), (end, "end")) if count]
    return f"{' and '.join(ends)} of axis {axis}"


def _of_shape(expected, got):
    if sorted(expected.shape) == sorted(got.shape):
        return "the same axis sizes in a different order. Check whether two axes are exchanged"
    if expected.size == got.size:
        return "the right number of values in the wrong shape. Check for a missing or extra reshape"
    if expected.ndim != got.ndim:
        what = "for a missing sum" if got.ndim > expected.ndim else "the axes of your sums"
        return f"{_dimensions(got)} instead of {_dimensions(expected)}. Check {what}"
    pairs = enumerate(zip(expected.shape, got.shape, strict=True))
    sizes = "; ".join(f"axis {i} has size {b} instead of {a}" for i, (a, b) in pairs if a != b)
    return f"{sizes}. Check how you compute the output size{_common(expected, got)}"


def _dimensions(values):
    """Return the number of axes of an array in words."""
    return ("a single number", "1 axis")[values.ndim] if values.ndim < 2 else f"{values.ndim} axes"


def _common(expected, got):
    """Return that the part with indices in both arrays is right, or an empty string."""
    region = tuple(slice(min(a, b)) for a, b in zip(expected.shape, got.shape, strict=True))
    right = expected[region].size and _same(expected[region], got[region])
    return ". The values that fit in both are right" if right else ""


# The same shape


def _digits(expected, got, largest):
    """Return to how many digits rounded values agree, or an empty string."""
    sizes = abs(expected[np.isfinite(expected)])
    with np.errstate(invalid="ignore"):
        error = np.max(np.where(expected == got, 0, abs(got - expected)), initial=0) / (sizes.max(initial=0) or 1)
    if not 0 < error <= largest:
        return ""
    return (
        f"right to about {-math.log10(error):.0f} digits: compute in float64 throughout. "
        "Check for float32, for rounding, or for a small constant that you add"
    )


def _zeros(expected, got):
    return "0 everywhere: is the output ever filled?" if got.size > 1 and not got.any() and expected.any() else ""


def _axes(expected, got):
    if expected.ndim > MOST_AXES or expected.ndim != got.ndim:
        return ""
    for axes in itertools.permutations(range(expected.ndim)):
        transposed = expected.transpose(axes)
        if axes != tuple(range(expected.ndim)) and _same(got, transposed):
            return f"the right values with axes exchanged: yours are in the order {axes}"
    return ""


def _mirrored(expected, got):
    for count in range(1, expected.ndim + 1):
        for axes in itertools.combinations(range(expected.ndim), count):
            if _same(got, np.flip(expected, axes)):
                return f"the right values, flipped along axis {' and '.join(map(str, axes))}"
    return ""


def _rolled(expected, got):
    for axis in range(expected.ndim):
        for by in (1, -1):
            if expected.shape[axis] > 2 and _same(got, np.roll(expected, by, axis)):
                return f"the right values, shifted by {by:+d} along axis {axis} with wrap-around"
    return ""


def _shifted(expected, got):
    if not expected.ndim > 0 or min(expected.shape[-2:]) <= 3:
        return ""
    steps = itertools.product(range(-2, 3), repeat=2) if expected.ndim > 1 else ((0, by) for by in range(-2, 3))
    for down, right in sorted(steps, key=lambda step: abs(step[0]) + abs(step[1])):
        right_part, got_part = _window(expected, -down, -right), _window(got, down, right)
        if (down or right) and right_part.any() and _same(got_part, right_part):
            moves = _move(down, "row", "down", "up"), _move(right, "column", "to the right", "to the left")
            return f"the right values, shifted {' and '.join(filter(None, moves))}"
    return ""


def _move(by, unit, forwards, backwards):
    """Return a shift in words, such as "2 rows down", or an empty string."""
    return f"{abs(by)} {unit}{'' if abs(by) == 1 else 's'} {forwards if by > 0 else backwards}" if by else ""


def _window(values, down, right):
    columns = slice(max(0, right), values.shape[-1] + min(0, right))
    if values.ndim < 2:
        return values[columns]
    return values[..., slice(max(0, down), values.shape[-2] + min(0, down)), columns]


def _slices(expected, got):
    """Return the axis along which some slices are right, and the content of the others."""
    wrong = ~close(got, expected, NEAR)
    for axis in range(expected.ndim):
        others = tuple(i for i in range(expected.ndim) if i != axis)
        right = np.flatnonzero(~wrong.any(axis=others) & (expected.any(axis=others) | (expected.ndim == 1)))
        if 0 < len(right) < expected.shape[axis]:
            left = np.delete(got, np.flatnonzero(~wrong.any(axis=others)), axis)
            first = np.take(got, [0], axis)
            if not left.any():
                rest = "zeros elsewhere: is the rest ever filled?"
            elif right[0] == 0 and _same(left, np.repeat(first, left.shape[axis], axis)):
                rest = "the same values again elsewhere"
            else:
                rest = "wrong elsewhere"
            return f"right at {'index' if len(right) == 1 else 'indices'} {_list(right)} along axis {axis}, {rest}"
    return ""


def _ordered(expected, got):
    """Return that the slices along an axis are right but in a different order, or one of them at every index."""
    for axis in range(expected.ndim):
        count = expected.shape[axis]
        if not 1 < count <= MOST_SLICES:
            continue
        parts = np.moveaxis(expected, axis, 0), np.moveaxis(got, axis, 0)
        order = [next((i for i in range(count) if _same(part, parts[0][i])), None) for part in parts[1]]
        if None not in order and any(part.any() for part in parts[0]):
            if len(set(order)) == 1:
                return f"every slice along axis {axis} has the right values of index {order[0]}"
            return f"the right slices along axis {axis} in a different order: yours are {_list(order, 16)}"
    return ""


def _filled(expected, got):
    """Return that all values are right except those that are 0, or should be 0."""
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
        return "right inside, wrong at the border: check the padding, and where loops start and end"
    if expected.shape[-1] > 3 < expected.shape[-2] and not wrong[..., :-1, :-1].any():
        return "wrong only in the last row and column: check where loops end"
    return "wrong only in the first row and column: check where loops start" if not corner.any() else ""


def _affine(expected, got):
    """Return that the values are a multiple of the right ones plus an offset, which may depend on one axis."""
    for axis in range(-1, expected.ndim):
        others = tuple(i for i in range(expected.ndim) if i != axis)
        if not others or np.prod([expected.shape[i] for i in others]) < 4:
            continue
        right, centred = (v - v.mean(axis=others, keepdims=True) for v in (expected, got))
        square = float((right * right).sum())
        factor = float((right * centred).sum()) / square if square > NEAR else 0
        if factor and _same(centred, factor * right):
            offset = f" that differs along axis {axis}" if axis >= 0 else ""
            times = f"{factor:.6g} times the right values" if abs(factor - 1) > NEAR else "the right values"
            if _same(got, factor * expected):
                return f"{times} in this case"
            return f"{times} plus an offset{offset}: check what you add, and where"
    return ""


def _along(expected, got):
    """Return the axes along which the error varies: the wrong summand or factor has only these axes."""
    for word, error in (("add", got - expected), ("multiply by", got / np.where(expected == 0, np.nan, expected))):
        finite = np.isfinite(error)
        if word != "add" and not finite.all():
            continue
        axes = [
            axis
            for axis, count in enumerate(error.shape)
            if count > 1 and _same(error, np.repeat(np.take(error, [0], axis), count, axis))
        ]
        if axes and len(axes) < error.ndim:
            kept = [axis for axis in range(error.ndim) if axis not in axes and error.shape[axis] > 1]
            if kept:
                return f"the error varies only along {_axis(tuple(kept))}: check what you {word}"
    return ""


def _scrambled(expected, got):
    if got.size > 3 and _same(np.sort(got, axis=None), np.sort(expected, axis=None)):
        return "the right values at the wrong positions: check for a reshape that should be a transpose"
    return ""


def _list(indices, most=4):
    return ", ".join(str(int(index)) for index in indices[:most]) + (", ..." if len(indices) > most else "")
