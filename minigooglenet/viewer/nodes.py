"""The numbers of every node, as the page stores them: counts, shapes, settings, receptive fields, and its code."""

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import minigooglenet
from minigooglenet import layers, methods
from minigooglenet.counting import Cost, costs, memory, paths
from minigooglenet.counting.counts import POOLS, PRODUCTS
from minigooglenet.counting.rows import KIND_OF_COLUMN, SUMMED, rows_of
from minigooglenet.kernels.signatures import SIGNATURES

STOREYS = {"loops": "definition", "numpy": "NumPy", "fast": "fast"}
NEED_COST = (*KIND_OF_COLUMN, "tape_bytes")  # unknown without a registered cost


def numbers(graph) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]:
    """Return ({name of a total: value}, [numbers of each input and node, in the order of execution], {node: message}).

    The messages are those of nodes without a registered cost. Their operations are None, as is every total that they
    are part of and every receptive field that depends on them: an unknown number is never zero.
    """
    if not graph.nodes:
        raise ValueError("nothing to show: the graph has no nodes. Add some with graph.add(name, layer, wire).")
    schedule = graph.schedule(tuple(dict.fromkeys([*graph.outputs, *graph.default_outputs])))
    layer_costs, unknown = _costs(graph, [name for name, _ in schedule])
    rows = rows_of(graph, layer_costs)
    live = memory.live_wire_bytes(graph, schedule)
    narrow, wide = paths.extents(graph, layer_costs)
    without_field = _after(graph, layer_costs, unknown)
    nodes = [_input(name, shape) for name, shape in graph.inputs.items()]
    nodes += [_node(graph, row, live[row.name]) for row in rows]
    for node in nodes[len(graph.inputs) :]:
        layer, name = graph.nodes[node["name"]].layer, node["name"]
        node["own"] = (
            None if has_formula(layer) else _own(layer, layer_costs[name], node["input_shapes"], name in unknown)
        )
        if getattr(layer, "algorithm", None) == "winograd":  # the page's formulas need to know
            node["algorithm"] = "winograd"
    for node in nodes:
        name = node["name"]
        node["extents"] = {
            "narrow": [_progression(axis) for axis in narrow[name]],
            "wide": [_progression(axis) for axis in wide[name]],
        }
        if name in without_field:
            node |= dict.fromkeys(("field_min", "field_max", "jump", "extents"))
            node["explain"].pop()
        if name in unknown:
            node |= dict.fromkeys(NEED_COST)
            node["explain"].append(f"  {unknown[name]}")
    return _totals(graph, schedule, rows, unknown), nodes, unknown


def _costs(graph, order):
    """Return ({node: Cost}, {node: why its cost is unknown}). A user's cost function may raise any error."""
    layer_costs, unknown = {}, {}
    for name in order:
        layer, wires = graph.nodes[name]
        shapes = [graph.shapes[wire] for wire in wires]
        try:
            cost = costs.cost(layer, *shapes)
            costs.windows(layer, cost, *shapes)
            layer_costs[name] = cost._replace(terms=tuple(cost.terms))
        except Exception as error:
            layer_costs[name] = Cost()
            unknown[name] = str(error) or type(error).__name__
    return layer_costs, unknown


def _after(graph, order, unknown):
    """Return the nodes of `unknown` and all nodes that depend on them."""
    after: set[str] = set()
    for name in order:
        if name in unknown or not after.isdisjoint(graph.nodes[name].wires):
            after.add(name)
    return after


def _totals(graph, schedule, rows, unknown):
    totals: dict[str, Any] = {key: sum(getattr(row, key) for row in rows) for key in SUMMED}
    totals["flops"] = 2 * totals["macs"]
    totals["peak_bytes"] = memory.peak(graph, schedule).total
    order = [name for name, _ in schedule]
    totals["depth"] = paths.depth(graph, order, PRODUCTS.__contains__)
    totals["depth_with_pooling"] = paths.depth(graph, order, (*PRODUCTS, *POOLS).__contains__)
    return totals | dict.fromkeys((*NEED_COST, "flops") if unknown else ())


def _input(name, shape):
    counts = dict.fromkeys(SUMMED, 0)
    return {
        "name": name,
        "kind": "Input",
        "reads": [],
        "input_shapes": [],
        "shape": list(shape),
        **counts,
        "live_bytes": None,
        "settings": {},
        "explain": [],
        "code": [],
        "field_max": None,
    }


def _node(graph, row, live_bytes):
    layer, wires = graph.nodes[row.name]
    return {
        "name": row.name,
        "kind": row.kind,
        "reads": list(wires),
        "input_shapes": [list(shape) for shape in row.input_shapes],
        "shape": list(row.output_shape),
        "settings": {str(name): _plain(value) for name, value in row.settings.items()},
        **{key: getattr(row, key) for key in SUMMED},
        "live_bytes": live_bytes,
        "field_min": list(row.receptive_field_min),
        "field_max": list(row.receptive_field_max),
        "jump": list(row.jump),
        "explain": row.explain().splitlines(),
        "code": code_of(type(layer)),
    }


def has_formula(layer) -> bool:
    """Return whether the page can compute a layer's numbers again: it is this package's own, with its own cost."""
    cls = type(layer)
    known = layers.registry.BUILT_IN.get(cls.__name__)
    if known is None or known.cls is not cls or not methods.unchanged(layer, "output_shape", "settings"):
        return False
    return costs.COSTS[cls].__module__ == costs.__name__


def _own(layer, cost, input_shapes, unknown):
    """Return what the page cannot compute of another layer: whether it saves its inputs, and its windows."""
    windows = None if unknown else costs.windows(layer, cost, *map(tuple, input_shapes))
    if isinstance(windows, tuple):
        windows = [[list(axis.starts), list(axis.stops), axis.step] for axis in windows]
    return {"inputs": cost.keeps.inputs, "windows": windows}


def _plain(value):
    """Return a setting as JSON has it; anything else, such as an array or an infinity, as text."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    finite = not isinstance(value, float) or np.isfinite(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) and finite else str(value)


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
