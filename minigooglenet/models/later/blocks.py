"""The blocks that the later networks share: a step, a branch, a module of branches, a residual.

A table of a network has one row per block. A *branch* is a list of steps, one after another; a *module* is a tuple of
branches, whose outputs are concatenated. Nodes are named after the branch (a, b, ...), the step and its kernel:
`mixed_5b/b2_5x5` is the second step of the second branch of mixed_5b.
"""

import string
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from minigooglenet import layers, shapes
from minigooglenet.graph import Graph
from minigooglenet.layers.base import Layer
from minigooglenet.models.blocks import Builder
from minigooglenet.typing import Padding, Size

SAME = "same"  # TensorFlow's padding, which depends on the size of the input: ceil(H / stride) outputs


class Step(Protocol):
    """A row's smallest part. `add` adds its nodes, named after `module` and `label`, and returns its output wires."""

    def add(self, g: "Blocks", wire: str, module: str, label: str) -> tuple[str, ...]: ...


Branch = Sequence[Step]
Module = tuple[Branch, ...]


class Conv(NamedTuple):
    """A convolution, batch norm if the network has it, and an activation.

    filters : number of filters at width 1; None for as many as the input has channels
    kernel : R = S, or (R, S)
    padding : None keeps height and width at stride 1: (kernel - 1) / 2 on every side; 0, another padding, or SAME
    activation : class of the layer after it, or None
    norm : whether it has batch norm, if the network has
    """

    filters: int | None
    kernel: Size
    stride: int = 1
    padding: Padding | str | None = None
    groups: int = 1
    activation: Callable[[], Layer] | None = layers.ReLU
    norm: bool = True

    def add(self, g: "Blocks", wire: str, module: str, label: str) -> tuple[str, ...]:
        name = f"{label}_{_written(self.kernel)}"
        filters = g.channels(wire) if self.filters is None else g.style.channels(self.filters)
        padding = g.padding(wire, self.kernel, self.stride, self.padding)
        settings: dict[str, Any] = {"groups": self.groups, "bn_name": f"bn_{name}" if self.norm else None}
        wire = g.conv(wire, module, name, filters, self.kernel, self.stride, padding, **settings)
        return (g.activate(wire, module, name, self.activation),)


class Depthwise(NamedTuple):
    """A convolution with one filter per channel. By default nothing follows: the first half of a separable convolution.

    The other fields are those of `Conv`.
    """

    kernel: Size = 3
    stride: int = 1
    padding: Padding | str | None = None
    activation: Callable[[], Layer] | None = None
    norm: bool = False

    def add(self, g: "Blocks", wire: str, module: str, label: str) -> tuple[str, ...]:
        name, filters = f"{label}_{_written(self.kernel)}_depthwise", g.channels(wire)
        padding = g.padding(wire, self.kernel, self.stride, self.padding)
        settings: dict[str, Any] = {"groups": filters, "bias": False, "bn_name": f"bn_{name}" if self.norm else None}
        wire = g.conv(wire, module, name, filters, self.kernel, self.stride, padding, **settings)
        return (g.activate(wire, module, name, self.activation),)


class Pool(NamedTuple):
    """A pool: its class, window and stride; the padding is that of `Conv`, and `settings` are of the class."""

    kind: Callable[..., Layer] = layers.MaxPool2d
    kernel: int = 3
    stride: int = 2
    padding: Padding | str | None = 0
    settings: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    def add(self, g: "Blocks", wire: str, module: str, label: str) -> tuple[str, ...]:
        padding = g.padding(wire, self.kernel, self.stride, self.padding)
        return (g.add(f"{module}/{label}_pool", self.kind(self.kernel, self.stride, padding, **self.settings), wire),)


class Plain(NamedTuple):
    """A layer without parameters, such as a ReLU before a convolution."""

    make: Callable[[], Layer]

    def add(self, g: "Blocks", wire: str, module: str, label: str) -> tuple[str, ...]:
        layer = self.make()
        return (g.add(f"{module}/{label}_{layer.kind.lower()}", layer, wire),)


class Fork(NamedTuple):
    """Several convolutions of the same wire at the end of a branch; each goes into the concat of the module."""

    convolutions: tuple[Conv, ...]

    def add(self, g: "Blocks", wire: str, module: str, label: str) -> tuple[str, ...]:
        return tuple(output for conv in self.convolutions for output in conv.add(g, wire, module, label))


