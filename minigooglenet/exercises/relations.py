"""How wrong outputs are related to the right ones in every test case: a factor with a name, an offset, an order.

A relation is told only if it holds in all cases up to round-off, so it is true whatever its cause.
"""

import itertools
import math

import numpy as np

from minigooglenet.exercises.outputs import FormError, Raised, close, matched, same
from minigooglenet.exercises.shown import number

NEAR = 1e-7
MOST_PARTS, MOST_PAIRS = 5, 100  # of outputs whose orders are tried, and of keys
CONSTANTS = {
    -1.0: "the sign is wrong",
    2.0: "check for something that is added or counted twice",
    0.5: "check for a 2 that is one too many, or missing",
    100.0: "per cent where a fraction is asked for",
    0.01: "a fraction where per cent is asked for",
    1 / math.log(2): "the logarithm to the base 2 where the natural one is asked for",
    1 / math.log(10): "the logarithm to the base 10 where the natural one is asked for",
}
POWERS = {
    "times": 1.0, "divided by": -1.0, "times the root of": 0.5, "divided by the root of": -0.5,
    "times the square of": 2.0, "divided by the square of": -2.0,
}  # fmt: skip
FUNCTIONS = {
    "the absolute values of the right ones": np.abs,
    "the right values with zeros for negative ones, as after a ReLU": lambda v: np.maximum(v, 0),
    "the right values, rounded down: // where / belongs": np.floor,
    "the right values, rounded": np.rint,
    "the right values, rounded toward 0: integers where fractions belong": np.trunc,
    "1 minus the right values": lambda v: 1 - v,
    "1 over the right values: a fraction upside down": lambda v: 1 / v,
    "the squares of the right values: is a square root missing?": np.square,
    "the square roots of the right values": np.sqrt,
    "the exponentials of the right values": np.exp,
    "the logarithms of the right values": np.log,
    "the right values after a softmax that is one too many": lambda v: _softmax(v),
    "zeros and ones where the right values are positive": lambda v: (v > 0).astype(float),
}  # fmt: skip


def relation(calls, outputs) -> str:
    """Return how the outputs of all cases are related to the right ones, in words, or an empty string."""
    if any(isinstance(output, Raised) for output in outputs):
        return ""
    with np.errstate(all="ignore"):
        return _order(calls, outputs) or _alone(calls, outputs) or _parts(calls, outputs)


def _order(calls, outputs):
    """Say that the outputs of a function are right, but in another order."""
    rights, lists = list(map(_items, calls.expected)), list(map(_items, outputs))
    numbers = isinstance(calls.expected[0], tuple) and len(set(map(str, rights[0]))) == len(rights[0])
    if not 1 < len(rights[0]) <= MOST_PARTS or not (numbers or any(np.size(item) > 1 for item in rights[0])):
        return _order_of_keys(calls, outputs)
    for order in list(itertools.permutations(range(len(rights[0]))))[1:]:
        if all(
            len(mine) == len(right) == len(order) and calls.agree(place, mine, [right[i] for i in order])
            for place, (mine, right) in enumerate(zip(lists, rights, strict=False))
        ):
            names = ", ".join(f"[{i}]" for i in order)
            return f"the right outputs in another order: yours are {names} of what is asked for"
    return ""


def _order_of_keys(calls, outputs):
    """Say that the values of a dict are right, but two of them are exchanged."""
    if not all(isinstance(value, dict) for value in (*calls.expected, *outputs)):
        return ""
    for one, other in itertools.islice(itertools.combinations(calls.expected[0], 2), MOST_PAIRS):
        if all(
            {one, other} <= right.keys() and calls.agree(place, mine, {**right, one: right[other], other: right[one]})
            for place, (mine, right) in enumerate(zip(outputs, calls.expected, strict=False))
        ):
            return f"the right values, but {one!r} and {other!r} are exchanged"
    return ""


def _items(value):
    """Return the parts of a list, a tuple or an array."""
    parts = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim)
    return list(value) if parts else []


