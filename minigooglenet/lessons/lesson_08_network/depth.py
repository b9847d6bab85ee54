"""Lesson 08, second part: depth, forks, and what pooling does in place of a linear layer."""

import numpy as np

from minigooglenet.counting import count, paths
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.layers import Linear
from minigooglenet.layers.base import Layer

depth = Exercise(
    "08.3",
    "how deep a network is",
    "depth(nodes, out) -> layers with weights on the longest path to out",
    minutes=10,
    difficulty=2,
    hints=(
        "What is the depth of a node, if you know that of all its inputs?",
        "1 more than the deepest input if it has weights, as deep as the deepest input if not. An input image has 0.",
        "`d[name] = has_weights + max(____)`, in the order of the nodes",
    ),
)
# A pool beside a long branch, a short branch listed first, and a head that is deeper than the asked output.
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
    found = {}
    for name, has_weights, wires in nodes:
        found[name] = weight(has_weights) + (choose([found[wire] for wire in wires]) if wires else 0)
    return found


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
    """You counted layers; depth is the longest chain."""
    known = {name: wires for name, _, wires in nodes}
    needed = {out}
    for name, _, _ in reversed(nodes):
        needed |= set(known[name]) if name in needed else set()
    return sum(has_weights for name, has_weights, _ in nodes if name in needed)


@depth.wrong
def shortest_path(nodes, out):
    """You followed the shortest branch; depth is that of the longest."""
    return _depths(nodes, min)[out]


@depth.wrong
def first_input_only(nodes, out):
    """You followed the input that stands first. Another may be deeper."""
    return _depths(nodes, lambda depths: depths[0])[out]


@depth.wrong
def every_node_counted(nodes, out):
    """That includes pools and the like: a true number too, but not this one."""
    known = {name: wires for name, _, wires in nodes}
    return _depths(nodes, weight=lambda has_weights: 1)[out] - any(not wires for wires in known.values())


@depth.wrong
def last_layer_forgotten(nodes, out):
    """One short: the layer asked for has weights too, and counts."""
    return max(_depths(nodes)[wire] for name, _, wires in nodes if name == out for wire in wires)


@depth.wrong
def deepest_of_all_outputs(nodes, out):
    """That is the deepest node of the whole graph; we asked for the way to `out`."""
    return max(_depths(nodes).values())


@depth.wrong
def paths_added(nodes, out):
    """You added the depths of all inputs. A join is as deep as its deepest input."""
    return _depths(nodes, sum)[out]


backprop = Exercise(
    "08.4",
    "backwards through a graph with forks",
    "backprop(nodes, dout) -> {name: gradient}",
    minutes=15,
    difficulty=3,
    hints=(
        "When may you visit a node? When all its consumers are done.",
        "out = 2 a + 3 b, and b = 5 a: the gradient of a is 2 + 3 * 5 = 17, one term for each way.",
        "walk the nodes backwards; for each input: `grad[wire] = grad[wire] + ____ * grad[name]`",
    ),
)


class _Sum(Layer):
    """A weighted sum of numbers."""

    inputs_taken = None

    def __init__(self, factors):
        super().__init__()
        self.factors = factors

    def output_shape(self, *input_shapes):
        return (1,)

    def forward(self, *inputs, train=False):
        return sum(factor * x for factor, x in zip(self.factors, inputs, strict=True)), None

    def backward(self, grad_output, cache):
        return tuple(factor * grad_output for factor in self.factors), {}


@backprop.cases
def backprop_cases(rng):
    yield (("x", ()), ("a", (("x", 2.0),)), ("b", (("a", 5.0),)), ("out", (("a", 2.0), ("b", 3.0)))), 1.0
    yield (("x", ()), ("a", (("x", 3.0), ("x", -4.0))), ("b", (("x", 7.0),)), ("out", (("b", 2.0), ("a", 5.0)))), 2.0
    yield (
        (
            ("x", ()),
            ("a", (("x", 2.0),)),
            ("b", (("a", 3.0), ("x", 5.0))),
            ("unused", (("b", 9.0),)),
            ("c", (("b", -1.0), ("a", 4.0), ("x", 6.0))),
            ("out", (("c", 2.0), ("b", 7.0))),
        ),
        3.0,
    )


@backprop.reference
def backprop_reference(nodes, dout):
    g = Graph(**{name: (1,) for name, inputs in nodes if not inputs})
    for name, inputs in nodes:
        if inputs:
            g.add(name, _Sum([factor for _, factor in inputs]), *(wire for wire, _ in inputs))
    out = nodes[-1][0]
    _, tape = g.forward({name: np.ones((1, 1)) for name in g.inputs}, outputs=list(g.nodes))
    found, _ = g.backward({out: np.full((1, 1), dout)}, tape, wires=list(g.nodes))
    return {name: float(found[name][0, 0]) for name, _ in nodes}


