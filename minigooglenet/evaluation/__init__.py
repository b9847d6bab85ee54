"""Evaluation: crops, averages over crops and models, error rates and their confidence intervals."""

from minigooglenet.evaluation.classification import Answer, Guess, classify
from minigooglenet.evaluation.comparison import Table3, table3
from minigooglenet.evaluation.held_out import HeldOut
from minigooglenet.evaluation.intervals import (
    bootstrap_interval,
    paired_interval,
    proportion_interval,
    repetition_interval,
)
from minigooglenet.evaluation.metrics import accuracy, calibration, confusion, ranks, top_k_error
from minigooglenet.evaluation.multicrop import boxes, crop_list, crops
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
    "crop_list",
    "crops",
    "evaluate",
    "paired_interval",
    "predict",
    "predictions",
    "probabilities",
    "proportion_interval",
    "ranks",
    "repetition_interval",
    "table3",
    "top_k_error",
]
