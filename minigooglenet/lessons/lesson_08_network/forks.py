"""The backward pass of a graph with forks."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.graph import Graph
from minigooglenet.layers.base import Layer

backprop = Exercise(
    "08.4",
    "the backward pass of a graph with forks",
    "backprop(nodes, dout) -> {name: gradient}",
    minutes=15,
    difficulty=3,
    core=False,
    hints=(
        "Visit a node only after all its consumers.",
        "If out = 2 a + 3 b and b = 5 a, the gradient of a is 2 + 3 * 5 = 17: one term for each path.",
        "walk the nodes backwards; for each input: `grad[wire] = grad[wire] + ____ * grad[name]`",
    ),
)


class _Sum(Layer):
    """A weighted sum of its inputs."""

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
    yield (("x", ()), ("a", (("x", 2.0),)), ("b", (("a", 5.0),)), ("out", (("a", 2.0), ("b", 3.25)))), 1.0
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
    grads, _ = g.backward({out: np.full((1, 1), dout)}, tape, wires=list(g.nodes))
    return {name: float(grads[name][0, 0]) for name, _ in nodes}


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
    def gradient(name):
        if name == nodes[-1][0]:
            return dout
        consumers = ((node, factor) for node, inputs in nodes for wire, factor in inputs if wire == name)
        return sum(factor * gradient(node) for node, factor in consumers)

    return {name: float(gradient(name)) for name, _ in nodes}


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
    """A node has two consumers, and the second gradient overwrote the first. Add them."""
    return _walk(nodes, dout, lambda parts: parts[-1])


@backprop.wrong
def first_consumer_only(nodes, dout):
    """A node has two consumers, and you kept only the gradient of the first. Add them."""
    return _walk(nodes, dout, lambda parts: parts[0])


@backprop.wrong
def mean_at_a_fork(nodes, dout):
    """You averaged the gradients of several consumers. Add them."""
    return _walk(nodes, dout, lambda parts: sum(parts) / len(parts))


@backprop.wrong
def one_edge_for_each_pair(nodes, dout):
    """A node may read the same node twice. You kept only the last factor. Add the gradients of both."""
    return _walk(nodes, dout, sum, edges=lambda inputs: dict(inputs).items())


@backprop.wrong
def forward_order(nodes, dout):
    """You walked the nodes from the input, so each was visited before its consumers. Walk them in reverse."""
    return _walk(nodes, dout, sum, order=list)


@backprop.wrong
def left_after_its_first_path(nodes, dout):
    """A node passed its gradient on before all its consumers had sent theirs. Visit it after all of them."""
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
