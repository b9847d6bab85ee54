"""From a wrong gradient to what it looks like, in words. When nothing fits, nothing is said."""

from itertools import combinations, product

import numpy as np

from minigooglenet.gradcheck import functions, norms, same_shape, structure, windows
from minigooglenet.gradcheck.evidence import matches
from minigooglenet.gradcheck.subject import CheckError

# In this order: what explains more specifically comes first.
DETECTORS = (
    structure.all_zero,
    functions.labels,
    same_shape.classifier,
    functions.attention,
    functions.activation,
    functions.clipped,
    functions.spread,
    norms.normalisation,
    norms.local_response,
    same_shape.diagonal,
    same_shape.mask,
    structure.upstream,
    structure.factor,
    structure.summed_elsewhere,
    structure.restricted,
    structure.overwritten,
    structure.other_argument,
    structure.other_arguments_gradient,
    structure.rearranged,
    structure.upstream_rearranged,
    structure.shifted,
    structure.weighted,
)


def suspects(evidences) -> tuple[list[str], list[str]]:
    """Return two lists of "key: hint", the likeliest first: what explains a wrong gradient, and where it is wrong.

    A suspect must predict the wrong gradient to six digits. What several arguments agree on comes first. The second
    list only says where the errors lie, if that has a pattern.
    """
    for evidence in evidences:
        evidence.others = {o.name: o.numeric for o in evidences if o is not evidence}
    return _ranked(_exact, evidences), _ranked(structure.places, evidences)


def _ranked(detect, evidences):
    found = [(key, f"{key}: {hint}") for evidence in evidences for key, hint in detect(evidence)]
    keys = [key for key, _ in found]
    ranked = sorted(found, key=lambda pair: (-min(keys.count(pair[0]), len(evidences)), keys.index(pair[0])))
    return list(dict.fromkeys(text for _, text in ranked))


def wrong_shape(name, analytic, numeric) -> list[str]:
    """Return suspects for a gradient whose shape is not that of its array, while `numeric` is right."""
    found = []
    shape = numeric.shape
    for count in range(1, analytic.ndim + 1):
        for axes in combinations(range(analytic.ndim), count):
            summed = analytic.sum(axis=axes)
            if summed.size == numeric.size and matches(summed.reshape(shape), numeric):
                found.append(f"not summed over: sum what came back for {name} over axes {axes}")
    if analytic.size == numeric.size and matches(np.squeeze(analytic), np.squeeze(numeric)):
        found.append(f"axes swapped: the values for {name} are right, but it has axes of length 1 too many or too few")
    if analytic.ndim == len(shape) == 4 and all(a > b for a, b in zip(analytic.shape[2:], shape[2:], strict=True)):
        rows, columns = (a - b for a, b in zip(analytic.shape[2:], shape[2:], strict=True))
        for top, left in product(range(rows + 1), range(columns + 1)):
            if matches(analytic[:, :, top : top + shape[2], left : left + shape[3]], numeric):
                found.append(f"padding ignored: {name} is right once {top} rows and {left} columns are cropped first")
    if sorted(analytic.shape) == sorted(shape):
        found.append(f"axes swapped: the shape {analytic.shape} for {name} is {shape} in another order")
    return list(dict.fromkeys(found))


def _exact(e):
    kind, settings = e.subject.operation, e.subject.settings
    if kind not in windows.KINDS and len(e.y_shape) == 4:
        kind, settings = windows.recognise(e.subject)
    if kind in windows.KINDS:
        yield from windows.KINDS[kind](e, settings)
    for detector in DETECTORS:
        try:
            yield from list(detector(e))
        except (CheckError, ValueError, ArithmeticError, IndexError):
            continue  # a function at whose zeros or ones a detector looks may not be defined there
