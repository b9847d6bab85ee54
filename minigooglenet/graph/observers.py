"""Observers of forward and backward passes: two calls around every node."""

import time
from collections.abc import Mapping
from typing import Protocol

from minigooglenet.graph.errors import check_finite_wire
from minigooglenet.typing import Array


class Observer(Protocol):
    """Any object with these two methods. `direction` is "forward" or "backward".

    `arrays` is {node: its output} in a forward pass. In a backward pass it is the gradients that the node returned:
    {wire: input gradient, "node/weight": parameter gradient}. An observer must not change them.
    """

    def before(self, node: str, direction: str) -> None: ...

    def after(self, node: str, direction: str, arrays: Mapping[str, Array]) -> None: ...


class FiniteCheck:
    """Raise an error at the first wire with a NaN or an infinity; otherwise call another observer, if given."""

    def __init__(self, other: Observer | None = None) -> None:
        self.other = other

    def before(self, node: str, direction: str) -> None:
        if self.other:
            self.other.before(node, direction)

    def after(self, node: str, direction: str, arrays: Mapping[str, Array]) -> None:
        for wire, array in arrays.items():
            check_finite_wire(wire, array)
        if self.other:
            self.other.after(node, direction, arrays)


class Timer:
    """Time every node: `seconds` is {direction: {node: seconds of the last call}}."""

    def __init__(self) -> None:
        self.seconds: dict[str, dict[str, float]] = {"forward": {}, "backward": {}}
        self._started = 0.0

    def before(self, node: str, direction: str) -> None:
        self._started = time.perf_counter()

    def after(self, node: str, direction: str, arrays: Mapping[str, Array]) -> None:
        self.seconds[direction][node] = time.perf_counter() - self._started
