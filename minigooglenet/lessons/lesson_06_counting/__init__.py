"""Lesson 06: how big, how slow and how wide-eyed is a network, before it has run?"""

from minigooglenet.lessons.lesson_06_counting import audit, convolutions, live_memory, modules, receptive_field

__all__ = ["audit", "convolutions", "live_memory", "modules", "receptive_field"]
