"""The precision of `forward`: the round-off noise of each output, and outputs that change in steps.

A difference of two forward passes is only as good as their digits. The noise is measured, because the size of y does
not show it: `(x + 1e6) - 1e6` has small results and the noise of 1e6. Seven evaluations at tiny, equal steps are
enough: the third differences of a smooth function vanish there, and only noise remains.

A `forward` with float32 inside, or with rounded values, does not change at all for a tiny step. It is a staircase: its
noise is the height of a stair, not the 1e-16 of float64.
"""

from dataclasses import dataclass

import numpy as np

EPS = float(np.finfo(np.float64).eps)
FINE = 2.0**-40  # relative to each value: far below a step of float32 (2^-24), far above one of float64 (2^-53)
SCALES = (
    2.0**-24,
    2.0**-16,
    2.0**-10,
    2.0**-4,
)  # steps at which the stairs of float32, float16 and rounded values must be visible
WIDER = tuple(2.0**-k for k in range(24, 12, -2))  # from the step at which float32 is only noise
NARROW = 2.0**-30  # narrower stairs are float64's own, after a large value was subtracted
THIRD = np.sqrt(20.0)  # ratio of the third difference of independent noise to that noise


@dataclass
class Noise:
    """The noise of a forward pass near one input.

    Attributes
    ----------
    level : absolute noise of each output
    stairs : mask of the outputs that keep every bit after a tiny step that should change them
    coarse : mask of the outputs that change in steps far larger than those of float64
    cause : a phrase that names the cause of the steps, or None
    """

    level: np.ndarray
    stairs: np.ndarray
    coarse: np.ndarray
    cause: str | None = None


def measure(values, x, middle, size) -> Noise:
    """Measure the noise of `values(array) -> outputs` near x, given its outputs at x and the typical size of x.

    Returns
    -------
    Noise
        Measured with about 40 evaluations, whatever the size of x.
    """
    direction = _direction(x, size)

    def samples(spacing, count=7):  # not at x itself, which may be a kink
        return np.stack([values(x + k * spacing * direction) for k in range(1, count + 1)])

    fine = samples(FINE)
    level = np.maximum(EPS * np.abs(middle), _third(fine))
    far = np.stack([values(x + scale * direction) for scale in SCALES])
    flat = _flat(fine, far, middle)
    short = _short(np.vstack([middle[None], far]))
    short = np.where(short * np.abs(middle) > 4 * level, short, 0)  # sums of round-off have few digits, too
    level = np.maximum(level, short * np.abs(middle))
    level, rough = _rough(samples, level)
    moved = np.abs(values(x + WIDER[3] * direction) - middle) / WIDER[3]
    erratic = ~flat & (rough > NARROW * moved) & np.isfinite(moved)
    width, stairs = _stairs(samples, flat)
    level = np.maximum(level, np.where(flat & (short == 0), stairs, 0))
    coarse = (short > 0) | erratic | (flat & (width >= NARROW))
    if not coarse.any():
        return Noise(level, flat, coarse)
    everywhere = np.stack([middle, *(values(x + step * direction) for step in (2.0**-3, 2.0**-5))])
    cause = grid(everywhere[1:, coarse])
    if cause and "float" not in cause and cause == grid(everywhere):
        every = np.ones_like(coarse)  # all outputs are integers or decimals
        return Noise(np.maximum(level, max(level[coarse].max(), stairs.max())), every, every, cause)
    relative = float(np.median(level[coarse] / np.maximum(np.abs(middle[coarse]), 1e-300)))
    return Noise(level, flat | (short > 0), coarse, cause or _by_width(width, relative))


def _rough(samples, level):
    """Return (the level, the noise of steps in only a part of a sum).

    Such steps keep the third differences constant over several scales and along the line; a curve or a kink does not.
    """
    thirds = []
    for spacing in WIDER:
        values = samples(spacing, 10)
        thirds += [_third(values[:6]), _third(values[4:])]
    windows = [np.stack(thirds[k : k + 8]) for k in range(0, len(thirds) - 7, 2)]
    least, most = (np.stack([pick(window, axis=0) for window in windows]) for pick in (np.min, np.max))
    rough = np.where((most < 12 * least) & (least > 100 * level), most, 0).max(axis=0)
    return np.maximum(level, rough), rough


