"""Lesson 06: how large is a network, how much does it compute, and how many input pixels can each output read?"""

from minigooglenet.lessons.lesson_06_counting import audit, convolutions, live_memory, modules, receptive_field

__all__ = ["audit", "convolutions", "live_memory", "modules", "receptive_field"]
