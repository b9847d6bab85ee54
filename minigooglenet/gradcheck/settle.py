"""Settle one derivative that is in doubt: central differences with several step sizes, each with an error estimate.

Two errors compete. The truncation error falls with the square of the step size. It is estimated from two steps h and
h/q, whose difference is (q^2 - 1) times the error of the smaller one, and removed by Richardson's extrapolation. The
round-off error grows as noise / h, and the noise is measured. The best pair of steps gives a value and its error. The
analytic value is wrong only if it is clearly further away than that.

A kink shows in the one-sided derivatives: their difference falls with h if the function is smooth, and stays constant
at a kink. A central difference alone cannot detect a symmetric kink such as |x| at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from minigooglenet.gradcheck.noise import EPS

TOLERANCE = 3e-6  # relative to an entry, in addition to the error of the difference
TIGHT = 2.5e-5  # an entry is decided if its difference is known to this fraction of the largest entry
RESIDUE = 8  # times the machine epsilon, relative to the upstream gradient: the residue of terms that cancel
CLEAR = 10.0  # a disagreement is a mistake only if it is at least this many times the error of the difference
AGREES, WRONG, KINK, OUTSIDE, EDGE, OPEN = "agrees", "wrong", "kink", "outside", "edge", "open"
SMALLER = tuple(8.0**-k for k in range(1, 7))
LARGER = (16.0, 256.0, 4096.0, 3e4)
FAR = 1e9
SINGLE = 2.0**-24
RELATIVE = (2.0**-3, 2.0**-5, 2.0**-9, 2.0**-14, 2.0**-17)  # steps for a value that is far smaller than its array


@dataclass
class Line:
    """The outputs along one line: `at(t)` returns them at distance t from the input.

    Attributes
    ----------
    at, middle, weights : the outputs at t and at 0, and the weight of each output
    step : the first step size
    inside : round-off error of intermediate values, relative to the derivative
    value, size : the value of the entry that moves, and the typical size of its array
    """

    at: Callable
    middle: np.ndarray
    weights: np.ndarray
    step: float
    inside: float
    value: float | None = None
    size: float = 0.0

    def __post_init__(self):
        self.far = None
        self.level = EPS * np.abs(self.middle)  # the noise of each output
        self.reached = np.zeros(self.weights.shape, bool)  # the outputs that any step so far has changed
        self.ends = {}  # {step: outputs}: the first step is used twice

    def both(self, h):
        """Return the outputs at h and at -h."""
        if h not in self.ends:
            self.ends = {h: (self.at(h), self.at(-h))}
        return self.ends[h]

    def depends(self):
        """Return a mask of the outputs that a large step changes; the others apparently do not depend on this entry."""
        if self.far is None:
            far = FAR * self.step
            self.far = (self.at(far) != self.middle) | (self.at(-far) != self.middle)
        return self.far

    def hidden(self, touched, h):
        """Return the derivative that outputs unchanged by step h may hide below their last digit.

        Of several outputs, those that even a large step does not change do not depend on the entry. But if no step
        changed any output, each of them may hide a derivative, and they may be float32.
        """
        weights = np.abs(self.weights)
        if not self.reached.any():
            single = self.middle.astype(np.float32) == self.middle
            return float(
                np.where(single, np.maximum(self.level, SINGLE * np.abs(self.middle)), self.level) @ weights / h
            )
        moved, far = self.depends(), FAR * self.step
        level = self.level * weights
        return float(level[~touched & moved].sum() / h + level[~touched & ~moved].sum() / max(h, far))

    def steps_down(self):
        """Return smaller steps in descending order, some of them relative to the value if that is small."""
        steps = [self.step * factor for factor in SMALLER]
        if self.value:
            steps += [abs(self.value) * factor for factor in RELATIVE if abs(self.value) * factor < self.step / 2]
            steps = [h for h in steps if h > 8 * EPS * abs(self.value)]
        return sorted(steps, reverse=True)


@dataclass
class Estimate:
    """A central difference with step size h.

    `value` is the sum over the outputs, `column` the derivative of each output, `jumps` the difference of the one-sided
    derivatives of each output, and `low` and `high` the range that they span. An output that changes for a larger step
    but not for this one changes below its last digit, so it has noise too.
    """

    line: Line
    h: float
    column: np.ndarray
    value: float
    jumps: np.ndarray
    low: float
    high: float
    level: np.ndarray
    touched: np.ndarray
    finite: bool
    one_sided: bool
    inside: float

    @property
    def noises(self):
        """The round-off error of the derivative of each output."""
        return np.where(self.line.reached, self.level, 0) / self.h

    @property
    def noise(self):
        """The round-off error of `value`."""
        return float(self.noises @ np.abs(self.line.weights)) + self.inside

    @property
    def jump(self):
        """The sum of all jumps, weighted like the outputs."""
        return self.high - self.low


@dataclass
class Settled:
    """The result: a state, the best value with its error, and the derivative of each output."""

    state: str
    value: float
    error: float
    column: np.ndarray


def settle(line, analytic, largest, measure, scale=0.0) -> Settled:
    """Decide whether an analytic derivative is right, with as few steps as possible.

    Parameters
    ----------
    line : Line
    analytic : the derivative to check
    largest : the largest entry of its gradient; round-off must be small compared with it
    scale : for a directional derivative, the typical size of such a sum
    measure : returns the Noise of `forward`; called if the first step is not enough
    """
    first = _estimate(line, line.step, None)
    if _plain(first, analytic, largest, scale) and first.jump <= 1e-3 * _absolute(first, line) + 16 * first.noise:
        return Settled(AGREES, first.value, first.noise, first.column)
    noise = measure()
    line.level = np.maximum(line.level, noise.level)
    seen = [_estimate(line, line.step, noise)]
    noisy = seen[0].finite and seen[0].noise > 0.25 * TIGHT * max(abs(analytic), largest)
    off = abs(analytic - seen[0].value)
    noisy |= seen[0].finite and _hidden(seen[0], line, off) * CLEAR > off
    down = line.steps_down()
    up = [line.step * factor for factor in LARGER]
    for h in [*up, *down] if noisy else down:
        if h < seen[-1].h and _drowned(seen, analytic, largest):
            break
        seen.append(_estimate(line, h, noise))
        seen.sort(key=lambda e: -e.h)
        settled = _judge(seen, analytic, largest, line, scale)
        if settled is not None:
            return settled
    if not noisy:
        for h in up:
            seen.append(_estimate(line, h, noise))
            seen.sort(key=lambda e: -e.h)
            settled = _judge(seen, analytic, largest, line, scale)
            if settled is not None:
                return settled
    return _give_up(seen, analytic, largest, line)


def _estimate(line, h, noise):
    if line.value is not None:
        h = ((line.value + h) - (line.value - h)) / 2  # the step size after rounding
    (up, down), middle = line.both(h), line.middle
    right, left = (up - middle) / h, (middle - down) / h
    column = (up - down) / (2 * h)
    touched = (right != 0) | (left != 0)
    level = EPS / 2 * (np.abs(up) + np.abs(down))
    inside = 0.0
    if noise is not None:
        level = np.maximum(level, noise.level)
        if noise.stairs.any():
            touched |= noise.stairs & line.depends()
    else:
        inside = line.inside * float(np.abs(column) @ np.abs(line.weights)) / h
    line.reached |= touched
    ends = np.stack([right * line.weights, left * line.weights])
    low, high = float(ends.min(axis=0).sum()), float(ends.max(axis=0).sum())
    value = float(column @ line.weights)
    one_sided = bool(np.isfinite(up).all() != np.isfinite(down).all())
    jumps = np.abs(right - left)
    return Estimate(line, h, column, value, jumps, low, high, level, touched, np.isfinite(value), one_sided, inside)


def _absolute(estimate, line):
    return float(np.abs(estimate.column) @ np.abs(line.weights))


def _plain(estimate, analytic, largest, scale):
    """Return whether one step is enough: it agrees, and round-off is small."""
    error = abs(analytic - estimate.value)
    size = max(abs(analytic), abs(estimate.value), scale)
    return error <= TOLERANCE * size + 4 * estimate.noise and estimate.noise <= TIGHT * max(size, largest)


def _drowned(seen, analytic, largest):
    last = seen[-1]
    size = max(abs(last.value), abs(analytic), last.jump, 1e-300)
    return last.finite and last.noise > max(1e-2 * size, TIGHT * largest)


def _smooth(a, b, line):
    """Return whether the one-sided derivatives of each output converge from step a to the smaller step b."""
    if not (a.finite and b.finite):
        return False
    bound = 0.3 * a.jumps + 16 * b.noises + 1e-6 * np.abs(b.column)
    if np.all(b.jumps <= bound):
        return True
    loose = (b.jumps > bound) @ (np.abs(line.weights) * b.jumps)
    return bool(loose <= 1e-7 * _absolute(b, line))


def _best(seen, line):
    """Return (value, error, column, its smaller step) of the pair of steps with the smallest error, or None."""
    best = None
    for larger, smaller in pairwise(seen):
        if not _smooth(larger, smaller, line):
            continue
        ratio = min(
            (larger.h / smaller.h) ** 2 - 1, 255.0
        )  # a very large step says little about the error of the smaller one
        change = abs(larger.value - smaller.value)
        richardson = smaller.value + (smaller.value - larger.value) / ratio
        for candidate in (
            (larger.value, change + larger.noise, larger.column, smaller),
            (richardson, change / ratio + 1.1 * smaller.noise, smaller.column, smaller),
        ):
            if best is None or candidate[1] < best[1]:
                best = candidate
    return best


def _judge(seen, analytic, largest, line, scale):
    """Return a Settled if the steps seen so far decide, else None."""
    best = _best(seen, line)
    if best is None:
        return None
    value, error, column, smaller = best
    off, size = abs(analytic - value), max(abs(analytic), abs(value), scale)
    if value == 0 and off <= RESIDUE * EPS * float(np.abs(line.weights).max()):
        off = 0.0  # terms as large as the upstream gradient cancel, and their residue is round-off
    if off <= TOLERANCE * size + 4 * error:
        if error <= TIGHT * max(size, largest):
            return Settled(AGREES, value, error, column)
        return None
    hidden = _hidden(next(e for e in seen if e.finite), line, off)
    if off > TOLERANCE * size + CLEAR * (error + hidden) and _confirmed(seen, smaller, value, error, line, off):
        first = next(e for e in seen if e.h >= line.step * 0.9 and e.h <= line.step * 1.1)
        if abs(first.value - value) <= 1e-8 * size + 4 * _floor(first, line):
            value, column = first.value, first.column  # just as good, and the value that an agreement is compared with
        return Settled(WRONG, value, error, column)
    return None


def _floor(estimate, line):
    """Return the round-off error as estimated without a measurement."""
    outputs = EPS * float(np.abs(line.middle) @ np.abs(line.weights))
    return (outputs + line.inside * _absolute(estimate, line)) / estimate.h


def _hidden(estimate, line, off):
    """Return the derivative that unchanged outputs may hide, if it could explain a disagreement."""
    untouched = ~estimate.touched
    level = float(np.maximum(line.level, SINGLE * np.abs(line.middle))[untouched] @ np.abs(line.weights)[untouched])
    return line.hidden(estimate.touched, estimate.h) if CLEAR * level / estimate.h > off else 0.0


def _confirmed(seen, smaller, value, error, line, off):
    """Return whether a smaller step repeats the value; for an entry far below its array, a fraction of the entry.

    A curve can look straight over steps that are far too large. The smaller step must be precise enough to see the
    disagreement.
    """
    smallest = smaller.h
    if line.value:
        smallest = min(smallest, abs(line.value) * RELATIVE[0] * 1.1)
    further = [e for e in seen if e.finite and e.h < smaller.h and e.h <= smallest and 2 * CLEAR * e.noise < off]
    return any(abs(e.value - value) <= 3 * error + CLEAR * e.noise for e in further)


def _give_up(seen, analytic, largest, line):
    """Return the state if no pair of steps decides: a kink, the edge of the domain, or open."""
    finite = [e for e in seen if e.finite]
    nothing = np.zeros(line.weights.shape)
    if not finite:
        return Settled(EDGE if any(e.one_sided for e in seen) else OPEN, 0.0, np.inf, nothing)
    best = _best(seen, line)
    usable = [e for e in finite if e.noise <= 0.05 * max(e.jump, 1e-300)]
    if len(usable) > 1:
        last = usable[-1]
        if not _smooth(usable[-2], last, line) and last.jump > 1e-6 * _absolute(last, line):
            room = 4 * last.noise + 1e-3 * last.jump
            inside = last.low - room <= analytic <= last.high + room
            if inside or best is None:
                return Settled(KINK if inside else OUTSIDE, last.value, last.jump, last.column)
    if best is None:
        last = finite[-1]
        return Settled(OPEN, last.value, max(last.noise, abs(analytic - last.value)), last.column)
    value, error, column, _ = best
    off = abs(analytic - value)
    error += _hidden(finite[0], line, off)
    near = off <= TOLERANCE * max(abs(analytic), abs(value)) + CLEAR * error and CLEAR * error <= 4 * TIGHT * largest
    return Settled(AGREES if near else OPEN, value, error, column)
