"""The depth of a network."""

from minigooglenet.counting import paths
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.graph import Graph
from minigooglenet.layers.base import Layer

depth = Exercise(
    "08.3",
    "how deep a network is",
    "depth(nodes, out) -> layers with weights on the longest path to out",
    minutes=10,
    difficulty=2,
    core=False,
    hints=(
        "If you know the depths of all inputs of a node, what is the depth of the node?",
        "It is the depth of the deepest input, plus 1 if the node has weights. An image has depth 0.",
        "`d[name] = has_weights + max(____)`, in the order of the nodes",
    ),
)


# A pool next to a long branch, a short branch that is listed first, and a head that is deeper than `out`.
TOY = (
    ("image", False, ()),
    ("a", True, ("image",)),
    ("pool", False, ("a",)),
    ("b", True, ("pool",)),
    ("c1", True, ("pool",)),
    ("c2", True, ("c1",)),
    ("relu", False, ("c2",)),
    ("c3", True, ("relu",)),
    ("cat", False, ("b", "c3", "pool")),
    ("head1", True, ("cat",)),
    ("head2", True, ("head1",)),
    ("gap", False, ("cat",)),
    ("fc", True, ("gap",)),
)


class _Plain(Layer):
    inputs_taken = None

    def output_shape(self, *input_shapes):
        return (1,)


class _Weighted(_Plain):
    pass


@depth.cases
def depth_cases(rng):
    yield TOY, "fc"
    yield TOY, "b"
    yield (("x", False, ()), ("y", False, ()), ("p", True, ("y",)), ("q", True, ("x", "p")), ("r", True, ("x",))), "q"


@depth.reference
def depth_reference(nodes, out):
    g = Graph(**{name: (1,) for name, _, wires in nodes if not wires})
    for name, has_weights, wires in nodes:
        if wires:
            g.add(name, (_Weighted if has_weights else _Plain)(), *wires)
    return paths.depth(g, [name for name, _ in g.schedule([out])], lambda kind: kind == "_Weighted")


def _depths(nodes, choose=max, weight=int):
    depths = {}
    for name, has_weights, wires in nodes:
        depths[name] = weight(has_weights) + (choose([depths[wire] for wire in wires]) if wires else 0)
    return depths


@depth.right
def depth_in_one_pass(nodes, out):
    return _depths(nodes)[out]


@depth.right
def depth_by_recursion(nodes, out):
    known = {name: (has_weights, wires) for name, has_weights, wires in nodes}

    def longest(name):
        has_weights, wires = known[name]
        return has_weights + max((longest(wire) for wire in wires), default=0)

    return longest(out)


@depth.wrong
def all_layers_counted(nodes, out):
    """You counted all layers with weights. Depth counts only those on the longest path."""
    known = {name: wires for name, _, wires in nodes}
    needed = {out}
    for name, _, _ in reversed(nodes):
        needed |= set(known[name]) if name in needed else set()
    return sum(has_weights for name, has_weights, _ in nodes if name in needed)


@depth.wrong
def shortest_path(nodes, out):
    """You followed the shortest branch. Follow the longest one."""
    return _depths(nodes, min)[out]


@depth.wrong
def first_input_only(nodes, out):
    """You followed the first input of each node. Another input may be deeper."""
    return _depths(nodes, lambda depths: depths[0])[out]


@depth.wrong
def every_node_counted(nodes, out):
    """You counted pools and other nodes without weights. Count only nodes with weights."""
    known = {name: wires for name, _, wires in nodes}
    return _depths(nodes, weight=lambda has_weights: 1)[out] - any(not wires for wires in known.values())


@depth.wrong
def last_layer_forgotten(nodes, out):
    """Your depth is 1 too small: `out` itself has weights and counts too."""
    return max(_depths(nodes)[wire] for name, _, wires in nodes if name == out for wire in wires)


@depth.wrong
def deepest_of_all_outputs(nodes, out):
    """That is the depth of the deepest node of the graph. Return the depth of `out`."""
    return max(_depths(nodes).values())


@depth.wrong
def paths_added(nodes, out):
    """You added the depths of all inputs. Take the maximum instead."""
    return _depths(nodes, sum)[out]