def round_off(values, x, size) -> np.ndarray:
    """Return the round-off noise of each of `values(array)` near x, from seven evaluations."""
    direction = _direction(x, size)
    return _third(np.stack([values(x + k * FINE * direction) for k in range(7)]))


def _direction(x, size):
    """Return a random direction, relative to each value and away from zero, so that logarithms stay defined."""
    sign = np.where(x < 0, -1.0, 1.0)
    return sign * np.where(x == 0, size, np.abs(x)) * np.random.default_rng(0).uniform(0.5, 1, x.shape)


def _third(samples):
    differences = np.diff(samples, n=3, axis=0)
    return np.nan_to_num(np.abs(differences).max(axis=0), nan=0.0, posinf=0.0) / THIRD


def _flat(fine, far, middle):
    """Return a mask of the outputs that keep every bit although, judged by larger steps, they should change."""
    still = np.all(fine == middle, axis=0)
    flat = np.zeros_like(still)
    for scale, values in zip(SCALES, far, strict=True):
        change = np.abs(values - middle)
        expected = change * (6 * FINE / scale)
        should_change = np.isfinite(expected) & (expected > 32 * EPS * np.maximum(np.abs(middle), change))
        # A kink may activate some outputs between the two steps; a staircase keeps most outputs constant.
        if 2 * (still & should_change).sum() >= max(1, should_change.sum()):
            flat |= still & should_change
    return flat


def _short(values):
    """Return 2^-24 for outputs that are exact in float32 at every point, 2^-11 for float16, else 0.

    Few float64 values have so few digits by chance; a constant with few digits does not count.
    """
    with np.errstate(all="ignore"):
        half, single = (np.all(values.astype(kind) == values, axis=0) for kind in (np.float16, np.float32))
    moving = np.any(values[1:] != values[0], axis=0)
    mantissa = np.frexp(values[0])[0] * 2.0**20
    constant = ~moving & (mantissa == np.round(mantissa))
    if 2 * (single & ~constant).sum() > constant.size:
        constant[:] = False  # if most outputs are float32, a constant with few digits is float32 too
    return np.where(half & moving, 2.0**-11, np.where(single & ~constant, 2.0**-24, 0.0))


def _stairs(samples, flat):
    """Return (the relative width of a stair, its height per output): jumps with constant stretches in between."""
    for exponent in range(-36, -2, 4) if flat.any() else ():
        steps = np.nan_to_num(np.abs(np.diff(samples(2.0**exponent, 33), axis=0)), nan=0.0, posinf=0.0)
        between = _rests_between(steps > 0) & flat
        if 2 * between.sum() >= flat.sum():
            heights = steps.max(axis=0)
            return 2.0**exponent, np.where(flat, heights[between].max(), 0.0)
    return 0.0, np.zeros(flat.shape)


def _rests_between(moves):
    """Return for each column whether it contains True, then False, then True again."""
    count = len(moves)
    first, last = moves.argmax(axis=0), count - 1 - moves[::-1].argmax(axis=0)
    return (moves.sum(axis=0) >= 2) & (last - first + 1 > moves.sum(axis=0))


def grid(values) -> str | None:
    """Describe the grid of which all values are points (integers, decimals, float16, float32), else return None."""
    values = np.asarray(values, np.float64).reshape(-1)
    values = values[np.isfinite(values) & (values != 0)]
    if not values.size:
        return None
    if np.array_equal(values, np.round(values)) and np.abs(values).max() < 2**53:
        return "values are truncated or rounded to integers"
    for digits in range(1, 7):
        if np.array_equal(values, np.round(values, digits)):
            return f"values are rounded to {digits} decimal{'s' * (digits > 1)}"
    for kind, digits in ((np.float16, 3), (np.float32, 7)):
        with np.errstate(all="ignore"):
            if np.array_equal(values, values.astype(kind).astype(np.float64)):
                return f"values are {np.dtype(kind).name}, with {digits} digits"
    return None


def _by_width(width, relative):
    """Name the cause of a step by its size relative to the values."""
    size = width or relative
    if not width:
        like = ("7 digits, like float32", "3 digits, like float16")[relative > 2.0**-18]
        return f"values inside have only about {like}, or lose digits by cancellation"
    if 2.0**-30 <= size <= 2.0**-18:
        return "values inside are float32, with 7 digits"
    if 2.0**-16 <= size <= 2.0**-7:
        return "values inside are float16 or rounded, with about 3 digits"
    return "values inside are rounded or cast"
