"""Graphs as plain values that a file can store, and graphs rebuilt from such values.

    {"inputs": {name: shape}, "nodes": [[name, class, settings, wires], ...], "outputs": [wire, ...] or null}

A class is looked up by its name in `layers.registry`, and its settings are the keyword arguments of its constructor.
A file therefore contains no code, and its sizes are checked before anything is allocated.
"""

from __future__ import annotations

import collections
import math
import types
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigooglenet import checks
from minigooglenet.graph import Graph
from minigooglenet.layers import registry
from minigooglenet.layers.base import Layer
from minigooglenet.typing import Array
from minigooglenet.weights.contents import MOST_BYTES, MOST_NUMBER, MOST_TEXT, check_text, some

__all__ = ["build", "describe"]

MOST_NODES = 4000
MOST_DEPTH = 5  # of nested settings
MOST_PROBLEMS = 5  # listed in one message
KEYS = {"inputs", "nodes", "outputs"}
PACKAGE = "minigooglenet."
UNFIT = (ValueError, TypeError, ArithmeticError, AttributeError, LookupError)  # raised by unsuitable settings


def describe(graph: Graph) -> dict[str, Any]:
    """Return a graph as plain values, after checking that they give the same graph again.

    Raises
    ------
    ValueError
        If they do not: the message lists the nodes that a file cannot store, with reasons.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.Graph(image=(3, 8, 8))
    >>> _ = g.add("relu", mg.layers.ReLU(), "image")
    >>> mg.weights.architecture.describe(g)
    {'inputs': {'image': [3, 8, 8]}, 'nodes': [['relu', 'ReLU', {}, ['image']]], 'outputs': None}
    """
    record, problems = _record(graph)
    problems += _of_graph(graph)
    if not problems:
        problems = _differences(graph, record)
    if problems:
        more = f"\n  and {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
        raise ValueError(
            "this graph cannot be saved, because a file stores layers by name and settings, never code:\n  "
            + "\n  ".join(problems[:MOST_PROBLEMS])
            + more
            + "\nTo write its arrays without the graph, use weights.save(graph, path, arrays_only=True)."
        )
    for text in _shared(graph):
        warnings.warn(text, stacklevel=4)
    return record


def has_nodes_of(graph, record) -> bool:
    """Return whether a graph has the inputs and nodes of a record; outputs are ignored."""
    current, problems = _record(graph)
    return not problems and all(current[part] == record[part] for part in ("inputs", "nodes"))


def build(record: dict[str, Any], arrays: Mapping[str, Array]) -> Graph:
    """Return the graph that a file describes, with placeholder parameters, at most as many as the file has values.

    Parameters
    ----------
    record : what `describe` returned, after a round trip through JSON
    arrays : {"node/weight": array} of the file, or placeholders

    Raises
    ------
    ValueError, TypeError
        If the record is invalid, names an unknown layer, or needs more values than the arrays have.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> record = {"inputs": {"image": [3, 8, 8]}, "nodes": [["relu", "ReLU", {}, ["image"]]], "outputs": None}
    >>> mg.weights.architecture.build(record, {}).shapes["relu"]
    (3, 8, 8)
    """
    inputs, nodes, outputs = _checked(record)
    sizes: collections.Counter[str] = collections.Counter()
    for name, array in arrays.items():
        sizes[name.rpartition("/")[0]] += array.size
    graph = Graph(**inputs)
    for name, kind, settings, wires in nodes:
        try:
            layer = _layer(registry.entry(kind), settings, sizes[name])
        except UNFIT as error:
            raise ValueError(f"node {name!r}: {error or type(error).__name__}") from error
        try:
            graph.add(name, layer, *wires)
        except (ValueError, TypeError):
            raise  # the message names the node already
        except UNFIT as error:
            raise ValueError(f"node {name!r}: {error or type(error).__name__}") from error
        _check_size(name, graph.shapes[name])
    if outputs is not None:
        graph.outputs = outputs
    return graph


def _record(graph):
    """Return (plain values, problems)."""
    nodes, problems = [], []
    for name, (layer, wires) in graph.nodes.items():
        try:
            nodes.append([name, type(layer).__name__, _settings(layer), list(wires)])
        except UNFIT as error:
            problems.append(f"node {name!r}: {error or type(error).__name__}")
    inputs = {name: list(shape) for name, shape in graph.inputs.items()}
    assigned = getattr(graph, "assigned_outputs", None)
    return {"inputs": inputs, "nodes": nodes, "outputs": None if assigned is None else list(assigned)}, problems


