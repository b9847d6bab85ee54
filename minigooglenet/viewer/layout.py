"""The layout of a module's children: a row and a column for each, and the rows and columns that its edges pass.

Rows follow the data from the inputs to the outputs. The page turns columns and rows into positions, because they depend
on which boxes are unfolded. The method is Sugiyama's (1981): rows by longest path, an order that avoids crossings,
then columns in which long chains stay straight. Edges from one source share a lane past the rows between, so that a
dense block stays readable and its layout quick.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from minigooglenet.viewer.modules import Module

SWEEPS = 4
MAIN = 1000.0  # weight of the cells on the longest path

Position = tuple[int, float]  # row, column


class Port(NamedTuple):
    """Where edges enter or leave a module: not a string, because a node may have any name."""

    name: str


class Lane(NamedTuple):
    """The cell in which the edges of a source pass a row."""

    source: str | Port
    row: int


IN, OUT = Port("in"), Port("out")


@dataclass
class Edge:
    """An edge between two children of a module, and the positions that it passes between them.

    The source is None if the edge enters the module, and the target is None if it leaves it.
    """

    source: str | None
    target: str | None
    path: list[Position] = field(default_factory=list)


@dataclass
class Level:
    """The layout of one module: {child: (row, column)}, {"in" or "out": the same}, and the edges."""

    cells: dict[str, Position]
    ports: dict[str, Position]
    edges: list[Edge]


def layouts(root: Module, reads: dict[str, tuple[str, ...]]) -> dict[str, Level]:
    """Return {module id: Level} for a hierarchy; `reads` is {node: nodes that it reads from}."""
    parents: dict[str, list[str]] = {}
    _find_parents(root, [], parents)
    edges: dict[str, dict[tuple[str | Port, str | Port], None]] = {module.id: {} for module in root.modules()}
    for node, sources in reads.items():
        for source in sources:
            _divide(source, node, parents, edges)
    children = {
        module.id: [child.id if isinstance(child, Module) else child for child in module.children]
        for module in root.modules()
    }
    return {name: _level(children[name], list(edges[name])) for name in children}


def _find_parents(module, above, parents):
    """Record {node: ids of the modules around it, the outermost first}."""
    above = [*above, module.id]
    for child in module.children:
        if isinstance(child, Module):
            _find_parents(child, above, parents)
        else:
            parents[child] = above


def _divide(source, target, parents, edges):
    """Add an edge between nodes to every module that it passes: from `IN`, between children, or to `OUT`."""
    up, down = [*parents[source], source], [*parents[target], target]
    common = next(i for i, (a, b) in enumerate(zip(up, down, strict=False)) if a != b)
    edges[up[common - 1]][up[common], down[common]] = None
    for i in range(common, len(up) - 1):
        edges[up[i]][up[i + 1], OUT] = None
    for i in range(common, len(down) - 1):
        edges[down[i]][IN, down[i + 1]] = None


def _level(children, pairs):
    names = [name for name in (IN,) if any(name == a for a, _ in pairs)] + children
    names += [OUT] if any(b == OUT for _, b in pairs) else []
    before, after = defaultdict(list), defaultdict(list)
    for a, b in pairs:
        before[b].append(a)
        after[a].append(b)
    rows = _rows(names, before, after)
    before, after = _with_lanes(names, rows, after)
    table = _ordered(rows, before, after)
    columns = _columns(table, before, after, _heights(rows, after))
    cells = {name: (rows[name], columns[name]) for name in names}
    edges = [
        Edge(
            None if a == IN else a,
            None if b == OUT else b,
            [(row, columns[Lane(a, row)]) for row in range(rows[a] + 1, rows[b])],
        )
        for a, b in pairs
    ]
    ports = {port.name: cells.pop(port) for port in (IN, OUT) if port in cells}
    return Level(cells, ports, edges)


def _rows(names, before, after):
    """Return {name: row}: one more than the longest path to it; sources move up to their first consumer."""
    rows: dict = {}
    for name in names:  # in an order of execution
        rows[name] = max((rows[other] + 1 for other in before[name]), default=0)
    for name in names:
        if name != IN and not before[name] and after[name]:
            rows[name] = min(rows[other] for other in after[name]) - 1
    if OUT in rows:
        rows[OUT] = max(row for name, row in rows.items() if name != OUT) + 1
    return rows


def _with_lanes(names, rows, after):
    """Add the lanes to `rows`, and return the neighbours {cell: cells in the row before}, {cell: in the row after}."""
    below, above = defaultdict(list), defaultdict(list)
    for name in names:
        cell = name
        targets = sorted(after[name], key=rows.__getitem__)
        for row in range(rows[name] + 1, rows[targets[-1]] + 1 if targets else 0):
            following = [target for target in targets if rows[target] == row]
            if rows[targets[-1]] > row:
                following.append(Lane(name, row))
                rows[following[-1]] = row
            above[cell] = following
            for other in following:
                below[other].append(cell)
            cell = following[-1]
    return below, above


def _heights(rows, after):
    """Return {cell: number of nodes on the longest path from it}, a half less for a lane, which yields to nodes."""
    heights: dict = {}
    for cell in sorted(rows, key=rows.__getitem__, reverse=True):
        heights[cell] = max((heights[other] + (not isinstance(other, Lane)) for other in after[cell]), default=0)
    return {cell: height - isinstance(cell, Lane) / 2 for cell, height in heights.items()}


def _ordered(rows, before, after):
    """Return the cells of each row, ordered so that few edges cross: by the median of their neighbours' positions."""
    table = [[] for _ in range(max(rows.values()) + 1)]
    for cell, row in rows.items():
        table[row].append(cell)
    best, fewest = [list(row) for row in table], _crossings(table, after)
    for sweep in range(SWEEPS):
        near, order = (before, table) if sweep % 2 == 0 else (after, table[::-1])
        index: dict = {}
        for row in order:
            wanted = {c: median([index[o] for o in near[c]] or [i]) for i, c in enumerate(row)}
            row.sort(key=wanted.__getitem__)
            index |= {cell: i for i, cell in enumerate(row)}
        if (count := _crossings(table, after)) < fewest:
            best, fewest = [list(row) for row in table], count
    return best


