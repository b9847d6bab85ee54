"""The graph: nodes that read and write named wires, in the order they were added.

The graph knows nothing about layers and kernels: it passes the arrays on a node's input wires to the node's layer, and
stores the result under the node's name. The files `forward` and `backward` in this folder run the nodes.
"""

import copy
import functools
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minigooglenet import console, shortcut
from minigooglenet.graph import backward, errors, forward
from minigooglenet.graph.observers import FiniteCheck, Observer
from minigooglenet.graph.params import ArrayView, Named
from minigooglenet.graph.restoring import restored_on_error
from minigooglenet.graph.tape import Tape
from minigooglenet.typing import Array, Shape


class Node(NamedTuple):
    """A layer and the wires that it reads."""

    layer: Any
    wires: tuple[str, ...]


class Graph:
    """A network. Inputs are named with their shape (C, H, W), without the batch axis: Graph(image=(3, 224, 224)).

    Attributes
    ----------
    nodes : {name: (layer, wires)} in the order of execution
    shapes : {wire: shape without the batch axis}, inputs first
    params, buffers : live views {"node/weight": array} of the layers' arrays; assigning an entry changes the layer
    assigned_outputs : the outputs that you assigned, or None while the outputs are the wires without consumers
    made_by : (name of a function of `models`, {argument: value}) if one built this graph and no node was added later

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> g = mg.Graph(image=(3, 8, 8))
    >>> wire = g.add("conv", mg.layers.Conv2d(3, 4, 3, padding=1, rng=0), "image")
    >>> wire = g.add("pool", mg.layers.MaxPool2d(2), wire)
    >>> g.shapes[wire], g(np.zeros((5, 3, 8, 8), np.float32)).shape
    ((4, 4, 4), (5, 4, 4, 4))
    >>> outputs, tape = g.forward({"image": np.zeros((5, 3, 8, 8), np.float32)})
    >>> grad_inputs, grad_params = g.backward({"pool": np.ones_like(outputs["pool"])}, tape)
    >>> list(grad_params)
    ['conv/weight', 'conv/bias']
    """

    def __init__(self, *unnamed: Any, **inputs: Shape) -> None:
        if unnamed or not inputs:
            raise ValueError("a graph needs at least one named input, as in Graph(image=(3, 224, 224))")
        self.inputs: dict[str, Shape] = {
            errors.checked_name(name, "an input"): errors.checked_shape(shape, name) for name, shape in inputs.items()
        }
        self.shapes: dict[str, Shape] = Named("wire", self.inputs)
        self.nodes: dict[str, Node] = Named("node")
        self.assigned_outputs: tuple[str, ...] | None = None
        self.made_by: tuple[str, dict[str, Any]] | None = None
        self.params: MutableMapping[str, Array] = ArrayView(self.nodes, "params")
        self.buffers: MutableMapping[str, Array] = ArrayView(self.nodes, "buffers")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The assigned outputs, or by default the wires without consumers in the order they were added.

        Assigned outputs may have consumers, and `add` does not change them. Assign None to return to the default.
        """
        return self.default_outputs if self.assigned_outputs is None else self.assigned_outputs

    @outputs.setter
    def outputs(self, wires: str | Iterable[str] | None) -> None:
        if wires is not None:
            wires = (wires,) if isinstance(wires, str) else tuple(wires)
            errors.check_known(wires, self.shapes, "outputs")
            if not wires or len(set(wires)) < len(wires):
                raise ValueError(f"outputs must be one or more different wires, got {wires}")
        self.assigned_outputs = wires

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """The wires without consumers, in the order they were added."""
        consumed = {wire for node in self.nodes.values() for wire in node.wires}
        return tuple(wire for wire in self.shapes if wire not in consumed)

    @property
    def main(self) -> str:
        """The main output: the first of the assigned outputs, or the last wire added that has no consumer."""
        return self.default_outputs[-1] if self.assigned_outputs is None else self.assigned_outputs[0]

    def shape(self, wire: str) -> Shape:
        """Return the shape of a wire, or raise an error that suggests the right name."""
        errors.check_known([wire], self.shapes, "")
        return self.shapes[wire]

    def add(self, name: str, layer: Any, *wires: str) -> str:
        """Add a node that reads `wires`, and return its name, which is also the name of the wire that it writes.

        Raises
        ------
        ValueError, TypeError
            Immediately, with the node's name, if the name is already used, a wire is unknown or the shapes do not fit.
        """
        errors.checked_name(name, "a node")
        if name in self.shapes:
            raise ValueError(f"node {name!r}: this name is already used. Every wire needs a different name.")
        if any(not isinstance(wire, str) for wire in wires):
            raise TypeError(f"node {name!r}: pass each wire as a string, got {', '.join(map(repr, wires))}")
        errors.check_layer(name, layer, wires, self.nodes)
        errors.check_known(wires, self.shapes, f"node {name!r}")
        with errors.named_errors(name, wires):
            shape = layer.output_shape(*(self.shapes[wire] for wire in wires))
        self.made_by = None
        self.nodes[name] = Node(layer, wires)
        self.shapes[name] = errors.checked_shape(shape, name)
        return name

    def forward(
        self,
        inputs: dict[str, Array],
        outputs: str | Iterable[str] | None = None,
        train: bool = False,
        check_finite: bool = False,
        frozen: Iterable[str] = (),
        on_node: Observer | None = None,
    ) -> tuple[dict[str, Array], Tape]:
        """Run the network and save the caches for `backward`.

        Parameters
        ----------
        inputs : {input: array (N, C, H, W)}; the tape refers to them, so do not change them before the backward pass
        outputs : wires to return, by default `self.outputs`; only the nodes that they need are run
        train : whether dropout is active and batch norm uses the statistics of the batch
        check_finite : raise an error that names the first wire with a NaN or an infinity
        frozen : nodes that compute as in inference and whose parameters get no gradients; a layer with nothing
            trainable in it or before it saves no cache and gets no backward pass
        on_node : an observer (`graph.observers`)

        Returns
        -------
        outputs : {wire: array}
        tape : the caches, for one call of `backward`
        """
        requested = self._requested(outputs)
        inputs = self.check_inputs(inputs)
        errors.check_known(frozen, self.shapes, "frozen")
        tape = Tape(self.nodes, {name: x.shape for name, x in inputs.items()}, frozen)
        run = functools.partial(forward.forward, self.nodes, self.shapes, inputs, requested, train=train, tape=tape)
        with restored_on_error(self.nodes if train else {}):
            if check_finite:
                for wire, x in inputs.items():
                    errors.check_finite_wire(wire, x)
                with np.errstate(over="ignore", invalid="ignore"):  # the check gives a better message
                    values = run(observer=FiniteCheck(on_node))
            else:
                values = run(observer=on_node)
        return {wire: y.copy() for wire, y in values.items()}, tape  # copies, because a cache may contain the output

    def __call__(self, x: Array | dict[str, Array]) -> Array:
        """Run inference on x (N, C, H, W) or {input: array}, without a tape, and return the main output.

        The batch size decides which algorithms run, so the results of an image by itself and in a batch may differ by
        round-off: up to 4e-6 of the largest value of a layer (`docs/accuracy.md`).
        """
        if not self.nodes:
            raise ValueError("the graph has no nodes yet")
        main = self.main
        return self.infer(x if isinstance(x, dict) else {next(iter(self.inputs)): x}, main)[main]

    def infer(self, inputs: dict[str, Array], outputs: str | Iterable[str] | None = None) -> dict[str, Array]:
        """Return {wire: array} for `outputs`: inference without a tape, maybe by a live plan (`planning.live`)."""
        inputs, requested = self.check_inputs(inputs), self._requested(outputs)
        known = shortcut.infer(self, inputs, requested)
        rest = {name: node for name, node in self.nodes.items() if name not in known}
        values = forward.forward(rest, self.shapes, inputs | known, requested)
        layers = [self.nodes[wire].layer for wire in values if wire in self.nodes]
        params = [array for layer in layers for array in getattr(layer, "params", {}).values()]
        return forward.unshared(values, [*inputs.values(), *params])  # a layer may return its input or a parameter

    def backward(
        self,
        grads: dict[str, Array],
        tape: Tape,
        wires: str | Iterable[str] = (),
        inputs: bool = True,
        on_node: Observer | None = None,
        on_gradients: Callable[[dict[str, Array]], object] | None = None,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Run the backward pass for the forward pass that returned `tape`.

        Parameters
        ----------
        grads : {wire: upstream gradient}, for any wires that the forward pass computed
        tape : the tape that `forward` returned; it can be used once
        wires : more wires whose gradients are returned
        inputs : whether to return the input gradients; training does not need them, and they take time
        on_node : an observer (`graph.observers`)
        on_gradients : function that takes {"node/weight": gradient} of each node when they are known; none is kept

        Returns
        -------
        grad_inputs : {wire: gradient} for every input that the forward pass used (unless inputs=False) and for `wires`
        grad_params : {"node/weight": gradient} for every node that a gradient reached; empty with `on_gradients`
        """
        wires = (wires,) if isinstance(wires, str) else tuple(wires)
        errors.check_grads(grads, wires, tape, self)
        targets = [name for name in self.inputs if inputs and name in tape.computed and name not in tape.closed]
        targets += [wire for wire in wires if wire not in targets]
        tape.spent = True
        sums, grad_params = backward.backward(self.nodes, grads, tape, targets, on_node, on_gradients)
        dtype = next(iter(grads.values())).dtype
        results = {w: np.zeros(tape.computed[w], dtype) if grad is None else grad for w, grad in sums.items()}
        passed_on = [results[wire] for wire in wires]  # layers received these arrays and may have kept views
        return forward.unshared(results, [*grads.values(), *passed_on]), grad_params

    def astype(self, dtype: npt.DTypeLike) -> "Graph":
        """Return a copy of the network whose parameters and buffers have `dtype`."""
        other = copy.deepcopy(self)
        for view in (other.params, other.buffers):
            for key, value in view.items():
                view[key] = value.astype(dtype)
        return other

    def schedule(self, outputs: str | Iterable[str] | None = None) -> list[tuple[str, list[str]]]:
        """Return [(node, wires to free after it)]: the nodes that `outputs` need, in order."""
        return forward.schedule(self.nodes, self._requested(outputs))

    def summary(self) -> console.Table:
        """Return a table with the layer, the output shape and the number of parameters of every node.

        `mg.count(g)` also counts operations and memory.
        """
        rows = []
        for name, (layer, _) in self.nodes.items():
            params = sum(value.size for value in getattr(layer, "params", {}).values())
            rows.append((name, type(layer).__name__, self.shapes[name], params))
        total = ("total", "", "", sum(row[-1] for row in rows))
        return console.Table(repr(self), ("node", "layer", ">output", ">params"), rows, total=total)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}={shape}" for name, shape in self.inputs.items())
        return console.printable(f"Graph({inputs}): {len(self.nodes)} nodes")

    def __str__(self) -> str:
        rows = [
            (name, type(layer).__name__, str(self.shapes[name]), ", ".join(w))
            for name, (layer, w) in self.nodes.items()
        ]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:{widths[2]}}  <- {d}" for a, b, c, d in rows]
        return "\n".join([repr(self), *map(console.printable, lines)])

    def check_inputs(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """Return {input: array} if it fits this graph's inputs; else raise an error."""
        return errors.check_inputs(inputs, self.inputs)

    def _requested(self, outputs):
        if outputs is None:
            return self.outputs
        outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        errors.check_known(outputs, self.shapes, "outputs")
        return outputs
