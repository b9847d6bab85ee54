"""Polyak averaging: the running mean of the parameters, which can be better than their last values."""

from copy import deepcopy

from minigooglenet import checks
from minigooglenet.parallel import flushed


@flushed
def average_step(average, arrays, count):
    """Update the running mean of `count` earlier values with `arrays`, in place (Polyak averaging).

    average = average + (array - average) / (count + 1)

    Parameters
    ----------
    average : {name: array}, the state, changed in place; start with an empty dict and count 0
    arrays : {name: array}, such as a graph's parameters after a step
    """
    for name, array in arrays.items():
        if count == 0:
            average[name] = checks.unmasked(array, repr(name)).copy()
        else:
            average[name] += (array - average[name]) / array.dtype.type(count + 1)


def averaged(graph, average):
    """Return a copy of a graph with the arrays of a running mean, if the mean has any."""
    graph = deepcopy(graph)
    for view in (graph.params, graph.buffers):
        for name in view:
            if name in average:
                view[name] = average[name].copy()
    return graph
