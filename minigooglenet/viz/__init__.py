"""Figures of a network and its training. Each function returns (figure, text): the text describes the figure."""

from minigooglenet.viz import evaluation
from minigooglenet.viz.arrays import images
from minigooglenet.viz.charts import bar_chart, line_chart
from minigooglenet.viz.filters import first_filters
from minigooglenet.viz.module import module_drawing
from minigooglenet.viz.training import (
    confusion_matrix,
    gradient_flow,
    gradient_norms,
    gradients_over_time,
    learning_rates,
    training_curve,
)

__all__ = [
    "bar_chart",
    "confusion_matrix",
    "evaluation",
    "first_filters",
    "gradient_flow",
    "gradient_norms",
    "gradients_over_time",
    "images",
    "learning_rates",
    "line_chart",
    "module_drawing",
    "training_curve",
]