def _settings(layer) -> dict[str, Any]:
    """Return the settings of a layer as plain values, or raise an error if a file cannot store them."""
    entry = registry.entry_of(layer)
    _check_methods(layer, entry)
    settings = dict(layer.settings())
    built_in = entry is registry.BUILT_IN.get(type(layer).__name__)
    unnamed: dict[str, Any] = {}
    for cls in type(layer).__mro__:
        unnamed |= getattr(registry.BUILT_IN.get(cls.__name__), "unnamed", {})
    for name, default in unnamed.items():
        value = getattr(layer, name)
        if name == "algorithm" and not isinstance(value, str):
            raise ValueError(f"its {name} is your own pair of functions, and a file never stores code")
        if value != default and built_in:
            settings[name] = value
        elif value != default and settings.get(name) != value:
            raise ValueError(f"its {name} is {value!r}, but its settings() does not return {name!r}")
    needed = [] if built_in else registry.arguments(type(layer))
    missing = [name for name in needed if name not in settings and name not in unnamed]
    if missing:
        raise ValueError(
            f"its settings() must return every constructor argument; missing: {', '.join(map(repr, missing))}"
        )
    return {check_text(name, "a setting's name"): _plain(value, name) for name, value in settings.items()}


def _check_methods(layer, entry):
    """Raise a ValueError if a method was replaced on the object, or on the class if it belongs to this package."""
    replaced = [name for name in vars(layer) if callable(getattr(type(layer), name, None))]
    if entry.cls.__module__.startswith(PACKAGE):
        for cls in type(layer).__mro__[: type(layer).__mro__.index(Layer) + 1]:
            for name, value in vars(cls).items():
                function = getattr(value, "__func__", value)
                origin = getattr(function, "__globals__", {}).get("__name__", "")
                if callable(function) and not isinstance(function, type) and not origin.startswith(PACKAGE):
                    replaced.append(name)
    if replaced:
        raise ValueError(
            f"its method {replaced[0]} was replaced, and a file never stores code. "
            "Write a subclass and register it with @mg.layers.register."
        )


def _of_graph(graph):
    """Return the parts of the graph itself that a file cannot store."""
    replaced = [name for name in vars(graph) if callable(getattr(type(graph), name, None))]
    problems = [f"the method {name} of the graph was replaced" for name in replaced]
    for cls in type(graph).__mro__[: type(graph).__mro__.index(Graph)]:
        changed = [name for name, value in vars(cls).items() if isinstance(value, types.FunctionType | property)]
        if any(hasattr(Graph, name) and name != "__init__" for name in changed):
            problems.append(
                f"the graph class {cls.__name__} overrides methods of Graph, but a file restores a plain Graph"
            )
    names = collections.Counter([*graph.params, *graph.buffers])
    problems += [f"two arrays have the name {name!r}" for name, count in names.items() if count > 1]
    problems += [
        f"it has {len(graph.nodes):,} nodes, more than {MOST_NODES:,}" for _ in range(len(graph.nodes) > MOST_NODES)
    ]
    return problems


def _differences(graph, record):
    """Return the differences between this graph and the graph that its file would give."""
    arrays = {**graph.params, **graph.buffers}
    try:
        restored = build(record, arrays)
    except (ValueError, TypeError) as error:
        return [str(error)]
    problems = []
    for name, _, settings, _ in record["nodes"]:
        layer = graph.nodes[name].layer
        again: Any = restored.nodes[name].layer
        if restored.shapes[name] != graph.shapes[name]:
            problems.append(
                f"node {name!r}: its settings {layer.settings()} give the shape {restored.shapes[name]}, but the graph "
                f"has {graph.shapes[name]}. Was a setting changed after the node was added?"
            )
        elif _settings(again) != settings:
            problems.append(f"node {name!r}: the restored layer has different settings(): {again.settings()}")
        for what in ("params", "buffers"):
            for key, array in getattr(layer, what, {}).items():
                if np.asarray(array).dtype not in checks.FLOATS:
                    problems.append(
                        f"node {name!r}: its array {key!r} has dtype {np.asarray(array).dtype}, not float32 or float64"
                    )
            actual, expected = (
                {key: np.shape(array) for key, array in getattr(one, what, {}).items()} for one in (layer, again)
            )
            if actual != expected:
                problems.append(f"node {name!r}: its settings give the {what} {expected}, but it has {actual}")
    return problems


