"""A network as named wires: nodes in the order they were added, forward along it, backward against it.

The graph knows no layer and no kernel: it hands a node's layer the arrays on its input wires and puts the result on the
node's own wire. A branch is a wire that two nodes read, and gets two gradients, which add up. An auxiliary head is
a wire that gets a gradient of its own. What a backward needs lies on the tape, {node: cache}; backward pops it, so that
memory is given back on the way.
"""

import copy
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console, parallel
from minigooglenet.restoring import restored_on_error
from minigooglenet.shortcuts import usable
from minigooglenet.tape import Tape
from minigooglenet.views import ArrayView, Named, closest
from minigooglenet.wires import (
    check_finite_wire,
    check_inputs,
    checked_name,
    checked_result,
    checked_shape,
    named_errors,
)


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
        self.inputs = {checked_name(name, "an input"): checked_shape(shape, name) for name, shape in inputs.items()}
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
            self._check_known(wires, "outputs names")
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
        self._check_known([wire], "the graph was asked for")
        return self.shapes[wire]

    def add(self, name, layer, *wires):
        """Add a node that reads `wires`, and return the name of the wire that it writes: its own.

        Raises
        ------
        ValueError, TypeError
            At once, naming the node, if the name is taken, a wire is unknown or the shapes do not fit.
        """
        checked_name(name, "a node")
        if name in self.shapes:
            raise ValueError(f"node {name!r}: the name is taken already; every wire needs its own")
        if any(not isinstance(wire, str) for wire in wires):
            raise TypeError(f"node {name!r}: wires are names, one after the other, got {', '.join(map(repr, wires))}")
        if isinstance(layer, type) or not hasattr(layer, "output_shape"):
            hint = f"; perhaps {layer.__name__}(...)?" if isinstance(layer, type) else ""
            raise TypeError(f"node {name!r}: expected a layer, got {layer!r}{hint}")
        for other, node in self.nodes.items():
            if node.layer is layer:
                raise ValueError(
                    f"node {name!r}: this very layer is node {other!r} already; make a new one for each node"
                )
        self._check_known(wires, f"node {name!r} reads")
        taken = getattr(layer, "inputs_taken", None)
        if not wires or (taken is not None and len(wires) != taken):
            expected = taken or "at least 1"
            raise ValueError(
                f"node {name!r}: {type(layer).__name__} takes {expected} input(s), got {len(wires)} wires {wires}"
                f"{'; join several with Concat or Add first' if wires else ''}"
            )
        with named_errors(name, wires):
            shape = layer.output_shape(*(self.shapes[wire] for wire in wires))
        self.made_by = None
        self.nodes[name] = Node(layer, wires)
        self.shapes[name] = checked_shape(shape, name)
        return name

    def forward(self, inputs, outputs=None, train=False, check_finite=False, frozen=()):
        """Run the network and keep what a backward needs.

        Parameters
        ----------
        inputs : {input: array (N, C, H, W)}; the tape keeps them, so leave them unchanged until the backward
        outputs : wires to return, all of `self.outputs` unless given; only what they need is computed
        train : switches dropout on and batch norm to the batch's statistics
        check_finite : stop with an error that names the first wire that holds a NaN or an infinity
        frozen : nodes that compute as in inference and whose parameters get no gradients; where nothing before a wire
            trains, nothing is kept for a backward and none comes by

        Returns
        -------
        outputs : {wire: array}
        tape : for one `backward`
        """
        wanted = self._wanted(outputs)
        inputs = self.check_inputs(inputs)
        self._check_known(frozen, "frozen names")
        tape = Tape(self.nodes, {name: x.shape for name, x in inputs.items()})
        tape.frozen = frozenset(frozen)
        if frozen:
            tape.closed.update(self.inputs)
        with restored_on_error(self.nodes if train else {}):
            values = self._run(inputs, wanted, train, check_finite, tape)
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
        """Return {wire: array} of `outputs`: a forward that keeps no tape and frees each wire after its last reader."""
        wanted = self._wanted(outputs)
        values = self._run(self.check_inputs(inputs), wanted, train=False)
        taken = list(inputs.values())  # a layer of your own may pass on its input, or one of its arrays
        for wire, y in values.items():
            own = getattr(self.nodes[wire].layer, "params", {}) if wire in self.nodes else {}
            if any(np.may_share_memory(y, other) for other in (*taken, *own.values())):
                values[wire] = y.copy()
            taken.append(values[wire])
        return values

    def backward(self, grads, tape, wires=(), inputs=True):
        """Send gradients back through the forward that made `tape`.

        Parameters
        ----------
        grads : {wire: gradient of its shape}, on any wires that the forward computed
        tape : of `forward`; it serves once
        wires : further wires whose gradients are returned with those of the inputs
        inputs : whether the inputs' gradients are wanted; training can do without them, and without their cost

        Returns
        -------
        grad_inputs : {wire: gradient} for every input that the forward used, if wanted, and every one of `wires`
        grad_params : {"node/weight": gradient} for every node that a gradient reached
        """
        wires = (wires,) if isinstance(wires, str) else tuple(wires)
        pending = self._checked_grads(grads, tape, wires)
        dtype = next(iter(pending.values())).dtype
        found, grad_params, sums = {}, {}, set()
        unwanted = tape.closed | (set() if inputs else {name for name in self.inputs if name not in wires})
        tape.spent = True
        with parallel.computing():
            for name in reversed(list(tape)):
                grad, cache = pending.pop(name, None), tape.pop(name)
                if grad is None:
                    continue
                if name in wires:
                    found[name] = grad
                grad_inputs, grads_of_node = self._node_backward(name, grad, cache, tape, unwanted)
                for wire, part in zip(self.nodes[name].wires, grad_inputs, strict=True):
                    if wire in unwanted:
                        continue
                    if wire in sums:
                        _add(pending[wire], part, pending[wire])  # nobody else has seen a sum that was made here
                    elif wire in pending:
                        # Out of place: a layer may hand the same array to two wires.
                        pending[wire] = _add(pending[wire], part, np.empty_like(part))
                        sums.add(wire)
                    else:
                        pending[wire] = part
                if name not in tape.frozen:
                    grad_params.update({f"{name}/{key}": value for key, value in grads_of_node.items()})
        found |= pending  # what is left has reached the inputs
        asked = [*(name for name in self.inputs if name in tape.computed and name not in unwanted), *wires]
        taken = list(grads.values())
        for wire in asked:
            if wire not in found:
                found[wire] = np.zeros(tape.computed[wire], dtype)
            elif wire in wires or any(np.may_share_memory(found[wire], grad) for grad in taken):
                found[wire] = found[wire].copy()  # it was handed on, or is the caller's own
            taken.append(found[wire])
        return {wire: found[wire] for wire in asked}, grad_params

    def astype(self, dtype):
        """Return a copy of the network whose parameters and buffers have `dtype`."""
        other = copy.deepcopy(self)
        for view in (other.params, other.buffers):
            for key, value in view.items():
                view[key] = value.astype(dtype)
        return other

    def schedule(self, outputs=None):
        """Return [(node, wires free after it)] of what computing `outputs` runs, in order."""
        wanted = self._wanted(outputs)
        needed, waiting = set(), list(wanted)
        while waiting:
            name = waiting.pop()
            if name in self.nodes and name not in needed:
                needed.add(name)
                waiting.extend(self.nodes[name].wires)
        order = [name for name in self.nodes if name in needed]
        last_reader = {wire: name for name in order for wire in self.nodes[name].wires}
        free = {name: [] for name in order}
        for wire, name in last_reader.items():
            if wire not in wanted:
                free[name].append(wire)
        return list(free.items())

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

    def _run(self, inputs, wanted, train, check_finite=False, tape=None):
        values = dict(inputs)
        if check_finite:
            for wire, x in values.items():
                check_finite_wire(wire, x)
        parallel.get_num_threads()  # a wrong setting is no node's fault
        overflow = {"over": "ignore", "invalid": "ignore"} if check_finite else {}  # the check has better words for it
        with parallel.computing(), np.errstate(**overflow):
            for name, free in self.schedule(wanted):
                layer, wires = self.nodes[name]
                with named_errors(name, wires):
                    xs = [values[wire] for wire in wires]
                    if tape is None:
                        y, cache = _infer(layer, xs), None
                    else:
                        y, cache = layer.forward(*xs, train=train and name not in tape.frozen)
                expected = (len(values[wires[0]]), *self.shapes[name])
                checked_result(name, y, expected)
                if check_finite:
                    check_finite_wire(name, y)
                values[name] = y
                if tape is not None:
                    tape.computed[name] = y.shape
                    if tape.closed.issuperset(wires) and (name in tape.frozen or not getattr(layer, "params", ())):
                        tape.closed.add(name)
                    else:
                        tape[name] = cache
                del cache, y
                for wire in free:
                    del values[wire]
        return {wire: values[wire] for wire in wanted}

    def _node_backward(self, name, grad, cache, tape, unwanted):
        layer, wires = self.nodes[name]
        with named_errors(name, wires):
            if all(wire in unwanted for wire in wires) and usable(layer, "backward_params"):
                return (None,) * len(wires), layer.backward_params(grad, cache)
            backward = layer.backward_views if usable(layer, "backward_views") else layer.backward
            grad_inputs, grads = backward(grad, cache)
        if len(grad_inputs) != len(wires):
            raise ValueError(
                f"node {name!r}: its backward returned {len(grad_inputs)} gradients for {len(wires)} inputs"
            )
        for wire, part in zip(wires, grad_inputs, strict=True):
            if getattr(part, "shape", None) != tape.computed[wire]:
                raise ValueError(
                    f"node {name!r}: its backward should return shape {tape.computed[wire]} for {wire!r}, "
                    f"got {getattr(part, 'shape', part)}"
                )
            checks.unmasked(part, f"the gradient that node {name!r} returned for {wire!r}")
        return grad_inputs, grads

    def check_inputs(self, inputs):
        """Return {input: array} once it is known to be what this graph takes."""
        return check_inputs(inputs, self.inputs)

    def _checked_grads(self, grads, tape, wires):
        if not isinstance(tape, Tape):
            raise TypeError(f"backward takes the tape of a forward, got {type(tape).__name__}")
        if tape.nodes is not self.nodes:
            raise ValueError("this tape belongs to another graph: backward takes the tape of its own forward")
        if tape.spent:
            raise ValueError("this tape was used already: a backward pops it to give memory back; run forward again")
        if not isinstance(grads, dict) or not grads:
            got = "an empty dict" if isinstance(grads, dict) else type(grads).__name__
            hint = f"; perhaps {{{self.main!r}: gradient}}?"
            raise TypeError(f"backward takes {{wire: gradient}} with at least one entry, got {got}{hint}")
        self._check_known([*grads, *wires], "backward was asked for")
        for wire in (*grads, *wires):
            if wire not in tape.computed:
                raise ValueError(f"wire {wire!r} was not computed by this forward; name it in outputs=[...]")
            if wire in tape.closed:
                raise ValueError(f"wire {wire!r} gets no gradient: this forward froze everything before it")
        return {
            wire: checks.has_shape(
                checks.floating(grad, f"the gradient on wire {wire!r}"),
                f"the gradient on wire {wire!r}, as the wire itself,",
                tape.computed[wire],
            )
            for wire, grad in grads.items()
        }

    def _wanted(self, outputs):
        if outputs is None:
            return self.outputs
        outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        self._check_known(outputs, "outputs asks for")
        return outputs

    def _check_known(self, wires, who):
        for wire in wires:
            if wire not in self.shapes:
                close = closest(wire, self.shapes, most=3)
                hint = f"; perhaps {close}?" if close else f"; there are {list(self.shapes)[:8]} ..."
                raise ValueError(f"{who} an unknown wire {wire!r}{hint}")


def _add(a, b, out):
    parallel.spread(lambda start, stop: np.add(a[start:stop], b[start:stop], out=out[start:stop]), len(out))
    return out


def _infer(layer, xs):
    return layer.infer(*xs) if usable(layer, "infer") else layer.forward(*xs)[0]
