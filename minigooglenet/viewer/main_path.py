"""Which nodes lead to the main output, and which of them every path passes: the axis along which norms are plotted."""

from typing import Any


def leading_to(nodes: list[dict[str, Any]], main: str) -> set[str]:
    """Return the names of the nodes that `main` needs, and its own; auxiliary heads are not among them.

    Examples
    --------
    >>> nodes = [{"name": "x", "reads": []}, {"name": "head", "reads": ["x"]}, {"name": "y", "reads": ["x"]}]
    >>> sorted(leading_to(nodes, "y"))
    ['x', 'y']
    """
    found = {main}
    for node in reversed(nodes):  # they are in the order of execution
        if node["name"] in found:
            found.update(node["reads"])
    return found


def main_path(nodes: list[dict[str, Any]], main: str) -> list[str]:
    """Return the names of the nodes that every path to `main` passes, in the order of execution.

    Of an Inception module this is the concat, of a residual block the addition. If a network has several inputs, the
    path begins where they have met.

    Examples
    --------
    >>> pairs = {"image": [], "fork": ["image"], "a": ["fork"], "b": ["fork"], "concat": ["a", "b"]}
    >>> main_path([{"name": name, "reads": reads} for name, reads in pairs.items()], "concat")
    ['image', 'fork', 'concat']
    """
    needed = leading_to(nodes, main)
    order = [node for node in nodes if node["name"] in needed]
    last_reader = {name: index for index, node in enumerate(order) for name in node["reads"]}
    inputs = sum(not node["reads"] for node in order)
    path, furthest, seen = [], 0, 0
    for index, node in enumerate(order):
        seen += not node["reads"]
        if seen == inputs and furthest <= index:  # no edge leads past this node
            path.append(node["name"])
        furthest = max(furthest, last_reader.get(node["name"], index))
    return path