def _alone(calls, outputs):
    """Say that one of several outputs is all that came back."""
    rights = list(map(_items, calls.expected))
    if isinstance(calls.expected[0], np.ndarray) or len(rights[0]) < 2:
        return ""
    for part in range(len(rights[0])):
        if all(
            len(right) > part and same(mine, right[part], calls.tolerance, calls.least[place])
            for place, (mine, right) in enumerate(zip(outputs, rights, strict=False))
        ):
            return f"output [{part}] alone, which is right: return all {len(rights[0])}"
    return ""


def _parts(calls, outputs):
    """Describe the first part of the outputs that has a relation to the right ones."""
    try:
        both = [matched(mine, right) for mine, right in zip(outputs, calls.expected, strict=False)]
    except FormError:
        return ""
    for name in both[0]:
        pairs = [one[name] for one in both if name in one]
        if len(pairs) < len(both) or not all(_real(*pair) and pair[0].shape == pair[1].shape for pair in pairs):
            continue
        pairs = [(mine.astype(float), right.astype(float)) for mine, right in pairs]
        wrong = [not calls.near(place, *pair).all() for place, pair in enumerate(pairs)]
        found = _of_pairs(calls, pairs, wrong) if any(wrong) else ""
        if found:
            return f"output{name}: {found}" if name else found
    return ""


def _real(mine, right):
    return mine.dtype.kind in "biuf" and right.dtype.kind in "biuf"


def _of_pairs(calls, pairs, wrong):
    return (
        _factor(calls, pairs, wrong)
        or _offset(calls, pairs, wrong)
        or _function(pairs, wrong)
        or _factor_and_offset(calls, pairs, wrong)
    )


def _telling(pairs, wrong):
    """Return whether the values are enough for a relation to be more than luck."""
    return sum(mine.size for (mine, _), off in zip(pairs, wrong, strict=True) if off) >= 2


# Factors and offsets


def _factor(calls, pairs, wrong):
    ratios = [_ratio(*pair) if off else 1.0 for pair, off in zip(pairs, wrong, strict=True)]
    if None in ratios or not _telling(pairs, wrong):
        return ""
    # Zeros are any multiple of zeros.
    seen = [(place, ratio) for place, ratio in enumerate(ratios) if pairs[place][1].any()]
    if not seen or not any(abs(ratio - 1) > NEAR for _, ratio in seen):
        return ""
    first = seen[0][1]
    if all(_near(ratio, first) for _, ratio in seen):
        why = next((words for value, words in CONSTANTS.items() if _near(first, value)), "")
        named = _named(calls, [(place, ratio) for place, ratio in seen]) if not why else ""
        told = f"exactly {number(first)} times the right values"
        return f"{told}: {why}" if why else f"{told}{named}"
    named = _named(calls, seen)
    return f"a multiple of the right values{named}" if named else ""


def _ratio(mine, right):
    """Return the factor between two arrays, or None if there is none."""
    square = float((right * right).sum())
    ratio = float((mine * right).sum()) / square if square else 1.0
    limit = NEAR * max(float(np.abs(mine).max(initial=0)), 1e-300)
    return ratio if ratio and np.isfinite(ratio) and np.abs(mine - ratio * right).max(initial=0) <= limit else None


def _near(a, b):
    return abs(a - b) <= NEAR * max(abs(a), abs(b), 1e-300)


def _named(calls, ratios):
    """Return what the factors of the cases are: a size, a number or a product of two of them, in words."""
    sizes = [_sizes(calls, place) for place, _ in ratios]
    common = [name for name in sizes[0] if all(name in one for one in sizes)]
    singles = [(name,) for name in common]
    pairs = list(itertools.combinations_with_replacement(common, 2))
    for candidates, way in ((singles, " * "), (pairs, " * "), ([pair for pair in pairs if len(set(pair)) == 2], " / ")):
        found = [
            word
            for names in candidates
            for word in _powers(way.join(names), [_combined([one[n] for n in names], way) for one in sizes], ratios)
        ]
        if found:
            return f": they are {' or '.join(found[:2])}"
    return ""


