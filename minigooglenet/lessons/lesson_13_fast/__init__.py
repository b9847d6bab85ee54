"""Lesson 13: how convolutions become fast, and what limits their speed."""

from minigooglenet.lessons.lesson_13_fast import compiled_loops, memory_order, slices, speedups, winograd

__all__ = ["compiled_loops", "memory_order", "slices", "speedups", "winograd"]
