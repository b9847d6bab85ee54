"""The exact values of some convolutions, so that the page can compute them step by step, within a number of bytes."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d
from minigooglenet.typing import Array, FloatArray
from minigooglenet.viewer import activations, png

MOST_SIDE = 28  # pixels of a map of `all_maps`
OVERHEAD, OVERHEAD_OF_A_CHANNEL = 400, 120  # bytes of keys and numbers, at most


@dataclass
class Convolution:
    """A convolution with its input (C, H, W) and output (K, P, Q) for one image; `relu` is the ReLU that reads it."""

    name: str
    layer: Conv2d
    x: FloatArray
    y: FloatArray
    relu: str | None

    def bytes_of_a_channel(self) -> int:
        """Return the bytes of the page that the values of one output channel need."""
        return _base64_bytes(self.y[0]) + _base64_bytes(self.layer.params["weight"][0]) + OVERHEAD_OF_A_CHANNEL

    def bytes_of_the_input(self, all_maps: dict[str, Any]) -> int:
        """Return the bytes that are needed for any number of channels."""
        return _base64_bytes(self.x) + len(all_maps["png"]) + OVERHEAD + len(self.relu or "")


def relu_of(graph: Graph, name: str) -> str | None:
    """Return the ReLU that reads a node, or None."""
    readers = (
        other for other, (layer, wires) in graph.nodes.items() if name in wires and getattr(layer, "kind", "") == "ReLU"
    )
    return next(readers, None)


def values(found: list[Convolution], budget: int) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return ({node: the page's entry `values`}, notes) for convolutions that share `budget` bytes.

    A convolution needs its whole input and at least one output channel; the earlier ones in `found` are served first.
    What is left is shared equally, the strongest channels of each first.
    """
    maps = {one.name: _all_maps(one.y) for one in found}
    left, fitting, notes = budget, list[Convolution](), list[str]()
    for one in found:
        least = one.bytes_of_the_input(maps[one.name]) + one.bytes_of_a_channel()
        if least <= left:
            left -= least
            fitting.append(one)
        else:
            notes.append(
                f"{one.name}: the exact values are left out: the input and one channel need {least:,} bytes, and "
                f"{left:,} of {budget:,} are left"
            )
    counts = _shared(fitting, left)
    entries = {}
    for one in fitting:
        entries[one.name] = _entry(one, counts[one.name], maps[one.name])
        if counts[one.name] < len(one.y):
            notes.append(
                f"{one.name}: exact values of the {counts[one.name]} strongest of {len(one.y)} channels fit into the "
                f"{budget:,} bytes that {len(found)} nodes share"
            )
    return entries, notes


def _shared(fitting, left):
    """Return {name: number of channels}: equal shares of the bytes; what one does not need is divided among others."""
    counts = {}
    smallest_first = sorted(fitting, key=lambda one: (len(one.y) - 1) * one.bytes_of_a_channel())
    for index, one in enumerate(smallest_first):
        more = min(len(one.y) - 1, left // (len(fitting) - index) // one.bytes_of_a_channel())
        counts[one.name] = 1 + more
        left -= more * one.bytes_of_a_channel()
    return counts


def _entry(one, count, all_maps):
    weight, bias = one.layer.params["weight"], one.layer.params.get("bias")
    channels = activations.by_strength(one.y)[:count].tolist()
    return {
        "input": encoded(one.x),
        "output": {str(k): encoded(one.y[k]) for k in channels},
        "weight": {str(k): encoded(weight[k]) for k in channels},
        "bias": {str(k): 0.0 if bias is None else _number(bias[k]) for k in channels},
        "relu": one.relu,
        "channels": channels,
        "all_maps": all_maps,
    }


def _all_maps(y):
    """Return every channel as a small map, in rows of `columns`, with one scale for all."""
    small = png.shrunk(activations.finite(y), MOST_SIDE)
    low, high = float(small.min()), float(small.max())
    columns = int(np.ceil(np.sqrt(len(small))))
    image = png.data_uri(png.grid(png.grey(small, low, high), columns))
    _, height, width = small.shape
    return {"width": width, "height": height, "columns": columns, "low": low, "high": high, "png": image}


def encoded(values: Array) -> str:
    """Return float32 values in base64, little-endian, in C order.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.viewer.exact_values import encoded
    >>> encoded(np.ones(2, np.float32))
    'AACAPwAAgD8='
    """
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode("ascii")


def _base64_bytes(values):
    return 4 * -(-4 * values.size // 3)


def _number(value):
    return float(value) if np.isfinite(value) else None  # JSON has neither NaN nor infinity
