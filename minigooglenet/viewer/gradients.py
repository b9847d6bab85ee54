"""Where the gradient goes: its norm at every node for each loss, and the gradient of the strongest channels as maps."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigooglenet import losses, methods, parallel
from minigooglenet.graph import Graph
from minigooglenet.graph.backward import Pending
from minigooglenet.graph.tape import Tape
from minigooglenet.typing import Array

InputGradients = Callable[[str, Any, Array, Any], tuple[Any, ...]]


@dataclass
class Objective:
    """One loss, or a weighted sum of several: `weights` is {wire of logits: loss weight}."""

    name: str
    label: str
    weights: dict[str, float]


def classifiers(graph: Graph) -> dict[str, float]:
    """Return {wire of logits: loss weight} of a network's classifiers, the main one last.

    Raises
    ------
    ValueError
        If an output is not a vector with one value per class.
    """
    weights = {logits_of(graph, wire): weight for wire, weight in losses.head_weights(graph).items()}
    for wire in weights:
        if len(graph.shapes[wire]) != 1:
            raise ValueError(f"output {wire!r} has shape {graph.shapes[wire]}, not one value per class")
    return weights


def logits_of(graph: Graph, wire: str) -> str:
    """Return the wire of the logits of an output: the wire itself, or what a final Softmax reads."""
    node = graph.nodes.get(wire)
    return node.wires[0] if node and getattr(node.layer, "kind", "") == "Softmax" else wire


def objectives(weights: dict[str, float], label: int) -> list[Objective]:
    """Return the objectives of a network, the default first: all losses together, and each loss alone, unweighted."""
    alone = [Objective(wire, f"{wire} alone, class {label}", {wire: 1.0}) for wire in reversed(weights)]
    if len(alone) == 1:
        return alone
    name = "all"
    while name in weights:
        name += " losses"
    terms = " + ".join(f"{weight:g} x {wire}" for wire, weight in weights.items())
    return [Objective(name, f"all losses, class {label}: {terms}", weights), *alone]


def gradients(
    graph: Graph,
    inputs: dict[str, Array],
    found: list[Objective],
    label: int,
    visit: Callable[[Objective, str, Array], Any],
    on_objective: Callable[[], Any] = lambda: None,
) -> None:
    """Call visit(objective, wire, gradient) for every wire that the gradient of an objective reaches.

    Batch norm and dropout compute as in inference.

    Parameters
    ----------
    inputs : {input: array (1, ...)}
    found : what `objectives` returned
    label : index of the class of the image
    """
    wires = dict.fromkeys(wire for objective in found for wire in objective.weights)
    logits, tape = graph.forward(inputs, outputs=wires)
    for objective in found:
        _, _, grads = losses.weighted_sum(logits, np.array([label]), objective.weights)
        backward(graph, tape, grads, functools.partial(visit, objective))
        on_objective()


def norm(grad: Array) -> float:
    """Return the Euclidean norm, summed in float64."""
    return float(np.sqrt(np.sum(np.square(grad, dtype=np.float64))))


def _of_layer(name, layer, grad, cache):
    return methods.backward(layer, grad, cache, need_inputs=True)[0]


def backward(
    graph: Graph,
    tape: Tape,
    grads: dict[str, Array],
    visit: Callable[[str, Array], Any] = lambda wire, grad: None,
    input_gradients: InputGradients = _of_layer,
) -> dict[str, Array]:
    """Call visit(wire, gradient) with the complete gradient of every wire that it reaches; return those of the inputs.

    It adds in the order of `graph.backward`, so the gradients are the same. But it keeps neither them nor those of the
    parameters, and it leaves the tape as it is, so that several passes use one forward pass.
    """
    pending = Pending(grads)
    with parallel.computing():
        for name in reversed(list(tape)):
            grad = pending.take(name, keep=False)
            if grad is None:
                continue
            visit(name, grad)
            layer, wires = graph.nodes[name]
            for wire, part in zip(wires, input_gradients(name, layer, grad, tape[name]), strict=True):
                pending.add(wire, part)
    reached = {name: pending.sums[name] for name in graph.inputs if name in pending.sums}
    for name, grad in reached.items():
        visit(name, grad)
    return reached
