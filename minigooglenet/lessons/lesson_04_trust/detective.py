"""Broken convolutions to identify by their gradients: three per student, from `gradcheck.museum`."""

import hashlib
from typing import NamedTuple

import numpy as np

from minigooglenet.gradcheck import check_function
from minigooglenet.gradcheck.museum import EXHIBITS

LETTERS = "ABC"
WRONG_SHAPE = "conv2d/bias_not_summed_over_the_batch"  # too easy: the shape of its gradient reveals it
BROKEN = [
    exhibit
    for name, exhibit in EXHIBITS.items()
    if name.startswith("conv2d/") and exhibit.broken == "backward" and name != WRONG_SHAPE
]
SUSPECTS = tuple(sorted({exhibit.suspect for exhibit in BROKEN}))


class Case(NamedTuple):
    """A 3x3 convolution with stride 2, padding 1 and a broken backward, and arrays to run it on.

    forward(x, weight, bias) -> y;  backward(grad_y, x, weight, bias) -> (grad_x, grad_weight, grad_bias)
    """

    forward: object
    backward: object
    inputs: tuple[np.ndarray, ...]


def drawn(student) -> dict:
    """Return {letter: Exhibit}, three with different mistakes, the same at every call."""
    rng = np.random.default_rng(list(hashlib.sha256(f"detective/{student}".encode()).digest()))
    suspects = rng.choice(len(SUSPECTS), len(LETTERS), replace=False)
    chosen = {}
    for letter, index in zip(LETTERS, suspects, strict=True):
        candidates = [exhibit for exhibit in BROKEN if exhibit.suspect == SUSPECTS[index]]
        chosen[letter] = candidates[rng.integers(len(candidates))]
    return chosen


def cases(student) -> dict[str, Case]:
    """Return {letter: Case} for a student, without the names of the mistakes."""
    return {
        letter: Case(exhibit.forward, exhibit.backward, exhibit.inputs(np.random.default_rng(0)))
        for letter, exhibit in drawn(student).items()
    }


def evidence(case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {name: (analytic gradient, numerical gradient)} of a Case for x, weight and bias."""
    errors = check_function(case.forward, case.backward, *case.inputs).errors
    return dict(zip(("x", "weight", "bias"), errors.values(), strict=False))
