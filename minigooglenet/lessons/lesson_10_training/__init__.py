"""Lesson 10: the shortest honest way from random weights to an accuracy that may be published."""

from minigooglenet.lessons.lesson_10_training import (
    first_loss,
    four_faulty_runs,
    honest_split,
    momentum,
    random_crop,
    schedule,
)

__all__ = ["first_loss", "four_faulty_runs", "honest_split", "momentum", "random_crop", "schedule"]
