"""The serial fraction from two measured times, and Amdahl's law for more workers."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

amdahl = Exercise(
    "16.1",
    "the serial fraction and its consequences",
    "amdahl(one, several, count, workers) -> fraction, speedups (K,)",
    minutes=5,
    difficulty=2,
    hints=(
        "Which part of the time does not become shorter with more workers? Call it s, and write down the time of p.",
        (
            "10 s with 1 worker, 7 s with 2: a serial part of 4 s and a parallel part of 6 s, which becomes 3 s. So s "
            "is 0.4. With 3 workers it takes 4 + 2 seconds: 10 / 6 times as fast."
        ),
        "`s = (several / one - 1 / count) / (1 - 1 / ____)`",
    ),
)


@amdahl.cases
def amdahl_cases(rng):
    yield 10.0, 7.0, 2, np.array([1, 2, 3, 8])
    yield 10.0, 4.5, 2, np.array([4, 16])  # more than twice as fast
    yield 8.0, 10.0, 3, np.array([2, 5])  # slower than 1 worker
    yield 6.0, 6.0, 4, np.array([2, 64])  # nothing is parallel
    yield 8.0, 2.0, 4, np.array([4, 32])  # everything is
    for count in (3, 4, 8):
        one = float(rng.integers(20, 90)) / 8
        yield one, one * float(rng.uniform(1.3 / count, 0.9)), count, rng.integers(2, 65, 4)


def _fraction(one, several, count):
    return min(1.0, max(0.0, (several / one - 1 / count) / (1 - 1 / count)))


def _speedups(fraction, workers):
    return 1 / (fraction + (1 - fraction) / workers)


@amdahl.reference
def amdahl_reference(one, several, count, workers):
    serial = min(1.0, max(0.0, (several / one - 1 / count) / (1 - 1 / count)))
    return serial, 1 / (serial + (1 - serial) / workers)


@amdahl.right
def amdahl_in_seconds(one, several, count, workers):
    parallel = min(one, max(0.0, one - several) * count / (count - 1))
    rest = one - parallel
    return rest / one, [one / (rest + parallel / p) for p in workers]


@amdahl.wrong
def upside_down(one, several, count, workers):
    """You made the serial part faster. It takes as long with any number of workers; divide the parallel part."""
    serial = _fraction(one, several, count)
    return serial, 1 / ((1 - serial) + serial / workers)


@amdahl.wrong
def parallel_fraction(one, several, count, workers):
    """That is the parallel fraction. The serial fraction is the rest, 1 minus yours."""
    serial = _fraction(one, several, count)
    return 1 - serial, _speedups(serial, workers)


@amdahl.wrong
def ratio_of_the_times(one, several, count, workers):
    """several / one is not the serial fraction: it contains the parallel part too, divided by count."""
    serial = min(1.0, several / one)
    return serial, _speedups(serial, workers)


@amdahl.wrong
def two_workers_assumed(one, several, count, workers):
    """You assumed that the second time is of 2 workers. It is of `count` workers."""
    serial = min(1.0, max(0.0, 2 * several / one - 1))
    return serial, _speedups(serial, workers)


@amdahl.wrong
def not_divided(one, several, count, workers):
    """Your fraction is too small: (1 - 1/count) s is left after you subtract 1/count. Divide by (1 - 1/count)."""
    serial = min(1.0, max(0.0, several / one - 1 / count))
    return serial, _speedups(serial, workers)


@amdahl.wrong
def not_limited(one, several, count, workers):
    """A serial fraction below 0 or above 1 is noise of the measurement. Use 0 or 1 instead."""
    serial = (several / one - 1 / count) / (1 - 1 / count)
    return serial, _speedups(serial, workers)


@amdahl.wrong
def below_zero(one, several, count, workers):
    """A serial fraction below 0 is noise of the measurement. Return 0 instead, and use it for the speed-ups."""
    serial = min(1.0, (several / one - 1 / count) / (1 - 1 / count))
    return serial, _speedups(serial, workers)


@amdahl.wrong
def above_one(one, several, count, workers):
    """A serial fraction above 1 is noise of the measurement. Return 1 instead, and use it for the speed-ups."""
    serial = max(0.0, (several / one - 1 / count) / (1 - 1 / count))
    return serial, _speedups(serial, workers)


@amdahl.wrong
def no_serial_part(one, several, count, workers):
    """Your speed-ups grow without a limit. The serial part sets one: at most 1 / fraction."""
    serial = _fraction(one, several, count)
    return serial, (1 - serial) * workers


@amdahl.wrong
def times_instead_of_speedups(one, several, count, workers):
    """You returned seconds. A speed-up is the time with 1 worker divided by that time."""
    serial = _fraction(one, several, count)
    return serial, one / _speedups(serial, workers)


@amdahl.wrong
def compared_with_several(one, several, count, workers):
    """You compared with the time of `count` workers. A speed-up compares with the time of 1 worker."""
    serial = _fraction(one, several, count)
    return serial, several / one * _speedups(serial, workers)


@amdahl.wrong
def efficiency(one, several, count, workers):
    """You divided the speed-ups by the numbers of workers. That is the efficiency."""
    serial = _fraction(one, several, count)
    return serial, _speedups(serial, workers) / workers


@amdahl.wrong
def limit_only(one, several, count, workers):
    """That is the limit for endless workers. With p workers the parallel part still takes 1/p of its time."""
    serial = _fraction(one, several, count)
    return serial, np.full(len(workers), 1 / serial if serial else np.inf)
