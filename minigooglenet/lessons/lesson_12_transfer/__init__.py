"""Lesson 12: a classifier for new classes, and for finding objects in an image."""

from minigooglenet.lessons.lesson_12_transfer import detection, features, new_head, region_cost

__all__ = ["detection", "features", "new_head", "region_cost"]
