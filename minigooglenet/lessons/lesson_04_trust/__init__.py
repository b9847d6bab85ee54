"""Lesson 04: how do you find out that a gradient is right, when wrong ones train too?"""

from minigooglenet.lessons.lesson_04_trust import (
    differences,
    directional,
    relative_error,
    revealing,
    three_suspects,
    transposes,
)

__all__ = ["differences", "directional", "relative_error", "revealing", "three_suspects", "transposes"]
