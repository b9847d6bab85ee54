"""Learning-rate schedules: functions of the initial learning rate, the step and the number of steps."""

import math
from collections.abc import Callable

__all__ = ["SCHEDULES", "constant", "cosine", "exponential", "paper", "polynomial", "stepped", "warmed_up"]


def constant(lr: float, step: int, steps: int, steps_per_epoch: int) -> float:
    """Return lr for every step.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.schedules.constant(0.1, step=500, steps=1000, steps_per_epoch=100)
    0.1
    """
    return lr


def paper(lr: float, step: int, steps: int, steps_per_epoch: int) -> float:
    """Return the learning rate of the paper (section 6): 4% lower every 8 epochs.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> [mg.schedules.paper(1.0, epoch * 100, 2400, steps_per_epoch=100) for epoch in (0, 7, 8)]
    [1.0, 1.0, 0.96]
    """
    return lr * 0.96 ** (step // steps_per_epoch // 8)


def stepped(lr: float, step: int, steps: int, steps_per_epoch: int, size: int = 320_000, gamma: float = 0.96) -> float:
    """Return lr, multiplied by gamma every `size` steps: BVLC's solver. At batch size 32, 320,000 steps are 8 epochs.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.schedules.stepped(1.0, 400_000, 2_400_000, steps_per_epoch=40_000)
    0.96
    """
    return lr * gamma ** (step // size)


def exponential(lr: float, step: int, steps: int, steps_per_epoch: int, every: int = 2, gamma: float = 0.94) -> float:
    """Return lr, multiplied by gamma every `every` epochs, as for Inception-v3 (Szegedy et al. 2016, section 8).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> [mg.schedules.exponential(1.0, epoch * 100, 2400, steps_per_epoch=100) for epoch in (0, 1, 2)]
    [1.0, 1.0, 0.94]
    """
    return lr * gamma ** (step // steps_per_epoch // every)


def polynomial(lr: float, step: int, steps: int, steps_per_epoch: int | None = None, power: float = 0.5) -> float:
    """Return lr * (1 - step / steps) ** power, the schedule of BVLC's quick solver.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.schedules.polynomial(1.0, 75, 100)
    0.5
    """
    return float(lr * (1 - step / steps) ** power)


def cosine(lr: float, step: int, steps: int, steps_per_epoch: int | None = None) -> float:
    """Return lr * (1 + cos(pi * step / steps)) / 2: half a cosine wave, from lr to 0 (Loshchilov and Hutter 2017).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> [round(mg.schedules.cosine(1.0, step, 100), 3) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """
    return lr * (1 + math.cos(math.pi * step / steps)) / 2


# {name: function (lr, step, steps, steps_per_epoch) -> learning rate of step 0, 1, ... of `steps`}
SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "paper": paper,
    "step": stepped,
    "exponential": exponential,
    "polynomial": polynomial,
    "cosine": cosine,
}


def warmed_up(
    schedule: Callable[[float, int, int, int], float],
    lr: float,
    step: int,
    steps: int,
    steps_per_epoch: int,
    warmup: int,
) -> float:
    """Return the learning rate of a schedule that follows `warmup` steps of linear warm-up, from lr / warmup to lr.

    The schedule covers only the remaining steps.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> [mg.schedules.warmed_up(mg.schedules.constant, 1.0, step, 100, 10, warmup=4) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if step < warmup:
        return lr * (step + 1) / warmup
    return schedule(lr, step - warmup, steps - warmup, steps_per_epoch)
