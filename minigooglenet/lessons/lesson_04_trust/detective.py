"""Broken convolutions to be found out by their gradients: three for each student, from the museum."""

import hashlib
from typing import NamedTuple

import numpy as np

from minigooglenet.gradcheck import check_function
from minigooglenet.gradcheck.museum import EXHIBITS

LETTERS = "ABC"
WRONG_SHAPE = "conv2d/bias_not_summed_over_the_batch"  # its shape alone would give it away
BROKEN = [
    exhibit
    for name, exhibit in EXHIBITS.items()
    if name.startswith("conv2d/") and exhibit.broken == "backward" and name != WRONG_SHAPE
]
SUSPECTS = tuple(sorted({exhibit.suspect for exhibit in BROKEN}))


class Case(NamedTuple):
    """A convolution 3x3, stride 2, padding 1 with a broken backward, and arrays to run it on.

    forward(x, weight, bias) -> y;  backward(grad_y, x, weight, bias) -> (grad_x, grad_weight, grad_bias)
    """

    forward: object
    backward: object
    inputs: tuple[np.ndarray, ...]


def drawn(student) -> dict:
    """Return {letter: Exhibit}, three of different mistakes, the same every time."""
    rng = np.random.default_rng(list(hashlib.sha256(f"detective/{student}".encode()).digest()))
    kinds = rng.choice(len(SUSPECTS), len(LETTERS), replace=False)
    chosen = {}
    for letter, kind in zip(LETTERS, kinds, strict=True):
        alike = [exhibit for exhibit in BROKEN if exhibit.suspect == SUSPECTS[kind]]
        chosen[letter] = alike[rng.integers(len(alike))]
    return chosen


def cases(student) -> dict[str, Case]:
    """Return {letter: Case} of a student, without names."""
    return {
        letter: Case(exhibit.forward, exhibit.backward, exhibit.inputs(np.random.default_rng(0)))
        for letter, exhibit in drawn(student).items()
    }


def evidence(case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {"x", "weight", "bias": (the backward's gradient, the one by differences)} of a Case."""
    errors = check_function(case.forward, case.backward, *case.inputs).errors
    return dict(zip(("x", "weight", "bias"), errors.values(), strict=False))
