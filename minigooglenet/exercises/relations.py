"""Relations between wrong and right outputs: a factor with a name, an offset, a different order.

A relation is reported only if it holds in every test case up to round-off, so it is true whatever the cause is.
"""

import itertools
import math

import numpy as np

from minigooglenet.exercises.outputs import FormError, Raised, close, matched, same
from minigooglenet.exercises.shown import number

NEAR = 1e-7
MOST_PARTS, MOST_PAIRS = 5, 100  # outputs whose orders are tried, and pairs of keys
CONSTANTS = {
    -1.0: "the sign is wrong",
    2.0: "check for something that is added or counted twice",
    0.5: "check for a factor of 2 that is missing, or one too many",
    100.0: "a percentage instead of a fraction",
    0.01: "a fraction instead of a percentage",
    1 / math.log(2): "the logarithm to base 2 instead of the natural logarithm",
    1 / math.log(10): "the logarithm to base 10 instead of the natural logarithm",
}
POWERS = {
    "times": 1.0, "divided by": -1.0, "times the square root of": 0.5, "divided by the square root of": -0.5,
    "times the square of": 2.0, "divided by the square of": -2.0,
}  # fmt: skip
FUNCTIONS = {
    "the absolute values of the right values": np.abs,
    "the right values with negative values set to 0, as after a ReLU": lambda v: np.maximum(v, 0),
    "the right values, rounded down: // instead of /": np.floor,
    "the right values, rounded": np.rint,
    "the right values, truncated: integers instead of fractions": np.trunc,
    "1 minus the right values": lambda v: 1 - v,
    "1 over the right values: numerator and denominator exchanged": lambda v: 1 / v,
    "the squares of the right values: is a square root missing?": np.square,
    "the square roots of the right values": np.sqrt,
    "the exponentials of the right values": np.exp,
    "the logarithms of the right values": np.log,
    "the softmax of the right values: one softmax too many": lambda v: _softmax(v),
    "1 where the right values are positive, otherwise 0: is this a mask?": lambda v: (v > 0).astype(float),
}  # fmt: skip


def relation(calls, outputs) -> str:
    """Return the relation of the outputs to the right ones in every test case, in words, or an empty string."""
    if any(isinstance(output, Raised) for output in outputs):
        return ""
    with np.errstate(all="ignore"):
        return _order(calls, outputs) or _alone(calls, outputs) or _parts(calls, outputs)


def _order(calls, outputs):
    """Return that the outputs of a function are right but in a different order, or an empty string."""
    rights, lists = list(map(_items, calls.expected)), list(map(_items, outputs))
    numbers = isinstance(calls.expected[0], tuple) and len(set(map(str, rights[0]))) == len(rights[0])
    if not 1 < len(rights[0]) <= MOST_PARTS or not (numbers or any(np.size(item) > 1 for item in rights[0])):
        return _order_of_keys(calls, outputs)
    for order in list(itertools.permutations(range(len(rights[0]))))[1:]:
        if all(
            len(got) == len(right) == len(order) and calls.agree(case, got, [right[i] for i in order])
            for case, (got, right) in enumerate(zip(lists, rights, strict=False))
        ):
            names = ", ".join(f"[{i}]" for i in order)
            return f"the right outputs in a different order: yours are the expected {names}"
    return ""


def _order_of_keys(calls, outputs):
    """Return that the values of a dict are right but two of them are exchanged, or an empty string."""
    if not all(isinstance(value, dict) for value in (*calls.expected, *outputs)):
        return ""
    for one, other in itertools.islice(itertools.combinations(calls.expected[0], 2), MOST_PAIRS):
        if all(
            {one, other} <= right.keys() and calls.agree(case, got, {**right, one: right[other], other: right[one]})
            for case, (got, right) in enumerate(zip(outputs, calls.expected, strict=False))
        ):
            return f"the right values, but {one!r} and {other!r} are exchanged"
    return ""


def _items(value):
    """Return the parts of a list, a tuple or an array."""
    parts = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim)
    return list(value) if parts else []


