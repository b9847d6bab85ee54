"""Effective receptive fields: the gradient of single units with respect to the image, at five positions of a map.

The unit is that of the channel which is strongest at the position. A ReLU or a concat shares the field of the unit that
it passes on, so only other nodes are computed: with a batch of five, one image for each position.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigooglenet import methods, shapes
from minigooglenet.graph import Graph
from minigooglenet.kernels import conv2d
from minigooglenet.layers import Concat, Conv2d, Dropout, ReLU
from minigooglenet.typing import Array, UInt8Array
from minigooglenet.viewer import activations, png
from minigooglenet.viewer.gradients import backward

POSITIONS = 5
MOST_SIDE = 40  # pixels of a receptive field; with 56 the images of all nodes would be twice as large
LEVELS = 32  # of a heat map: as many as a reader can distinguish; with 256 the images would be 40% larger
# It takes about 15 seconds on two cores. A call of a layer takes as long as so many multiply-adds.
MOST_WORK, WORK_OF_A_CALL = 10**12, 10**7


class Unit(NamedTuple):
    """One value of a feature map."""

    row: int
    column: int
    channel: int


class Source(NamedTuple):
    """The node whose field a unit shares, and the index of that node's first channel in the unit's own wire."""

    node: str
    first: int


Units = Mapping[str, list[Unit]]  # {node: its five units}
Sources = Mapping[str, list[Source]]  # {node: the source of each of its units}


def units(y: Array) -> list[Unit]:
    """Return the units of a feature map (C, H, W): at its centre and at its quarters, each in the strongest channel."""
    _, height, width = y.shape
    quarters = [(row, column) for row in (height // 4, 3 * height // 4) for column in (width // 4, 3 * width // 4)]
    positions = [(height // 2, width // 2), *quarters]
    return [Unit(row, column, int(np.nan_to_num(y[:, row, column]).argmax())) for row, column in positions]


def sources(graph: Graph, found: Units, image: str) -> dict[str, list[Source]]:
    """Return the sources of all nodes that have units and depend on the input `image`, in the order of execution."""
    reached = {image}
    for name, (_, wires) in graph.nodes.items():
        if reached.intersection(wires):
            reached.add(name)
    wanted = [name for name in graph.nodes if name in reached and name in found]
    return {name: [_source(graph, found, name, index) for index in range(POSITIONS)] for name in wanted}


def _source(graph, found, name, index):
    layer, wires = graph.nodes[name]
    if type(layer) in (ReLU, Dropout) and wires[0] in found:
        return _source(graph, found, wires[0], index)
    if type(layer) is Concat:
        first, channel = 0, found[name][index].channel
        for wire in wires:
            channels = graph.shapes[wire][0]
            if first <= channel < first + channels and wire in found:
                node, before = _source(graph, found, wire, index)
                return Source(node, first + before)
            first += channels
    return Source(name, 0)


def chosen(graph: Graph, shared: Sources, first: Iterable[str]) -> list[str]:
    """Return the nodes whose fields are computed, in the order of execution: all, or as many as MOST_WORK allows.

    The sources of the nodes `first` are chosen before others, which are spread evenly over the network.
    """
    needed = {source.node for units in shared.values() for source in units}
    candidates = [name for name in graph.nodes if name in needed]
    work, total = {}, 0
    for name, node in graph.nodes.items():  # an upper bound: all nodes before it, in any branch
        total += POSITIONS * _multiply_adds(graph, name, node.layer) + WORK_OF_A_CALL
        work[name] = total
    kept, left = set[str](), MOST_WORK
    for name in (*(source.node for wire in first for source in shared.get(wire, ())), *_spread(candidates)):
        if name not in kept and work[name] <= left:
            kept.add(name)
            left -= work[name]
    return [name for name in candidates if name in kept]


def _multiply_adds(graph, name, layer):
    """Return the multiply-adds of the input gradient of a convolution; those of other layers are few."""
    return layer.params["weight"].size * math.prod(graph.shapes[name][1:]) if isinstance(layer, Conv2d) else 0


def _spread(items):
    """Yield all items, coarsely at first: the last, the middle one, those at the quarters, and so on."""
    step = 1 << len(items).bit_length()
    seen = set()
    while step:
        for index in range(len(items) - 1, -1, -step):
            if index not in seen:
                seen.add(index)
                yield items[index]
        step //= 2


def heat_maps(
    graph: Graph,
    inputs: dict[str, Array],
    image: str,
    found: Units,
    nodes: Iterable[str],
    on_node: Callable[[str], Any] = lambda node: None,
) -> dict[str, UInt8Array]:
    """Return {node: (5, H, W)}: the gradient of each unit with respect to the image, absolute, summed over colours.

    Each map is scaled so that its largest value is 255, and has LEVELS different values.

    Parameters
    ----------
    inputs : {input: array (1, ...)}
    image : the input of the maps, of shape (C, H, W)
    """
    batch = {name: np.repeat(x, POSITIONS, axis=0) for name, x in inputs.items()}
    _, tape = graph.forward(batch, outputs=graph.default_outputs)
    layer_gradients = _InputGradients()
    none = np.zeros_like(batch[image])  # the field of a unit of a concat that comes from another input
    maps = {}
    for node in nodes:
        grad = np.zeros((POSITIONS, *graph.shapes[node]), next(iter(inputs.values())).dtype)
        for index, (row, column, channel) in enumerate(found[node]):
            grad[index, channel, row, column] = 1
        reached = backward(graph, tape, {node: grad}, input_gradients=layer_gradients)
        heat = activations.finite(np.abs(reached.get(image, none)).sum(axis=1, dtype=np.float64))
        maps[node] = np.stack([_levels(one) for one in heat])
        on_node(node)
    return maps


def _levels(heat):
    """Return a heat map as LEVELS values from 0 to 255."""
    step = 255 / (LEVELS - 1)
    return np.round(np.round(png.grey(heat, 0.0, float(heat.max())) / step) * step).astype(np.uint8)


class _InputGradients:
    """The input gradients of a layer, without those of its parameters where this saves the most time."""

    def __init__(self):
        self.rotated = {}

    def __call__(self, name, layer, grad, cache):
        if not _is_plain(layer):
            return methods.backward(layer, grad, cache, need_inputs=True)[0]
        if name not in self.rotated:
            self.rotated[name] = _rotated(layer.params["weight"], layer.groups)
        weight = self.rotated[name]
        lengths = shapes.dilated(weight.shape[2:], layer.dilation)
        around = tuple(
            (length - 1 - before, length - 1 - after)
            for length, (before, after) in zip(lengths, layer.padding, strict=True)
        )
        return (conv2d.forward(grad, weight, None, 1, around, layer.groups, dilation=layer.dilation),)


def _is_plain(layer):
    """Return whether a layer's input gradient is a convolution: stride 1, padding smaller than the kernel."""
    if type(layer) is not Conv2d or layer.stride != (1, 1) or not methods.unchanged(layer, "forward", "backward"):
        return False
    if layer.algorithm != "auto":
        return False
    lengths = shapes.dilated(layer.kernel_size, layer.dilation)
    return all(length > max(sides) for length, sides in zip(lengths, layer.padding, strict=True))


