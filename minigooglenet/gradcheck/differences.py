"""The gradient by numbers: central differences of every output, refined where they and the backward disagree.

Two forwards an index are enough almost everywhere. Where they disagree with the backward, the step shrinks until it is
clear why: the curve was cut short (then the smaller steps agree), there is a kink (then the slope still jumps, however
small the step), or the backward is wrong (then the smaller steps repeat what the first one said).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

STEP = 1e-5  # of the array's size; near the best for float64, where truncation and round-off meet
SMALLER = (1, 4, 64, 1024, 16384)  # the steps of a refinement: STEP over these
JACOBIAN_VALUES = 4_000_000  # above so many, only the gradient is kept and not every output's own slope
TOLERANCE = 3e-6  # of an entry, beside what round-off may do to it
EPS = float(np.finfo(np.float64).eps)


@dataclass
class Slopes:
    """Central differences with respect to some indices of one array.

    Attributes
    ----------
    indices : flat indices that were moved
    gradient : d sum(y * grad_y) / d index, one for each index
    jacobian : (indices, outputs), or None where it would be large
    kinks : whether the function has a kink there, so that no gradient exists
    undecided : whether no step gave a number to trust: not finite, or another one for every step
    floor : how far round-off alone can move an entry of the gradient
    """

    indices: np.ndarray
    gradient: np.ndarray
    jacobian: np.ndarray | None
    kinks: np.ndarray
    undecided: np.ndarray
    floor: float


def slopes(subject, position, grad_y, indices=None, analytic=None) -> Slopes:
    """Return the central differences of a Subject with respect to its array at `position`.

    Parameters
    ----------
    grad_y : upstream gradient, of the shape of y
    indices : flat indices to move; all unless given
    analytic : flat gradient of the whole array; where it disagrees the step is refined
    """
    probe = _Probe(subject, position, grad_y)
    indices = np.arange(probe.x.size) if indices is None else np.asarray(indices)
    keep = len(indices) * probe.middle.size <= JACOBIAN_VALUES
    jacobian = np.zeros((len(indices), probe.middle.size)) if keep else None
    gradient = np.zeros(len(indices))
    kinks, undecided = np.zeros(len(indices), bool), np.zeros(len(indices), bool)

    def difference(index, divisor):
        value = probe.x.reshape(-1)[index]
        h = STEP * max(probe.size, 1e-4 * abs(value)) / divisor
        h = ((value + h) - (value - h)) / 2  # what is left of it after rounding
        return probe.difference(h, lambda amount: _moved(probe.x, index, amount))

    with np.errstate(all="ignore"):
        for row, index in enumerate(indices):
            column, _, floor = difference(index, 1)
            if analytic is not None and not _agrees(float(analytic[index]), float(column @ probe.weights), floor):
                found = _refine(lambda d, index=index: difference(index, d), float(analytic[index]), probe.weights)
                column, gradient[row], kinks[row], undecided[row] = found
            else:
                gradient[row] = column @ probe.weights
            if keep:
                jacobian[row] = column
    floor = probe.floor(float(np.abs(gradient).max(initial=0)), STEP * probe.size)
    return Slopes(indices, gradient, jacobian, kinks, undecided, floor)


def along(subject, position, direction, grad_y, analytic, linear=False):
    """Return (slope, its floor of round-off, whether a kink lies within the step) along a direction in one array.

    A linear function has no corner to cut: the larger its step, the less round-off.
    """
    probe = _Probe(subject, position, grad_y)

    def difference(divisor):
        h = (1.0 if linear else STEP) * probe.size / divisor
        return probe.difference(h, lambda amount: probe.x + amount * direction)

    with np.errstate(all="ignore"):
        column, _, floor = difference(1)
        numeric, kink = float(column @ probe.weights), False
        if not _agrees(analytic, numeric, floor):
            _, numeric, kink, undecided = _refine(difference, analytic, probe.weights)
            kink |= undecided
            if not np.isfinite(floor):  # the first step left the function's domain
                floor = probe.floor(abs(numeric), STEP * probe.size)
    return numeric, floor, kink


class _Probe:
    """One array of a Subject, ready to be moved: central differences of y, and what round-off does to them."""

    def __init__(self, subject, position, grad_y):
        self.subject, self.position = subject, position
        self.x = np.asarray(subject.arrays[position], np.float64)
        self.middle = subject.at(position, self.x).reshape(-1)
        self.weights = np.asarray(grad_y, np.float64).reshape(-1)
        self.size = typical_size(self.x)
        self.noise = EPS * float(np.abs(self.middle) @ np.abs(self.weights))  # of the results, and of the values
        self.inside = EPS * float(np.abs(self.x).max(initial=0))  # themselves, where a large mean is taken off them

    def difference(self, h, moved):
        """Return (slopes of the outputs, their jump, the floor) between moved(h) and moved(-h)."""
        up, down = (self.subject.at(self.position, moved(sign * h)).reshape(-1) for sign in (1, -1))
        column = (up - down) / (2 * h)
        jump = np.abs(up - 2 * self.middle + down) / h
        return column, jump, self.floor(float(np.abs(column) @ np.abs(self.weights)), h)

    def floor(self, slope, h):
        """Return how far round-off alone can move a slope of that size with step h."""
        return (self.noise + self.inside * slope) / h


def complex_step(subject, position, direction, grad_y, step=1e-30) -> float:
    """Return the slope along one direction by the complex step: exact to rounding for an analytic forward."""
    arrays = [a.astype(np.complex128) if np.asarray(a).dtype.kind == "f" else a for a in subject.arrays]
    arrays[position] = arrays[position] + 1j * step * direction
    return float(np.sum(np.asarray(subject.forward(*arrays)).imag * grad_y) / step)


def typical_size(x) -> float:
    """Return how far the values of an array spread, their root mean square if they are all alike, or 1 for zeros."""
    for size in (float(np.std(x)), float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))):
        if np.isfinite(size) and size > 1e-12 * float(np.abs(x).max(initial=0)):
            return size
    return 1.0


def allowed(analytic, numeric, floor):
    """Return how far entries may be off: |a - n| / max(|a|, |n|) up to TOLERANCE, above the floor of round-off."""
    return TOLERANCE * np.maximum(np.abs(analytic), np.abs(numeric)) + 4 * floor


def _agrees(analytic, numeric, floor):
    return abs(analytic - numeric) <= allowed(analytic, numeric, floor)  # False where anything is NaN


def _refine(difference, analytic, weights):
    """Return (slopes of the outputs, their sum, is a kink, is undecided) after shrinking the step."""
    steps = []
    for divisor in SMALLER:
        column, jump, floor = difference(divisor)
        if not np.isfinite(column).all():
            continue
        numeric = float(column @ weights)
        steps.append((numeric, float(jump @ np.abs(weights)), floor, column))
        if floor > 1e-3 * max(abs(numeric), abs(analytic)):
            break  # smaller steps would drown in round-off
        if _agrees(analytic, numeric, floor):
            return column, numeric, False, False
    if not steps:
        return np.zeros(weights.shape), 0.0, False, True
    numeric, jump, floor, column = steps[-1]
    if len(steps) == 1:
        return column, numeric, False, False
    if abs(analytic - numeric) <= 1e-3 * abs(analytic - steps[0][0]):
        return column, analytic, False, False  # what was left falls with the step: the curve alone made the difference
    size = max(abs(n) for n, *_ in steps)
    # A slope that still jumps by as much with a step of a fraction is a kink; a curve's would jump by that fraction.
    if jump > max(0.5 * steps[-2][1], 8 * floor, 1e-6 * float(np.abs(column) @ np.abs(weights))):
        return column, numeric, True, False
    # The largest step from which the next one no longer differs has the least round-off.
    changes = [abs(a[0] - b[0]) - 4 * (a[2] + b[2]) for a, b in pairwise(steps)]
    settled = next((k for k, change in enumerate(changes) if change <= 1e-8 * size), int(np.argmin(changes)))
    error = abs(analytic - steps[settled][0])
    return steps[settled][3], steps[settled][0], False, bool(changes[settled] > max(0.3 * error, 1e-6 * size))


def _moved(x, index, amount):
    changed = x.copy()
    changed.reshape(-1)[index] += amount
    return changed
