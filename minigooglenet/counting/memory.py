"""What an inference holds at its peak, by part: inputs, wires, transformed weights, workspace."""

import math
from typing import NamedTuple

import numpy as np

from minigooglenet.kernels import conv2d
from minigooglenet.layers import Conv2d

ITEMSIZE = 4  # bytes of a float32


class Peak(NamedTuple):
    """The bytes that a float32 inference `g(x)` holds while `node` runs, where their sum is largest.

    Attributes
    ----------
    node : the name of the node
    inputs : the caller's arrays, which the caller keeps to the end
    wires : what `node` writes, and every wire that it or a later node reads
    transformed_weights : of a convolution that Winograd's algorithm computes
    workspace : padded images, transformed tiles and unfinished rows of the convolution, one set for each thread
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

    def __str__(self):
        parts = [f"{self.inputs:,} of inputs", f"{self.wires:,} of wires"]
        parts += [f"{self.transformed_weights:,} of transformed weights"] if self.transformed_weights else []
        parts += [f"{self.workspace:,} of workspace"] if self.workspace else []
        return f"{self.total:,} bytes at {self.node!r}: {' + '.join(parts)}"


def peak(graph, schedule, batch=1, threads=1) -> Peak:
    """Return the `Peak` of an inference of `batch` images on `threads` threads."""
    inputs = sum(map(math.prod, graph.inputs.values()))
    peaks = []
    for name, wires in _live_wires(graph, schedule):
        layer, (first, *_) = graph.nodes[name]
        values = sum(math.prod(graph.shapes[wire]) for wire in wires - graph.inputs.keys())
        beside = _beside_wires(layer, (batch, *graph.shapes[first]), threads)
        peaks.append(Peak(name, batch * inputs * ITEMSIZE, batch * values * ITEMSIZE, *beside))
    return max(peaks, key=lambda peak: peak.total)


def peak_wire_bytes(graph, schedule, itemsize=ITEMSIZE) -> int:
    """Return the most bytes that the wires hold at once for one image, inputs among them until their last consumer."""
    lives = (sum(math.prod(graph.shapes[wire]) for wire in wires) for _, wires in _live_wires(graph, schedule))
    return itemsize * max(lives)


def _live_wires(graph, schedule):
    """Yield (node, the wires that are alive while it runs)."""
    live = set(graph.inputs)
    for name, free in schedule:
        live.add(name)
        yield name, live
        live = live - set(free)


def _beside_wires(layer, x_shape, threads):
    """Return (bytes of transformed weights, bytes of workspace) of a layer for x (N, C, H, W).

    What your own convolution holds is unknown, so it counts as 0.
    """
    if not isinstance(layer, Conv2d) or not isinstance(layer.algorithm, str):
        return 0, 0
    weight_shape, dtype = layer.params["weight"].shape, np.dtype(np.float32)
    form = conv2d.form_named(layer.algorithm, dtype, weight_shape, layer.stride, layer.padding)
    if not hasattr(form, "workspace"):
        return 0, 0
    return form.workspace(x_shape, weight_shape, layer.stride, layer.padding, layer.groups, threads, ITEMSIZE)