def fork(*convolutions: Conv) -> Fork:
    """Return a fork into these convolutions."""
    return Fork(convolutions)


class Blocks(Builder):
    """A graph under construction from rows of a table. Every method adds nodes and returns its output wire."""

    def channels(self, wire: str) -> int:
        """Return the number of channels of a wire."""
        return self.graph.shape(wire)[0]

    def padding(self, wire: str, kernel: Size, stride: int, padding: Padding | str | None) -> Padding:
        """Return the padding of a window on a wire; see `Conv`."""
        if isinstance(padding, str):
            _, height, width = self.graph.shape(wire)
            rows, columns = shapes.pair(kernel, "kernel")
            return same(height, rows, stride), same(width, columns, stride)
        if padding is None:
            rows, columns = shapes.pair(kernel, "kernel")
            return rows // 2, columns // 2
        return padding

    def activate(self, wire: str, module: str, name: str, activation: Callable[[], Layer] | None) -> str:
        """Add an activation, if any: `module/relu_name`."""
        if activation is None:
            return wire
        layer = activation()
        return self.add(f"{module}/{layer.kind.lower()}_{name}", layer, wire)

    def branch(self, wire: str, module: str, steps: Branch, letter: str = "") -> tuple[str, ...]:
        """Add the steps one after another; return the wires of the last one."""
        outputs = (wire,)
        for number, step in enumerate(steps, start=1):
            outputs = step.add(self, outputs[0], module, f"{letter}{number}")
        return outputs

    def branches(self, wire: str, module: str, branches: Module, concat: str = "output") -> str:
        """Add a module: every branch reads `wire`, and the concat `module/output` joins their outputs.

        The nodes of a module of one branch have no letter, and without a fork at its end, it has no concat.
        """
        letters = string.ascii_lowercase if len(branches) > 1 else ("",)
        ends = [
            end
            for letter, steps in zip(letters, branches, strict=False)
            for end in self.branch(wire, module, steps, letter)
        ]
        return self.add(f"{module}/{concat}", layers.Concat(), *ends) if len(ends) > 1 else ends[0]

    def residual(
        self,
        wire: str,
        module: str,
        branches: Module,
        *,
        shortcut: Branch = (),
        scale: float | None = None,
        activation: Callable[[], Layer] | None = layers.ReLU,
    ) -> str:
        """Add shortcut(wire) + scale * branches(wire), and an activation; return its output wire.

        Several branches are joined and projected to the channels of the shortcut by a 1x1 convolution with a bias and
        nothing after it (Inception-v4 paper, figure 16). Without steps, the shortcut is `wire` itself.
        """
        (start,) = self.branch(wire, module, shortcut, "shortcut")
        output = self.branches(wire, module, branches, "concat")
        if len(branches) > 1:
            output = self.conv(output, module, "projection_1x1", self.channels(start), 1)
        if scale is not None:
            scaled = layers.Scale(self.channels(output), init=scale, bias=False, trained=False)
            output = self.add(f"{module}/scale", scaled, output)
        output = self.add(f"{module}/sum", layers.Add(), start, output)
        return self.activate(output, module, "sum", activation)

    def classifier(self, wire: str, num_classes: int, dropout: float = 0.0, name: str = "classifier") -> str:
        """Add global average pooling, dropout if any, and a linear layer."""
        wire = self.add("pool/global", layers.GlobalAvgPool2d(), wire)
        wire = self.dropout(wire, "pool/drop", dropout) if dropout else wire
        return self.linear(wire, name, num_classes)


def images(size: int, network: str = "", least: int = 1, why: str = "") -> Graph:
    """Return a graph for images (3, size, size), or raise an error with the least size and the reason for it."""
    if shapes.integer(size, "size", 1) < least:
        raise ValueError(f"size must be at least {least} for {network}, got {size}: {why}")
    return Graph(image=(3, size, size))


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return TensorFlow's SAME padding (before, after) of one axis, with which it has ceil(size / stride) windows.

    Examples
    --------
    >>> same(147, 3, 2), same(74, 3, 2)
    ((1, 1), (0, 1))
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _written(kernel: Size) -> str:
    rows, columns = shapes.pair(kernel, "kernel")
    return f"{rows}x{columns}"