@backprop.right
def backprop_in_reverse(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            grad[wire] += factor * grad[name]
    return grad


@backprop.right
def backprop_by_recursion(nodes, dout):
    def slope(name):
        if name == nodes[-1][0]:
            return dout
        return sum(factor * slope(reader) for reader, inputs in nodes for wire, factor in inputs if wire == name)

    return {name: float(slope(name)) for name, _ in nodes}


def _walk(nodes, dout, join, order=reversed, edges=tuple):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    arrived = {name: [] for name, _ in nodes}
    for name, inputs in order(nodes):
        if arrived[name]:
            grad[name] = join(arrived[name])
        for wire, factor in edges(inputs):
            arrived[wire].append(factor * grad[name])
    return grad


@backprop.wrong
def overwritten_at_a_fork(nodes, dout):
    """A node has two readers, and the one seen last replaced the other."""
    return _walk(nodes, dout, lambda parts: parts[-1])


@backprop.wrong
def first_reader_only(nodes, dout):
    """A node has two readers; the gradient of the first one you met is all you kept."""
    return _walk(nodes, dout, lambda parts: parts[0])


@backprop.wrong
def mean_at_a_fork(nodes, dout):
    """Ways add. You took their mean."""
    return _walk(nodes, dout, lambda parts: sum(parts) / len(parts))


@backprop.wrong
def one_edge_for_each_pair(nodes, dout):
    """A node may read another twice; you kept the last factor alone."""
    return _walk(nodes, dout, sum, edges=lambda inputs: dict(inputs).items())


@backprop.wrong
def forward_order(nodes, dout):
    """You walked from the input on: nodes were visited before their readers."""
    return _walk(nodes, dout, sum, order=list)


@backprop.wrong
def left_after_its_first_path(nodes, dout):
    """Each node handed its gradient on at its first visit, before all had come."""
    known, grad, seen = dict(nodes), dict.fromkeys((name for name, _ in nodes), 0.0), set()

    def visit(name):
        if name in seen:
            return
        seen.add(name)
        for wire, factor in known[name]:
            grad[wire] += factor * grad[name]
            visit(wire)

    grad[nodes[-1][0]] = dout
    visit(nodes[-1][0])
    return grad


flat = Question(
    "08.5",
    "a linear layer in place of pooling",
    "The last map has {C} channels of {h} x {h}, and there are {K} classes. How many parameters more has one linear "
    "layer on the flattened map than one behind global average pooling?",
    minutes=4,
    difficulty=1,
    hints=(
        "Who has weights: the pooling, the flattening, the linear layer?",
        "2 channels of 3 x 3 to 5 classes: 18 * 5 + 5 against 2 * 5 + 5.",
        "`C * h * h * K + K - (C * ____ + K)`",
    ),
)


@flat.draw
def flat_draw(rng):
    return {"C": 8 * int(rng.integers(8, 129)), "h": int(rng.integers(4, 11)), "K": int(rng.integers(10, 1001))}


@flat.solution
def flat_solution(C, h, K):
    flattened, pooled = (count(Linear(inputs, K, init="zeros"), (inputs,)) for inputs in (C * h * h, C))
    return flattened.params - pooled.params


@flat.wrong
def not_the_difference(C, h, K):
    """That is the layer on the flattened map. Behind the pooling there is one too: subtract."""
    return C * h * h * K + K


@flat.wrong
def the_pooled_one(C, h, K):
    """That is the layer behind the pooling; we asked how many more the other has."""
    return C * K + K


@flat.wrong
def pooling_has_weights(C, h, K):
    """Pooling has no weights: nothing to subtract for its windows."""
    return C * h * h * K - C * K - h * h


@flat.wrong
def biases_on_one_side(C, h, K):
    """Both layers have K biases: they cancel."""
    return C * K * (h * h - 1) + K


@flat.wrong
def one_side_of_the_map(C, h, K):
    """The map has h * h places, not h."""
    return C * K * (h - 1)


class_map = Exercise(
    "08.6",
    "where a class is seen",
    "class_map(features, w, b, c) -> (H, W)",
    minutes=8,
    difficulty=2,
    hints=(
        "The score is a sum over channels of a mean over places. Move the mean outside.",
        "w[c] has a weight for each channel. Weigh the channels' maps with it, and add them.",
        "`np.tensordot(w[c], features, axes=____)`",
    ),
)


@class_map.cases
def class_map_cases(rng):
    yield integers(rng, (4, 2, 3)), integers(rng, (4, 4)), integers(rng, (4,)), 2
    yield integers(rng, (5, 3, 4)), integers(rng, (3, 5)), integers(rng, (3,)), 0
    yield integers(rng, (2, 2, 2)), integers(rng, (3, 2)), integers(rng, (3,)), 1


@class_map.reference
def class_map_reference(features, w, b, c):
    return np.tensordot(w[c], features, axes=1)


@class_map.right
def class_map_by_einsum(features, w, b, c):
    return np.einsum("c,chw->hw", w[c], features)


@class_map.right
def class_map_channel_by_channel(features, w, b, c):
    total = np.zeros(features.shape[1:])
    for weight, channel in zip(w[c], features, strict=True):
        total += weight * channel
    return total


@class_map.wrong
def bias_in_every_cell(features, w, b, c):
    """Its mean is right with the bias in it already; we add b[c] once, behind the mean."""
    return np.tensordot(w[c], features, axes=1) + b[c]


@class_map.wrong
def divided_by_the_places(features, w, b, c):
    """You took the mean twice: the map's own mean divides by H * W."""
    return np.tensordot(w[c], features, axes=1) / features[0].size


@class_map.wrong
def negative_evidence_cut(features, w, b, c):
    """Evidence against the class is missing: no ReLU here."""
    return np.maximum(np.tensordot(w[c], features, axes=1), 0)


@class_map.wrong
def weights_of_a_channel(features, w, b, c):
    """You used w[:, c], the weights of a channel for all classes."""
    return np.tensordot(w[:, c], features, axes=1)


@class_map.wrong
def mean_of_the_channels(features, w, b, c):
    """All channels counted alike; the class weighs them by w[c]."""
    return features.mean(axis=0)


@class_map.wrong
def pooled_first(features, w, b, c):
    """A constant map: you took the mean over places before weighing."""
    return np.full(features.shape[1:], w[c] @ features.mean(axis=(1, 2)))
