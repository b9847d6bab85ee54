"""Test cases of the ladder: convolutions of a network, and smaller parts of them for algorithms that are too slow."""

import math
from dataclasses import dataclass, replace

import numpy as np

from minigooglenet import shapes
from minigooglenet.counting.costs import cost
from minigooglenet.kernels import conv2d
from minigooglenet.names import unknown

FEW_MACS = 50_000  # about a tenth of a second of plain loops in Python
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Case:
    """One convolution: its arguments, named after its node."""

    name: str
    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    stride: tuple[int, int]
    padding: tuple
    groups: int
    dilation: tuple[int, int] = (1, 1)

    @property
    def output_size(self) -> tuple[int, int]:
        return shapes.output_size(self.x.shape[2:], self.weight.shape[2:], self.stride, self.padding, self.dilation)

    @property
    def macs(self) -> int:
        """The MACs of the definition; an algorithm may need fewer."""
        return len(self.x) * self.weight.size * math.prod(self.output_size)

    @property
    def bytes(self) -> int:
        """The minimum memory traffic: input and weights are read once, and the output is written once."""
        outputs = len(self.x) * len(self.weight) * math.prod(self.output_size)
        return FLOAT_BYTES * (self.x.size + self.weight.size + len(self.weight) * (self.bias is not None) + outputs)

    def run(self, algorithm):
        """Return the output of an algorithm."""
        settings = self.stride, self.padding, self.groups
        return conv2d.forward(self.x, self.weight, self.bias, *settings, algorithm, dilation=self.dilation)

    def small(self, macs=FEW_MACS) -> "Case":
        """Return a part with about `macs` MACs: one image, one group, and only the first rows and filters."""
        filters, channels = len(self.weight) // self.groups, self.weight.shape[1]
        rows = min(self.x.shape[2], shapes.dilated(self.weight.shape[2:], self.dilation)[0] + self.stride[0])
        x = np.ascontiguousarray(self.x[:1, :channels, :rows])
        one = replace(self, x=x, weight=self.weight[:1], bias=None, groups=1)
        filters = max(1, min(filters, macs // one.macs))
        bias = None if self.bias is None else self.bias[:filters]
        return replace(one, weight=self.weight[:filters], bias=bias)

    def refusal(self, algorithm) -> str | None:
        """Return why an algorithm does not support this convolution, or None if it does."""
        try:
            self.small().run(algorithm)
        except ValueError as error:
            return str(error)
        return None


def of_node(graph, name, batch) -> Case:
    """Return the convolution of a node with random images."""
    layer, (wire,) = graph.nodes[name]
    x = np.random.default_rng(0).standard_normal((batch, *graph.shapes[wire]), dtype=np.float32)
    settings = layer.stride, layer.padding, layer.groups, layer.dilation
    return Case(name, x, layer.params["weight"], layer.params.get("bias"), *settings)


def convolutions(graph, outputs=None) -> list[str]:
    """Return the names of the convolutions that `outputs` need."""
    return [name for name, _ in graph.schedule(outputs) if graph.nodes[name].layer.kind == "Conv2d"]


def chosen(graph, names=None, few=False) -> list[str]:
    """Return `names`, or by default the largest node of each kernel size and stride and (unless `few`) the last one."""
    if names:
        known = convolutions(graph)
        for name in names:
            if name not in known:
                raise ValueError(unknown("convolution", name, known))
        return list(names)
    kinds = {}
    for name in convolutions(graph, [graph.main]):
        layer, wires = graph.nodes[name]
        (term,) = (term for term in cost(layer, graph.shapes[wires[0]]).terms if term.kind == "mac")
        kinds.setdefault((layer.kernel_size, layer.stride, layer.dilation), []).append((term.count, name))
    picked = {name for works in kinds.values() for _, name in (max(works), *([] if few else works[-1:]))}
    return [name for name in graph.nodes if name in picked]
