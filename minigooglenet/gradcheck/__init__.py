"""Is a backward right, and if not, what is wrong with it?

A ladder from cheap and exact to thorough: the contract, exact integers, one random direction, every index. What fails
is compared with what known mistakes would return, and named.
"""

from minigooglenet.gradcheck.check import check_function, check_layer
from minigooglenet.gradcheck.direction import Slope, directional_check
from minigooglenet.gradcheck.network import check_network
from minigooglenet.gradcheck.report import Finding, Report, Rung
from minigooglenet.gradcheck.teaching import compare_steps, ucurve, watch

__all__ = [
    "Finding",
    "Report",
    "Rung",
    "Slope",
    "check_function",
    "check_layer",
    "check_network",
    "compare_steps",
    "directional_check",
    "ucurve",
    "watch",
]
