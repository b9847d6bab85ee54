"""Peak memory of an inference, by part: inputs, wires, transformed weights, workspace."""

import math
from typing import Any, NamedTuple

import numpy as np

from minigooglenet.kernels import conv2d
from minigooglenet.layers import Conv2d

ITEMSIZE = 4  # bytes of a float32


class Peak(NamedTuple):
    """The memory in bytes of a float32 inference `g(x)` while `node` runs: the node at which it is largest.

    Attributes
    ----------
    node : name of the node
    inputs : the caller's arrays, which exist during the whole call
    wires : the wire that `node` writes, and every wire that it or a later node reads
    transformed_weights : transformed weights, if Winograd's algorithm computes the convolution
    workspace : padded images, transformed tiles and intermediate rows of the convolution, per thread
    """

    node: str
    inputs: int
    wires: int
    transformed_weights: int
    workspace: int

    @property
    def total(self) -> int:
        """The sum of the parts."""
        return self.inputs + self.wires + self.transformed_weights + self.workspace

    def __str__(self) -> str:
        parts = [f"{self.inputs:,} of inputs", f"{self.wires:,} of wires"]
        parts += [f"{self.transformed_weights:,} of transformed weights"] if self.transformed_weights else []
        parts += [f"{self.workspace:,} of workspace"] if self.workspace else []
        return f"{self.total:,} bytes at {self.node!r}: {' + '.join(parts)}"


def peak(graph: Any, schedule: Any, batch: int = 1, threads: int = 1) -> Peak:
    """Return the `Peak` of an inference of `batch` images on `threads` threads."""
    inputs = sum(map(math.prod, graph.inputs.values()))
    peaks = []
    for name, wires in _live_wires(graph, schedule):
        layer, (first, *_) = graph.nodes[name]
        values = sum(math.prod(graph.shapes[wire]) for wire in wires - graph.inputs.keys())
        extra = _extra_bytes(layer, (batch, *graph.shapes[first]), threads)
        peaks.append(Peak(name, batch * inputs * ITEMSIZE, batch * values * ITEMSIZE, *extra))
    return max(peaks, key=lambda peak: peak.total)


def peak_wire_bytes(graph, schedule, itemsize=ITEMSIZE) -> int:
    """Return the peak memory of the wires for one image, in bytes, including inputs until their last consumer."""
    return max(live_wire_bytes(graph, schedule, itemsize).values())


def live_wire_bytes(graph, schedule, itemsize=ITEMSIZE) -> dict[str, int]:
    """Return {node: bytes of the wires in memory while it runs} for one image; inputs exist until their last consumer.

    These are the wire that the node writes, and every wire that it or a later node reads.
    """
    return {
        node: itemsize * sum(math.prod(graph.shapes[wire]) for wire in wires)
        for node, wires in _live_wires(graph, schedule)
    }


def _live_wires(graph, schedule):
    """Yield (node, the wires that are in memory while it runs)."""
    live = set(graph.inputs)
    for name, free in schedule:
        live.add(name)
        yield name, live
        live = live - set(free)


def _extra_bytes(layer, x_shape, threads):
    """Return (bytes of transformed weights, bytes of workspace) of a layer for x (N, C, H, W).

    The workspace of a user's convolution is unknown, so it counts as 0.
    """
    if not isinstance(layer, Conv2d) or not isinstance(layer.algorithm, str):
        return 0, 0
    weight_shape, dtype, dilation = layer.params["weight"].shape, np.dtype(np.float32), layer.dilation
    form = conv2d.form_named(layer.algorithm, dtype, weight_shape, layer.stride, layer.padding, dilation)
    if not hasattr(form, "workspace"):
        return 0, 0
    settings = layer.stride, layer.padding, layer.groups, threads, ITEMSIZE
    return form.workspace(x_shape, weight_shape, *settings, **conv2d.keywords_of(dilation))
