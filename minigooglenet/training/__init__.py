"""The training loop, and what a trained network predicts."""

from minigooglenet.training.loop import Step, confusion, predict, train

__all__ = ["Step", "confusion", "predict", "train"]
