"""Weights that convolutions transform or pack in advance, and do so again when they have changed."""

import threading

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels.compiled import fast

COMPARED = 1 << 16  # values that a thread compares at a time


class Prepared:
    """What is computed from a weight."""

    def __init__(self, weight):
        self.weight, self.made, self.seen, self.lock = weight, {}, None, threading.Lock()
        self.unfinished = False  # whether an interrupt may have left arrays that belong to no weight

    def by(self, make, *settings):
        """Return the arrays of `make(weight, *settings)`, which returns (arrays, [(task, count)] that fill them)."""
        with self.lock:
            if make not in self.made:
                arrays, bound = make(self.weight, *settings)
                _run(bound)
                self.made[make] = arrays, bound
            return self.made[make][0]

    def remember(self):
        """Keep a copy of the weight, so that `refresh` notices when it has changed."""
        if self.seen is None:
            self.seen = self.weight.copy()

    def arrays(self):
        """Return all arrays that are kept in addition to the weight."""
        kept = [] if self.seen is None else [self.seen]
        for made, _ in list(self.made.values()):
            kept += made if isinstance(made, list) else [made]
        return kept


def refresh(weights):
    """Compute again what was made from those of some remembered weights that have changed."""
    parts = [
        (weight, start, min(weight.seen.size, start + COMPARED))
        for weight in weights
        for start in range(0, weight.seen.size, COMPARED)
    ]
    typed, differ, changed = fast().flat.typed, fast().same_bits.differ, set()
    bits = {weight: [typed(a).reshape(-1).view(np.uint32) for a in (weight.weight, weight.seen)] for weight in weights}

    def compare(first, end):
        for weight, start, stop in parts[first:end]:
            if weight not in changed and (weight.unfinished or differ(*bits[weight], start, stop)):
                changed.add(weight)

    parallel.parallel_for(compare, len(parts))
    for weight in changed:
        weight.unfinished = True
        for _, bound in list(weight.made.values()):
            _run(bound)
        weight.seen[...] = weight.weight
        weight.unfinished = False


def _run(bound):
    for task, count in bound:
        parallel.parallel_for(task, count)
