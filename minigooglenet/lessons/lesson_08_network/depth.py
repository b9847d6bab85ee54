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
def _(rng):
    yield TOY, "fc"
    yield TOY, "b"
    yield (("x", False, ()), ("y", False, ()), ("p", True, ("y",)), ("q", True, ("x", "p")), ("r", True, ("x",))), "q"


@depth.reference
def _(nodes, out):
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
def _(nodes, out):
    return _depths(nodes)[out]


@depth.right
def _(nodes, out):
    known = {name: (has_weights, wires) for name, has_weights, wires in nodes}

    def longest(name):
        has_weights, wires = known[name]
        return has_weights + max((longest(wire) for wire in wires), default=0)

    return longest(out)


@depth.wrong("all layers counted", "You counted layers; depth is the longest chain.")
def _(nodes, out):
    known = {name: wires for name, _, wires in nodes}
    needed = {out}
    for name, _, _ in reversed(nodes):
        needed |= set(known[name]) if name in needed else set()
    return sum(has_weights for name, has_weights, _ in nodes if name in needed)


@depth.wrong("shortest path", "You followed the shortest branch; depth is that of the longest.")
def _(nodes, out):
    return _depths(nodes, min)[out]


@depth.wrong("first input only", "You followed the input that stands first. Another may be deeper.")
def _(nodes, out):
    return _depths(nodes, lambda depths: depths[0])[out]


@depth.wrong("every node counted", "That includes pools and the like: a true number too, but not this one.")
def _(nodes, out):
    known = {name: wires for name, _, wires in nodes}
    return _depths(nodes, weight=lambda has_weights: 1)[out] - any(not wires for wires in known.values())


@depth.wrong("last layer forgotten", "One short: the layer asked for has weights too, and counts.")
def _(nodes, out):
    return max(_depths(nodes)[wire] for name, _, wires in nodes if name == out for wire in wires)


@depth.wrong("deepest of all outputs", "That is the deepest node of the whole graph; we asked for the way to `out`.")
def _(nodes, out):
    return max(_depths(nodes).values())


@depth.wrong("paths added", "You added the depths of all inputs. A join is as deep as its deepest input.")
def _(nodes, out):
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
def _(rng):
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
def _(nodes, dout):
    g = Graph(**{name: (1,) for name, inputs in nodes if not inputs})
    for name, inputs in nodes:
        if inputs:
            g.add(name, _Sum([factor for _, factor in inputs]), *(wire for wire, _ in inputs))
    out = nodes[-1][0]
    _, tape = g.forward({name: np.ones((1, 1)) for name in g.inputs}, outputs=list(g.nodes))
    found, _ = g.backward({out: np.full((1, 1), dout)}, tape, wires=list(g.nodes))
    return {name: float(found[name][0, 0]) for name, _ in nodes}


@backprop.right
def _(nodes, dout):
    grad = dict.fromkeys((name for name, _ in nodes), 0.0)
    grad[nodes[-1][0]] = dout
    for name, inputs in reversed(nodes):
        for wire, factor in inputs:
            grad[wire] += factor * grad[name]
    return grad


@backprop.right
def _(nodes, dout):
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


@backprop.wrong("overwritten at a fork", "A node has two readers, and the one seen last replaced the other.")
def _(nodes, dout):
    return _walk(nodes, dout, lambda parts: parts[-1])


@backprop.wrong("first reader only", "A node has two readers; the gradient of the first one you met is all you kept.")
def _(nodes, dout):
    return _walk(nodes, dout, lambda parts: parts[0])


@backprop.wrong("mean at a fork", "Ways add. You took their mean.")
def _(nodes, dout):
    return _walk(nodes, dout, lambda parts: sum(parts) / len(parts))


@backprop.wrong("one edge for each pair", "A node may read another twice; you kept the last factor alone.")
def _(nodes, dout):
    return _walk(nodes, dout, sum, edges=lambda inputs: dict(inputs).items())


@backprop.wrong("forward order", "You walked from the input on: nodes were visited before their readers.")
def _(nodes, dout):
    return _walk(nodes, dout, sum, order=list)


@backprop.wrong(
    "left after its first path", "Each node handed its gradient on at its first visit, before all had come."
)
def _(nodes, dout):
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
def _(rng):
    return {"C": 8 * int(rng.integers(8, 129)), "h": int(rng.integers(4, 11)), "K": int(rng.integers(10, 1001))}


@flat.solution
def _(C, h, K):
    flattened, pooled = (count(Linear(inputs, K, init="zeros"), (inputs,)) for inputs in (C * h * h, C))
    return flattened.params - pooled.params


@flat.wrong(
    "not the difference", "That is the layer on the flattened map. Behind the pooling there is one too: subtract."
)
def _(C, h, K):
    return C * h * h * K + K


@flat.wrong("the pooled one", "That is the layer behind the pooling; we asked how many more the other has.")
def _(C, h, K):
    return C * K + K


@flat.wrong("pooling has weights", "Pooling has no weights: nothing to subtract for its windows.")
def _(C, h, K):
    return C * h * h * K - C * K - h * h


@flat.wrong("biases on one side", "Both layers have K biases: they cancel.")
def _(C, h, K):
    return C * K * (h * h - 1) + K


@flat.wrong("one side of the map", "The map has h * h places, not h.")
def _(C, h, K):
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
def _(rng):
    yield integers(rng, (4, 2, 3)), integers(rng, (4, 4)), integers(rng, (4,)), 2
    yield integers(rng, (5, 3, 4)), integers(rng, (3, 5)), integers(rng, (3,)), 0
    yield integers(rng, (2, 2, 2)), integers(rng, (3, 2)), integers(rng, (3,)), 1


@class_map.reference
def _(features, w, b, c):
    return np.tensordot(w[c], features, axes=1)


@class_map.right
def _(features, w, b, c):
    return np.einsum("c,chw->hw", w[c], features)


@class_map.right
def _(features, w, b, c):
    total = np.zeros(features.shape[1:])
    for weight, channel in zip(w[c], features, strict=True):
        total += weight * channel
    return total


@class_map.wrong(
    "bias in every cell", "Its mean is right with the bias in it already; we add b[c] once, behind the mean."
)
def _(features, w, b, c):
    return np.tensordot(w[c], features, axes=1) + b[c]


@class_map.wrong("divided by the places", "You took the mean twice: the map's own mean divides by H * W.")
def _(features, w, b, c):
    return np.tensordot(w[c], features, axes=1) / features[0].size


@class_map.wrong("negative evidence cut", "Evidence against the class is missing: no ReLU here.")
def _(features, w, b, c):
    return np.maximum(np.tensordot(w[c], features, axes=1), 0)


@class_map.wrong("weights of a channel", "You used w[:, c], the weights of a channel for all classes.")
def _(features, w, b, c):
    return np.tensordot(w[:, c], features, axes=1)


@class_map.wrong("mean of the channels", "All channels counted alike; the class weighs them by w[c].")
def _(features, w, b, c):
    return features.mean(axis=0)


@class_map.wrong("pooled first", "A constant map: you took the mean over places before weighing.")
def _(features, w, b, c):
    return np.full(features.shape[1:], w[c] @ features.mean(axis=(1, 2)))
