"""Lesson 11: a third of the error disappeared without touching a weight. What did it cost, and why did it work?"""

from minigooglenet.lessons.lesson_11_crops import averaging, crops, errors, spending

__all__ = ["averaging", "crops", "errors", "spending"]
