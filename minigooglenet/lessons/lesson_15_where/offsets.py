"""Offsets: a box relative to a prior, and back."""

import numpy as np

from minigooglenet.detection.multibox import encode
from minigooglenet.exercises.exercise import Exercise

coded = Exercise(
    "15.7",
    "a box relative to a prior",
    "coded(boxes, priors, offsets) -> offsets (M, 4), boxes (M, 4)",
    minutes=8,
    difficulty=2,
    core=False,
    hints=(
        "By how many widths of the prior does the centre of the box move to the right?",
        (
            "The prior (0, 0, 4, 4) has the centre (2, 2). The box (2, 0, 10, 4) has the centre (6, 2), so it moves by "
            "4 / 4 = 1 width and 0 heights. Its sides are 2 and 1 times the prior's, so dw = log 2 and dh = 0."
        ),
        "`dx = (x - px) / ____`, `dw = np.log(w / pw)`, and back: `x = px + dx * ____`",
    ),
)


@coded.cases
def coded_cases(rng):
    yield np.array([[2.0, 0, 10, 4]]), np.array([[0.0, 0, 4, 4]]), np.array([[0.5, 0.0, 0.0, 0.0]])
    yield np.array([[0.0, 3, 6, 5]]), np.array([[1.0, 2, 9, 6]]), np.array([[0.25, -0.5, 0.5, -1.0]])
    yield _boxes(rng), _boxes(rng), rng.integers(-6, 7, (4, 4)) / 4


def _boxes(rng):
    low = rng.integers(0, 30, (4, 2)) / 2
    return np.hstack([low, low + rng.integers(1, 20, (4, 2))])


def _centre(boxes):
    """Return the centres (M, 2) and the sides (M, 2)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _corners(centres, sides):
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)


def _encoded(boxes, priors):
    (centres, sides), (middles, units) = _centre(boxes), _centre(priors)
    return np.concatenate([(centres - middles) / units, np.log(sides / units)], axis=1)


def _decoded(offsets, priors):
    middles, units = _centre(priors)
    return _corners(middles + offsets[:, :2] * units, units * np.exp(offsets[:, 2:]))


@coded.reference
def coded_reference(boxes, priors, offsets):
    return _encoded(boxes, priors), _decoded(offsets, priors)


coded.engine(encode)


@coded.right
def coded_one_by_one(boxes, priors, offsets):
    encoded, decoded = [], []
    for (x1, y1, x2, y2), (a1, b1, a2, b2), (dx, dy, dw, dh) in zip(boxes, priors, offsets, strict=True):
        pw, ph = a2 - a1, b2 - b1
        moved = ((x1 + x2 - a1 - a2) / (2 * pw), (y1 + y2 - b1 - b2) / (2 * ph))
        encoded.append((*moved, np.log(x2 - x1) - np.log(pw), np.log(y2 - y1) - np.log(ph)))
        x, y, w, h = (a1 + a2) / 2 + dx * pw, (b1 + b2) / 2 + dy * ph, pw * np.exp(dw), ph * np.exp(dh)
        decoded.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    return np.array(encoded), np.array(decoded)


@coded.right
def coded_from_first_corners(boxes, priors, offsets):
    sides, units = boxes[:, 2:] - boxes[:, :2], priors[:, 2:] - priors[:, :2]
    moved = (boxes[:, :2] - priors[:, :2]) / units + (sides / units - 1) / 2
    new = np.exp(offsets[:, 2:]) * units
    low = priors[:, :2] + units * (offsets[:, :2] + 0.5) - new / 2
    return np.hstack([moved, np.log(sides / units)]), np.hstack([low, low + new])


@coded.wrong
def no_logarithm(boxes, priors, offsets):
    """Your sides are ratios: 1 for an equal side, and 0 only for an empty box. Take the logarithm, and exp back."""
    middles, units = _centre(priors)
    encoded = _encoded(boxes, priors)
    encoded[:, 2:] = np.exp(encoded[:, 2:])
    return encoded, _corners(middles + offsets[:, :2] * units, units * offsets[:, 2:])


@coded.wrong
def no_exponential(boxes, priors, offsets):
    """You took the logarithm, but multiplied by it on the way back. The inverse of log is exp."""
    middles, units = _centre(priors)
    return _encoded(boxes, priors), _corners(middles + offsets[:, :2] * units, units * offsets[:, 2:])


@coded.wrong
def divided_by_the_box(boxes, priors, offsets):
    """You divided by the sides of the box. On the way back only the prior is known: divide by its sides."""
    (centres, sides), (middles, _) = _centre(boxes), _centre(priors)
    encoded = _encoded(boxes, priors)
    encoded[:, :2] = (centres - middles) / sides
    return encoded, _decoded(offsets, priors)


@coded.wrong
def width_and_height_exchanged(boxes, priors, offsets):
    """You divided the way along x by the prior's height, and the way along y by its width."""
    (centres, _), (middles, units) = _centre(boxes), _centre(priors)
    encoded = _encoded(boxes, priors)
    encoded[:, :2] = (centres - middles) / units[:, ::-1]
    decoded = _corners(middles + offsets[:, :2] * units[:, ::-1], units * np.exp(offsets[:, 2:]))
    return encoded, decoded


@coded.wrong
def corner_instead_of_centre(boxes, priors, offsets):
    """You measured from corner to corner. Then the offset of a box changes with its size: use the centres."""
    units = priors[:, 2:] - priors[:, :2]
    encoded = _encoded(boxes, priors)
    encoded[:, :2] = (boxes[:, :2] - priors[:, :2]) / units
    low = priors[:, :2] + offsets[:, :2] * units
    return encoded, np.hstack([low, low + units * np.exp(offsets[:, 2:])])


@coded.wrong
def pixels_instead_of_sides(boxes, priors, offsets):
    """You returned distances in pixels. Divide by the prior's sides, so that small and large objects count the same."""
    (centres, _), (middles, units) = _centre(boxes), _centre(priors)
    encoded = _encoded(boxes, priors)
    encoded[:, :2] = centres - middles
    return encoded, _corners(middles + offsets[:, :2], units * np.exp(offsets[:, 2:]))


@coded.wrong
def opposite_direction(boxes, priors, offsets):
    """Your offsets lead from the box to the prior. They should lead from the prior to the box."""
    (_, sides), (middles, units) = _centre(boxes), _centre(priors)
    encoded = _encoded(boxes, priors)
    encoded[:, :2] *= -1
    encoded[:, 2:] = np.log(units / sides)
    return encoded, _corners(middles - offsets[:, :2] * units, units / np.exp(offsets[:, 2:]))


@coded.wrong
def centre_and_size_returned(boxes, priors, offsets):
    """Your decoded boxes are centres and sizes. Return their corners."""
    decoded = _decoded(offsets, priors)
    centres, sides = _centre(decoded)
    return _encoded(boxes, priors), np.hstack([centres, sides])


@coded.wrong
def new_size_moves_the_centre(boxes, priors, offsets):
    """You moved the centre by sides of the new box. Multiply dx and dy by the sides of the prior."""
    middles, units = _centre(priors)
    sides = units * np.exp(offsets[:, 2:])
    return _encoded(boxes, priors), _corners(middles + offsets[:, :2] * sides, sides)
