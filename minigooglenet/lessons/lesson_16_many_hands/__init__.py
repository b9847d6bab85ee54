"""Lesson 16: training with many workers: Amdahl's law, shards and bits, stale gradients, Polyak averaging."""

from minigooglenet.lessons.lesson_16_many_hands import (
    backup,
    polyak,
    sample_masks,
    serial,
    stale,
    synchronous,
    tree_order,
)

__all__ = ["backup", "polyak", "sample_masks", "serial", "stale", "synchronous", "tree_order"]
