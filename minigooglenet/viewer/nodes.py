"""The numbers of every node, as the page stores them: counts, shapes, settings, receptive fields, and its code."""

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import minigooglenet
from minigooglenet import layers, methods
from minigooglenet.counting import costs, count, memory, paths
from minigooglenet.counting.rows import SUMMED
from minigooglenet.kernels.signatures import SIGNATURES

STOREYS = {"loops": "definition", "numpy": "NumPy", "fast": "fast"}


def numbers(graph) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return ({name of a total: value}, [numbers of each input and node, in the order of execution])."""
    outputs = tuple(dict.fromkeys([*graph.outputs, *graph.default_outputs]))
    counted = count(graph, outputs=outputs)
    schedule = graph.schedule(outputs)
    live = memory.live_wire_bytes(graph, schedule)
    layer_costs = {
        row.name: costs.cost(graph.nodes[row.name].layer, *row.input_shapes) for row in counted.rows
    }
    narrow, wide = paths.extents(graph, layer_costs)
    nodes = [_input(name, shape) for name, shape in graph.inputs.items()]
    nodes += [_node(graph, row, live[row.name], counted.explain(row.name)) for row in counted.rows]
    for node in nodes[len(graph.inputs) :]:
        layer = graph.nodes[node["name"]].layer
        node["own"] = None if has_formula(layer) else _own(layer, layer_costs[node["name"]], node["input_shapes"])
        if getattr(layer, "algorithm", None) == "winograd":  # the page's formulas need to know
            node["algorithm"] = "winograd"
    for node in nodes:
        node["extents"] = {
            "narrow": [_progression(axis) for axis in narrow[node["name"]]],
            "wide": [_progression(axis) for axis in wide[node["name"]]],
        }
    totals = {key: getattr(counted, key) for key in (*SUMMED, "flops", "peak_bytes", "depth", "depth_with_pooling")}
    return totals, nodes


def _input(name, shape):
    counts = dict.fromkeys(SUMMED, 0)
    return {"name": name, "kind": "Input", "reads": [], "input_shapes": [], "shape": list(shape), **counts,
            "live_bytes": None, "settings": {}, "explain": [], "code": [], "field_max": None}


def _node(graph, row, live_bytes, explained):
    layer, wires = graph.nodes[row.name]
    return {
        "name": row.name,
        "kind": row.kind,
        "reads": list(wires),
        "input_shapes": [list(shape) for shape in row.input_shapes],
        "shape": list(row.output_shape),
        "settings": row.settings,
        **{key: getattr(row, key) for key in SUMMED},
        "live_bytes": live_bytes,
        "field_min": list(row.receptive_field_min),
        "field_max": list(row.receptive_field_max),
        "jump": list(row.jump),
        "explain": explained.splitlines(),
        "code": code_of(type(layer)),
    }


def has_formula(layer) -> bool:
    """Return whether the page can compute a layer's numbers again: it is this package's own, with its own cost."""
    cls = type(layer)
    known = layers.registry.BUILT_IN.get(cls.__name__)
    if known is None or known.cls is not cls or not methods.unchanged(layer, "output_shape", "settings"):
        return False
    return costs.COSTS[cls].__module__ == costs.__name__


def _own(layer, cost, input_shapes):
    """Return what the page cannot compute of another layer: whether it saves its inputs, and its windows."""
    windows = costs.windows(layer, cost, *map(tuple, input_shapes))
    if isinstance(windows, tuple):
        windows = [[list(axis.starts), list(axis.stops), axis.step] for axis in windows]
    return {"inputs": cost.keeps.inputs, "windows": windows}


def _progression(extent):
    """Return the first and last pixels along one axis, as [start, step, count, length] if they are equally spaced."""
    first, last = extent.first.astype(int), extent.last.astype(int)
    steps, lengths = np.unique(np.diff(first)), np.unique(last - first + 1)
    if len(steps) <= 1 and len(lengths) == 1:
        return [int(first[0]), int(steps[0]) if len(steps) else 0, len(first), int(lengths[0])]
    return {"first": first.tolist(), "last": last.tolist()}


@cache
def code_of(cls) -> list[dict[str, Any]]:
    """Return [{what, file, line}]: where a layer's class and the forms of its operation are written."""
    try:
        found = [{"what": "layer", **_location(cls)}]
        source = inspect.getsource(cls)
    except (OSError, TypeError):  # defined in a session that keeps no source
        return []
    for operation in SIGNATURES:
        if f"{operation}.forward(" not in source:
            continue
        for storey, what in STOREYS.items():
            path = Path(minigooglenet.__file__).parent / "kernels" / storey / f"{operation}.py"
            if path.exists():
                lines = path.read_text(encoding="utf-8").splitlines()
                line = next((i for i, text in enumerate(lines, 1) if text.startswith("def forward")), 1)
                found.append({"what": what, "file": f"minigooglenet/kernels/{storey}/{operation}.py", "line": line})
    return found


def _location(cls):
    path, (_, line) = Path(inspect.getsourcefile(cls) or ""), inspect.getsourcelines(cls)
    root = Path(minigooglenet.__file__).parents[1]
    return {"file": path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name, "line": line}
