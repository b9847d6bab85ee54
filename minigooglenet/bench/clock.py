"""Time several functions in turn: one untimed call of each, then round after round; report medians and minima.

The first call compiles kernels and fills caches, so it is never timed. Because the functions take turns, other load on
the machine affects all of them equally, and ratios within a run stay valid even if times drift.
"""

import statistics
import time
from dataclasses import dataclass

from minigooglenet.bench.equality import TOLERANCE, require_equal

LEAST_ROUNDS = 3  # even for slow functions, because a median needs at least three values
# The threads of some engines spin for a while after a call and wait for more work. Measured on 2 cores: right after
# PyTorch, OpenVINO took 11.2 ms for an image; 20 ms later it took 8.3 ms, as when it runs alone.
PAUSE = 0.02


@dataclass(frozen=True)
class Timing:
    """The seconds of each round of one function."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def minimum(self) -> float:
        return min(self.seconds)

    def as_dict(self) -> dict:
        """Return the entries of a timing in a result."""
        return {"median_seconds": self.median, "minimum_seconds": self.minimum, "rounds": len(self.seconds)}


def alternate(
    functions, *, rounds, seconds, pause=PAUSE, tolerance=TOLERANCE, least=LEAST_ROUNDS, before=None
) -> dict[str, Timing]:
    """Time functions without arguments in turn.

    Parameters
    ----------
    functions : {name: function}; the outputs of their first calls must agree
    rounds : number of timings per function
    seconds : time limit per function; after it, a function is not called again, but each runs at least `least` rounds
    pause : idle seconds before each timing, if there are several functions
    tolerance : allowed difference of outputs, relative to the largest value; None if they cannot be compared
    least : minimum number of rounds
    before : called with the name of a function before each of its calls, not timed

    Returns
    -------
    {name: Timing}

    Raises
    ------
    ValueError
        If the output of a function differs from that of the first: times of different results are not compared.
    """
    before = before or (lambda name: None)
    outputs = {}
    for name, call in functions.items():
        before(name)
        outputs[name] = call()
    if tolerance is not None:
        require_equal(outputs, tolerance)
    del outputs
    times = {name: [] for name in functions}
    for number in range(rounds):
        for name, call in functions.items():
            if number >= least and sum(times[name]) > seconds:
                continue
            if len(functions) > 1:
                time.sleep(pause)
            before(name)
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    return {name: Timing(tuple(values)) for name, values in times.items()}
