"""Results that depend on the paths through a graph: receptive fields, depth, and the size of a training tape."""

import math
from typing import NamedTuple

import numpy as np

from minigooglenet.counting import costs
from minigooglenet.counting.windows import WHOLE


class ReceptiveField(NamedTuple):
    """The receptive field of a wire's values in input pixels (h, w), and the jump between neighbouring values."""

    smallest: tuple[int, int]
    largest: tuple[int, int]
    jump: tuple[int, int]


class Extent(NamedTuple):
    """The first and last input pixel in the receptive field of each position along one axis, padding included.

    `step` is the jump between positions past the edges. After an adaptive pool there are none, so it is 0.
    """

    first: np.ndarray
    last: np.ndarray
    step: int

    @property
    def lengths(self):
        return self.last - self.first + 1


def receptive_fields(graph, layer_costs) -> dict[str, ReceptiveField]:
    """Return {wire: ReceptiveField} for the inputs and the nodes of {node: Cost}.

    Every window is followed back to the exact input pixels at which it starts and ends. `largest` is the union over all
    paths, `smallest` the receptive field along the path where it is smallest.
    """
    fields = dict.fromkeys(graph.inputs, ReceptiveField((1, 1), (1, 1), (1, 1)))
    narrow, wide = extents(graph, layer_costs)
    for name, cost in layer_costs.items():
        windows, first = _windows(graph, name, cost), graph.nodes[name].wires[0]
        fields[name] = ReceptiveField(
            (_shortest(narrow[name][0]), _shortest(narrow[name][1])),
            (_longest(wide[name][0]), _longest(wide[name][1])),
            (_jump(wide[name], 0, windows, fields[first]), _jump(wide[name], 1, windows, fields[first])),
        )
    return fields


def extents(graph, layer_costs) -> tuple[dict[str, list[Extent]], dict[str, list[Extent]]]:
    """Return ({wire: [Extent of rows, of columns]} along the path with the smallest receptive field, along all paths).

    An entry describes the receptive field of every position of a wire, exactly, for the inputs and the nodes of
    {node: Cost}.
    """
    wide = {wire: _axes(shape) for wire, shape in graph.inputs.items()}
    narrow = dict(wide)
    for name, cost in layer_costs.items():
        wires, windows = graph.nodes[name].wires, _windows(graph, name, cost)
        shape = graph.shapes[name]
        wide[name] = [_union(parts) for parts in _through(wide, wires, windows, shape)]
        narrow[name] = [
            min(parts, key=lambda part: part.lengths.max()) for parts in _through(narrow, wires, windows, shape)
        ]
    return narrow, wide


def _windows(graph, name, cost):
    layer, wires = graph.nodes[name]
    return costs.windows(layer, cost, *(graph.shapes[wire] for wire in wires))


def _axes(shape):
    """Return the extents of an input's two axes: each pixel by itself; all values of a vector are one position."""
    sizes = shape[1:] if len(shape) == 3 else (1, 1)
    return [Extent(np.arange(size), np.arange(size), 1) for size in sizes]


def _through(extents, wires, windows, shape):
    """Yield for each axis the extents of the outputs of `windows`, one for each of `wires`."""
    for axis in range(2):
        inputs = [extents[wire][axis] for wire in wires]
        if windows is None:
            yield [_repeated(e, shape[1 + axis]) for e in inputs] if len(shape) == 3 else inputs
        elif windows == WHOLE:
            yield [Extent(e.first.min(keepdims=True), e.last.max(keepdims=True), e.step) for e in inputs]
        else:
            starts, stops, step = windows[axis]
            yield [Extent(_at(e.first, e.step, starts), _at(e.last, e.step, stops, -1), e.step * step) for e in inputs]


def _repeated(extent, count):
    """Return the extent of a gate for each of the `count` positions that it multiplies, other extents as they are."""
    if len(extent.first) == count:
        return extent
    return Extent(np.repeat(extent.first, count), np.repeat(extent.last, count), extent.step)


def _at(values, step, positions, offset=0):
    """Return values[positions + offset], extrapolated with `step` past both ends."""
    positions = np.array(positions) + offset
    inside = positions.clip(0, len(values) - 1)
    return values[inside] + (positions - inside) * step


def _union(parts):
    """Return the union of all parts; vectors of unequal lengths are joined end to end."""
    step = max(part.step for part in parts)
    if len({len(part.first) for part in parts}) > 1:
        return Extent(np.concatenate([p.first for p in parts]), np.concatenate([p.last for p in parts]), step)
    return Extent(np.min([p.first for p in parts], axis=0), np.max([p.last for p in parts], axis=0), step)


def _shortest(extent):
    return int(extent.lengths.min())


def _longest(extent):
    return int(extent.lengths.max())


def _jump(extents, axis, windows, before):
    """Return the average jump between neighbouring positions, rounded down, at least 1.

    After gates of the whole image, all positions start at the same pixel. Then the jump is that of the input.
    """
    extent = extents[axis]
    length = int(extent.first[-1] - extent.first[0])
    if length:
        return max(1, length // (len(extent.first) - 1))
    return before.jump[axis] * max(1, windows[axis].step if isinstance(windows, tuple) else 1)


def depth(graph, order, counts) -> int:
    """Return the largest number of nodes on any path from an input; `counts(kind)` is whether a layer type counts."""
    depths = dict.fromkeys(graph.inputs, 0)
    for name in order:
        layer, wires = graph.nodes[name]
        depths[name] = max(depths[wire] for wire in wires) + bool(counts(layer.kind))
    return max(depths.values())


def tape_bytes(graph, layer_costs, itemsize=4) -> dict[str, int]:
    """Return {node: bytes that a training forward pass of one image saves for it} for {node: Cost}.

    An array that several nodes save exists once: it counts at the first of them.
    """
    saved: set[str] = set()
    sizes = {}
    for name, cost in layer_costs.items():
        new = set(graph.nodes[name].wires if cost.keeps.inputs else ()) - saved
        saved |= new
        values = cost.keeps.values + sum(math.prod(graph.shapes[wire]) for wire in new)
        sizes[name] = values * itemsize + cost.keeps.bytes
    return sizes
