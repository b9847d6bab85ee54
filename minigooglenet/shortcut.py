"""A faster way to compute the inference of a graph, which the graph itself must not know.

A graph knows no layers, so it cannot import what depends on them. The package connects the two: `__init__` names a
function, and a graph that is asked for inference calls it first.
"""

from collections.abc import Callable
from typing import Any

_connected: list[Callable[..., Any]] = []


def connect(function: Callable[..., Any]) -> None:
    """Let `function(graph, inputs, outputs)` compute inference: it returns {wire: array} for some wires or none."""
    _connected[:] = [function]


def infer(graph: Any, inputs: Any, outputs: Any) -> Any:
    """Return {wire: array}, from which the graph must compute the outputs node by node."""
    return _connected[0](graph, inputs, outputs) if _connected else {}
