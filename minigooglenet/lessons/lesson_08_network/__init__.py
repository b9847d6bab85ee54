"""Lesson 08: can you go from a table in a paper to a network that is provably the same?"""

from minigooglenet.lessons.lesson_08_network import building, depth, forks, global_pooling, revealing, sides

__all__ = ["building", "depth", "forks", "global_pooling", "revealing", "sides"]
