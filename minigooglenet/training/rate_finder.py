"""Learning-rate sweep: a short training with a growing learning rate, which shows where the loss falls and rises.

See Smith (2017), "Cyclical Learning Rates for Training Neural Networks", section 3.3.
"""

import copy
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minigooglenet import viz
from minigooglenet.checks import number
from minigooglenet.data import Split
from minigooglenet.graph import Graph
from minigooglenet.shapes import integer
from minigooglenet.training.settings import Settings
from minigooglenet.training.trainer import Trainer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEEP = 0.9  # fraction of the running mean of the losses that each step keeps
BURST = 3.0  # the sweep stops when the mean loss exceeds the lowest one by this factor
FEWEST = 10  # steps that a suggestion needs


class RateSweep(NamedTuple):
    """Result of `find_learning_rate`.

    Attributes
    ----------
    rates : learning rate of each step, growing by a constant factor
    losses : loss of each step, in nats
    smoothed : running mean of the losses
    lowest : the rate with the lowest smoothed loss
    suggestion : a tenth of `lowest`, rounded to one digit: a large rate with a margin to the rates at which the loss
        rises. None if the loss fell by less than its variation from batch to batch
    fall, noise : decrease of the mean loss from the first steps to its lowest value, and the variation, in nats

    Examples
    --------
    >>> import minigooglenet as mg
    >>> sweep = mg.training.RateSweep([0.1, 1.0], [2.3, 2.2], [2.3, 2.2], 1.0, None, fall=0.1, noise=0.2)
    >>> print(sweep)  # doctest: +NORMALIZE_WHITESPACE
    No suggestion: in 2 steps, rate 0.1 to 1, the mean loss fell by 0.10 nats,
    but it varies by 0.20 from batch to batch. Try more steps.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    lowest: float
    suggestion: float | None
    fall: float
    noise: float

    def figure(self) -> tuple["Figure", str]:
        """Return (figure, its text form)."""
        return viz.learning_rates(self)

    def __str__(self) -> str:
        steps = f"{len(self.rates)} steps, rate {self.rates[0]:.3g} to {self.rates[-1]:.3g}"
        if self.suggestion is None:
            return (
                f"No suggestion: in {steps}, the mean loss fell by {max(self.fall, 0):.2f} nats, "
                f"but it varies by {self.noise:.2f} from batch to batch. Try more steps."
            )
        return (
            f"Suggested learning rate: {self.suggestion:g}, a tenth of {self.lowest:.2g}, where the mean loss was "
            f"lowest ({min(self.smoothed):.2f} nats; {self.smoothed[-1]:.2f} at the end of {steps})."
        )


def find_learning_rate(
    graph: Graph,
    split: Split,
    settings: Settings | None = None,
    *,
    first: float = 1e-5,
    last: float = 10.0,
    steps: int = 100,
    on_step: Callable[[int, int, float, float], object] | None = None,
) -> RateSweep:
    """Train a copy of a graph with a learning rate that grows from `first` to `last`, and return the losses.

    The graph does not change. The batches, the augmentation, the optimizer and the frozen layers are those of the
    settings; their `lr`, schedule and epochs are not used.

    Parameters
    ----------
    graph : Graph with one input
    split : data.Split; only split.train is used
    settings : training.Settings
    first, last : learning rates of the first and the last step
    steps : number of steps, at least 10
    on_step : called with (steps done, steps in total, rate, loss)

    Raises
    ------
    ValueError
        If the loss is not finite within the first 10 steps.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> sweep = mg.training.find_learning_rate(g, mg.data.as_split(mg.data.digits(8), 10), steps=50)
    >>> len(sweep.losses)
    50
    """
    first, last, steps = number(first, "first"), number(last, "last"), integer(steps, "steps", FEWEST)
    if not 0 < first < last:
        raise ValueError(f"first must be above 0 and last above first, got first={first:g} and last={last:g}")
    trainer = Trainer(copy.deepcopy(graph), split, settings or Settings())
    schedule = np.geomspace(first, last, steps).tolist()
    rates, losses, smoothed, mean = [], list[float](), list[float](), 0.0
    batches = _batches(trainer)
    try:
        for done, (rate, batch) in enumerate(zip(schedule, batches, strict=False), 1):
            try:
                loss = trainer.learn(batch, rate).loss
            except FloatingPointError:  # the rate is too large, as expected at the end of a sweep
                break
            rates.append(rate)
            losses.append(loss)
            mean = KEEP * mean + (1 - KEEP) * loss
            smoothed.append(mean / (1 - KEEP**done))  # corrects the bias towards the initial value, 0
            if on_step:
                on_step(done, steps, rate, loss)
            if done > FEWEST and smoothed[-1] > BURST * min(smoothed):
                break
    finally:
        batches.close()
    if len(rates) < FEWEST:
        raise ValueError(
            f"the loss was not finite after {len(rates)} steps, at the rate {schedule[len(rates)]:.3g}. "
            f"Use a smaller first than {first:g}, or check the data."
        )
    at = int(np.argmin(smoothed))
    noise = float(np.std(np.diff(losses[: max(at, FEWEST)]))) / 2**0.5  # standard deviation of one loss
    fall = float(np.mean(losses[:FEWEST])) - smoothed[at]
    suggestion = float(f"{rates[at] / 10:.0e}") if fall > noise else None
    return RateSweep(rates, losses, smoothed, rates[at], suggestion, fall, noise)


def _batches(trainer):
    """Yield the batches of a Trainer, epoch after epoch, endlessly."""
    for epoch in itertools.count():
        empty = True
        for batch in trainer.batches(epoch):
            empty = False
            yield batch
        if empty:
            raise ValueError(f"none of the {len(trainer.split.train)} training images could be used")
