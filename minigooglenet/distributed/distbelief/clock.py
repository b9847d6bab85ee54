"""The simulated clock: how long a worker computes the gradient of one batch."""

import math
from dataclasses import dataclass

import numpy as np

from minigooglenet import checks


@dataclass(frozen=True)
class ComputeTimes:
    """Distribution of the time that a worker needs to fetch parameters, compute one gradient and push it.

    The time is lognormal. A fraction of the batches takes `slowdown` times as long, because their worker shares its
    machine with other programs: then it is a straggler.

    Attributes
    ----------
    median : seconds of simulated time
    spread : standard deviation of the natural logarithm of the time; 0 for workers of equal speed
    stragglers : fraction of the batches that take longer
    slowdown : how many times as long these take

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> mg.distributed.ComputeTimes(median=10.0, spread=0.0, stragglers=0.0).draw(np.random.default_rng(0))
    10.0
    """

    median: float = 10.0
    spread: float = 0.2
    stragglers: float = 0.05
    slowdown: float = 4.0

    def __post_init__(self) -> None:
        if checks.number(self.median, "median") <= 0:
            raise ValueError(f"median must be above 0 seconds, got {self.median!r}")
        checks.number(self.spread, "spread", 0)
        checks.number(self.stragglers, "stragglers", 0, 1)
        checks.number(self.slowdown, "slowdown", 1)

    def draw(self, rng: np.random.Generator) -> float:
        """Return the time of one gradient in seconds of simulated time."""
        seconds = self.median * math.exp(self.spread * rng.standard_normal())
        return seconds * self.slowdown if rng.random() < self.stragglers else seconds
