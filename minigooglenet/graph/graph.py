"""A network as named wires: nodes in the order they were added.

The graph knows no layer and no kernel: it hands a node's layer the arrays on its input wires and puts the result on the
node's own wire. `forward` and `backward` next to this file are its two walks.
"""

import copy
import functools
from typing import NamedTuple

import numpy as np

from minigooglenet import console
from minigooglenet.graph import backward, errors, forward
from minigooglenet.graph.observers import FiniteCheck
from minigooglenet.graph.params import ArrayView, Named
from minigooglenet.graph.restoring import restored_on_error
from minigooglenet.graph.tape import Tape


class Node(NamedTuple):
    """A layer and the wires that it reads."""

    layer: object
    wires: tuple[str, ...]


class Graph:
    """A network. Inputs are named with their shape (C, H, W), without the batch axis: Graph(image=(3, 224, 224)).

    Attributes
    ----------
    nodes : {name: (layer, wires)} in the order of execution
    shapes : {wire: shape without the batch axis}, inputs first
    params, buffers : live views {"node/weight": array} of the layers' own; assigning an entry writes through
    assigned_outputs : the outputs as they were assigned, or None as long as they are the wires without consumers
    made_by : (name of a function of `models`, {argument: value}) where one made this graph and nothing was added since
    """

    def __init__(self, *unnamed, **inputs):
        if unnamed or not inputs:
            raise ValueError("a graph needs at least one input with a name, as in Graph(image=(3, 224, 224))")
        self.inputs = {
            errors.checked_name(name, "an input"): errors.checked_shape(shape, name) for name, shape in inputs.items()
        }
        self.shapes = Named("wire", self.inputs)
        self.nodes: dict[str, Node] = Named("node")
        self.assigned_outputs: tuple[str, ...] | None = None
        self.made_by: tuple[str, dict] | None = None
        self.params = ArrayView(self.nodes, "params")
        self.buffers = ArrayView(self.nodes, "buffers")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that were assigned, in that order, or else the wires without consumers as they were added.

        Assigned wires may have consumers, and `add` does not change them; None returns to the wires without consumers.
        """
        return self.default_outputs if self.assigned_outputs is None else self.assigned_outputs

    @outputs.setter
    def outputs(self, wires):
        if wires is not None:
            wires = (wires,) if isinstance(wires, str) else tuple(wires)
            errors.check_known(wires, self.shapes, "outputs names")
            if not wires or len(set(wires)) < len(wires):
                raise ValueError(f"outputs must be one or more different wires, got {wires}")
        self.assigned_outputs = wires

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """The wires without consumers, in the order they were added."""
        read = {wire for node in self.nodes.values() for wire in node.wires}
        return tuple(wire for wire in self.shapes if wire not in read)

    @property
    def main(self) -> str:
        """The main output: the first of the assigned outputs, or the last wire added that has no consumer."""
        return self.default_outputs[-1] if self.assigned_outputs is None else self.assigned_outputs[0]

    def shape(self, wire):
        """Return the shape of a wire, or an error that suggests the right name."""
        errors.check_known([wire], self.shapes, "the graph was asked for")
        return self.shapes[wire]

    def add(self, name, layer, *wires):
        """Add a node that reads `wires`, and return the name of the wire that it writes: its own.

        Raises
        ------
        ValueError, TypeError
            At once, naming the node, if the name is taken, a wire is unknown or the shapes do not fit.
        """
        errors.checked_name(name, "a node")
        if name in self.shapes:
            raise ValueError(f"node {name!r}: the name is taken already; every wire needs its own")
        if any(not isinstance(wire, str) for wire in wires):
            raise TypeError(f"node {name!r}: wires are names, one after the other, got {', '.join(map(repr, wires))}")
        errors.check_layer(name, layer, wires, self.nodes)
        errors.check_known(wires, self.shapes, f"node {name!r} reads")
        with errors.named_errors(name, wires):
            shape = layer.output_shape(*(self.shapes[wire] for wire in wires))
        self.made_by = None
        self.nodes[name] = Node(layer, wires)
        self.shapes[name] = errors.checked_shape(shape, name)
        return name

    def forward(self, inputs, outputs=None, train=False, check_finite=False, frozen=(), on_node=None):
        """Run the network and keep what a backward needs.

        Parameters
        ----------
        inputs : {input: array (N, C, H, W)}; the tape keeps them, so leave them unchanged until the backward
        outputs : wires to return, all of `self.outputs` by default; only what they need is computed
        train : switches dropout on and batch norm to the batch's statistics
        check_finite : stop with an error that names the first wire that holds a NaN or an infinity
        frozen : nodes that compute as in inference and whose parameters get no gradients; where nothing before a wire
            trains, nothing is kept for a backward and no gradient passes
        on_node : an observer (`graph.observers`)

        Returns
        -------
        outputs : {wire: array}
        tape : for one `backward`
        """
        wanted = self._wanted(outputs)
        inputs = self.check_inputs(inputs)
        errors.check_known(frozen, self.shapes, "frozen names")
        tape = Tape(self.nodes, {name: x.shape for name, x in inputs.items()}, frozen)
        run = functools.partial(forward.forward, self.nodes, self.shapes, inputs, wanted, train=train, tape=tape)
        with restored_on_error(self.nodes if train else {}):
            if check_finite:
                for wire, x in inputs.items():
                    errors.check_finite_wire(wire, x)
                with np.errstate(over="ignore", invalid="ignore"):  # the check has better words for it
                    values = run(observer=FiniteCheck(on_node))
            else:
                values = run(observer=on_node)
        return {wire: y.copy() for wire, y in values.items()}, tape  # copies: the tape may keep what is the caller's

    def __call__(self, x):
        """Return the main output for x (N, C, H, W), or for {input: array}: inference, without a tape.

        The size of the batch decides which algorithms compute it, so an image alone and in a batch may differ by
        round-off: up to 4e-6 of the largest value of a layer (`docs/accuracy.md`).
        """
        if not self.nodes:
            raise ValueError("the graph has no nodes yet")
        main = self.main
        return self.infer(x if isinstance(x, dict) else {next(iter(self.inputs)): x}, main)[main]

    def infer(self, inputs, outputs=None):
        """Return {wire: array} of `outputs`: inference, which keeps no tape and frees wires on the way."""
        values = forward.forward(self.nodes, self.shapes, self.check_inputs(inputs), self._wanted(outputs))
        layers = [self.nodes[wire].layer for wire in values if wire in self.nodes]
        own = [array for layer in layers for array in getattr(layer, "params", {}).values()]
        return forward.unshared(values, [*inputs.values(), *own])  # a layer may pass on its input or its own array

    def backward(self, grads, tape, wires=(), inputs=True, on_node=None):
        """Send gradients back through the forward that made `tape`.

        Parameters
        ----------
        grads : {wire: gradient of its shape}, on any wires that the forward computed
        tape : of `forward`; it serves once
        wires : further wires whose gradients are returned with those of the inputs
        inputs : whether the inputs' gradients are wanted; training can do without them, and without their cost
        on_node : an observer (`graph.observers`)

        Returns
        -------
        grad_inputs : {wire: gradient} for every input that the forward used, if wanted, and every one of `wires`
        grad_params : {"node/weight": gradient} for every node that a gradient reached
        """
        wires = (wires,) if isinstance(wires, str) else tuple(wires)
        errors.check_grads(grads, wires, tape, self)
        asked = [name for name in self.inputs if inputs and name in tape.computed and name not in tape.closed]
        asked += [wire for wire in wires if wire not in asked]
        tape.spent = True
        found, grad_params = backward.backward(self.nodes, grads, tape, asked, on_node)
        dtype = next(iter(grads.values())).dtype
        results = {w: np.zeros(tape.computed[w], dtype) if grad is None else grad for w, grad in found.items()}
        handed_on = [results[wire] for wire in wires]  # to layers, which may have kept views
        return forward.unshared(results, [*grads.values(), *handed_on]), grad_params

    def astype(self, dtype):
        """Return a copy of the network whose parameters and buffers have `dtype`."""
        other = copy.deepcopy(self)
        for view in (other.params, other.buffers):
            for key, value in view.items():
                view[key] = value.astype(dtype)
        return other

    def schedule(self, outputs=None):
        """Return [(node, wires free after it)] of what computing `outputs` runs, in order."""
        return forward.schedule(self.nodes, self._wanted(outputs))

    def summary(self):
        """Return a table of every node: its layer, its output shape and its number of parameters.

        `mg.count(g)` has the operations and the memory.
        """
        rows = []
        for name, (layer, _) in self.nodes.items():
            params = sum(value.size for value in getattr(layer, "params", {}).values())
            rows.append((name, type(layer).__name__, self.shapes[name], params))
        total = ("total", "", "", sum(row[-1] for row in rows))
        return console.Table(repr(self), ("node", "layer", ">output", ">params"), rows, total=total)

    def __repr__(self):
        inputs = ", ".join(f"{name}={shape}" for name, shape in self.inputs.items())
        return console.printable(f"Graph({inputs}): {len(self.nodes)} nodes")

    def __str__(self):
        rows = [
            (name, type(layer).__name__, str(self.shapes[name]), ", ".join(w))
            for name, (layer, w) in self.nodes.items()
        ]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:{widths[2]}}  <- {d}" for a, b, c, d in rows]
        return "\n".join([repr(self), *map(console.printable, lines)])

    def check_inputs(self, inputs):
        """Return {input: array} once it is known to be what this graph takes."""
        return errors.check_inputs(inputs, self.inputs)

    def _wanted(self, outputs):
        if outputs is None:
            return self.outputs
        outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        errors.check_known(outputs, self.shapes, "outputs asks for")
        return outputs
