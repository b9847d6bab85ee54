"""Testing: crops, averages over crops and models, and what a test set tells."""

from minigooglenet.evaluation.classification import Answer, Guess, classify
from minigooglenet.evaluation.comparison import Table3, table3
from minigooglenet.evaluation.held_out import HeldOut
from minigooglenet.evaluation.intervals import bootstrap_interval, paired_interval, proportion_interval
from minigooglenet.evaluation.metrics import accuracy, calibration, confusion, ranks, top_k_error
from minigooglenet.evaluation.multicrop import boxes, crops, places
from minigooglenet.evaluation.networks import Evaluation, evaluate
from minigooglenet.evaluation.prediction import predict, predictions, probabilities

__all__ = [
    "Answer",
    "Evaluation",
    "Guess",
    "HeldOut",
    "Table3",
    "accuracy",
    "bootstrap_interval",
    "boxes",
    "calibration",
    "classify",
    "confusion",
    "crops",
    "evaluate",
    "paired_interval",
    "places",
    "predict",
    "predictions",
    "probabilities",
    "proportion_interval",
    "ranks",
    "table3",
    "top_k_error",
]
