"""Lesson 13.

From many minutes for one image to a fraction of a second: which idea bought which factor, and where is the wall?
"""

from minigooglenet.kernels import compiled
from minigooglenet.lessons.lesson_13_fast import memory_order, slices, speedups, winograd

__all__ = ["memory_order", "slices", "speedups", "winograd"]
if not compiled.why_not_fast():  # the exercise on compiled loops needs Numba
    from minigooglenet.lessons.lesson_13_fast import compiled_loops

    __all__ += ["compiled_loops"]
