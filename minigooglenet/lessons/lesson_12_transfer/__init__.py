"""Lesson 12: how does a classifier become useful for labels, and for places, that it was never trained on?"""

from minigooglenet.lessons.lesson_12_transfer import detection, features, new_head, region_cost

__all__ = ["detection", "features", "new_head", "region_cost"]
