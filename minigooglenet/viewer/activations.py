"""The activations of one image: every wire of a network, its strongest channels as maps, and its histogram."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d
from minigooglenet.planning import plan
from minigooglenet.typing import Array, FloatArray, IntArray
from minigooglenet.viewer import png

CHANNELS = 8  # of a feature map that the page shows
MOST_SIDE = 56  # pixels of a map
BINS = 40


def every_output(graph: Graph, inputs: dict[str, Array]) -> Iterator[tuple[str, Array, list[Array]]]:
    """Yield (name, output (1, ...), inputs of the node) for every input and node, in the order of execution.

    The outputs are those of `plan(graph, outputs=every wire)`, bit for bit: such a plan fuses nothing, so that a plan
    for each node computes the same. Only wires that later nodes read stay in memory.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> from minigooglenet.viewer.activations import every_output
    >>> g = mg.models.mini_googlenet(rng=0)
    >>> shapes = {name: y.shape for name, y, _ in every_output(g, {"image": np.zeros((1, 3, 32, 32), np.float32)})}
    >>> shapes["loss3/classifier"]
    (1, 10)
    """
    last = {wire: name for name, node in graph.nodes.items() for wire in node.wires}
    values = dict(inputs)
    for name, x in inputs.items():
        yield name, x, []
    for name, (_, wires) in graph.nodes.items():
        xs = [values[wire] for wire in wires]
        values[name] = _output(graph, name, xs)
        yield name, values[name], xs
        for wire in {name, *wires}:
            if last.get(wire, name) == name:
                del values[wire]


def _output(graph, name, xs):
    layer, _ = graph.nodes[name]
    alone = Graph(**{f"{name} input {i}": x.shape[1:] for i, x in enumerate(xs)})
    alone.add(name, layer, *alone.inputs)
    return plan(alone, name)(dict(zip(alone.inputs, xs, strict=True)))


def by_strength(y: Array) -> IntArray:
    """Return the indices of the channels of a feature map (C, H, W), the strongest first.

    Strong is a large mean of the positive part, max(y, 0). So a convolution and its ReLU show the same channels.
    """
    positive = np.maximum(np.nan_to_num(y, nan=0.0), 0)
    return np.argsort(-positive.mean(axis=(1, 2), dtype=np.float64), kind="stable")


def described(y: Array, *, relu: bool = False) -> dict[str, Any]:
    """Return the page's entries of one wire (C, H, W) or of any other shape: maps, histogram, zeros after ReLU."""
    entries: dict[str, Any] = {}
    if y.ndim == 3:
        entries["maps"] = maps(y, by_strength(y)[:CHANNELS])
    if histogram := _histogram(y):
        entries["histogram"] = histogram
    if relu:
        entries["zeros"] = float(np.mean(y == 0))
    return entries


def maps(y: Array, channels: IntArray) -> dict[str, Any]:
    """Return channels of a feature map (C, H, W) next to each other as a grey image with one scale for all."""
    values = png.shrunk(finite(y[channels]), MOST_SIDE)
    low, high = float(values.min()), float(values.max())
    return _entry(values, channels, low, high, png.grey(values, low, high))


def signed_maps(y: Array, channels: IntArray) -> dict[str, Any]:
    """Return the same for values of both signs: 0 is grey 128, and the scale is symmetric."""
    values = png.shrunk(finite(y[channels]), MOST_SIDE)
    bound = float(np.abs(values).max())
    return _entry(values, channels, -bound, bound, png.signed_grey(values, bound))


def _entry(values, channels, low, high, pixels):
    _, height, width = values.shape
    image = png.data_uri(png.row(pixels))
    return {"channels": channels.tolist(), "width": width, "height": height, "low": low, "high": high, "png": image}


def finite(y: Array) -> Array:
    """Return y with NaN as 0, and infinities as the largest and smallest finite values."""
    usable = np.isfinite(y)
    if usable.all():
        return y
    known = y[usable] if usable.any() else np.zeros(1, y.dtype)
    return np.nan_to_num(y, nan=0.0, posinf=float(known.max()), neginf=float(known.min()))


def _histogram(y):
    values = y[np.isfinite(y)].astype(np.float64)
    if not values.size:
        return None
    counts, edges = np.histogram(values, BINS)
    between = [float(f"{edge:.6g}") for edge in edges[1:-1]]  # six digits, because a page has hundreds of histograms
    return {"edges": [float(edges[0]), *between, float(edges[-1])], "counts": counts.tolist()}


def first_filters(graph: Graph, name: str) -> dict[str, Any] | None:
    """Return the filters of a convolution that reads an input as an RGB image, or None for any other node.

    Each filter is scaled by its largest weight; mid-grey is zero. Filters are divided by one transparent pixel, which
    is part of the width and height of a filter.
    """
    layer, wires = graph.nodes[name]
    weight = layer.params["weight"] if isinstance(layer, Conv2d) else None
    if weight is None or wires[0] not in graph.inputs or weight.shape[1] not in (1, 3):
        return None
    filters, _, height, width = weight.shape
    columns = int(np.ceil(np.sqrt(2 * filters)))
    tiles = np.zeros((filters, height + 1, width + 1, 4), np.uint8)
    tiles[:, :height, :width, :3] = _colours(finite(weight)).transpose(0, 2, 3, 1)
    tiles[:, :height, :width, 3] = 255
    image = png.data_uri(png.grid(tiles, columns))
    return {"png": image, "width": width + 1, "height": height + 1, "columns": columns}


def _colours(weight: FloatArray):
    largest = np.abs(weight).max(axis=(1, 2, 3))
    return np.stack([png.signed_grey(part, float(most)) for part, most in zip(weight, largest, strict=True)])
