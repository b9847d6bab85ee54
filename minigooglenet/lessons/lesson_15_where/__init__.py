"""Lesson 15: which objects are in an image, and where: from superpixels to average precision."""

from minigooglenet.lessons.lesson_15_where import colour, forms, matching, neighbours, offsets, per_class, precision

__all__ = ["colour", "forms", "matching", "neighbours", "offsets", "per_class", "precision"]
