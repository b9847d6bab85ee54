"""What a layer costs, as exact products of integers that can be printed."""

import math
from typing import NamedTuple

KINDS = {
    "mac": "multiply-adds",
    "add": "additions",
    "multiply": "multiplications",
    "compare": "comparisons",
    "divide": "divisions",
    "power": "powers",
    "grad_input_mac": "multiply-adds for the gradient of the input",
    "grad_weight_mac": "multiply-adds for the gradient of the weights",
}


class Term(NamedTuple):
    """One product of an operation count for one image: `kind` of KINDS, the integers, and what they are for."""

    kind: str
    factors: tuple[int, ...]
    purpose: str = ""

    @property
    def count(self) -> int:
        return math.prod(self.factors)

    def __str__(self) -> str:
        unit = KINDS[self.kind].replace("multiply-adds", "MAC")
        purpose = f" ({self.purpose})" if self.purpose else ""
        return f"{'*'.join(map(str, self.factors))} = {self.count:,} {unit}{purpose}"


class Taped(NamedTuple):
    """What a training forward keeps for the backward, for one image.

    `inputs`: whether the layer keeps those arrays (shared with whoever else keeps the same wire); `values`: numbers of
    its own in the dtype of the run; `bytes`: bytes of its own of a fixed type.
    """

    inputs: bool = False
    values: int = 0
    bytes: int = 0
