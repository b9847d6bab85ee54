"""One random direction through all parameters and the image: a check of a whole network for the price of two forwards.

Along a direction d, the loss changes at the rate grad . d. A central difference of the loss measures that rate without
any backward: (loss(p + h d) - loss(p - h d)) / 2h.
"""

from typing import NamedTuple

import numpy as np

from minigooglenet import checks, losses


class Slope(NamedTuple):
    """The rate of change of the loss along one direction: by backward, by a central difference with step `step`."""

    analytic: float
    numeric: float
    step: float

    @property
    def relative_error(self) -> float:
        """|analytic - numeric| over the larger of the two."""
        return abs(self.analytic - self.numeric) / max(abs(self.analytic), abs(self.numeric), np.finfo(float).tiny)


def directional_check(g, x, labels, *, step=1e-9, rng=0) -> Slope:
    """Hold the backward of a whole network, all its losses at once, against a central difference in float64.

    Parameters
    ----------
    g : Graph; it is copied to float64 and left as it is. Dropout draws the same masks in every evaluation.
    x : (N, C, H, W)
    labels : N integers
    step : of the difference, relative to the size of each array: every array p moves by step * rms(p) * random
    rng : Generator, int or None, for the direction

    Returns
    -------
    Slope
    """
    rng = np.random.default_rng(rng)
    (name,) = g.inputs
    x = np.asarray(checks.unmasked(x, "x"), np.float64)
    here = g.astype(np.float64)
    direction = {key: _direction(value, rng) for key, value in here.params.items()}
    along_x = _direction(x, rng)
    weights = losses.head_weights(g)

    def loss(signed_step):
        there = g.astype(np.float64)
        for key, along in direction.items():
            there.params[key] += signed_step * along
        logits, _ = there.forward({name: x + signed_step * along_x}, train=True)
        return losses.weighted_sum(logits, labels, weights)[0]

    logits, tape = here.forward({name: x}, train=True)
    _, _, grads = losses.weighted_sum(logits, labels, weights)
    grad_inputs, grad_params = here.backward(grads, tape)
    analytic = np.vdot(grad_inputs[name], along_x)
    analytic += sum(np.vdot(grad, direction[key]) for key, grad in grad_params.items())
    return Slope(float(analytic), (loss(step) - loss(-step)) / (2 * step), step)


def _direction(array, rng):
    scale = np.sqrt(np.mean(array * array)) or 1.0
    return scale * rng.standard_normal(array.shape)
