"""Gradient checks: is `backward` right, and if not, what is wrong with it?

A check has stages, from cheap and exact to thorough: the contract, exact integers, one random direction, every index.
A wrong gradient is compared with the gradients that known mistakes would return, and the mistake is named.
"""

from minigooglenet.gradcheck.check import check_function, check_layer
from minigooglenet.gradcheck.direction import DirectionalDerivative, directional_check
from minigooglenet.gradcheck.network import check_network
from minigooglenet.gradcheck.report import Finding, Report, Stage
from minigooglenet.gradcheck.teaching import compare_steps, ucurve, watch

__all__ = [
    "DirectionalDerivative",
    "Finding",
    "Report",
    "Stage",
    "check_function",
    "check_layer",
    "check_network",
    "compare_steps",
    "directional_check",
    "ucurve",
    "watch",
]
