"""Lesson 01: which values of the image, and which weights, decide one value of the output?"""

from minigooglenet.lessons.lesson_01_feature_map import one_value, output_size, revealing, shifting, whole_map

__all__ = ["one_value", "output_size", "revealing", "shifting", "whole_map"]
