"""Lesson 03: you know how the loss changes with each output. How does it change with each weight and each pixel?"""

from minigooglenet.lessons.lesson_03_gradients import by_convolution, readers, three_gradients

__all__ = ["by_convolution", "readers", "three_gradients"]
