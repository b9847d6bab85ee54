"""The forward walk: run the nodes in order, keep what a backward needs, free each wire after its last consumer."""

import numpy as np

from minigooglenet import methods, parallel
from minigooglenet.graph.errors import checked_result, named_errors
from minigooglenet.parallel import inherited


def schedule(nodes, wanted):
    """Return [(node, wires free after it)] of what computing the wires `wanted` runs, in order."""
    needed, waiting = set(), list(wanted)
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in needed:
            needed.add(name)
            waiting.extend(nodes[name].wires)
    order = [name for name in nodes if name in needed]
    last_consumer = {wire: name for name in order for wire in nodes[name].wires}
    free = {name: [] for name in order}
    for wire, name in last_consumer.items():
        if wire not in wanted:
            free[name].append(wire)
    return list(free.items())


def forward(nodes, shapes, inputs, wanted, *, train=False, tape=None, observer=None):
    """Return {wire: array} for the wires `wanted`; with a tape, keep on it what a backward needs.

    Without a tape this is inference, which keeps nothing.
    """
    values = dict(inputs)
    parallel.get_num_threads()  # a wrong setting is not a node's fault
    inherited.check()
    with parallel.computing():
        for name, free in schedule(nodes, wanted):
            layer, wires = nodes[name]
            if observer:
                observer.before(name, "forward")
            with named_errors(name, wires):
                xs, cache = [values[wire] for wire in wires], None
                if tape is None:
                    y = methods.infer(layer, xs)
                else:
                    y, cache = layer.forward(*xs, train=train and name not in tape.frozen)
            values[name] = checked_result(name, y, (len(xs[0]), *shapes[name]))
            if observer:
                observer.after(name, "forward", {name: y})
            if tape is not None:
                tape.keep(name, layer, wires, y.shape, cache)
            del xs, y, cache  # so that a wire is freed after its last consumer
            for wire in free:
                del values[wire]
    return {wire: values[wire] for wire in wanted}


def unshared(arrays, taken):
    """Return {wire: array} with a copy of each array that shares memory with one of `taken` or with another of them."""
    taken, results = list(taken), {}
    for wire, array in arrays.items():
        results[wire] = array.copy() if any(np.may_share_memory(array, other) for other in taken) else array
        taken.append(results[wire])
    return results
