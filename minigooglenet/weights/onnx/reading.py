"""Import of a network from an ONNX file: its nodes as layers, or a list of the nodes that no layer supports.

Only the file itself is read, and its declared sizes are checked before any memory is allocated.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from minigooglenet import layers
from minigooglenet.data.pixels import Pixels
from minigooglenet.graph import Graph
from minigooglenet.typing import PathLike
from minigooglenet.weights import contents
from minigooglenet.weights.contents import WeightsError, cannot_read
from minigooglenet.weights.onnx import messages, metadata
from minigooglenet.weights.onnx.node import Node, UnknownShape, Wire
from minigooglenet.weights.onnx.operators import OPERATORS

MOST_LINES = 20  # of the list of unsupported nodes


class Imported(NamedTuple):
    """A network from an ONNX file, with its metadata: how images become inputs, and the classes of its main output.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=2, width=0.25)
    >>> mg.weights.onnx.Imported(g, None, ("cat", "dog")).classes
    ('cat', 'dog')
    """

    graph: Graph
    pixels: Pixels | None
    classes: tuple[str, ...] | None


def import_graph(path: PathLike) -> Imported:
    """Return the network in an ONNX file, if this package has layers for all its operators.

    Supported are Conv, MaxPool, AveragePool, GlobalAveragePool, ReduceMean over feature maps, LRN,
    BatchNormalization, Relu, Dropout, Gemm, MatMul with a constant and an added bias, Flatten, Reshape and Squeeze
    that flatten, Softmax, Concat along the channels, Add, Sum, Identity and Constant, in opsets 7 to 28. A node gets
    the name of the tensor that it writes; in files of other programs, a leading slash is removed. Only the nodes that
    the outputs of the file need are built.

    The outputs of the graph are those of the file, in its order, and `graph(x)` returns the first one. A file of this
    package restores the outputs of the exported graph.

    Raises
    ------
    WeightsError
        If the file is corrupt, or no layer supports some nodes: the message lists them with their counts.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=2, width=0.25)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.weights.onnx.export(g, os.path.join(folder, "net.onnx"), classes=("cat", "dog"))
    ...     imported = mg.weights.onnx.import_graph(os.path.join(folder, "net.onnx"))
    >>> imported.classes, list(imported.graph.nodes) == list(g.nodes)
    (('cat', 'dog'), True)
    """
    with contents.open_file(path) as file:
        message, opset, properties, producer, source = messages.parse(path, file)
        reader = _Reader(source, message, opset, exact_names=producer == metadata.PRODUCER)
        if reader.problems:
            raise WeightsError(f"cannot read {path} as weights: {_listed(reader.problems)}")
        graph = reader.graph(metadata.outputs_by_default(properties, producer))
        made_by, pixels, classes = metadata.unpack(properties, graph)
    graph.made_by = made_by
    return Imported(graph, pixels, classes)


class _Reader:
    """The nodes of an ONNX graph, in order, as steps {wire: (layer, input wires)}."""

    def __init__(self, source, message, opset, exact_names):
        self.source, self.opset, self.exact_names, self.batch = source, opset, exact_names, None
        self.constants = {tensor.name: tensor for tensor in message.initializer}
        self.nodes = _needed(message)
        self.consumers = Counter(name for node in self.nodes for name in node.input)
        self.outputs = [output.name for output in message.output]
        self.consumers.update(self.outputs)
        self.reserved = {self._plain(output): output for output in reversed(self.outputs)}
        self.wires, self.inputs, self.steps, self.bytes = {}, {}, {}, 0
        self.tensors = {}  # {wire: tensor whose name it has}
        self.problems = {}  # {(operator, reason): names of nodes}
        for value in message.input:
            if value.name in self.consumers and value.name not in self.constants:  # old files also list their arrays
                batch, shape = messages.shape(value, _short(value.name))
                if None not in (batch, self.batch) and batch != self.batch:
                    raise ValueError(f"its inputs have different batch sizes, {self.batch} and {batch}")
                self.batch = batch or self.batch
                name = self._new_name(value.name)
                self.wires[value.name] = Wire(name, shape)
                self.inputs[name] = shape
        for node in self.nodes:
            self._read(node)

    def graph(self, by_default=False) -> Graph:
        """Return the network, after checking that every output is computed.

        by_default : do not assign the outputs if they are the default, the wires without consumers
        """
        for name in self.outputs:
            if name in self.constants:
                raise ValueError(f"its output {_short(name)!r} is constant")
        outputs = self._name_outputs()
        graph = Graph(**self.inputs)
        for name, (layer, wires) in self.steps.items():
            graph.add(name, layer, *wires)
        if not by_default or graph.outputs != outputs:
            graph.outputs = outputs
        return graph

    def _name_outputs(self):
        """Return the output wires with their names in the file, even if a node is the identity."""
        outputs, renamed, copies = [], {}, {}
        for output in self.outputs:
            name = wire = self.wires[output].name
            if self.tensors[wire] != output:
                name = self._new_name(output)
                if wire in self.inputs or wire in renamed or self.tensors[wire] in self.outputs:
                    copies[name] = layers.Concat(), [wire]  # one wire with two names
                else:
                    renamed[wire] = name
            outputs.append(name)
        self.steps = {
            renamed.get(name, name): (layer, [renamed.get(wire, wire) for wire in wires])
            for name, (layer, wires) in (self.steps | copies).items()
        }
        return tuple(outputs)

    def _read(self, message):
        """Add the layer and wire of one node, or record the problem."""
        operator = message.op_type if message.domain in messages.DOMAINS else f"{message.domain}.{message.op_type}"
        written, *further = message.output
        if not written:
            raise ValueError(f"{_short(operator)} (node {_short(message.name)!r}): its first output is missing")
        known = [name in self.wires or name in self.constants or not name for name in message.input]
        if not all(known):
            unknown = message.input[known.index(False)]
            raise ValueError(
                f"node {_short(message.name or written)!r} reads {_short(unknown)!r}, which no earlier node writes"
            )
        self.wires[written] = Wire(written, None)  # until the layer exists
        self.wires.update((name, Wire(name, None)) for name in further)
        try:
            if operator not in OPERATORS and operator != "Constant":
                raise ValueError("no layer supports this operator")
            read = [name for name in further if name and self.consumers[name]]
            if read:
                count = list(message.output).index(read[0]) + 1
                raise ValueError(f"its output {count}, {_short(read[0])!r}, is also used, but a layer has one output")
            if operator == "Constant":
                self.constants[written] = _constant(messages.attributes(message))
            elif operator == "Identity" and len(message.input) == 1 and message.input[0] in self.constants:
                self.constants[written] = self.constants[message.input[0]]
            else:
                self._make(written, *OPERATORS[operator], message)
        except UnknownShape:
            pass  # the problem of an earlier node is already recorded
        except WeightsError:
            raise
        except (ValueError, TypeError) as error:
            self.problems.setdefault((operator, str(error)), []).append(message.name or written)

    def _make(self, written, function, known, message):
        attributes = messages.attributes(message)
        for unknown in attributes.keys() - known:
            raise ValueError(f"attribute {unknown} is unknown")
        values = [self._value(name) for name in message.input]
        node = Node(values, attributes, self.opset, self.batch, len(message.output))
        layer = function(node)
        node.check_all_used()
        read = node.wires
        if layer is None and len(read) == 1:
            self._alias(written, read[0])
            return
        taken = 1 if layer is None else layer.inputs_taken
        if not read or taken not in (None, len(read)):
            raise ValueError(f"it reads {len(read)} wires; expected {taken or 'one or more'}")
        if any(wire.shape is None for wire in read):
            raise UnknownShape
        shape = layer.output_shape(*(wire.shape for wire in read))
        if math.prod(shape) * 4 > contents.MOST_BYTES:
            raise ValueError(f"its output has the shape {shape}, more than {contents.MOST_BYTES:,} bytes")
        name = self._new_name(written)
        self.steps[name] = layer, [wire.name for wire in read]
        self.wires[written] = Wire(name, shape, layer, self.consumers[written] == 1)

    def _alias(self, written, wire):
        """Make `written` a name of the same wire; the wire is renamed if it has no other consumer."""
        name = wire.name
        if wire.alone:
            name = self._new_name(written)
            self.steps[name] = self.steps.pop(wire.name)
        self.wires[written] = wire._replace(name=name, alone=wire.alone and self.consumers[written] == 1)

    def _value(self, name):
        """Return the input of a node with this name: a Wire, an array, or None if it is omitted."""
        if not name:
            return None
        if name in self.constants:
            value = self.constants[name]  # copied, because other nodes may read it and their layers train separately
            value = value.copy() if isinstance(value, np.ndarray) else messages.array(value, _short(name), self.source)
            self.bytes += value.nbytes
            if self.bytes > contents.MOST_BYTES:
                raise cannot_read(self.source.path, f"its nodes read more than {contents.MOST_BYTES:,} bytes of arrays")
            return value
        return self.wires[name]

    def _new_name(self, tensor):
        name = self._plain(tensor)
        # An output keeps its name even if another tensor "/name" precedes it.
        while name in self.steps or name in self.inputs or self.reserved.get(name, tensor) != tensor:
            name += "_"
        self.tensors[name] = tensor
        return name

    def _plain(self, tensor):
        return tensor if self.exact_names else tensor.lstrip("/") or tensor


def _needed(message):
    """Return the nodes that the outputs of an ONNX graph need, in order; no tensor may be written twice."""
    writers = {}
    provided = {value.name for values in (message.input, message.initializer) for value in values}
    for index, node in enumerate(message.node):
        if len(node.input) > messages.MOST_INPUTS:
            raise ValueError(
                f"node {_short(node.name)!r} has {len(node.input):,} inputs, more than {messages.MOST_INPUTS:,}"
            )
        for name in filter(None, node.output):
            if name in writers or name in provided:
                raise ValueError(f"{_short(name)!r} is written twice")
            writers[name] = index
    missing = [output.name for output in message.output if output.name not in writers]
    if missing or not message.output:
        raise ValueError(f"no node writes its output{f' {_short(missing[0])!r}' if missing else ''}")
    needed, waiting = set(), [output.name for output in message.output]
    while waiting:
        writer = writers.get(waiting.pop())
        if writer is not None and writer not in needed:
            needed.add(writer)
            waiting.extend(message.node[writer].input)
    return [message.node[index] for index in sorted(needed)]


def _constant(attributes):
    """Return the value of a Constant node: a TensorProto, or an array."""
    if len(attributes) != 1:
        raise ValueError(f"it must have one attribute, got {len(attributes)}")
    ((name, value),) = attributes.items()
    if name == "value" and value is not None:
        return value
    if name in ("value_float", "value_floats"):
        return np.array(value, np.float32)
    if name in ("value_int", "value_ints"):
        return np.array(value, np.int64)
    raise ValueError(f"attribute {name} is unknown")


def _listed(problems):
    lines = []
    for (operator, reason), names in problems.items():
        where = (
            f"1 node, {_short(names[0])!r}" if len(names) == 1 else f"{len(names)} nodes, first {_short(names[0])!r}"
        )
        lines.append(f"{_short(operator)} ({where}): {reason[:300]}")
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more"]
    count = sum(map(len, problems.values()))
    return "\n  ".join([f"no layer supports {count} of its nodes", *lines])


def _short(name):
    return name[:60]
