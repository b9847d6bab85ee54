"""Lesson 00: what will I have built at the end, and how does this course answer me back?"""

from minigooglenet.lessons.lesson_00_start import first_answers, primer

__all__ = ["first_answers", "primer"]
