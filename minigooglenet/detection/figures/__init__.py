"""Figures of detection. Each function returns (figure, text): the text describes the figure in words and numbers."""

from minigooglenet.detection.figures.evaluation import error_types, precision_recall
from minigooglenet.detection.figures.gallery import failures
from minigooglenet.detection.figures.proposals import recall, suppression
from minigooglenet.detection.figures.segmentation import merge_tree, superpixels

__all__ = [
    "error_types",
    "failures",
    "merge_tree",
    "precision_recall",
    "recall",
    "superpixels",
    "suppression",
]
