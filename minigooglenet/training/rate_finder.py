"""A learning-rate sweep: a short training whose rate grows at every step, to see where the loss falls and rises.

After Smith (2017), "Cyclical Learning Rates for Training Neural Networks", section 3.3.
"""

import copy
import itertools
from typing import NamedTuple

import numpy as np

from minigooglenet import viz
from minigooglenet.shapes import integer
from minigooglenet.training.settings import Settings, number
from minigooglenet.training.trainer import Trainer

KEEP = 0.9  # of the running mean of the losses in each step
BURST = 3.0  # times the lowest mean loss, after which the sweep stops
FEWEST = 10  # steps that a suggestion needs


class RateSweep(NamedTuple):
    """Result of `find_learning_rate`.

    rates : learning rate of each step, growing by a constant factor
    losses : loss of each step, in nats; smoothed : their running mean
    lowest : the rate with the lowest smoothed loss
    suggestion : a tenth of `lowest`, rounded to one digit: large, with a margin to where the loss rises. None if the
        loss did not fall clearly: by less than it varies from batch to batch
    fall, noise : how much the mean fell from the first steps to its lowest value, and that variation, in nats
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    lowest: float
    suggestion: float | None
    fall: float
    noise: float

    def figure(self):
        """Return (figure, its text form)."""
        return viz.learning_rates(self)

    def __str__(self):
        steps = f"{len(self.rates)} steps, rate {self.rates[0]:.3g} to {self.rates[-1]:.3g}"
        if self.suggestion is None:
            return (
                f"No suggestion: in {steps}, the mean loss fell by {max(self.fall, 0):.2f} nats, "
                f"and from batch to batch it varies by {self.noise:.2f}. Try more steps."
            )
        return (
            f"Suggested learning rate: {self.suggestion:g}, a tenth of {self.lowest:.2g}, where the mean loss was "
            f"lowest ({min(self.smoothed):.2f} nats; {self.smoothed[-1]:.2f} at the end of {steps})."
        )


def find_learning_rate(graph, split, settings=None, *, first=1e-5, last=10.0, steps=100, on_step=None) -> RateSweep:
    """Train a copy of a graph with a rate that grows from `first` to `last`, and return what the loss did.

    The graph does not change. The batches, the augmentation, the optimizer and the frozen layers are those of the
    settings; their `lr`, schedule and epochs are not used.

    Parameters
    ----------
    graph : Graph with one input
    split : data.Split; only split.train is used
    settings : training.Settings
    first, last : rates of the first and the last step
    steps : number of steps, at least 10
    on_step : called with (steps done, steps in total, rate, loss)

    Raises
    ------
    ValueError
        If the loss is not finite within the first 10 steps.
    """
    first, last, steps = number(first, "first"), number(last, "last"), integer(steps, "steps", FEWEST)
    if not 0 < first < last:
        raise ValueError(f"the rates must grow from above 0: got first={first:g} and last={last:g}")
    trainer = Trainer(copy.deepcopy(graph), split, settings or Settings())
    every = np.geomspace(first, last, steps).tolist()
    rates, losses, smoothed, mean = [], [], [], 0.0
    batches = _batches(trainer)
    try:
        for done, (rate, batch) in enumerate(zip(every, batches, strict=False), 1):
            try:
                loss = trainer.learn(batch, rate).loss
            except FloatingPointError:  # the rate was too large: that is what the sweep is for
                break
            rates.append(rate)
            losses.append(loss)
            mean = KEEP * mean + (1 - KEEP) * loss
            smoothed.append(mean / (1 - KEEP**done))  # without the pull of the 0 that the mean started with
            if on_step:
                on_step(done, steps, rate, loss)
            if done > FEWEST and smoothed[-1] > BURST * min(smoothed):
                break
    finally:
        batches.close()
    if len(rates) < FEWEST:
        raise ValueError(
            f"the loss was not finite after {len(rates)} steps, at the rate {every[len(rates)]:.3g}: "
            f"start lower than first={first:g}, or look at the data"
        )
    at = int(np.argmin(smoothed))
    noise = float(np.std(np.diff(losses[: max(at, FEWEST)]))) / 2**0.5  # of one loss
    fall = float(np.mean(losses[:FEWEST])) - smoothed[at]
    suggestion = float(f"{rates[at] / 10:.0e}") if fall > noise else None
    return RateSweep(rates, losses, smoothed, rates[at], suggestion, fall, noise)


def _batches(trainer):
    """Yield the batches of a Trainer, epoch after epoch, without end."""
    for epoch in itertools.count():
        found = False
        for batch in trainer.batches(epoch):
            found = True
            yield batch
        if not found:
            raise ValueError(f"not one of {len(trainer.split.train)} training images could be used")
