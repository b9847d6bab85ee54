"""Lesson 09: did GoogLeNet need its two extra heads because it was deep, or because of how its weights started?"""

from minigooglenet.lessons.lesson_09_starts import batch_norm, initialisation, products, three_losses

__all__ = ["batch_norm", "initialisation", "products", "three_losses"]
