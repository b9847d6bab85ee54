"""Grading a class: notebooks run in processes of their own inside a sandbox, and another process compares answers."""
