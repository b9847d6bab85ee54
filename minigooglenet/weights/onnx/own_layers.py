"""Export your own layers to ONNX: one function per class, which you register."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from minigooglenet.layers import Layer

Writer = TypeVar("Writer", bound=Callable[..., Iterable[tuple[Any, ...]]])

_WRITERS: dict[
    type, Callable[..., Iterable[tuple[Any, ...]]]
] = {}  # {class: function (layer, *input_shapes) -> [(operator, inputs, output, attributes)]}


def register(cls: type[Layer]) -> Callable[[Writer], Writer]:
    """Register how a layer class is written to ONNX: a decorator for a function `(layer, *input_shapes) -> operators`.

    Each operator is (name, inputs, output) or (name, inputs, output, attributes). An input is "x" ("x0", "x1", ... for
    a layer with several inputs), the output of an earlier operator, or an array, which becomes a constant. The output
    of the last operator is "y". A subclass needs its own function.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> class Tanh(mg.layers.Layer):
    ...     pass
    >>> @mg.weights.onnx.register(Tanh)
    ... def write_tanh(layer, input_shape):
    ...     return [("Tanh", ["x"], "y")]
    """
    if not isinstance(cls, type):
        raise TypeError(f"register expects a layer class, as in @onnx.register(Swish), got {cls!r}")

    def add(function: Writer) -> Writer:
        _WRITERS[cls] = function
        return function

    return add


def operators(layer, name, wires, shapes, used):
    """Return what `written_by` returns for a registered layer, or None."""
    writer = _WRITERS.get(type(layer))
    return writer and written_by(writer, layer, name, wires, shapes, used)


def written_by(writer, layer, name, wires, shapes, used):
    """Return ([(operator, inputs, output, attributes)], {name: array}) of a layer.

    Local names become `name/local`; `used` has the names that are already taken.
    """
    names = {"y": name} | ({"x": wires[0]} if len(wires) == 1 else {f"x{i}": wire for i, wire in enumerate(wires)})
    written: list[tuple[Any, ...]] = []
    arrays: dict[str, np.ndarray] = {}
    entries = list(writer(layer, *shapes))
    if not entries or entries[-1][2] != "y":
        raise ValueError(f'node {name!r}: the last operator of {type(layer).__name__} must write "y"')
    for operator, inputs, output, *attributes in entries:
        sources = []
        for source in inputs:
            if isinstance(source, str):
                if source not in names or source == "y":
                    raise ValueError(f"node {name!r}: {operator} reads {source!r}, which no earlier operator writes")
                sources.append(names[source])
            else:
                key = free(f"{name}/constant{len(arrays)}", used)
                arrays[key] = np.asarray(source)
                sources.append(key)
        names.setdefault(output, free(f"{name}/{output}", used))
        written.append((operator, sources, names[output], dict(*attributes)))
    return written, arrays


def free(name, used):
    """Return an unused name: `name` with as many underscores after it as needed."""
    while name in used:
        name += "_"
    return name
