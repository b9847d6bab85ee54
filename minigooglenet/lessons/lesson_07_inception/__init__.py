"""Lesson 07: where to spend a fixed budget of multiply-adds."""

from minigooglenet.lessons.lesson_07_inception import bottleneck, module, naive_modules, stem, two_kernels

__all__ = ["bottleneck", "module", "naive_modules", "stem", "two_kernels"]
