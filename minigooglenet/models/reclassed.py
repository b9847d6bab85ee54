"""A trained network for other classes: everything is kept but the classifiers, which are new or in another order."""

import copy
import hashlib

import numpy as np

from minigooglenet import checks
from minigooglenet.models.catalogue import build

_TAG = 0x636C6173  # "clas": separates this stream from every other one that the same seed starts


def with_classes(graph, num_classes, *, rng=None):
    """Return (a network for `num_classes` classes with this one's parameters, names of the arrays that are new).

    Fine-tuning starts with it. Only the classifier of each head depends on the number of classes. The new classifiers
    come from a random stream of their own, made from `rng` and from the classifiers that they replace: they never
    equal the first weights of a network that was built with the same seed.

    Parameters
    ----------
    graph : Graph that a function of `models` made, and that nobody changed since
    rng : Generator, int or None, for the new classifiers and the dropout

    Raises
    ------
    ValueError
        If the graph does not know how to be made again.
    """
    if graph.made_by is None:
        raise ValueError(
            "only a network as a function of mg.models made it can be made again for other classes; "
            "this graph was put together by hand, so give it a new Linear by hand too"
        )
    name, arguments = graph.made_by
    replaced = {node for nodes in classifiers(graph).values() for node in nodes}
    stream = _own_stream(graph, replaced, rng)
    other = build(name, **{**arguments, "num_classes": num_classes, "rng": stream})
    new = []
    for theirs, ours in ((other.params, graph.params), (other.buffers, graph.buffers)):
        for key, array in theirs.items():
            if ours[key].shape == array.shape and key.rpartition("/")[0] not in replaced:
                theirs[key] = ours[key].copy()
            else:
                theirs[key] = array.astype(ours[key].dtype)
                new.append(key)
    other.outputs = graph.assigned_outputs
    return other, new


def with_class_order(graph, order):
    """Return a copy of a network whose class i is this network's class order[i], in every head.

    Parameters
    ----------
    graph : Graph whose classifiers are linear layers or convolutions with one output channel for each class
    order : K integers, each of 0 .. K - 1 once
    """
    order = np.asarray(checks.unmasked(order, "order"))
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise ValueError(f"order must contain each of 0 .. {len(order) - 1} once, got {order.tolist()}")
    other, found = copy.deepcopy(graph), classifiers(graph)
    arrays = {
        f"{node}/{name}": view
        for node in dict.fromkeys(node for nodes in found.values() for node in nodes)
        for view, names in ((other.params, graph.nodes[node].layer.params), (other.buffers, _buffers(graph, node)))
        for name in names
    }
    shapes = {key: view[key].shape for key, view in arrays.items()}
    wrong = [graph.shapes[output] for output in found if graph.shapes[output] != (len(order),) or not found[output]]
    if wrong or any(shape[:1] != (len(order),) for shape in shapes.values()):
        raise ValueError(
            f"cannot put {len(order)} classes in another order: the outputs have the shapes "
            f"{[graph.shapes[output] for output in found]}, their last arrays {shapes}"
        )
    for key, view in arrays.items():
        view[key] = np.ascontiguousarray(view[key][order])
    return other


def classifiers(graph) -> dict[str, list[str]]:
    """Return {output: nodes whose parameters belong to its classes, one row for each}, empty where none is found.

    The outputs are the main one and the wires without consumers of the same shape, which are auxiliary heads. The nodes
    are the last one with a weight matrix or kernels on the way to the output, and what follows it (batch norm).
    """
    ends = dict.fromkeys([*graph.default_outputs, graph.main])
    return {wire: _last_weights(graph, wire) for wire in ends if graph.shapes[wire] == graph.shapes[graph.main]}


def _last_weights(graph, wire):
    nodes = []
    while wire in graph.nodes:
        layer, wires = graph.nodes[wire]
        params = getattr(layer, "params", {})
        if params:
            nodes.append(wire)
        if any(array.ndim > 1 for array in params.values()):
            return nodes
        if len(wires) != 1:
            break
        wire = wires[0]
    return []


def _buffers(graph, node):
    return getattr(graph.nodes[node].layer, "buffers", {})


def _own_stream(graph, nodes, rng):
    """Return a Generator that depends on `rng` and on the arrays of these nodes."""
    digest = hashlib.sha256()
    for node in sorted(nodes):
        for array in graph.nodes[node].layer.params.values():
            digest.update(np.ascontiguousarray(array))
    drawn = int(np.random.default_rng(rng).integers(1 << 63))
    return np.random.default_rng([_TAG, drawn, int.from_bytes(digest.digest()[:16], "little")])