def _shared(graph):
    """Yield a warning for each array that two nodes share, because loaded nodes do not share it."""
    owners: dict[int, list[str]] = {}
    for name, array in graph.params.items():
        owners.setdefault(id(array), []).append(name)
    for names in owners.values():
        if len(names) > 1:
            shared = " and ".join(map(repr, names))
            yield f"{shared} share one array. The file stores one copy per name, and loaded copies train separately"


def _layer(entry, settings, size):
    if entry.values is not None and (expected := entry.values(**settings)) != size:
        raise ValueError(f"its settings need {expected:,} values in parameters and buffers, the file has {size:,}")
    return entry.cls(**settings, **entry.blank)


def _checked(record):
    """Return (inputs, nodes, outputs) of a record, after checking the types and sizes of all its parts."""
    if not isinstance(record, dict) or set(record) != KEYS:
        got = sorted(record) if isinstance(record, dict) else type(record).__name__
        raise ValueError(f"its architecture must have {', '.join(sorted(KEYS))}, got {got}")
    inputs, nodes, outputs = record["inputs"], record["nodes"], record["outputs"]
    if not isinstance(inputs, dict) or not inputs or not isinstance(nodes, list) or not nodes:
        raise ValueError("its architecture must have at least one input and one node")
    if len(nodes) + len(inputs) > MOST_NODES:
        raise ValueError(f"its architecture has {len(nodes):,} nodes, more than {MOST_NODES:,}")
    for name, shape in inputs.items():
        if not isinstance(shape, list) or not all(type(side) is int and side > 0 for side in shape):
            raise ValueError(f"its architecture has input {name!r} with the invalid shape {some(shape)}")
        _check_size(name, shape)
    for node in nodes:
        if not isinstance(node, list) or [type(part) for part in node] != [str, str, dict, list]:
            raise ValueError(f"its architecture has the node {some(node)}; expected [name, class, settings, wires]")
        check_text(node[1], "the class of a node")
        _names(node[3], "the wires of a node")
    if outputs is not None:
        _names(outputs, "outputs")
    nodes = [
        (name, kind, {key: _restored(value) for key, value in settings.items()}, wires)
        for name, kind, settings, wires in nodes
    ]
    return {name: tuple(shape) for name, shape in inputs.items()}, nodes, outputs


def _names(value, what):
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError(f"its architecture must have a list of names as {what}, got {some(value)}")


def _check_size(name, shape):
    if math.prod(shape) * 4 > MOST_BYTES:
        raise ValueError(f"{name!r} has the shape {some(tuple(shape))}, more than {MOST_BYTES:,} bytes for one image")


def _plain(value, name, depth=0):
    """Return a setting as a JSON value: tuples become lists, NumPy scalars become Python numbers."""
    if isinstance(value, np.generic):
        value = value.item()
    if depth > MOST_DEPTH:
        raise ValueError(f"its setting {name!r} is nested more than {MOST_DEPTH} levels deep")
    if isinstance(value, list | tuple):
        return [_plain(one, name, depth + 1) for one in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(one, name, depth + 1) for key, one in value.items()}
    if value is None or isinstance(value, bool) or (isinstance(value, str) and len(value) <= MOST_TEXT):
        return value
    if isinstance(value, int) and abs(value) <= MOST_NUMBER:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise ValueError(
        f"its setting {name!r} is {some(value)}, but a file stores only finite floats, integers up to "
        f"{MOST_NUMBER:,}, strings up to {MOST_TEXT} characters, booleans, None, and tuples and dicts of these"
    )


def _restored(value, depth=0):
    """Return a setting from JSON with lists as tuples, after checking that `_plain` could have written it."""
    if isinstance(value, list) and depth <= MOST_DEPTH:
        return tuple(_restored(one, depth + 1) for one in value)
    if isinstance(value, dict) and depth <= MOST_DEPTH:
        return {key: _restored(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | dict):
        raise ValueError(f"its architecture has a setting that is nested more than {MOST_DEPTH} levels deep")
    _plain(value, "of a node")
    return value
