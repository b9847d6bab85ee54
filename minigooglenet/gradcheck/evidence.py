"""What a diagnosis looks at: one wrong gradient, the right one, and every output's own slope."""

from dataclasses import dataclass, field

import numpy as np

SAME = 1e-6  # two gradients are the same if no entry differs by more than this share of the largest


@dataclass
class Evidence:
    """One argument's gradient, wrong and right.

    Attributes
    ----------
    subject, position, name : what was checked, and which of its arrays this is about
    grad_y : the upstream gradient
    analytic, numeric : what backward returned, and the central differences
    jacobian : (size of the array, size of y) or None
    kinks : where no gradient exists, of the shape of the array
    others : {name: right gradient} of the other arguments
    """

    subject: object
    position: int
    name: str
    grad_y: np.ndarray
    analytic: np.ndarray
    numeric: np.ndarray
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
    def shares(self) -> np.ndarray:
        """(size of the array, *shape of y): what each output contributes to each entry of the right gradient."""
        return (self.jacobian * np.reshape(self.grad_y, -1)).reshape(-1, *self.y_shape)

    def explains(self, prediction) -> bool:
        """Return whether a suspect predicts exactly what backward returned, and not the right gradient."""
        prediction = np.asarray(prediction)
        if prediction.size != self.numeric.size:
            return False
        prediction = prediction.reshape(self.numeric.shape)
        return self._same(prediction, self.analytic) and not self._same(prediction, self.numeric)

    def _same(self, a, b):
        scale = max(np.abs(b).max(initial=0), np.abs(a).max(initial=0), 1e-300)
        return bool(np.abs(a - b)[~self.kinks].max(initial=0) <= SAME * scale)


def matches(a, b) -> bool:
    """Return whether two arrays have one shape and agree."""
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0) <= SAME * max(np.abs(b).max(initial=0), 1e-300))


def axis_name(axis: int, ndim: int) -> str:
    """Return what an axis of an output is called."""
    return {4: ("images", "channels", "height", "width"), 2: ("images", "features")}.get(
        ndim, (f"axis {axis}",) * ndim
    )[axis]
