"""Grading of a class: each notebook runs in a worker process inside a sandbox, and a comparer process grades it."""
