"""Lesson 09: whether GoogLeNet needed its auxiliary heads because of its depth or because of its initialisation."""

from minigooglenet.lessons.lesson_09_starts import batch_norm, initialisation, products, three_losses

__all__ = ["batch_norm", "initialisation", "products", "three_losses"]