def _rotated(weight, groups):
    """Return the weight of the convolution that computes input gradients: rotated by 180 degrees, channels swapped."""
    filters, channels, *kernel = weight.shape
    parts = weight.reshape(groups, filters // groups, channels, *kernel)[..., ::-1, ::-1].swapaxes(1, 2)
    return np.ascontiguousarray(parts.reshape(groups * channels, filters // groups, *kernel))


def entry(maps: list[UInt8Array], positions: list[Unit], shared: list[Source], found: Units) -> dict[str, Any]:
    """Return the page's entry of a node from its five heat maps (H, W).

    Small fields keep every pixel of the image; large ones are shrunk so that the longest side of the largest field is
    at most MOST_SIDE. A pixel of a shrunk map is the maximum of its area.
    """
    heat = np.stack(maps)
    longest = max(_extent(one.any(axis=axis)) for one in heat for axis in (0, 1))
    factor = max(1, -(-longest // MOST_SIDE))
    small = png.peaks(heat, (-(-heat.shape[1] // factor), -(-heat.shape[2] // factor)))
    _, height, width = small.shape
    channels = [found[source.node][index].channel + source.first for index, source in enumerate(shared)]
    return {
        "positions": [[unit.row, unit.column] for unit in positions],
        "channels": channels,
        "width": width,
        "height": height,
        "png": png.data_uri(png.row(small)),
    }


def _extent(used):
    """Return the length from the first to the last True value."""
    indices = np.flatnonzero(used)
    return int(indices[-1] - indices[0]) + 1 if len(indices) else 0
