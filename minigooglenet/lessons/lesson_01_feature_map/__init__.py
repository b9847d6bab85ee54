"""Lesson 01: which numbers of the image, and which weights, decide one number of the output?"""

from minigooglenet.lessons.lesson_01_feature_map import one_value, output_size, revealing, shifting, whole_map

__all__ = ["one_value", "output_size", "revealing", "shifting", "whole_map"]
