"""Lesson 00: what will I have built at the end, and how does the course check my work?"""

from minigooglenet.lessons.lesson_00_start import first_answers, primer

__all__ = ["first_answers", "primer"]
