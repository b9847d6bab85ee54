"""What follows from the paths through a graph: receptive fields, depth, and the memory that lives at once."""

import math
from typing import NamedTuple

from minigooglenet import shapes


class Sight(NamedTuple):
    """What one value of a wire sees of the input, in pixels (h, w), and how far apart two neighbours look."""

    smallest: tuple[int, int]
    largest: tuple[int, int]
    stride: tuple[int, int]


def sights(graph, order) -> dict[str, Sight]:
    """Return {wire: Sight} for the inputs and the nodes of `order`."""
    found = {wire: Sight((1, 1), (1, 1), (1, 1)) for wire in graph.inputs}
    for name in order:
        layer, wires = graph.nodes[name]
        kernel_size, stride = layer.window(*(graph.shapes[wire] for wire in wires))
        behind = []
        for wire in wires:
            before = found[wire]
            smallest, _ = shapes.receptive_field(before.smallest, before.stride, kernel_size, stride)
            behind.append(Sight(smallest, *shapes.receptive_field(before.largest, before.stride, kernel_size, stride)))
        found[name] = Sight(
            *(
                tuple(choose(s[i][axis] for s in behind) for axis in range(2))
                for i, choose in enumerate((min, max, max))
            )
        )
    return found


def depth(graph, order, counts) -> int:
    """Return the largest number of nodes whose kind `counts` accepts on any path from an input."""
    depths = dict.fromkeys(graph.inputs, 0)
    for name in order:
        layer, wires = graph.nodes[name]
        depths[name] = max(depths[wire] for wire in wires) + bool(counts(layer.kind))
    return max(depths.values())


def tape_bytes(graph, order, itemsize=4) -> dict[str, int]:
    """Return {node: bytes that a training forward of one image keeps for it}.

    An array that several nodes keep is one array: it counts at the first of them.
    """
    kept, found = set(), {}
    for name in order:
        layer, wires = graph.nodes[name]
        taped = layer.taped(*(graph.shapes[wire] for wire in wires))
        here = set(wires if taped.inputs else ()) - kept
        kept |= here
        values = taped.values + sum(math.prod(graph.shapes[wire]) for wire in here)
        found[name] = values * itemsize + taped.bytes
    return found


def peak_bytes(graph, schedule, itemsize=4) -> int:
    """Return the most bytes that the wires of an inference hold at once, the input among them, for one image."""
    live = sum(math.prod(shape) for shape in graph.inputs.values())
    peak = live
    for name, free in schedule:
        live += math.prod(graph.shapes[name])
        peak = max(peak, live)
        live -= sum(math.prod(graph.shapes[wire]) for wire in free)
    return peak * itemsize
