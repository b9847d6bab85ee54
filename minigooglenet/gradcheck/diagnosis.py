"""From a wrong gradient to the known mistakes that explain it. If none does, the list is empty."""

from itertools import combinations, product

import numpy as np

from minigooglenet.gradcheck import functions, norms, same_shape, structure, windows
from minigooglenet.gradcheck.evidence import matches
from minigooglenet.gradcheck.subject import CheckError

# The most specific explanations come first.
DETECTORS = (
    structure.all_zero,
    functions.labels,
    same_shape.classifier,
    functions.attention,
    functions.activation,
    functions.clipped,
    functions.deviation,
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
    """Return two lists of "key: hint", the most likely first: explanations of a wrong gradient, and where it is wrong.

    A suspect must predict the wrong gradient to six digits. Suspects of several arguments come first. The
    second list only locates the errors, if they have a pattern.
    """
    for evidence in evidences:
        evidence.others = {o.name: o.numerical for o in evidences if o is not evidence}
    return _ranked(_exact, evidences), _ranked(structure.locations, evidences)


def _ranked(detect, evidences):
    candidates = [(key, f"{key}: {hint}") for evidence in evidences for key, hint in detect(evidence)]
    keys = [key for key, _ in candidates]
    ranked = sorted(candidates, key=lambda pair: (-min(keys.count(pair[0]), len(evidences)), keys.index(pair[0])))
    return list(dict.fromkeys(text for _, text in ranked))


def wrong_shape(name, analytic, numerical) -> list[str]:
    """Return suspects for a gradient that differs in shape from its array; `numerical` is the right gradient."""
    suspected = []
    shape = numerical.shape
    for count in range(1, analytic.ndim + 1):
        for axes in combinations(range(analytic.ndim), count):
            summed = analytic.sum(axis=axes)
            if summed.size == numerical.size and matches(summed.reshape(shape), numerical):
                suspected.append(f"not summed over: sum the returned gradient of {name} over axes {axes}")
    if analytic.size == numerical.size and matches(np.squeeze(analytic), np.squeeze(numerical)):
        suspected.append(f"axes swapped: the values for {name} are right, but axes of length 1 are missing or extra")
    if analytic.ndim == len(shape) == 4 and all(a > b for a, b in zip(analytic.shape[2:], shape[2:], strict=True)):
        rows, columns = (a - b for a, b in zip(analytic.shape[2:], shape[2:], strict=True))
        for top, left in product(range(rows + 1), range(columns + 1)):
            if matches(analytic[:, :, top : top + shape[2], left : left + shape[3]], numerical):
                crop = f"{_many(top, 'row')} at the top and {_many(left, 'column')} at the left"
                suspected.append(f"padding ignored: the gradient of {name} is right after cropping {crop}")
    if sorted(analytic.shape) == sorted(shape):
        suspected.append(
            f"axes swapped: the sizes of {name} are in the wrong order: {analytic.shape} instead of {shape}"
        )
    return list(dict.fromkeys(suspected))


def _many(count, noun):
    return f"{count} {noun}{'s' * (count != 1)}"


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
            continue  # a detector may evaluate the function outside of its domain, for example at zeros
