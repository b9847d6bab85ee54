"""Training: a short training loop, a Trainer for long runs, and ensembles."""

from minigooglenet.training.ensemble import train_ensemble
from minigooglenet.training.gradient_norms import gradient_flow
from minigooglenet.training.log import Epoch
from minigooglenet.training.loop import train
from minigooglenet.training.progress import run_with_progress
from minigooglenet.training.rate_finder import RateSweep, find_learning_rate
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.settings import Settings
from minigooglenet.training.step import Step
from minigooglenet.training.trainer import Trainer

__all__ = [
    "Epoch",
    "RateSweep",
    "Recipe",
    "Settings",
    "Step",
    "Trainer",
    "find_learning_rate",
    "gradient_flow",
    "run_with_progress",
    "train",
    "train_ensemble",
]
