"""A directional derivative through all parameters and the images: it checks a whole network with two forward passes.

Along a direction d, the derivative of the loss is grad . d. A central difference of the loss measures the same number
without a backward pass: (loss(p + h d) - loss(p - h d)) / 2h.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minigooglenet import checks, losses, renamed
from minigooglenet.typing import Array, Rng

if TYPE_CHECKING:
    from minigooglenet.graph import Graph


class DirectionalDerivative(NamedTuple):
    """The derivative of the loss along one direction: analytic, and by a central difference with step size `step`.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> derivative = mg.gradcheck.DirectionalDerivative(analytic=2.0, numerical=1.0, step=1e-9)
    >>> derivative.relative_error
    0.5
    """

    analytic: float
    numerical: float
    step: float

    @property
    def relative_error(self) -> float:
        """`|analytic - numerical|`, divided by the larger of the two."""
        largest = max(abs(self.analytic), abs(self.numerical), float(np.finfo(float).tiny))
        return abs(self.analytic - self.numerical) / largest

    @property
    def numeric(self) -> float:
        """The old name of `numerical`."""
        return float(renamed.attribute(self, "numeric", "numerical"))


def directional_check(
    g: "Graph", x: ArrayLike, labels: ArrayLike, *, step: float = 1e-9, rng: Rng = 0
) -> DirectionalDerivative:
    """Compare the backward pass of a whole network, with all its losses, with a central difference in float64.

    Parameters
    ----------
    g : Graph; it is copied to float64 and not changed. Dropout draws the same masks in every evaluation.
    x : (N, C, H, W)
    labels : N integers
    step : step size, relative to the values of each array: every array p moves by step * rms(p) * random
    rng : Generator, int or None for the direction

    Returns
    -------
    DirectionalDerivative

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(4, in_channels=1, width=0.25, rng=0)
    >>> x = np.random.default_rng(0).standard_normal((2, 1, 32, 32))
    >>> mg.gradcheck.directional_check(g, x, [0, 3]).relative_error < 1e-4
    True
    """
    rng = np.random.default_rng(rng)
    (name,) = g.inputs
    x = np.asarray(checks.unmasked(x, "x"), np.float64)
    net = g.astype(np.float64)
    direction = {key: _direction(value, rng) for key, value in net.params.items()}
    direction_of_x = _direction(x, rng)
    labels = np.asarray(labels)
    weights = losses.head_weights(g)

    def loss(signed_step: float) -> float:
        moved = g.astype(np.float64)
        for key, along in direction.items():
            moved.params[key] += signed_step * along
        logits, _ = moved.forward({name: x + signed_step * direction_of_x}, train=True)
        return float(losses.weighted_sum(logits, labels, weights)[0])

    logits, tape = net.forward({name: x}, train=True)
    _, _, grads = losses.weighted_sum(logits, labels, weights)
    grad_inputs, grad_params = net.backward(grads, tape)
    analytic = float(np.vdot(grad_inputs[name], direction_of_x))
    analytic += sum(float(np.vdot(grad, direction[key])) for key, grad in grad_params.items())
    return DirectionalDerivative(analytic, (loss(step) - loss(-step)) / (2 * step), step)


def _direction(array: Array, rng: np.random.Generator) -> Array:
    scale = np.sqrt(np.mean(array * array)) or 1.0
    return scale * rng.standard_normal(array.shape)
