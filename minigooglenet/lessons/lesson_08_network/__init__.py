"""Lesson 08: from a table in a paper to a network, and a proof that it is the right one."""

from minigooglenet.lessons.lesson_08_network import building, depth, forks, global_pooling, revealing, sides

__all__ = ["building", "depth", "forks", "global_pooling", "revealing", "sides"]
