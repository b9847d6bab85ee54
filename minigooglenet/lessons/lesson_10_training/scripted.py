"""A scripted random number generator: it returns given values, so that all right answers draw the same."""

import numpy as np


class Scripted:
    """A substitute for a NumPy Generator. Each draw uses the next of `fractions`, in a cycle.

    fractions : position of each draw between its bounds, from 0 to 1
    seed : seed of `permutation` and `shuffle`, whose order depends only on the length
    """

    def __init__(self, fractions=(0.5,), seed=0):
        self.fractions, self.seed, self.drawn = tuple(fractions), seed, 0

    def uniform(self, low=0.0, high=1.0):
        """Return a number between the bounds."""
        fraction = self.fractions[self.drawn % len(self.fractions)]
        self.drawn += 1
        return low + fraction * (high - low)

    def random(self):
        """Return a number between 0 and 1."""
        return self.uniform()

    def integers(self, low, high=None, endpoint=False):
        """Return an integer in [low, high), or in [0, low)."""
        low, high = (0, low) if high is None else (low, high)
        high += bool(endpoint)
        if high <= low:
            raise ValueError(f"high must be greater than low, got low={low}, high={high}")
        return int(low + np.floor(self.uniform() * (high - low)))

    def permutation(self, values):
        """Return the values, or 0 .. values - 1, in the order that the seed determines."""
        values = np.arange(values) if np.ndim(values) == 0 else np.asarray(values)
        return values[np.random.default_rng(self.seed).permutation(len(values))]

    def shuffle(self, values):
        """Reorder the values as `permutation` does."""
        values[:] = self.permutation(np.array(values))

    def __eq__(self, other):
        """Return whether the other one is Scripted too, because drawing does not count as changing an input."""
        return isinstance(other, Scripted)

    __hash__ = None

    def __repr__(self):
        fractions = ", ".join(f"{fraction:g}" for fraction in self.fractions[:6])
        return f"Scripted(({fractions}, ...)), a generator that returns given values"
