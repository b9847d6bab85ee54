"""Replace the classifiers of a trained network, by new ones or by the same classes in another order."""

import copy
import hashlib
from collections.abc import Sequence

import numpy as np

from minigooglenet import checks
from minigooglenet.graph import Graph
from minigooglenet.models.catalogue import build
from minigooglenet.shapes import described, integer
from minigooglenet.typing import IntArray, Rng

_TAG = 0x636C6173  # "clas": distinguishes this random stream from all others that use the same seed


def with_classes(graph: Graph, num_classes: int, *, rng: Rng = None) -> tuple[Graph, list[str]]:
    """Return (a network for `num_classes` classes with this network's parameters, names of the new arrays).

    This is the first step of fine-tuning. Only the classifier of each head depends on the number of classes. The new
    classifiers come from a separate random stream, derived from `rng` and from the classifiers that they replace. So
    they never equal the initial weights of a network that was built with the same seed.

    Parameters
    ----------
    graph : Graph that a function of `models` built and that was not changed since
    num_classes : number of classes of the new network
    rng : Generator, int or None for the new classifiers and dropout

    Raises
    ------
    ValueError
        If the graph does not record how it was built.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=10, rng=0)
    >>> other, new = mg.models.with_classes(g, 3, rng=0)
    >>> other.shapes["loss3/classifier"], new
    ((3,), ['loss3/classifier/weight', 'loss3/classifier/bias'])
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"with_classes expects a graph, got {described(graph)}")
    if graph.made_by is None:
        raise ValueError(
            "with_classes can only rebuild an unchanged network from mg.models. This graph was built or changed by "
            "hand: replace its last Linear layer by hand too."
        )
    integer(num_classes, "num_classes", 1)
    name, arguments = graph.made_by
    replaced = {node for nodes in classifiers(graph).values() for node in nodes}
    stream = _separate_stream(graph, replaced, rng)
    other = build(name, **{**arguments, "num_classes": num_classes, "rng": stream})
    new = []
    for target, source in ((other.params, graph.params), (other.buffers, graph.buffers)):
        for key, array in target.items():
            if source[key].shape == array.shape and key.rpartition("/")[0] not in replaced:
                target[key] = source[key].copy()
            else:
                target[key] = array.astype(source[key].dtype)
                new.append(key)
    other.outputs = graph.assigned_outputs
    return other, new


def with_class_order(graph: Graph, order: Sequence[int] | IntArray) -> Graph:
    """Return a copy of a network whose class i is class order[i] of this network, in every head.

    Parameters
    ----------
    graph : Graph whose classifiers are linear layers or convolutions with one output channel per class
    order : K integers, each of 0 .. K - 1 once

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=3, rng=0)
    >>> other = mg.models.with_class_order(g, [2, 0, 1])
    >>> bool((other.params["loss3/classifier/weight"][0] == g.params["loss3/classifier/weight"][2]).all())
    True
    """
    order = np.asarray(checks.unmasked(order, "order"))
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise ValueError(f"order must contain each of 0 .. {len(order) - 1} once, got {order.tolist()}")
    other, heads = copy.deepcopy(graph), classifiers(graph)
    arrays = {
        f"{node}/{name}": view
        for node in dict.fromkeys(node for nodes in heads.values() for node in nodes)
        for view, names in ((other.params, graph.nodes[node].layer.params), (other.buffers, _buffers(graph, node)))
        for name in names
    }
    shapes = {key: view[key].shape for key, view in arrays.items()}
    wrong = [graph.shapes[output] for output in heads if graph.shapes[output] != (len(order),) or not heads[output]]
    if wrong or any(shape[:1] != (len(order),) for shape in shapes.values()):
        raise ValueError(
            f"cannot reorder {len(order)} classes: the outputs have shapes "
            f"{[graph.shapes[output] for output in heads]}, their last arrays {shapes}"
        )
    for key, view in arrays.items():
        view[key] = np.ascontiguousarray(view[key][order])
    return other


def classifiers(graph: Graph) -> dict[str, list[str]]:
    """Return {output: nodes whose parameters have one row per class}, with an empty list if no node has.

    The outputs are the main output and all wires without consumers of the same shape, the auxiliary heads. The nodes
    are the last node with a weight before the output, and nodes with parameters after it (batch norm).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.models.classifiers(mg.models.mini_googlenet(aux=True, rng=0))
    {'loss1/classifier': ['loss1/classifier'], 'loss3/classifier': ['loss3/classifier']}
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


def _separate_stream(graph, nodes, rng):
    """Return a Generator that depends on `rng` and on the arrays of these nodes."""
    digest = hashlib.sha256()
    for node in sorted(nodes):
        for array in graph.nodes[node].layer.params.values():
            digest.update(np.ascontiguousarray(array).data)
    drawn = int(np.random.default_rng(rng).integers(1 << 63))
    return np.random.default_rng([_TAG, drawn, int.from_bytes(digest.digest()[:16], "little")])
