"""The gradient by numbers: central differences of every output, and the kinks on the way."""

from dataclasses import dataclass

import numpy as np

STEP = 1e-5  # near the best for float64: truncation and round-off of a smooth function both stay below 1e-9
JACOBIAN_VALUES = 4_000_000  # above so many, only the gradient is kept and not every output's own slope
KINK = 1e-3  # a jump of the slope by more than this share of the slopes is a kink, if it stays with a smaller step


@dataclass
class Slopes:
    """Central differences with respect to some indices of one array.

    Attributes
    ----------
    indices : flat indices that were moved
    gradient : d sum(y * grad_y) / d index, one for each index
    jacobian : (indices, outputs), or None where it would be large
    kinks : whether the function has a kink there, so that no gradient exists
    floor : how far round-off alone can move an entry of the gradient
    """

    indices: np.ndarray
    gradient: np.ndarray
    jacobian: np.ndarray | None
    kinks: np.ndarray
    floor: float


def slopes(subject, position, grad_y, indices=None, step=STEP) -> Slopes:
    """Return the central differences of a Subject with respect to its array at `position`."""
    x = subject.arrays[position].astype(np.float64)
    indices = np.arange(x.size) if indices is None else np.asarray(indices)
    middle = np.array(subject.forward(*subject.arrays), np.float64).reshape(-1)
    weights = np.asarray(grad_y, np.float64).reshape(-1)
    keep = len(indices) * middle.size <= JACOBIAN_VALUES
    jacobian = np.zeros((len(indices), middle.size)) if keep else None
    gradient, kinks = np.zeros(len(indices)), np.zeros(len(indices), bool)
    largest = np.abs(middle).max(initial=1.0)
    for row, index in enumerate(indices):
        column, jump = _one(subject, position, x, index, step, middle)
        if _is_kink(column, jump):
            # A kink beside x disappears with a smaller step; one at x, or a tie, stays.
            closer, closer_jump = _one(subject, position, x, index, step / 100, middle)
            kinks[row] = _is_kink(closer, closer_jump) and np.any(closer_jump[weights != 0] > 0.1 * jump.max())
            column = closer
        gradient[row] = column @ weights
        if keep:
            jacobian[row] = column
    floor = np.finfo(np.float64).eps * largest * np.abs(weights).sum() / step
    return Slopes(indices, gradient, jacobian, kinks, floor)


def along(subject, direction, grad_y, step=STEP):
    """Return (slope of sum(y * grad_y) along {position: direction}, whether a kink lies within the step)."""
    middle = np.asarray(subject.forward(*subject.arrays), np.float64)
    for smaller in (1, 1e-2, 1e-4):
        h = step * smaller
        up, down = (np.asarray(subject.forward(*_moved(subject, direction, sign * h)), np.float64) for sign in (1, -1))
        jump, slope = np.abs(up - 2 * middle + down) / h, (up - down) / (2 * h)
        kink = _is_kink(slope.reshape(-1), jump.reshape(-1))
        if not kink:
            break
    return float(np.sum(slope * grad_y)), kink


def complex_step(subject, position, direction, grad_y) -> float:
    """Return the slope along one direction by the complex step: exact to rounding for an analytic forward."""
    tiny = 1e-30
    arrays = [a.astype(np.complex128) if np.asarray(a).dtype.kind == "f" else a for a in subject.arrays]
    arrays[position] = arrays[position] + 1j * tiny * direction
    return float(np.sum(np.asarray(subject.forward(*arrays)).imag * grad_y) / tiny)


def _one(subject, position, x, index, step, middle):
    value = x.reshape(-1)[index]
    h = step * max(1.0, abs(value))
    sides = []
    for moved in (value + h, value - h):
        changed = x.copy()
        changed.reshape(-1)[index] = moved
        sides.append(np.asarray(subject.at(position, changed), np.float64).reshape(-1))
    up, down = sides
    return (up - down) / (2 * h), np.abs(up - 2 * middle + down) / h


def _is_kink(column, jump):
    # Below the last term round-off alone can look like a jump.
    return bool(jump.max(initial=0) > KINK * max(np.abs(column).max(initial=0), 1e-6))


def _moved(subject, direction, factor):
    return [a + factor * direction[i] if i in direction else a for i, a in enumerate(subject.arrays)]
