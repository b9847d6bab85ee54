"""Checks of a graph's names, shapes and arrays, with errors that name the wire or the node."""

import re

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.graph.tape import Tape
from minigooglenet.names import hint


class named_errors:  # noqa: N801 (used as a function, as contextlib's are)
    """Prefix a layer's errors with the node's name, and replace "input 2" in them by the name of that wire."""

    def __init__(self, name, wires):
        self.name, self.wires = name, wires

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind not in (ValueError, TypeError):
            return False
        text = re.sub(r"\binput (\d+)\b", self._wire, str(error))
        raise kind(f"node {self.name!r}: {text}") from error

    def _wire(self, match):
        index = int(match.group(1))
        return f"input {self.wires[index]!r}" if index < len(self.wires) else match.group(0)


def checked_name(name, what):
    """Return the name of an input or a node if it is a string of at least one character that files can store."""
    if not isinstance(name, str):
        raise TypeError(f"{what}'s name must be a string, got {name!r}")
    if not name:
        raise ValueError(f"{what}'s name must have at least one character")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what}'s name must be text that UTF-8 can encode, got {name!r}") from error
    return name


def checked_shape(shape, name):
    """Return the shape of wire `name` as a tuple of integers of at least 1."""
    return shapes.shape(shape, f"the shape of {name!r}")


def check_known(wires, shapes, who):
    """Raise a ValueError that suggests the right name if a wire is not one of `shapes`."""
    for wire in wires:
        if wire not in shapes:
            advice = hint(wire, shapes, f"The first wires are {list(shapes)[:8]}.", most=3)
            raise ValueError(f"{who + ': ' if who else ''}unknown wire {wire!r}{advice}")


def check_inputs(inputs, expected):
    """Return {input: array (N, ...)} if it has an array for each of {input: shape}; else raise an error."""
    if not isinstance(inputs, dict):
        name = next(iter(expected))
        advice = f". Pass {{{name!r}: x}}." if isinstance(inputs, np.ndarray) and len(expected) == 1 else ""
        raise TypeError(f"inputs must be a dict {{{name!r}: array}}, got {type(inputs).__name__}{advice}")
    if set(inputs) != set(expected):
        raise ValueError(f"the inputs of the graph are {list(expected)}, got {list(inputs)}")
    batches = {}
    for name, x in inputs.items():
        shape = expected[name]
        if getattr(x, "shape", None) == shape:
            raise ValueError(f"input {name!r} must be (N, {_listed(shape)}), got {shape}. Add the batch axis: x[None].")
        checks.floating(x, f"input {name!r}")
        if x.shape[1:] != shape:
            raise ValueError(f"input {name!r} must be (N, {_listed(shape)}), got {x.shape}{_hint(x, shape)}")
        batches[name] = len(x)
    if len(set(batches.values())) > 1:
        raise ValueError(f"all inputs must have the same number of images, got {batches}")
    dtypes = {name: x.dtype.name for name, x in inputs.items()}
    if len(set(dtypes.values())) > 1:
        raise TypeError(f"all inputs must have the same dtype, got {dtypes}")
    return inputs


def checked_result(name, y, expected):
    """Return the output of node `name` if it is an array of the `expected` shape; else raise an error."""
    if getattr(y, "shape", None) != expected:
        got = y.shape if hasattr(y, "shape") else "None" if y is None else f"a {type(y).__name__}"
        raise ValueError(f"node {name!r}: forward must return shape {expected}, got {got}")
    return checks.unmasked(y, f"the output of node {name!r}")


def checked_gradients(name, grad_inputs, wires, needed, computed):
    """Raise a ValueError unless node `name` returned a gradient with the shape of each wire."""
    if len(grad_inputs) != len(wires):
        raise ValueError(f"node {name!r}: backward returned {len(grad_inputs)} gradients for {len(wires)} inputs")
    for wire, part in zip(wires, grad_inputs, strict=True):
        checks.unmasked(part, f"the gradient that node {name!r} returned for {wire!r}")
        if wire in needed and getattr(part, "shape", None) != computed[wire]:
            raise ValueError(
                f"node {name!r}: backward must return shape {computed[wire]} for {wire!r}, "
                f"got {getattr(part, 'shape', part)}"
            )


