"""Testing: crops, averages over crops and models, and what a test set tells."""

from minigooglenet.inference.classify import Answer, Guess, classify
from minigooglenet.inference.crops import boxes, crops, places
from minigooglenet.inference.evaluate import Evaluation, evaluate
from minigooglenet.inference.intervals import bootstrap_interval, paired_interval, proportion_interval
from minigooglenet.inference.metrics import accuracy, calibration, ranks, top_k_error
from minigooglenet.inference.predict import predictions, probabilities
from minigooglenet.inference.table3 import Table3, table3

__all__ = [
    "Answer",
    "Evaluation",
    "Guess",
    "Table3",
    "accuracy",
    "bootstrap_interval",
    "boxes",
    "calibration",
    "classify",
    "crops",
    "evaluate",
    "paired_interval",
    "places",
    "predictions",
    "probabilities",
    "proportion_interval",
    "ranks",
    "table3",
    "top_k_error",
]
