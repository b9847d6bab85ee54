"""What a wrong array looks like beside the right one, when it is no known mistake: a factor, a shift, a place."""

import itertools
import math

import numpy as np

from minigooglenet.exercises.outputs import close

NEAR = 1e-6
ROUNDED, HALF = 2e-6, 2e-3  # of the largest value: float32 or a rounding in between, and float16


def symptom(expected, got) -> str:
    """Return what `got` looks like beside `expected`, in words, or an empty string."""
    expected, got = (np.asarray(values) for values in (expected, got))
    half = got.dtype == np.float16
    if expected.dtype.kind not in "biuf" or got.dtype.kind not in "biuf":
        return ""
    with np.errstate(all="ignore"):  # values may be as large as floats go
        return _symptom(expected.astype(np.float64), got.astype(np.float64), half)


def _symptom(expected, got, half):
    if expected.shape != got.shape:
        return _of_shape(expected, got)
    if not np.isfinite(got).all() and np.isfinite(expected).all():
        return f"{int((~np.isfinite(got)).sum())} of {got.size} values are not finite"
    if digits := _digits(expected, got, HALF if half else ROUNDED):
        return digits
    for describe in (_zeros, _factor, _offset, _axes, _mirrored, _shifted, _slices, _border):
        found = describe(expected, got)
        if found:
            return found
    wrong = ~close(got, expected, NEAR)
    if wrong.size == 1:
        return ""
    return f"{int(wrong.sum())} of {wrong.size} values differ, the first at {_first(wrong)}"


def _of_shape(expected, got):
    if sorted(expected.shape) == sorted(got.shape):
        return "the same axes in another order. Check whether two of them are exchanged"
    if expected.size == got.size:
        return "as many values in another shape. Check for a reshape that is missing or one too many"
    if expected.ndim == got.ndim:
        names = [
            f"axis {i} has {b}, not {a}"
            for i, (a, b) in enumerate(zip(expected.shape, got.shape, strict=True))
            if a != b
        ]
        return "; ".join(names)
    return f"{got.ndim} axes instead of {expected.ndim}"


def _same(a, b):
    return bool(close(a, b, NEAR).all())


def _first(wrong):
    return tuple(map(int, np.argwhere(wrong)[0])) if wrong.ndim else ()


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
    return "zeros everywhere; is it ever filled?" if got.size and not got.any() and expected.any() else ""


def _factor(expected, got):
    square = float((expected * expected).sum())
    ratio = float((expected * got).sum()) / square if square else 0
    many = got.size > 1  # of one number every other is some multiple
    return f"exactly {ratio:.6g} times the right values" if many and ratio and _same(got, ratio * expected) else ""


def _offset(expected, got):
    difference = got - expected
    return (
        f"every value is off by the same {difference.flat[0]:.6g}"
        if difference.size > 1 and _same(difference, np.full_like(difference, difference.flat[0]))
        else ""
    )


def _axes(expected, got):
    for axes in itertools.permutations(range(expected.ndim)):
        turned = expected.transpose(axes)
        if axes != tuple(range(expected.ndim)) and turned.shape == got.shape and _same(got, turned):
            return f"the right values with axes exchanged: yours are in the order {axes}"
    return ""


def _mirrored(expected, got):
    for count in range(1, expected.ndim + 1):
        for axes in itertools.combinations(range(expected.ndim), count):
            if _same(got, np.flip(expected, axes)):
                return f"the right values, mirrored along axis {' and '.join(map(str, axes))}"
    return ""


def _shifted(expected, got):
    if expected.ndim < 2 or min(expected.shape[-2:]) <= 3:
        return ""
    for down, right in itertools.product(range(-2, 3), repeat=2):
        here, there = _window(expected, -down, -right), _window(got, down, right)
        if (down or right) and here.any() and _same(there, here):
            ways = ("down" if down > 0 else "up"), ("right" if right > 0 else "left")
            return f"the right values, {abs(down)} rows {ways[0]} and {abs(right)} columns {ways[1]}"
    return ""


def _window(values, down, right):
    rows = slice(max(0, down), values.shape[-2] + min(0, down))
    return values[..., rows, slice(max(0, right), values.shape[-1] + min(0, right))]


def _slices(expected, got):
    wrong = ~close(got, expected, NEAR)
    for axis in range(expected.ndim):
        others = tuple(i for i in range(expected.ndim) if i != axis)
        right = np.flatnonzero(~wrong.any(axis=others))
        if 0 < len(right) < expected.shape[axis]:
            return f"right at {_list(right)} along axis {axis}, wrong at the others"
    return ""


def _border(expected, got):
    wrong = ~close(got, expected, NEAR)
    if expected.ndim < 2 or min(expected.shape[-2:]) < 3:
        return ""
    inside = wrong[..., 1:-1, 1:-1]
    return "right inside, wrong at the border" if not inside.any() else ""


def _list(places):
    return ", ".join(map(str, places[:4])) + (", ..." if len(places) > 4 else "")
