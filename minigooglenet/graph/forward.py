"""The forward pass: run the nodes in order, save caches for backward, free each wire after its last consumer."""

import numpy as np

from minigooglenet import freed_memory, methods, parallel
from minigooglenet.graph.errors import checked_result, named_errors
from minigooglenet.parallel import inherited


def schedule(nodes, outputs):
    """Return [(node, wires to free after it)]: the nodes that `outputs` need, in order."""
    needed, waiting = set(), list(outputs)
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in needed:
            needed.add(name)
            waiting.extend(nodes[name].wires)
    order = [name for name in nodes if name in needed]
    last_consumer = {wire: name for name in order for wire in nodes[name].wires}
    free: dict[str, list[str]] = {name: [] for name in order}
    for wire, name in last_consumer.items():
        if wire not in outputs:
            free[name].append(wire)
    return list(free.items())


def forward(nodes, shapes, inputs, outputs, *, train=False, tape=None, observer=None):
    """Return {wire: array} for the wires `outputs`, and store every cache on the tape.

    Without a tape this is inference, which saves no caches.
    """
    values = dict(inputs)
    parallel.get_num_threads()  # report a wrong setting here, not as an error of a node
    inherited.check()
    freed_memory.keep_if_wanted()
    with parallel.computing():
        for name, free in schedule(nodes, outputs):
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
    return {wire: values[wire] for wire in outputs}


def unshared(arrays, others):
    """Return {wire: array}; an array that shares memory with one of `others` or with an earlier array is copied."""
    others, results = list(others), {}
    for wire, array in arrays.items():
        results[wire] = array.copy() if any(np.may_share_memory(array, other) for other in others) else array
        others.append(results[wire])
    return results