def _alone(calls, outputs):
    """Return that the function returned only one of several outputs, or an empty string."""
    rights = list(map(_items, calls.expected))
    if isinstance(calls.expected[0], np.ndarray) or len(rights[0]) < 2:
        return ""
    for part in range(len(rights[0])):
        if all(
            len(right) > part and same(got, right[part], calls.tolerance, calls.least[case])
            for case, (got, right) in enumerate(zip(outputs, rights, strict=False))
        ):
            return f"only output[{part}], and it is right: return all {len(rights[0])} outputs"
    return ""


def _parts(calls, outputs):
    """Describe the first part of the outputs that has a relation to the right ones."""
    try:
        both = [matched(got, right) for got, right in zip(outputs, calls.expected, strict=False)]
    except FormError:
        return ""
    for name in both[0]:
        pairs = [one[name] for one in both if name in one]
        if len(pairs) < len(both) or not all(_real(*pair) and pair[0].shape == pair[1].shape for pair in pairs):
            continue
        pairs = [(got.astype(float), right.astype(float)) for got, right in pairs]
        wrong = [not calls.near(case, *pair).all() for case, pair in enumerate(pairs)]
        text = _of_pairs(calls, pairs, wrong) if any(wrong) else ""
        if text:
            return f"output{name}: {text}" if name else text
    return ""


def _real(got, right):
    return got.dtype.kind in "biuf" and right.dtype.kind in "biuf"


def _of_pairs(calls, pairs, wrong):
    return (
        _factor(calls, pairs, wrong)
        or _offset(calls, pairs, wrong)
        or _function(pairs, wrong)
        or _factor_and_offset(calls, pairs, wrong)
    )


def _significant(pairs, wrong):
    """Return whether there are so many values that a relation is not a coincidence."""
    return sum(got.size for (got, _), off in zip(pairs, wrong, strict=True) if off) >= 2


# Factors and offsets


def _factor(calls, pairs, wrong):
    ratios = [_ratio(*pair) if off else 1.0 for pair, off in zip(pairs, wrong, strict=True)]
    if None in ratios or not _significant(pairs, wrong):
        return ""
    # Every factor fits an array of zeros.
    nonzero = [(case, ratio) for case, ratio in enumerate(ratios) if pairs[case][1].any()]
    if not nonzero or not any(abs(ratio - 1) > NEAR for _, ratio in nonzero):
        return ""
    first = nonzero[0][1]
    if all(_near(ratio, first) for _, ratio in nonzero):
        why = next((words for value, words in CONSTANTS.items() if _near(first, value)), "")
        why = why or _named(calls, nonzero)
        return f"exactly {number(first)} times the right values{f': {why}' if why else ''}"
    named = _named(calls, nonzero)
    return f"the right values {named}" if named else ""


def _ratio(got, right):
    """Return the factor between two arrays, or None if no factor fits."""
    square = float((right * right).sum())
    ratio = float((got * right).sum()) / square if square else 1.0
    limit = NEAR * max(float(np.abs(got).max(initial=0)), 1e-300)
    return ratio if ratio and np.isfinite(ratio) and np.abs(got - ratio * right).max(initial=0) <= limit else None


def _near(a, b):
    return abs(a - b) <= NEAR * max(abs(a), abs(b), 1e-300)


def _named(calls, ratios):
    """Return the ratios in words: multiplied or divided by a size, a number, or a product of two of them."""
    sizes = [_sizes(calls, case) for case, _ in ratios]
    common = [name for name in sizes[0] if all(name in one for one in sizes)]
    singles = [(name,) for name in common]
    pairs = list(itertools.combinations_with_replacement(common, 2))
    for candidates, sign in ((singles, " * "), (pairs, " * "), ([p for p in pairs if len(set(p)) == 2], " / ")):
        words = [
            word
            for names in candidates
            for word in _powers(sign.join(names), [_combined([one[n] for n in names], sign) for one in sizes], ratios)
        ]
        if words:
            return " or ".join(words[:2])
    return ""