def _hint(x, shape):
    if len(shape) == 3 and x.shape[1:] == (*shape[1:], shape[0]):
        return ". The channels come last: pass x.transpose(0, 3, 1, 2)."
    if len(shape) == 3 and shape[0] == 3 and x.shape[1:] == (1, *shape[1:]):
        return f". These images are grey: use np.repeat(x, 3, axis=1), or build the graph for {(1, *shape[1:])}."
    if len(shape) == 3 and x.ndim == 4 and x.shape[1] == shape[0]:
        return f". Resize the images to {shape[1]} x {shape[2]}, or build the graph for {x.shape[1:]}."
    return ""


def _listed(shape):
    return ", ".join(map(str, shape))


def check_finite_wire(wire, x):
    """Raise a ValueError that names the wire and the first index at which x is not finite."""
    finite = np.isfinite(x)
    if not finite.all():
        index = tuple(map(int, np.argwhere(~finite)[0]))
        raise ValueError(
            f"wire {wire!r} is the first wire with a NaN or an infinity: {x.size - int(finite.sum())} of {x.size} "
            f"values, the first is {x[index]} at index {index}"
        )


def check_layer(name, layer, wires, nodes):
    """Raise an error unless this layer can become node `name`: it reads so many wires and is not in `nodes` yet."""
    if isinstance(layer, type) or not hasattr(layer, "output_shape"):
        hint = f". Try {layer.__name__}(...)." if isinstance(layer, type) else ""
        raise TypeError(f"node {name!r}: expected a layer, got {layer!r}{hint}")
    for other, node in nodes.items():
        if node.layer is layer:
            raise ValueError(
                f"node {name!r}: this layer object is already used by node {other!r}. Create a new layer for each node."
            )
    expected = getattr(layer, "inputs_taken", None)
    if not wires or (expected is not None and len(wires) != expected):
        wanted = f"{expected or 'at least 1'} input{'s' * (expected not in (None, 1))}"
        names = f"{len(wires)} wire{'s' * (len(wires) != 1)} ({', '.join(map(repr, wires))})" if wires else "no wires"
        advice = "Join several with Concat or Add first." if wires else "Pass their names after the layer."
        raise ValueError(f"node {name!r}: {type(layer).__name__} expects {wanted}, got {names}. {advice}")


def check_grads(grads, wires, tape, graph):
    """Raise an error unless `tape` fits the gradients {wire: array} and the requested `wires`."""
    if not isinstance(tape, Tape):
        raise TypeError(f"backward expects the tape that forward returned, got {type(tape).__name__}")
    if tape.nodes is not graph.nodes:
        raise ValueError("this tape belongs to another graph. Pass the tape that this graph's forward returned.")
    if tape.spent:
        raise ValueError("this tape has already been used: backward() empties it to free memory. Run forward() again.")
    if not isinstance(grads, dict) or not grads:
        got = "an empty dict" if isinstance(grads, dict) else type(grads).__name__
        hint = f". Try {{{graph.main!r}: gradient}}."
        raise TypeError(f"backward expects {{wire: gradient}} with at least one entry, got {got}{hint}")
    check_known([*grads, *wires], graph.shapes, "backward")
    for wire in (*grads, *wires):
        if wire not in tape.computed:
            raise ValueError(f"wire {wire!r} was not computed by this forward pass. Name it in outputs=[...].")
        if wire in tape.closed:
            raise ValueError(
                f"wire {wire!r} has no gradient: every trainable layer up to it was frozen in this forward pass"
            )
    for wire, grad in grads.items():
        what = f"the gradient of wire {wire!r}"
        checks.has_shape(checks.floating(grad, what), f"{what}, like the wire,", tape.computed[wire])
