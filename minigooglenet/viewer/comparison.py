"""Two networks side by side as a table for the console: the nodes in which a difference begins."""

from typing import Any

from minigooglenet.console import Table, text
from minigooglenet.graph import Graph
from minigooglenet.viewer.differences import differences
from minigooglenet.viewer.nodes import numbers


def comparison(name: str, graph: Graph, other_name: str, other: Graph) -> Table:
    """Return a table of the nodes that only one network has, or that have another kind, other settings or inputs.

    Nodes whose sizes differ because of a node before them are only counted.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> floor, ceil = (mg.Graph(image=(1, 6, 6)) for _ in range(2))
    >>> wire = floor.add("pool", mg.layers.MaxPool2d(3, stride=2), "image")
    >>> wire = ceil.add("pool", mg.layers.MaxPool2d(3, stride=2, ceil_mode=True), "image")
    >>> comparison("floor", floor, "ceil", ceil).rows
    [('pool', 'pool', 'ceil_mode no and yes, shape 1x2x2 and 1x3x3', 0, 0)]
    """
    first, second = _described(graph), _described(other)
    found = differences(first, second)
    nodes = [{node["name"]: node for node in network["nodes"]} for network in (first, second)]
    lines, followers = [], 0
    for row in found["rows"]:
        pair = [entries.get(row[side]) for side, entries in zip(("first", "second"), nodes, strict=True)]
        if None not in pair and not row["differs"].keys() & {"kind", "settings", "reads"}:
            followers += bool(row["differs"])
            continue
        names, macs = zip(*((node["name"], node["macs"]) if node else ("", "") for node in pair), strict=True)
        lines.append((*names, _what(row["differs"], pair), *macs))
    totals = [found["totals"]["macs"][side] for side in (0, 1)]
    params = " and ".join(f"{found['totals']['params'][side]:,}" for side in (0, 1))
    notes = [f"{followers} more nodes have other sizes or counts, because of nodes before them."] if followers else []
    return Table(
        f"{name} and {other_name}: {params} parameters",
        ("first", "second", "what differs", ">MAC of the first", ">of the second"),
        lines,
        [*notes, "MAC: multiply-adds of convolutions and linear layers, without bias."],
        ("total", "", "", *totals),
    )


def _described(graph) -> dict[str, Any]:
    totals, nodes, _ = numbers(graph)
    return {"nodes": nodes, "main": graph.main, "totals": totals}


def _what(differs, pair):
    if None in pair:
        node = pair[0] or pair[1]
        return f"{node['kind']}, only in one of them"
    pairs = {key: differs[key] for key in ("kind", "reads") if key in differs} | differs.get("settings", {})
    pairs |= {"shape": differs["shape"]} if "shape" in differs else {}
    return ", ".join(f"{key} {_value(a)} and {_value(b)}" for key, (a, b) in pairs.items())


def _value(value):
    """Return a setting or a shape as text; a padding is a list of lists."""
    if isinstance(value, list):
        return str(value) if isinstance(value[0], list) else text(tuple(value))
    return text(value)
