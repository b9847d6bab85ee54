"""Lesson 02: if a convolution is linear, where is its matrix, and what does it cost to avoid writing it down?"""

from minigooglenet.lessons.lesson_02_matrix import columns, memory, transpose, whole_matrix

__all__ = ["columns", "memory", "transpose", "whole_matrix"]
