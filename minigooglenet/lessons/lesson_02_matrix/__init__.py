"""Lesson 02: a convolution is linear. What does its matrix look like, and what do programs use instead?"""

from minigooglenet.lessons.lesson_02_matrix import columns, memory, transpose, whole_matrix

__all__ = ["columns", "memory", "transpose", "whole_matrix"]
