"""The numerical gradient: central differences of every output, refined for entries that disagree with `backward`.

Two forward passes per index are enough almost everywhere. If the result is in doubt, `settle` takes more step sizes
until the cause is clear: truncation error (smaller steps agree), round-off error (larger steps agree), a kink (the
derivative jumps, however small the step), or a wrong `backward` (all steps repeat the first result).
"""

import warnings
from dataclasses import dataclass

import numpy as np

from minigooglenet.gradcheck.noise import EPS, Noise, measure, round_off
from minigooglenet.gradcheck.settle import (
    AGREES,
    CLEAR,
    EDGE,
    KINK,
    OPEN,
    OUTSIDE,
    TIGHT,
    TOLERANCE,
    WRONG,
    Line,
    settle,
)
from minigooglenet.gradcheck.subject import CheckError

STEP = 1e-5  # relative to the array; near the best for float64, where truncation and round-off error are equal
JACOBIAN_VALUES = 4_000_000  # for more values than this, keep only the gradient, not the derivatives of each output


@dataclass
class Differences:
    """Central differences with respect to some indices of one array.

    Attributes
    ----------
    indices : flat indices of the entries
    gradient : d sum(y * grad_y) / d entry, one value per index
    jacobian : (indices, outputs), or None if it would be large
    kinks : whether the function has a kink at the entry, so that no gradient exists
    outside : at a kink, whether the analytic gradient is outside the two one-sided derivatives
    undecided : whether no step size gives a reliable derivative: it is not finite, or differs for every step
    edges : which undecided entries are at the edge of the function's domain
    wrong : whether the analytic gradient differs by clearly more than the error of the difference
    error : estimated error of each entry of `gradient`
    floor : noise floor: the round-off error of an entry of the gradient, at the first step size
    noise : the measured Noise, or None if nothing was in doubt
    """

    indices: np.ndarray
    gradient: np.ndarray
    jacobian: np.ndarray | None
    kinks: np.ndarray
    outside: np.ndarray
    undecided: np.ndarray
    edges: np.ndarray
    wrong: np.ndarray
    error: np.ndarray
    floor: float
    noise: Noise | None = None


def central_differences(subject, position, grad_y, indices=None, analytic=None) -> Differences:
    """Return the central differences of a Subject with respect to its array at `position`.

    Parameters
    ----------
    grad_y : upstream gradient, of the shape of y
    indices : flat indices of the entries (default: all)
    analytic : flat gradient of the whole array; entries that disagree are measured with more step sizes
    """
    probe = _Probe(subject, position, grad_y)
    indices = np.arange(probe.x.size) if indices is None else np.asarray(indices)
    count = len(indices)
    jacobian = np.zeros((count, probe.middle.size)) if count * probe.middle.size <= JACOBIAN_VALUES else None
    gradient, error, jumps, absolute = (np.zeros(count) for _ in range(4))
    flags = {name: np.zeros(count, bool) for name in ("kinks", "outside", "undecided", "edges", "wrong")}
    with np.errstate(all="ignore"):
        for row, index in enumerate(indices):
            column, gradient[row], jumps[row], absolute[row], error[row] = probe.first(index)
            if jacobian is not None:
                jacobian[row] = column
        if analytic is not None:
            largest = float(np.abs(analytic).max(initial=0))
            for row in _in_doubt(analytic[indices], gradient, jumps, absolute, error, largest):
                value = float(analytic[indices[row]])
                settled = settle(probe.line(indices[row]), value, largest, probe.noise)
                state = settled.state
                if state in (WRONG, OPEN) and _excused(probe, indices[row], value, settled, largest):
                    state = AGREES
                if state != AGREES or not abs(value - gradient[row]) <= allowed(value, gradient[row], error[row]):
                    gradient[row], error[row] = settled.value, settled.error
                    if jacobian is not None:
                        jacobian[row] = settled.column
                flags["kinks"][row] = state in (KINK, OUTSIDE)
                flags["outside"][row] = state == OUTSIDE
                flags["wrong"][row] = state == WRONG
                flags["edges"][row] = state == EDGE
                flags["undecided"][row] = state not in (KINK, OUTSIDE, WRONG, AGREES)
            if not (analytic.any() or gradient.any()):
                probe.noise()  # both gradients are zero, which steps in the output of `forward` could cause
    probe.raise_if_nothing_worked()
    floor = probe.floor(float(np.abs(gradient).max(initial=0)), STEP * probe.size)
    return Differences(indices, gradient, jacobian, **flags, error=error, floor=floor, noise=probe.measured)


