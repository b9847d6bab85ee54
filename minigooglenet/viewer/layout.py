"""The layout of a module's children: a row and a column for each, and the rows and columns that its edges pass.

Rows follow the data from the inputs to the outputs. The page turns columns and rows into positions, because they depend
on which boxes are unfolded. The method is Sugiyama's (1981): rows by longest path, an order that avoids crossings,
then columns in which long chains stay straight.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from minigooglenet.viewer.modules import Module

IN, OUT = "in", "out"  # where the edges enter and leave a module
SWEEPS = 4
MAIN = 1000.0  # weight of the cells on the longest path
LONGEST = 40  # an edge over more rows is drawn directly, without a column of its own


@dataclass
class Edge:
    """An edge between two children of a module, and the (row, column) points that it passes between them."""

    source: str
    target: str
    path: list[tuple[int, float]] = field(default_factory=list)


@dataclass
class Level:
    """The layout of one module: {child: (row, column)}, and the edges between its children."""

    cells: dict[str, tuple[int, float]]
    edges: list[Edge]


def layouts(root: Module, reads: dict[str, tuple[str, ...]]) -> dict[str, Level]:
    """Return {module id: Level} for a hierarchy; `reads` is {node: nodes that it reads from}."""
    parents: dict[str, list[str]] = {}
    _find_parents(root, [], parents)
    edges: dict[str, dict[tuple[str, str], None]] = {module.id: {} for module in root.modules()}
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
    paths = {}
    for a, b in pairs:  # an edge over several rows passes one cell in each
        between = range(rows[a] + 1, rows[b]) if rows[b] - rows[a] <= LONGEST else ()
        paths[a, b] = [(a, b, row) for row in between]
        chain = [a, *paths[a, b], b]
        rows.update({cell: cell[2] for cell in paths[a, b]})
        for one, other in zip(chain, chain[1:], strict=False):
            if len(chain) > 2:
                before[other].append(one)
                after[one].append(other)
        if len(chain) > 2:
            before[b].remove(a)
            after[a].remove(b)
    table = _ordered(rows, before, after)
    columns = _columns(table, before, after, _heights(rows, after))
    edges = [Edge(a, b, [(rows[cell], columns[cell]) for cell in paths[a, b]]) for a, b in pairs]
    return Level({name: (rows[name], columns[name]) for name in names}, edges)


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


def _heights(rows, after):
    """Return {cell: number of rows on the longest path from it}: the main path has the largest numbers."""
    heights: dict = {}
    for cell in sorted(rows, key=rows.__getitem__, reverse=True):
        heights[cell] = max((heights[other] + 1 for other in after[cell]), default=0)
    return heights


def _ordered(rows, before, after):
    """Return the cells of each row, ordered so that few edges cross: by the median of their neighbours' positions."""
    table = [[] for _ in range(max(rows.values()) + 1)]
    for cell, row in rows.items():
        table[row].append(cell)
    best, fewest = table, _crossings(table, after)
    for sweep in range(SWEEPS):
        near, order = (before, table) if sweep % 2 == 0 else (after, reversed(table))
        places: dict = {}
        for row in order:
            start = {cell: index for index, cell in enumerate(row)}
            row.sort(key=lambda c: median([places.get(o, start[c]) for o in near[c]] or [start[c]]))  # noqa: B023
            places |= {cell: index for index, cell in enumerate(row)}
        if (count := _crossings(table, after)) < fewest:
            best, fewest = [list(row) for row in table], count
    return [list(row) for row in best]


def _crossings(table, after):
    total = 0
    for row, above in zip(table, table[1:], strict=False):
        places = {cell: index for index, cell in enumerate(above)}
        ends = [places[other] for cell in row for other in sorted(after[cell], key=lambda o: places.get(o, -1)) if other in places]
        total += sum(1 for i, a in enumerate(ends) for b in ends[:i] if b > a)
    return total


def _columns(table, before, after, heights):
    """Return {cell: column}: near the median of its neighbours, at least 1 apart, the cells of long paths first."""
    columns = {cell: index - (len(row) - 1) / 2 for row in table for index, cell in enumerate(row)}
    for sweep in range(2 * SWEEPS):
        near, order = (after, table[::-1]) if sweep % 2 == 0 else (before, table)
        for row in order:
            _place(row, {cell: _wanted(cell, near[cell], columns, heights) for cell in row}, heights, columns)
    left = min(columns.values())
    return {cell: round(2 * (column - left)) / 2 for cell, column in columns.items()}


def _wanted(cell, near, columns, heights):
    """Return the median column of those neighbours that are on the longest paths, so that main paths stay straight."""
    highest = max((heights[other] for other in near), default=0)
    return median([columns[other] for other in near if heights[other] == highest] or [columns[cell]])


def _place(row, wanted, heights, columns):
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
