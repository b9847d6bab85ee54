"""Exact parameters, operations, memory and receptive fields from shapes, and an audit of the paper's Table 1."""

from minigooglenet.counting import comparisons, table1
from minigooglenet.counting.conventions import NAMES as CONVENTIONS
from minigooglenet.counting.costs import KINDS, Cost, Keeps, Term, register
from minigooglenet.counting.counts import Count, count
from minigooglenet.counting.rows import Row

__all__ = [
    "CONVENTIONS",
    "KINDS",
    "Cost",
    "Count",
    "Keeps",
    "Row",
    "Term",
    "comparisons",
    "count",
    "register",
    "table1",
]
