"""The input of a diagnosis: one wrong gradient, the right gradient, and the derivatives of every output."""

from dataclasses import dataclass, field

import numpy as np

SAME = 1e-6  # two gradients are the same if no entry differs by more than this fraction of the largest


@dataclass
class Evidence:
    """The wrong and the right gradient of one argument.

    Attributes
    ----------
    subject, position, name : the checked Subject, and which of its arrays the gradient belongs to
    grad_y : the upstream gradient
    analytic, numerical : the gradient that backward returned, and the central differences
    jacobian : (size of the array, size of y) or None
    kinks : mask of the entries without a gradient, of the shape of the array
    others : {name: right gradient} of the other arguments
    """

    subject: object
    position: int
    name: str
    grad_y: np.ndarray
    analytic: np.ndarray
    numerical: np.ndarray
    jacobian: np.ndarray | None
    kinks: np.ndarray
    others: dict = field(default_factory=dict)

    @property
    def y_shape(self):
        """The shape of the output."""
        return np.shape(self.grad_y)

    @property
    def array(self):
        """The array that the gradient belongs to."""
        return self.subject.arrays[self.position]

    @property
    def contributions(self) -> np.ndarray:
        """(size of the array, *shape of y): the contribution of each output to each entry of the right gradient."""
        return (self.jacobian * np.reshape(self.grad_y, -1)).reshape(-1, *self.y_shape)

    def explains(self, prediction) -> bool:
        """Return whether a prediction equals what backward returned, and not the right gradient."""
        prediction = np.asarray(prediction)
        if prediction.size != self.numerical.size:
            return False
        prediction = prediction.reshape(self.numerical.shape)
        return self._same(prediction, self.analytic) and not self._same(prediction, self.numerical)

    def _same(self, a, b):
        scale = max(np.abs(b).max(initial=0), np.abs(a).max(initial=0), 1e-300)
        return bool(np.abs(a - b)[~self.kinks].max(initial=0) <= SAME * scale)


def matches(a, b) -> bool:
    """Return whether two arrays have the same shape and agree."""
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0) <= SAME * max(np.abs(b).max(initial=0), 1e-300))


def axis_name(axis: int, ndim: int) -> str:
    """Return the name of an axis of an output."""
    return {4: ("images", "channels", "height", "width"), 2: ("images", "features")}.get(
        ndim, (f"axis {axis}",) * ndim
    )[axis]
