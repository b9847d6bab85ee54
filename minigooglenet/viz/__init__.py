"""Pictures of a network and its training. Each function returns (figure, text): the text says the same in words."""

from minigooglenet.viz import testing
from minigooglenet.viz.filters import first_filters
from minigooglenet.viz.training import (
    confusion_matrix,
    gradient_flow,
    gradient_norms,
    gradients_over_time,
    training_curve,
)

__all__ = [
    "confusion_matrix",
    "first_filters",
    "gradient_flow",
    "gradient_norms",
    "gradients_over_time",
    "testing",
    "training_curve",
]
