"""Factory metadata: which function of `models` built a network, so that a weights file can rebuild it."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec

from minigooglenet.graph import Graph

P = ParamSpec("P")
NOT_KEPT = ("rng",)  # only for initialisation, which the weights in the file replace


def recorded(build: Callable[P, Graph]) -> Callable[P, Graph]:
    """Decorate a function so that its graph records how it was built: graph.made_by = (name, {argument: value})."""
    signature = inspect.signature(build)

    @functools.wraps(build)
    def made(*args: P.args, **kwargs: P.kwargs) -> Graph:
        graph = build(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: value for name, value in bound.arguments.items() if name not in NOT_KEPT}
        graph.made_by = build.__name__, arguments
        return graph

    return made
