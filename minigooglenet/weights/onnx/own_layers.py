"""Layers of your own as operators of ONNX: a function for each class, registered by you."""

import numpy as np

_WRITERS = {}  # {class: function (layer, *input_shapes) -> [(operator, inputs, output, attributes)]}


def register(cls):
    """State how a class of layers is written to ONNX: a decorator for a function (layer, *input_shapes) -> operators.

    Each operator is (name, inputs, output) or (name, inputs, output, attributes). An input is "x" ("x0", "x1", ... of a
    layer with several), the output of an earlier operator, or an array, which becomes a constant. The last operator's
    output is "y". A subclass needs a function of its own.
    """
    if not isinstance(cls, type):
        raise TypeError(f"register takes the class of a layer, as in @onnx.register(Swish), got {cls!r}")

    def add(function):
        _WRITERS[cls] = function
        return function

    return add


def operators(layer, name, wires, shapes, used):
    """Return ([(operator, inputs, output, attributes)], {name: array}) of a registered layer, or None.

    Local names become `name/local`; `used` holds the names that are taken already.
    """
    writer = _WRITERS.get(type(layer))
    if writer is None:
        return None
    names = {"y": name} | ({"x": wires[0]} if len(wires) == 1 else {f"x{i}": wire for i, wire in enumerate(wires)})
    written, arrays = [], {}
    entries = list(writer(layer, *shapes))
    if not entries or entries[-1][2] != "y":
        raise ValueError(f'node {name!r}: the last operator of {type(layer).__name__} must write "y"')
    for operator, inputs, output, *attributes in entries:
        sources = []
        for source in inputs:
            if isinstance(source, str):
                if source not in names or source == "y":
                    raise ValueError(f"node {name!r}: {operator} reads {source!r}, which no operator before it writes")
                sources.append(names[source])
            else:
                key = free(f"{name}/constant{len(arrays)}", used)
                arrays[key] = np.asarray(source)
                sources.append(key)
        names.setdefault(output, free(f"{name}/{output}", used))
        written.append((operator, sources, names[output], dict(*attributes)))
    return written, arrays


def free(name, used):
    """Return a name, with an underscore after it for as long as it is used already."""
    while name in used:
        name += "_"
    return name
