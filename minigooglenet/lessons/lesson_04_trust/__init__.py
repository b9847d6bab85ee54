"""Lesson 04: how do you test a gradient, when networks train even with wrong ones?"""

from minigooglenet.lessons.lesson_04_trust import (
    differences,
    directional,
    relative_error,
    revealing,
    three_suspects,
    transposes,
)

__all__ = ["differences", "directional", "relative_error", "revealing", "three_suspects", "transposes"]
