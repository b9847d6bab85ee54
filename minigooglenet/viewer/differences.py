"""Two networks side by side: which nodes correspond, and in what they differ.

Nodes with equal names correspond. The rest is aligned like two texts in which words were inserted and deleted: by the
longest common subsequence, in which two layers of the same kind weigh more if also their settings and sizes are equal.
So the stems of GoogLeNet and VGG-16 line up where both have halved the image equally often. An auxiliary head
corresponds only to an auxiliary head.
"""

from typing import Any

import numpy as np

from minigooglenet.counting.rows import SUMMED
from minigooglenet.viewer.main_path import leading_to

FOLLOWS = ("in_channels", "in_features")  # settings that follow from the node before
LEFT_OUT = {"dilation": [1, 1]}  # settings that a layer leaves out at their usual value
# The weights of a pair of layers of the same kind: for the kind, equal settings, an equal shape of the output, an equal
# last part of the name, and for equal heights and widths of the inputs and of the output, which outweigh the rest.
KIND, SETTINGS, SHAPE, NAME, SIZE = 1, 2, 1, 1, 8


def differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the aligned rows of two networks of a page, and the change of their totals.

    Returns
    -------
    rows : [{first: name or None, second: name or None, differs}], all nodes of both networks. `differs` has the values
        (of the first, of the second) for "kind", "shape" and "reads", and {name: such a pair} for "settings" and
        "counts"; it is empty for rows that are equal and for nodes that only one network has
    totals : {name: (value of the first, value of the second, change)}; None is an unknown number

    Examples
    --------
    >>> relu = {"name": "relu", "kind": "ReLU", "reads": [], "settings": {}, "input_shapes": [], "shape": [4]}
    >>> relu |= dict.fromkeys(SUMMED, 0)
    >>> longer = {"nodes": [relu, {**relu, "name": "relu2"}], "main": "relu2", "totals": {"macs": 8}}
    >>> found = differences({"nodes": [relu], "main": "relu", "totals": {"macs": 0}}, longer)
    >>> [(row["first"], row["second"]) for row in found["rows"]], found["totals"]
    ([('relu', 'relu'), (None, 'relu2')], {'macs': (0, 8, 8)})
    """
    pairs = aligned(first, second)
    partners = {a["name"]: b["name"] for a, b in pairs if a and b}
    rows = [
        {"first": a and a["name"], "second": b and b["name"], "differs": _differs(a, b, partners) if a and b else {}}
        for a, b in pairs
    ]
    others = second["totals"]
    totals = {key: (value, others[key], _change(value, others[key])) for key, value in first["totals"].items()}
    return {"rows": rows, "totals": totals}


def aligned(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[dict | None, dict | None]]:
    """Return pairs of nodes that correspond, and (node, None) or (None, node) for the others, in the order of both."""
    keys = _keys(first), _keys(second)
    by_name = {node["name"]: (index, node) for index, node in enumerate(second["nodes"])}
    names = {node["name"] for node in first["nodes"]}
    rest = [None if node["name"] in names else node for node in second["nodes"]]
    pairs: list[tuple[dict | None, dict | None]] = []
    alone: list[dict] = []  # nodes of the first network since the last pair of equal names
    begin = 0
    for node in first["nodes"]:
        if node["name"] not in by_name:
            alone.append(node)
            continue
        end, other = by_name[node["name"]]
        pairs += [*_by_kind(alone, [node for node in rest[begin:end] if node], *keys), (node, other)]
        alone, begin = [], max(begin, end + 1)
    return pairs + _by_kind(alone, [node for node in rest[begin:] if node], *keys)


def _keys(network):
    """Return {node: (what must be equal, and what is weighed)}, for nodes that do not have equal names."""
    needed = leading_to(network["nodes"], network["main"])
    return {
        node["name"]: (
            (node["kind"], node["name"] in needed),
            _main_settings(node),
            node["shape"],
            node["name"].rpartition("/")[2],
            node["shape"][1:],
            [shape[1:] for shape in node["input_shapes"]],
        )
        for node in network["nodes"]
    }


def _by_kind(first, second, first_keys, second_keys):
    """Return the pairs of the common subsequence with the largest weight, and the nodes between them."""
    weights = _weights([first_keys[node["name"]] for node in first], [second_keys[node["name"]] for node in second])
    best = np.zeros((len(first) + 1, len(second) + 1), int)  # [i, j]: of the first i nodes and the first j nodes
    for i, row in enumerate(weights):
        np.maximum.accumulate(np.maximum(best[i, 1:], best[i, :-1] + row), out=best[i + 1, 1:])
    i, j = len(first), len(second)
    pairs: list[tuple[dict | None, dict | None]] = []
    while i and j:  # from the end, where layers follow the same layers
        if weights[i - 1, j - 1] and best[i, j] == best[i - 1, j - 1] + weights[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((first[i], second[j]))
        elif best[i, j] == best[i, j - 1]:
            j -= 1
            pairs.append((None, second[j]))
        else:
            i -= 1
            pairs.append((first[i], None))
    pairs += [(None, node) for node in second[:j][::-1]] + [(node, None) for node in first[:i][::-1]]
    return pairs[::-1]


def _weights(first, second):
    """Return an array (nodes of the first, of the second): 0 for layers of different kinds, more for similar ones."""
    equal = []
    for column in range(6):
        numbers: dict[str, int] = {}  # a number for each value
        codes = [[numbers.setdefault(repr(keys[column]), len(numbers)) for keys in part] for part in (first, second)]
        equal.append(np.equal.outer(*(np.array(part, int) for part in codes)))
    kind, settings, shape, name, size, input_sizes = equal
    return kind * (KIND + SETTINGS * settings + SHAPE * shape + NAME * name + SIZE * size + SIZE * input_sizes)


def _main_settings(node):
    """Return the settings that an author chooses for a kind of layer, without the numbers of channels."""
    return {key: value for key, value in node["settings"].items() if key not in (*FOLLOWS, "out_channels")}


def _change(before, after):
    return None if before is None or after is None else after - before


def _differs(a, b, partners):
    """Return what differs between two nodes that correspond, as pairs of values."""
    result: dict[str, Any] = {key: (a[key], b[key]) for key in ("kind", "shape") if list(a[key]) != list(b[key])}
    keys = [key for key in {**a["settings"], **b["settings"]} if key not in FOLLOWS]
    settings = {key: tuple(one["settings"].get(key, LEFT_OUT.get(key)) for one in (a, b)) for key in keys}
    counts = {key: (a[key], b[key]) for key in SUMMED}
    for name, pairs in (("settings", settings), ("counts", counts)):
        if changed := {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}:
            result[name] = changed
    return result | ({"reads": (a["reads"], b["reads"])} if _reads_differ(a, b, partners) else {})


def _reads_differ(a, b, partners):
    """Return whether two nodes read from nodes that do not correspond; a node that was inserted before is ignored."""
    expected = [partners.get(name) for name in a["reads"]]
    known = set(partners.values())
    return None not in expected and known.issuperset(b["reads"]) and sorted(expected) != sorted(b["reads"])