def _excused(probe, index, analytic, settled, largest):
    """Return whether round-off in backward explains a small disagreement, or the complex step confirms the gradient."""
    off = abs(analytic - settled.value)
    swings = probe.measured is not None and probe.measured.coarse.any()  # steps, or a wave shorter than every step
    if settled.state == WRONG:
        lost = 20 * probe.backward_noise()[index]
        if off <= 1e-2 * abs(analytic) and off <= lost and lost <= 1e-3 * largest:
            return True
    near = settled.state != WRONG and np.isfinite(settled.error) and off <= CLEAR * settled.error
    if not analytic or not (swings or near):
        return False
    exact = probe.complex_step(index)
    return exact is not None and abs(exact - analytic) <= 1e-9 * abs(analytic)


def _in_doubt(analytic, gradient, jumps, absolute, error, largest):
    """Return the rows that disagree, that jump like a symmetric kink, or that round-off leaves undecided."""
    agree = np.abs(analytic - gradient) <= allowed(analytic, gradient, error)  # False where anything is NaN
    jumping = (jumps > 1e-3 * absolute) & (jumps > 1e-4 * largest) & (jumps > 16 * error)
    open_ = 4 * error > 4 * TIGHT * largest
    return np.flatnonzero(~agree | jumping | (open_ & (largest > 0)))


def along(subject, position, direction, grad_y, analytic, linear=False, scale=0.0):
    """Return a `settle.Settled` for an analytic directional derivative in one array.

    A linear function has no truncation error: the larger the step, the smaller the round-off error.
    """
    probe = _Probe(subject, position, grad_y)
    step = (1.0 if linear else STEP) * probe.size
    line = Line(lambda t: probe.values(probe.x + t * direction), probe.middle, probe.weights, step, probe.inside)
    with np.errstate(all="ignore"):
        settled = settle(line, analytic, scale, probe.noise, scale)
    probe.raise_if_nothing_worked()
    return settled


