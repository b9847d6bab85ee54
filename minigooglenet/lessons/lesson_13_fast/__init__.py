"""Lesson 13.

From many minutes for one image to a fraction of a second: which idea bought which factor, and where is the wall?
"""

from minigooglenet.lessons.lesson_13_fast import compiled_loops, memory_order, slices, speedups, winograd

__all__ = ["compiled_loops", "memory_order", "slices", "speedups", "winograd"]
