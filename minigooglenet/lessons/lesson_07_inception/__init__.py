"""Lesson 07: where should a fixed budget of multiplications be spent?"""

from minigooglenet.lessons.lesson_07_inception import bottleneck, module, naive_modules, stem, two_kernels

__all__ = ["bottleneck", "module", "naive_modules", "stem", "two_kernels"]
