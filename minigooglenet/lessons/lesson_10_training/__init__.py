"""Lesson 10: what is the shortest honest way from random weights to a number that you may publish?"""

from minigooglenet.lessons.lesson_10_training import (
    first_loss,
    four_sick_runs,
    honest_split,
    momentum,
    random_crop,
    schedule,
)

__all__ = ["first_loss", "four_sick_runs", "honest_split", "momentum", "random_crop", "schedule"]
