"""The training loop, the trainer for long runs, ensembles and experiments, and what a trained network predicts."""

from minigooglenet.training.ensemble import train_ensemble
from minigooglenet.training.experiments import gradient_flow
from minigooglenet.training.loop import confusion, predict, train
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.records import Epoch, Step
from minigooglenet.training.settings import Settings
from minigooglenet.training.trainer import Trainer

__all__ = [
    "Epoch",
    "Recipe",
    "Settings",
    "Step",
    "Trainer",
    "confusion",
    "gradient_flow",
    "predict",
    "train",
    "train_ensemble",
]
