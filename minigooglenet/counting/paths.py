"""What follows from the paths through a graph: receptive fields, depth, and what a training tape keeps."""

import math
from typing import NamedTuple

import numpy as np

from minigooglenet.counting import costs
from minigooglenet.counting.windows import WHOLE


class Sight(NamedTuple):
    """What one value of a wire sees of the input, in pixels (h, w), and how far apart two neighbours look."""

    smallest: tuple[int, int]
    largest: tuple[int, int]
    stride: tuple[int, int]


class _Field(NamedTuple):
    """The first and last input pixel that each position along one axis of a wire sees, padding among them.

    `step` is how far apart two neighbours look beyond the edges; after an adaptive pool nothing lies there, so it is 0.
    """

    first: np.ndarray
    last: np.ndarray
    step: int

    @property
    def lengths(self):
        return self.last - self.first + 1


def sights(graph, found_costs) -> dict[str, Sight]:
    """Return {wire: Sight} for the inputs and the nodes of {node: Cost}.

    Every window is followed to the input pixels where it really starts and ends. `largest` is what one value sees over
    all paths together, `smallest` over the path that sees least.
    """
    wide = {wire: _axes(shape) for wire, shape in graph.inputs.items()}
    narrow, found = dict(wide), dict.fromkeys(graph.inputs, Sight((1, 1), (1, 1), (1, 1)))
    for name, cost in found_costs.items():
        layer, wires = graph.nodes[name]
        windows = costs.windows(layer, cost, *(graph.shapes[wire] for wire in wires))
        wide[name] = [_union(parts) for parts in _seen(wide, wires, windows)]
        narrow[name] = [min(parts, key=lambda part: part.lengths.max()) for parts in _seen(narrow, wires, windows)]
        found[name] = Sight(
            tuple(int(field.lengths.min()) for field in narrow[name]),
            tuple(int(field.lengths.max()) for field in wide[name]),
            tuple(_distance(field, axis, windows, found[wires[0]]) for axis, field in enumerate(wide[name])),
        )
    return found


def _axes(shape):
    """Return the fields of an input's two axes: each pixel sees itself, and a vector's values are one position."""
    sizes = shape[1:] if len(shape) == 3 else (1, 1)
    return [_Field(np.arange(size), np.arange(size), 1) for size in sizes]


def _seen(fields, wires, windows):
    """Yield for each axis what the outputs of `windows` see through each of `wires`."""
    for axis in range(2):
        inputs = [fields[wire][axis] for wire in wires]
        if windows is None:
            yield inputs
        elif windows == WHOLE:
            yield [_Field(f.first.min(keepdims=True), f.last.max(keepdims=True), f.step) for f in inputs]
        else:
            starts, stops, step = windows[axis]
            yield [_Field(_at(f.first, f.step, starts), _at(f.last, f.step, stops, -1), f.step * step) for f in inputs]


def _at(values, step, positions, offset=0):
    """Return values[positions + offset], continued in steps beyond both ends."""
    positions = np.array(positions) + offset
    inside = positions.clip(0, len(values) - 1)
    return values[inside] + (positions - inside) * step


def _union(parts):
    """Return what all parts see together; vectors of unequal lengths are joined end to end."""
    step = max(part.step for part in parts)
    if len({len(part.first) for part in parts}) > 1:
        return _Field(np.concatenate([p.first for p in parts]), np.concatenate([p.last for p in parts]), step)
    return _Field(np.min([p.first for p in parts], axis=0), np.max([p.last for p in parts], axis=0), step)


def _distance(field, axis, windows, before):
    """Return how far apart neighbours look, on average and rounded down, at least 1."""
    count = len(field.first)
    if count > 1:
        return max(1, int(field.first[-1] - field.first[0]) // (count - 1))
    return before.stride[axis] * max(1, windows[axis].step if isinstance(windows, tuple) else 1)


def depth(graph, order, counts) -> int:
    """Return the largest number of nodes whose kind `counts` accepts on any path from an input."""
    depths = dict.fromkeys(graph.inputs, 0)
    for name in order:
        layer, wires = graph.nodes[name]
        depths[name] = max(depths[wire] for wire in wires) + bool(counts(layer.kind))
    return max(depths.values())


def tape_bytes(graph, found_costs, itemsize=4) -> dict[str, int]:
    """Return {node: bytes that a training forward of one image keeps for it} for {node: Cost}.

    An array that several nodes keep is one array: it counts at the first of them.
    """
    kept, found = set(), {}
    for name, cost in found_costs.items():
        here = set(graph.nodes[name].wires if cost.keeps.inputs else ()) - kept
        kept |= here
        values = cost.keeps.values + sum(math.prod(graph.shapes[wire]) for wire in here)
        found[name] = values * itemsize + cost.keeps.bytes
    return found
