"""Tied parameters: arrays that share memory, so that an update of one would change the gradient of another."""

import itertools

import numpy as np

from minigooglenet.graph import Graph


def ties(g: Graph) -> bool:
    """Return whether two parameters of a network share memory.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(rng=0)
    >>> mg.training.tied.ties(g)
    False
    """
    spans = sorted(np.lib.array_utils.byte_bounds(array) for array in g.params.values())
    return any(end > start for (_, end), (start, _) in itertools.pairwise(spans))