class _Probe:
    """One array of a Subject, ready to be moved: the outputs, and their noise, measured on demand."""

    def __init__(self, subject, position, grad_y):
        self.subject, self.position = subject, position
        self.x = np.asarray(subject.arrays[position], np.float64)
        self.middle = subject.at(position, self.x).reshape(-1)
        self.weights = np.asarray(grad_y, np.float64).reshape(-1)
        self.absolute = np.abs(self.weights)
        self.size = typical_size(self.x)
        self.inside = EPS * float(
            np.abs(self.x).max(initial=0)
        )  # round-off of values from which a large mean is subtracted
        self.measured = self.failure = self.lost = None
        self.worked = self.x.size == 0

    def values(self, array):
        """Return the outputs, or NaN if `forward` raises, as it may outside of its domain."""
        try:
            y = self.subject.at(self.position, array).reshape(-1)
        except CheckError as error:
            self.failure = error
            return np.full(self.middle.shape, np.nan)
        if y.size != self.middle.size:
            raise CheckError(f"forward returned {y.size} values after {self.middle.size} for a moved input")
        self.worked = True
        return y

    def raise_if_nothing_worked(self):
        """Raise the error of `forward` if it failed for every moved input."""
        if not self.worked and self.failure is not None:
            raise self.failure

    def noise(self):
        """Return the Noise, measured in the first call."""
        if self.measured is None:
            self.measured = measure(self.values, self.x, self.middle, self.size)
        return self.measured

    def backward_noise(self):
        """Return the round-off error of each entry of the analytic gradient, flat; measured in the first call."""
        if self.lost is None:
            grad_y = self.weights.reshape(np.shape(self.subject.forward(*self.subject.arrays)))

            def gradient(x):
                arrays = list(self.subject.arrays)
                arrays[self.position] = x
                return self.subject.gradients(grad_y, arrays)[self.position].reshape(-1)

            self.lost = round_off(gradient, self.x, self.size)
        return self.lost

    def complex_step(self, index):
        """Return the derivative of one index by the complex step, or None if `forward` cannot compute with it."""
        arrays = [a.astype(np.complex128) if a.dtype.kind == "f" else a for a in map(np.asarray, self.subject.arrays)]
        arrays[self.position].reshape(-1)[index] += 1e-30j
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                y = np.asarray(self.subject.forward(*arrays)).reshape(-1)
        except Exception:
            return None
        if y.dtype.kind != "c" or not np.allclose(y.real, self.middle, rtol=1e-9, atol=0):
            return None
        return float(y.imag @ self.weights / 1e-30)

    def step(self, index):
        """Return the first step size for one index, after rounding."""
        value = self.x.reshape(-1)[index]
        h = STEP * max(self.size, 1e-4 * abs(value))
        return ((value + h) - (value - h)) / 2

    def first(self, index):
        """Return (derivatives of the outputs, their sum, their jump, their absolute sum, the noise floor)."""
        h = self.step(index)
        up, down = (self.values(_moved(self.x, index, sign * h)) for sign in (1, -1))
        change = up - down
        column = change / (2 * h)
        jump = np.abs(up - 2 * self.middle + down) / h
        touched = (change != 0) | (jump != 0)
        noise = EPS / 2 * float((np.abs(up) + np.abs(down))[touched] @ self.absolute[touched])
        absolute = float(np.abs(column) @ self.absolute)
        floor = (noise + self.inside * absolute) / h
        return column, float(column @ self.weights), float(jump @ self.absolute), absolute, floor

    def line(self, index):
        """Return the outputs along one index as a Line."""
        value = float(self.x.reshape(-1)[index])
        return Line(
            lambda t: self.values(_moved(self.x, index, t)),
            self.middle,
            self.weights,
            self.step(index),
            self.inside,
            value,
            self.size,
        )

    def floor(self, derivative, h):
        """Return the noise floor of a derivative of that size with step size h."""
        return (EPS * float(np.abs(self.middle) @ self.absolute) + self.inside * derivative) / h


def forward_noise(subject, position, grad_y) -> Noise:
    """Return the measured Noise of a Subject's forward with respect to one of its arrays."""
    with np.errstate(all="ignore"):
        return _Probe(subject, position, grad_y).noise()


def backward_noise(subject, position, grad_y) -> np.ndarray:
    """Return the round-off error of each entry of a Subject's analytic gradient, flat."""
    with np.errstate(all="ignore"):
        return _Probe(subject, position, grad_y).backward_noise()


def complex_step(subject, position, direction, grad_y, step=1e-30) -> float:
    """Return the derivative along one direction by the complex step; it is exact up to rounding."""
    arrays = [a.astype(np.complex128) if np.asarray(a).dtype.kind == "f" else a for a in subject.arrays]
    arrays[position] = arrays[position] + 1j * step * direction
    return float(np.sum(np.asarray(subject.forward(*arrays)).imag * grad_y) / step)


def typical_size(x) -> float:
    """Return the standard deviation of an array, its root mean square if all values are equal, or 1 for zeros."""
    for size in (float(np.std(x)), float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))):
        if np.isfinite(size) and size > 1e-12 * float(np.abs(x).max(initial=0)):
            return size
    return 1.0


def allowed(analytic, numerical, floor):
    """Return the allowed difference of entries: TOLERANCE of the larger value, plus 4 times the noise floor."""
    return TOLERANCE * np.maximum(np.abs(analytic), np.abs(numerical)) + 4 * floor


def _moved(x, index, amount):
    changed = x.copy()
    changed.reshape(-1)[index] += amount
    return changed
