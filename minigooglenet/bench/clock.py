"""Timing contenders side by side: each warmed up once, then round after round in turn, medians and minima.

The first call compiles kernels, fills caches and lets libraries settle: it is never part of a timing. Taking turns
lets whatever else the machine does fall on all contenders alike, so that ratios within a run hold where times drift.
"""

import statistics
import time
from dataclasses import dataclass

from minigooglenet.bench.equality import TOLERANCE, require_equal

LEAST_ROUNDS = 3  # however slow: below three a median says nothing
# The threads of some peers spin for a while after a call, waiting for more work. Measured on 2 cores: OpenVINO right
# behind PyTorch took 11.2 ms for an image, 20 ms later 8.3 ms, as when it runs alone.
PAUSE = 0.02


@dataclass(frozen=True)
class Timing:
    """The seconds of each round of one contender."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def minimum(self) -> float:
        return min(self.seconds)

    def as_dict(self) -> dict:
        """Return what a result says of a timing."""
        return {"median_seconds": self.median, "minimum_seconds": self.minimum, "rounds": len(self.seconds)}


def alternate(
    contenders, *, rounds, seconds, pause=PAUSE, tolerance=TOLERANCE, least=LEAST_ROUNDS, before=None
) -> dict[str, Timing]:
    """Time functions without arguments in turn.

    Parameters
    ----------
    contenders : {name: function}; the outputs of their first calls must agree
    rounds : how often each is timed
    seconds : what each may take in all; once it is spent, a contender sits out, after `least` rounds at the earliest
    pause : seconds before each timing in which nothing runs, when there are several contenders
    tolerance : how far outputs may differ, relative to the largest value; None where they are no arrays to compare
    least : rounds that even the slowest does
    before : called with a contender's name before each of its calls, outside the timing

    Returns
    -------
    {name: Timing}

    Raises
    ------
    ValueError
        If the output of a contender is not the first one's: times of different results are not compared.
    """
    before = before or (lambda name: None)
    outputs = {}
    for name, call in contenders.items():
        before(name)
        outputs[name] = call()
    if tolerance is not None:
        require_equal(outputs, tolerance)
    del outputs
    times = {name: [] for name in contenders}
    for number in range(rounds):
        for name, call in contenders.items():
            if number >= least and sum(times[name]) > seconds:
                continue
            if len(contenders) > 1:
                time.sleep(pause)
            before(name)
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    return {name: Timing(tuple(each)) for name, each in times.items()}