def _crossings(table, after):
    """Return how many pairs of edges between neighbouring rows cross: the inversions of their ends."""
    total = 0
    for row, above in pairwise(table):
        index = {cell: i for i, cell in enumerate(above)}
        seen: list[int] = []
        for cell in row:
            ends = [index[other] for other in after[cell]]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _columns(table, before, after, heights):
    """Return {cell: column}: near the median of its neighbours, at least 1 apart, the cells of long paths first."""
    columns = {cell: index - (len(row) - 1) / 2 for row in table for index, cell in enumerate(row)}
    for sweep in range(2 * SWEEPS):
        near, order = (after, table[::-1]) if sweep % 2 == 0 else (before, table)
        for row in order:
            _move(row, {cell: _wanted(cell, near[cell], columns, heights) for cell in row}, heights, columns)
    left = min(columns.values())
    for row in table:
        free = 0.0
        for cell in row:
            columns[cell] = max(free, round(2 * (columns[cell] - left)) / 2)
            free = columns[cell] + 1
    return columns


def _wanted(cell, near, columns, heights):
    """Return the median column of those neighbours that are on the longest paths, so that main paths stay straight."""
    highest = max((heights[other] for other in near), default=0)
    return median([columns[other] for other in near if heights[other] == highest] or [columns[cell]])


def _move(row, wanted, heights, columns):
    """Move the cells of a row near the columns that they want, at least 1 apart; the highest cells hardly yield.

    This is isotonic regression of wanted - index: neighbours that are too close share their weighted mean.
    """
    highest = max(heights[cell] for cell in row)
    groups: list[tuple[float, float, list]] = []
    for index, cell in enumerate(row):
        weight = MAIN if heights[cell] == highest else 1.0
        group = (wanted[cell] - index, weight, [cell])
        while groups and groups[-1][0] > group[0]:
            value, other, cells = groups.pop()
            total = other + group[1]
            group = ((value * other + group[0] * group[1]) / total, total, cells + group[2])
        groups.append(group)
    for index, (cell, value) in enumerate((cell, value) for value, _, cells in groups for cell in cells):
        columns[cell] = value + index
