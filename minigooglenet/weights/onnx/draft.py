"""The network while a file is read: layers to build, the values of the tensors, and the constants.

A tensor is a constant array, or a view: the values of a step (a layer to build, or an input of the network) in some
layout. A step is changed or left out again when a later node turns out to be a part of it, such as the bias after a
convolution. `Draft.graph` names the steps that the outputs need, and builds the graph.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from minigooglenet import layers
from minigooglenet.graph import Graph
from minigooglenet.layers import Layer
from minigooglenet.typing import Array, Shape
from minigooglenet.weights import contents
from minigooglenet.weights.contents import cannot_read
from minigooglenet.weights.onnx import layouts, messages
from minigooglenet.weights.onnx.layouts import Layout

# Bytes of arrays that a file does not contain: a VGG-19 whose weights are filled with one number takes 575 million.
FILLED = 640 * 1024**2
COPIES = 4  # of the values in a file
# Pools of the whole map that keep two axes of length 1, for a reader that needs them.
KEEPING = {layers.GlobalAvgPool2d: layers.AvgPool2d, layers.GlobalMaxPool2d: layers.MaxPool2d}


class UnknownShape(Exception):  # noqa: N818 (the failing node is already recorded)
    """A node before this one could not be read, so the shapes after it are unknown."""


class Step:
    """A layer to build, with the steps that it reads and the tensor that it is named after; an input has no layer."""

    def __init__(self, tensor: str, shape: Shape, layer: Layer | None = None, reads: tuple[Step, ...] = ()) -> None:
        self.tensor, self.shape, self.layer, self.reads = tensor, shape, layer, reads


class View(NamedTuple):
    """A tensor that is not constant: the values of a step in a layout.

    alone : whether only one reader, or the caller, gets the values of the step: that of this tensor
    """

    step: Step
    layout: Layout
    alone: bool

    @property
    def shape(self) -> Shape:
        """The shape without the batch axis."""
        return layouts.sizes(self.layout)

    @property
    def plain(self) -> bool:
        """Whether the tensor is the wire itself, and not another shape or order of its values."""
        return self.layout == layouts.of(self.step.shape)


class Draft:
    """The layers and tensors that have been read so far.

    own : whether this package wrote the file, so that its nodes are restored as they were and names are kept
    most : bytes that all arrays may take, see `most_bytes`
    batch : the batch size of the inputs, if the file fixes it
    """

    def __init__(self, readers: Counter[str], outputs: list[str], source: Any, own: bool, most: int) -> None:
        self.readers, self.outputs, self.source, self.own = readers, outputs, source, own
        self.returned = frozenset(outputs)
        self.unread = readers.copy()  # how many readers of each tensor are still to come
        self.batch: int | None = None
        self.inputs: list[Step] = []
        self.steps: list[Step] = []
        self.values: dict[str, View | Array | Any] = {}  # an array that no node has read is still a TensorProto
        self.wires: dict[str, View] = {}  # tensors whose layout became a layer
        self.most, self.bytes = most, 0

    def add(self, tensor: str, layer: Layer, reads: list[View]) -> View:
        """Add a layer that reads the steps of some views, and return its output in the layout of the wire."""
        shape = layer.output_shape(*(view.step.shape for view in reads))
        if math.prod(shape) * 4 > contents.MOST_BYTES:
            raise ValueError(f"its output has the shape {shape}, more than {contents.MOST_BYTES:,} bytes")
        if len(self.steps) >= messages.MOST_NODES:
            raise ValueError(f"it needs more than {messages.MOST_NODES:,} layers")
        step = Step(tensor, shape, layer, tuple(view.step for view in reads))
        self.steps.append(step)
        return View(step, layouts.of(shape), self.readers.get(tensor, 1) == 1)

    def alias(self, tensor: str, view: View, layout: Layout | None = None) -> View:
        """Return a view of the same step as the value of another tensor, which names the step if no other reads it."""
        layout = view.layout if layout is None else layout
        view = View(view.step, layout, view.alone and self.readers.get(tensor, 1) == 1)
        if view.alone and view.plain and view.step.layer is not None:
            view.step.tensor = tensor
        return view

    def wire(self, tensor: str) -> View:
        """Return a tensor as a wire, for which a flattening and a channel shuffle become layers.

        Raises
        ------
        ValueError
            If no layer moves the values into such a layout.
        """
        view = self.values[tensor]
        if view.plain:
            return view
        if tensor not in self.wires:
            self.wires[tensor] = self._moved(tensor, view)
        return self.wires[tensor]

    def _moved(self, tensor, view):
        step, shape = view.step, view.shape
        if step.tensor == tensor and step.layer is not None:
            step.tensor = f"{tensor}/map"  # the name is that of the layer that moves its values
        if len(shape) == 1 and view.layout == layouts.reshape(layouts.of(step.shape), shape):
            return self.add(tensor, layers.Flatten(), [view])
        if groups := layouts.shuffled(view.layout, step.shape):
            return self.add(tensor, layers.ChannelShuffle(groups), [view])
        for pool, keeping in KEEPING.items():
            if isinstance(step.layer, pool) and view.alone and shape == (*step.shape, 1, 1):
                step.layer, step.shape = keeping(step.reads[0].shape[1:], stride=1), shape
                return view
        raise ValueError(
            f"tensor {short(tensor)!r} has the values of a {_text(step.shape)} in another order or shape, "
            f"{_text(shape)}, for which this package has no layer"
        )

    def constant(self, tensor: str, *, own: bool = True) -> Array:
        """Return the array of a constant tensor.

        own : whether the caller may keep and change the array: it gets a copy if another node reads the tensor later,
            because their layers train separately
        """
        value = self.values[tensor]
        if not isinstance(value, np.ndarray):
            value = messages.array(value, short(tensor), self.source)
            self.spend(value.nbytes)
        elif own and (self.unread[tensor] > 1 or value.base is not None):  # another array may use its memory
            self.spend(value.nbytes)
            value = value.copy()
        return value

    def release(self, tensors: Iterable[str]) -> None:
        """Forget the arrays of tensors that one node has read, if it was the last reader."""
        for tensor in tensors:
            self.unread[tensor] -= 1
            if self.unread[tensor] == 0 and isinstance(self.values.get(tensor), np.ndarray):
                del self.values[tensor]

    def spend(self, count: int) -> None:
        """Count the bytes of an array, and raise a WeightsError if all arrays together have too many."""
        self.check(count)
        self.bytes += count

    def check(self, count: int) -> None:
        """Raise a WeightsError if an array of so many bytes would be too much."""
        if self.bytes + count > self.most:
            raise cannot_read(self.source.path, f"its nodes read more than {self.most:,} bytes of arrays")

    def graph(self, by_default: bool = False) -> Graph:
        """Return the network.

        by_default : do not assign the outputs if they are the default, the wires without consumers
        """
        ends = self._ends()
        needed, waiting = set(), list(ends)
        while waiting:
            step = waiting.pop()
            if step not in needed:
                needed.add(step)
                waiting += step.reads
        names = self._names([step for step in [*self.inputs, *self.steps] if step in needed])
        graph = Graph(**{names[step]: step.shape for step in self.inputs if step in needed})
        for step in self.steps:
            if step in needed:
                graph.add(names[step], step.layer, *(names[read] for read in step.reads))
        outputs = tuple(names[step] for step in ends)
        if not by_default or graph.outputs != outputs:
            graph.outputs = outputs
        return graph

    def _ends(self):
        """Return the steps of the outputs, each with the name of its output, even if a node only copies a wire."""
        ends, used = [], set()
        for output in self.outputs:
            step = self.wire(output).step
            if step.tensor != output:
                if step.layer is None or step in used or step.tensor in self.returned:
                    step = Step(output, step.shape, layers.Concat(), (step,))  # one wire with two names
                    self.steps.append(step)
                step.tensor = output
            used.add(step)
            ends.append(step)
        return ends

    def _names(self, steps):
        """Return {step: name}. An output keeps its name even if another tensor "/name" precedes it."""
        reserved = {self._plain(output): output for output in reversed(self.outputs)}
        names, used = {}, set()
        for step in steps:
            name = self._plain(step.tensor)
            while name in used or reserved.get(name, step.tensor) != step.tensor:
                name += "_"
            names[step] = name
            used.add(name)
        return names

    def _plain(self, tensor):
        return tensor if self.own else tensor.lstrip("/") or tensor


def most_bytes(size: int) -> int:
    """Return how many bytes the arrays of a file may take: a small file can fill large arrays with one number."""
    return min(contents.MOST_BYTES, FILLED + COPIES * size)


def short(name: str) -> str:
    """Return the beginning of a name, for a message."""
    return name[:60]


def _text(shape) -> str:
    return f"(N, {', '.join(map(str, shape))})"
