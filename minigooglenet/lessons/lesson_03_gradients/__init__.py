"""Lesson 03: if the loss asks each output to change, what does it ask of each weight and each pixel?"""

from minigooglenet.lessons.lesson_03_gradients import by_convolution, readers, three_gradients

__all__ = ["by_convolution", "readers", "three_gradients"]
