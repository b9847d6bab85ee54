"""Lesson 05: what can a layer do to a gradient if it has nothing to learn?"""

from minigooglenet.lessons.lesson_05_layers import joints, loss, pools, scaling

__all__ = ["joints", "loss", "pools", "scaling"]