def _combined(values, sign):
    return math.prod(values) if sign == " * " else values[0] / values[1] if values[1] else 0


def _powers(text, values, ratios):
    """Yield in words the power of these values that equals the ratios."""
    if all(value in (0, 1) for value in values):
        return
    text = f"({text})" if "/" in text else text
    for word, power in POWERS.items():
        if all(value > 0 and _near(value**power, ratio) for value, (_, ratio) in zip(values, ratios, strict=True)):
            yield f"{word} {text}"


def _sizes(calls, case):
    """Return {name: value} of the sizes and numbers among the arguments of a test case."""
    sizes = {}
    for name, value in zip(calls.names, calls.arguments[case], strict=False):
        if isinstance(value, np.ndarray):
            sizes |= {f"{name}.shape[{axis}]": size for axis, size in enumerate(value.shape)}
            if value.ndim > 2:
                sizes[f"{name}.size / {name}.shape[1]"] = value.size // max(value.shape[1], 1)
        elif isinstance(value, (bool, str)) or callable(value):
            continue
        elif isinstance(value, (int, float, np.number)):
            sizes[name] = float(value)
            sizes[f"(1 - {name})"] = 1 - float(value)
        elif isinstance(value, (list, tuple)):
            sizes[f"len({name})"] = len(value)
            if len(value) <= 4 and all(isinstance(item, int) for item in value):
                sizes |= {f"{name}[{axis}]": item for axis, item in enumerate(value)}
    return sizes


def _offset(calls, pairs, wrong):
    offsets = [_difference(*pair) if off else 0.0 for pair, off in zip(pairs, wrong, strict=True)]
    if None in offsets or not _significant(pairs, wrong):
        return ""
    first = offsets[0]
    if all(_near(offset, first) for offset in offsets):
        return f"every value is too {'large' if first > 0 else 'small'} by {number(abs(first))}"
    sizes = [_sizes(calls, case) for case in range(len(pairs))]
    for name in sizes[0]:
        for sign, word in ((1, "too large"), (-1, "too small")):
            values = [one.get(name) for one in sizes]
            if None not in values and all(_near(o, sign * v) for o, v in zip(offsets, values, strict=True)):
                return f"every value is {word} by {name}"
    return ""


def _factor_and_offset(calls, pairs, wrong):
    """Return that the values are a multiple of the right ones plus an offset that has no factor, or an empty string."""
    if not all(wrong) or min(right.size for _, right in pairs) < 6:
        return ""
    for axis in range(pairs[0][0].ndim):
        others = tuple(i for i in range(pairs[0][0].ndim) if i != axis)
        centred = [tuple(v - v.mean(axis=others, keepdims=True) for v in pair) for pair in pairs] if others else []
        ratios = [_ratio(*pair) for pair in centred]
        if centred and None not in ratios and all(np.count_nonzero(right) > 3 for _, right in centred):
            named = _named(calls, list(enumerate(ratios))) if abs(ratios[0] - 1) > NEAR else ""
            if named:
                return f"apart from an offset, the right values {named}"
    return ""


def _difference(got, right):
    """Return the offset between two arrays, or None if no offset fits."""
    errors = got - right
    if not errors.size or not np.isfinite(errors).all():
        return None
    offset = float(errors.flat[0])
    return offset if np.abs(errors - offset).max() <= NEAR * max(float(np.abs(got).max()), 1e-300) else None


def _function(pairs, wrong):
    """Return the function of the right values that gives these values, in words, or an empty string."""
    if sum(got.size for got, _ in pairs) < 3:
        return ""
    for words, function in FUNCTIONS.items():
        if all(close(got, np.asarray(function(right)), NEAR).all() for got, right in pairs):
            return words
    return ""


def _softmax(values):
    e = np.exp(values - values.max(axis=-1, keepdims=True)) if values.ndim else np.ones(())
    return e / e.sum(axis=-1, keepdims=True) if values.ndim else e
