"""A generator that draws what it is told: the same for every way of writing an answer, and nothing left to luck."""

import numpy as np


class Scripted:
    """Stands in for a numpy Generator. Each draw of a number takes the next of `shares`, in 0 .. 1, over and over.

    shares : how far each draw lies between the bounds that are asked for
    seed : of the orders that `permutation` and `shuffle` give, which depend on the length alone
    """

    def __init__(self, shares=(0.5,), seed=0):
        self.shares, self.seed, self.drawn = tuple(shares), seed, 0

    def uniform(self, low=0.0, high=1.0):
        """Return a number between the bounds."""
        share = self.shares[self.drawn % len(self.shares)]
        self.drawn += 1
        return low + share * (high - low)

    def random(self):
        """Return a number between 0 and 1."""
        return self.uniform()

    def integers(self, low, high=None, endpoint=False):
        """Return a whole number from `low` to below `high`, or from 0 to below `low`."""
        low, high = (0, low) if high is None else (low, high)
        high += bool(endpoint)
        if high <= low:
            raise ValueError(f"integers from {low} to below {high}: there are none")
        return int(low + np.floor(self.uniform() * (high - low)))

    def permutation(self, values):
        """Return the values, or 0 .. values - 1, in an order of their own."""
        values = np.arange(values) if np.ndim(values) == 0 else np.asarray(values)
        return values[np.random.default_rng(self.seed).permutation(len(values))]

    def shuffle(self, values):
        """Put the values into that order in place."""
        values[:] = self.permutation(np.array(values))

    def __eq__(self, other):
        """Drawing is no change of an input: any two are equal."""
        return isinstance(other, Scripted)

    __hash__ = None

    def __repr__(self):
        return f"a generator that draws {', '.join(f'{share:g}' for share in self.shares[:6])}, ... of the way"
