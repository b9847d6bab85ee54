"""Lesson 05: what does a layer without weights do to a gradient?"""

from minigooglenet.lessons.lesson_05_layers import branches, loss, pools, scaling

__all__ = ["branches", "loss", "pools", "scaling"]