def _combined(values, way):
    return math.prod(values) if way == " * " else values[0] / values[1] if values[1] else 0


def _powers(text, values, ratios):
    """Yield in words what power of these values the ratios are."""
    if all(value in (0, 1) for value in values):
        return
    text = f"({text})" if "/" in text else text
    for word, power in POWERS.items():
        if all(value > 0 and _near(value**power, ratio) for value, (_, ratio) in zip(values, ratios, strict=True)):
            yield f"{word} {text}"


def _sizes(calls, place):
    """Return {name: value} of the sizes and numbers among the arguments of a call."""
    found = {}
    for name, value in zip(calls.names, calls.arguments[place], strict=False):
        if isinstance(value, np.ndarray):
            found |= {f"{name}.shape[{axis}]": size for axis, size in enumerate(value.shape)}
            if value.ndim > 2:
                found[f"{name}.size / {name}.shape[1]"] = value.size // max(value.shape[1], 1)
        elif isinstance(value, (bool, str)) or callable(value):
            continue
        elif isinstance(value, (int, float, np.number)):
            found[name] = float(value)
            found[f"(1 - {name})"] = 1 - float(value)
        elif isinstance(value, (list, tuple)):
            found[f"len({name})"] = len(value)
            if len(value) <= 4 and all(isinstance(item, int) for item in value):
                found |= {f"{name}[{axis}]": item for axis, item in enumerate(value)}
    return found


def _offset(calls, pairs, wrong):
    offsets = [_difference(*pair) if off else 0.0 for pair, off in zip(pairs, wrong, strict=True)]
    if None in offsets or not _telling(pairs, wrong):
        return ""
    first = offsets[0]
    if all(_near(offset, first) for offset in offsets):
        return f"every value is off by the same {number(first)}"
    sizes = [_sizes(calls, place) for place in range(len(pairs))]
    for name in sizes[0]:
        for sign, word in ((1, "too large"), (-1, "too small")):
            values = [one.get(name) for one in sizes]
            if None not in values and all(_near(o, sign * v) for o, v in zip(offsets, values, strict=True)):
                return f"every value is {word} by {name}"
    return ""


def _factor_and_offset(calls, pairs, wrong):
    """Say that the values are a multiple of the right ones apart from an offset: a part that is not multiplied."""
    if not all(wrong) or min(right.size for _, right in pairs) < 6:
        return ""
    for axis in range(pairs[0][0].ndim):
        others = tuple(i for i in range(pairs[0][0].ndim) if i != axis)
        centred = [tuple(v - v.mean(axis=others, keepdims=True) for v in pair) for pair in pairs] if others else []
        ratios = [_ratio(*pair) for pair in centred]
        if centred and None not in ratios and all(np.count_nonzero(right) > 3 for _, right in centred):
            named = _named(calls, list(enumerate(ratios))) if abs(ratios[0] - 1) > NEAR else ""
            if named:
                return f"apart from an offset, a multiple of the right values{named}"
    return ""


def _difference(mine, right):
    """Return the offset between two arrays, or None if there is none."""
    apart = mine - right
    if not apart.size or not np.isfinite(apart).all():
        return None
    offset = float(apart.flat[0])
    return offset if np.abs(apart - offset).max() <= NEAR * max(float(np.abs(mine).max()), 1e-300) else None


def _function(pairs, wrong):
    """Say which function of the right values these are."""
    if sum(mine.size for mine, _ in pairs) < 3:
        return ""
    for words, function in FUNCTIONS.items():
        if all(close(mine, np.asarray(function(right)), NEAR).all() for mine, right in pairs):
            return words
    return ""


def _softmax(values):
    e = np.exp(values - values.max(axis=-1, keepdims=True)) if values.ndim else np.ones(())
    return e / e.sum(axis=-1, keepdims=True) if values.ndim else e
