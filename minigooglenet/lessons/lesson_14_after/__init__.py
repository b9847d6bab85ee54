"""Lesson 14: what came after GoogLeNet, each idea computed and compared with what it replaced."""

from minigooglenet.lessons.lesson_14_after import pruning, reduction, separable, smoothing, towers, two_in_a_row

__all__ = ["pruning", "reduction", "separable", "smoothing", "towers", "two_in_a_row"]
