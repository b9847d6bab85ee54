"""Lesson 11: how multi-crop evaluation and an ensemble removed a third of the error, and what that cost."""

from minigooglenet.lessons.lesson_11_crops import averaging, crops, errors, spending

__all__ = ["averaging", "crops", "errors", "spending"]
